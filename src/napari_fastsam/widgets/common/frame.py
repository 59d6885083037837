"""What napari docks: the controls, which scroll, and below them, always in sight, what is done and said."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from qtpy.QtCore import QEvent, QObject, QSize, Qt, QTimer, Signal  # type: ignore[attr-defined]
from qtpy.QtWidgets import QBoxLayout, QLabel, QScrollArea, QSizePolicy, QVBoxLayout, QWidget

from napari_fastsam.widgets.common.folded import Folded
from napari_fastsam.widgets.common.tabbing import put_behind_tabs

MINIMUM_WIDTH = 340

_BESIDE = (8, 0, 8, 0)
"""What is below the controls begins where they do, and ends before the window does, whose edge would cut it."""


class Frame(QWidget):
    """The dock's native widget.

    Parameters
    ----------
    controls
        The scroll area with the controls.
    pinned
        What stays in sight below it, from top to bottom.
    shortcuts
        What unfolds at the end of the controls; None = nothing.
    above
        What stays in sight above it.
    width
        Of the dock at first, in screen pixels; None = what the controls would like, `MINIMUM_WIDTH` at least.
    """

    removed = Signal()
    """napari took it out of its dock, for good. It only leaves it without a parent: the frame deletes itself then, or
    Qt's widgets would keep the Python side of the dock alive, and that them."""

    def __init__(
        self,
        controls: QScrollArea,
        pinned: list[QWidget],
        shortcuts: Folded | None = None,
        above: Sequence[QWidget] = (),
        width: int | None = None,
    ) -> None:
        super().__init__()
        self._was_docked = self._was_shown = False
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.timeout.connect(self._share_a_place)
        self._magic_widget: Any = None
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 4 if above else 0, 0, 4)
        layout.setSpacing(2)
        controls.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        layout.addLayout(_column(above))
        layout.addWidget(controls, 1)
        layout.addLayout(_column(pinned))
        self._controls = controls
        content = controls.widget()
        self._rows = None if content is None else content.layout()
        if self._rows is not None and shortcuts is not None:
            self._rows.addWidget(shortcuts)
        self._width = width
        self.setMinimumWidth(MINIMUM_WIDTH if width is None else width)
        if content is not None:
            content.installEventFilter(self)

    def sizeHint(self) -> QSize:
        """Return how large it would like to be."""
        hint = super().sizeHint()
        return hint if self._width is None else QSize(max(self._width, self.minimumWidth()), hint.height())

    def belongs_to(self, dock: Any) -> None:
        """Keep the magicgui widget alive, under the name by which napari finds it: `window.dock_widgets` gives it."""
        self._magic_widget = dock

    def put_below(self, control: QWidget, widget: QWidget) -> None:
        """Put a widget of Qt's below the row of a control."""
        rows = self._rows
        if isinstance(rows, QBoxLayout):
            there = (rows.itemAt(i) for i in range(rows.count()))
            found = (i for i, item in enumerate(there) if item is not None and _holds(item.widget(), control))
            rows.insertWidget(next(found, rows.count() - 1) + 1, widget)

    def _share_a_place(self) -> None:
        """Lie behind tabs with another dock of the plugin: two below each other leave no room for either."""
        put_behind_tabs(self, Frame)

    def _fit(self) -> None:
        """Be as wide as the controls need beside a scroll bar: there is none to scroll sideways with."""
        content, bar = self._controls.widget(), self._controls.verticalScrollBar()
        if content is not None and bar is not None:
            needed = content.minimumSizeHint().width() + bar.sizeHint().width() + 4
            self.setMinimumWidth(max(self.minimumWidth(), needed))  # what unfolds and folds again moves nothing
            rows = content.layout()
            if self._width is not None and rows is not None:
                # Qt shrinks what it cannot tell the height of: texts that wrap, behind titles that unfold
                least = max(rows.minimumSize().height(), rows.totalHeightForWidth(content.width()))
                if content.minimumHeight() != least:
                    content.setMinimumHeight(least)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Notice when controls that were hidden come into sight."""
        if event is not None and event.type() == QEvent.Type.LayoutRequest and self.isVisible():
            self._fit()
        return bool(super().eventFilter(watched, event))

    def event(self, event: QEvent | None) -> bool:
        """Notice when a dock takes this in or lets it go."""
        if event is not None and event.type() == QEvent.Type.Show:
            self._fit()  # what controls need is known once they have the viewer's font and style
            if not self._was_shown:
                self._was_shown = True
                self._soon.start(0)  # napari puts the dock into its place first
        if event is not None and event.type() == QEvent.Type.ParentChange:
            if self.parent() is not None:
                self._was_docked = True
            elif self._was_docked:
                self._was_docked = False
                self.removed.emit()
                self.deleteLater()
        return bool(super().event(event))


def _column(widgets: Sequence[QWidget]) -> QVBoxLayout:
    column = QVBoxLayout()
    column.setContentsMargins(*_BESIDE)
    column.setSpacing(2)
    for widget in widgets:
        column.addWidget(widget)
    return column


def _holds(row: QWidget | None, control: QWidget) -> bool:
    return row is not None and (row is control or row.isAncestorOf(control))


def make_readable(label: QLabel) -> None:
    """Let a label wrap rich text that can be copied."""
    label.setWordWrap(True)
    label.setTextFormat(Qt.TextFormat.RichText)
    label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    label.setContentsMargins(6, 2, 6, 2)


def folded_text(title: str, text: str, tooltip: str) -> Folded:
    """Return a title that unfolds to rich text."""

    def build() -> QLabel:
        label = QLabel(text)
        make_readable(label)
        return label

    return Folded(title, build, tooltip)


def scrolled(content: QWidget) -> QScrollArea:
    """Return the scroll area that a frame takes, with controls in it."""
    area = QScrollArea()
    area.setWidgetResizable(True)
    area.setWidget(content)
    return area
