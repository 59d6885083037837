"""The list of classes: key, colour, name and count of each, and what changes them."""

from __future__ import annotations

from collections.abc import Mapping

from psygnal import Signal
from qtpy.QtGui import QAction, QColor  # type: ignore[attr-defined]
from qtpy.QtWidgets import QColorDialog, QGridLayout, QLabel, QLineEdit, QMenu, QToolButton, QVBoxLayout, QWidget

from napari_fastsam.core.classes.classes import KEYS, ClassList, ObjectClass
from napari_fastsam.widgets.common.text import plain

_SIDE = 26
"""Screen pixels of a button."""


class ClassRows(QWidget):
    """Shows a list of classes, a row each, and says what the user wants of it."""

    chosen = Signal(str)
    """The class of this name is to be that of new objects."""

    renamed = Signal(str, str)
    recoloured = Signal(str, str)
    key_changed = Signal(str, object)
    removed = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        self._grid = QGridLayout()
        self._without = QLabel("")
        column.addLayout(self._grid)
        column.addWidget(self._without)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(4)
        self._grid.setColumnStretch(1, 1)
        self._shown: ClassList | None = None
        self.names: dict[str, QLineEdit] = {}
        self.buttons: dict[str, QToolButton] = {}
        self.counts: dict[str, QLabel] = {}
        self.menus: dict[str, QMenu] = {}

    def show_list(self, classes: ClassList, counts: Mapping[str, int]) -> None:
        """Show classes and how many objects each has."""
        if classes != self._shown:
            self._shown = classes
            self._make_anew(classes)
        for name, label in self.counts.items():
            label.setText(f"{counts.get(name, 0):,}")
        self._leave_no_gap()

    def show_without(self, count: int) -> None:
        """Show how many objects have no class."""
        self._without.setText(f"{count:,} without a class" if count else "")
        self._leave_no_gap()

    def show_again(self) -> None:
        """Show the list as it is: what was typed and cannot be is forgotten."""
        for name, field in self.names.items():
            field.setText(name)

    def _leave_no_gap(self) -> None:
        """Take no room for what is empty."""
        self._without.setHidden(not self._without.text())
        self.setHidden(not self.names and not self._without.text())

    def _make_anew(self, classes: ClassList) -> None:
        for widgets in (self.names, self.buttons, self.counts, self.menus):
            widgets.clear()
        while (item := self._grid.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.hide()
                widget.deleteLater()
        for row, one in enumerate(classes.classes):
            self._make_row(row, one, one.name == classes.chosen)

    def _make_row(self, row: int, one: ObjectClass, chosen: bool) -> None:
        button = self.buttons[one.name] = QToolButton()
        button.setText("" if one.key is None else str(one.key))
        button.setFixedSize(_SIDE, _SIDE)
        button.setCheckable(True)
        button.setChecked(chosen)
        button.setStyleSheet(_style(one.colour))
        button.setToolTip("Press: new objects get this class. The digit is its key on the image.")
        button.setAccessibleName(f"New objects are {one.name}")
        button.clicked.connect(lambda *_: self.chosen.emit(one.name))
        name = self.names[one.name] = QLineEdit(one.name)
        name.setMinimumWidth(40)
        name.setCursorPosition(0)  # of a long name the beginning is seen
        name.setToolTip(plain(f"{one.name}: its name, as features and files have it."))
        name.editingFinished.connect(lambda: self._name_edited(one.name, name))
        count = self.counts[one.name] = QLabel("0")
        count.setToolTip("Objects of this class.")
        more = QToolButton()
        more.setText("…")
        more.setFixedSize(_SIDE, _SIDE)
        more.setToolTip("Colour, key, delete.")
        more.setAccessibleName(f"Change {one.name}")
        menu = self.menus[one.name] = self._make_menu(more, one)
        more.clicked.connect(lambda *_: menu.popup(more.mapToGlobal(more.rect().bottomLeft())))
        for column, widget in enumerate((button, name, count, more)):
            self._grid.addWidget(widget, row, column)

    def _make_menu(self, parent: QWidget, one: ObjectClass) -> QMenu:
        menu = QMenu(parent)
        _add(menu, "Colour …", lambda: self._ask_colour(one))
        keys = menu.addMenu("Key")
        for key in (*KEYS, None):
            action = _add(keys, "none" if key is None else str(key), lambda key=key: self._key_wanted(one, key))
            action.setCheckable(True)
            action.setChecked(key == one.key)
        _add(menu, "Delete", lambda: self.removed.emit(one.name))
        return menu

    def _key_wanted(self, one: ObjectClass, key: int | None) -> None:
        self.key_changed.emit(one.name, key)

    def _name_edited(self, before: str, field: QLineEdit) -> None:
        if field.text().strip() != before:
            self.renamed.emit(before, field.text())

    def _ask_colour(self, one: ObjectClass) -> None:
        colour = QColorDialog.getColor(QColor(one.colour), self, f"Colour of {one.name}")
        if colour.isValid():
            self.recoloured.emit(one.name, colour.name())


def _add(menu: QMenu | None, text: str, do: object) -> QAction:
    action = QAction(text, menu)
    action.triggered.connect(lambda *_: do())  # type: ignore[operator]
    if menu is not None:
        menu.addAction(action)
    return action


def _style(colour: str) -> str:
    """Return the style of a button in a class's colour, readable on it, framed while it is pressed."""
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    text = "black" if 0.299 * red + 0.587 * green + 0.114 * blue > 140 else "white"
    return (
        f"QToolButton {{ background: {colour}; color: {text}; border: 2px solid transparent; border-radius: 4px; }}"
        "QToolButton:checked { border-color: palette(text); font-weight: bold; }"
    )
