"""Keys of a dock: on the canvas and in the dock itself, as napari's preferences have them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from napari.utils.action_manager import action_manager
from qtpy.QtCore import Qt, QTimer
from qtpy.QtGui import QKeySequence, QShortcut  # type: ignore[attr-defined]
from qtpy.QtWidgets import QWidget

from napari_fastsam.widgets.common.own_keys import PREFIX, changed_keys, register

if TYPE_CHECKING:
    from napari_fastsam.widgets.common.dock import Dock

KeyTable = Mapping[str, tuple[str, str]]
"""Key to the dock's method and what the user reads about it."""


class DockKeys:
    """The keys of one kind of dock, which napari knows as actions: its preferences list and change them.

    Of the docks of one viewer the one that was opened last has the keys.

    Parameters
    ----------
    table
        What the keys do.
    title
        What the actions are listed under.
    prefix
        Comes before the methods' names, so that docks of two kinds may have methods of one name.
    """

    def __init__(self, table: KeyTable, title: str, prefix: str = "") -> None:
        self.table, self._title, self._prefix = table, title, prefix
        self._docks: list[Dock] = []

    def bind(self, dock: Dock) -> Callable[[], None]:
        """Give a dock the keys on the canvas of its viewer; the function returned takes them away.

        When it is closed, the dock opened before has them again.
        """
        _ = self._registered
        self._docks.append(dock)
        return lambda: self._docks.remove(dock)

    def action(self, method: str) -> str:
        """Return the name under which napari knows what a key does."""
        return f"{PREFIX}{self._prefix}{method}"

    def keys_of(self, method: str) -> list[str]:
        """Return the keys that do something now, such as "Shift+R": the user's, or those that it comes with."""
        its_own = [key for key, (name, _) in self.table.items() if name == method]
        return [key.replace("-", "+") for key in changed_keys().get(self.action(method), its_own)]

    def as_html(self) -> str:
        """Return the list of keys as rich text."""
        return keys_as_html(
            (" / ".join(self.keys_of(method)).replace("+", "-"), text) for method, text in self.table.values()
        )

    @cached_property
    def _registered(self) -> bool:
        """Let napari know what keys can do, once: it binds them for all viewers."""
        register(
            (self.action(method), self._press(method), f"{self._title}: {text}", key)
            for key, (method, text) in self.table.items()
        )
        return True

    def _press(self, method: str) -> Callable[[Any], None]:
        """Return what a key does: it asks the dock opened last on the viewer whose canvas has the keyboard."""

        def press(viewer: Any) -> None:
            dock = next((dock for dock in reversed(self._docks) if dock.works_on(viewer)), None)
            if dock is not None:
                getattr(dock, method)()

        press.__name__ = f"napari_fastsam_{self._prefix}{method}"  # napari tells keys apart by it
        return press


class KeysWithin:
    """The same keys while a button or slider of the dock has the keyboard; a text field has its letters for itself.

    Parameters
    ----------
    keys
        Which keys.
    dock
        Has the methods.
    widget
        The dock, or a part of it that lies elsewhere.
    """

    def __init__(self, keys: DockKeys, dock: Dock, widget: QWidget) -> None:
        self._keys, self._dock, self._widget = keys, dock, widget
        self._made: list[QShortcut] = []
        self._soon = QTimer(widget)
        self._soon.setSingleShot(True)
        self._soon.timeout.connect(self._make_anew)
        action_manager.events.shortcut_changed.connect(self._changed)
        self._make()

    def end(self) -> None:
        """Hear nothing more."""
        action_manager.events.shortcut_changed.disconnect(self._changed)
        self._made.clear()

    def _make(self) -> None:
        for method, _ in self._keys.table.values():
            for key in self._keys.keys_of(method):
                # a keyboard has two keys for Enter, and Qt tells them apart
                for name in {key, key.replace("Enter", "Return")}:
                    self._made.append(shortcut_within(self._widget, name, getattr(self._dock, method)))

    def _changed(self, event: Any) -> None:
        if str(event.name).startswith(PREFIX):
            self._soon.start(0)  # napari writes its settings after it says so

    def _make_anew(self) -> None:
        for made in self._made:
            made.setEnabled(False)
            made.deleteLater()
        self._made.clear()
        self._make()


def named_press(name: str, do: Callable[..., object], *arguments: object) -> Callable[[Any], None]:
    """Return what a key of a viewer or a layer does, under a name: napari asks every binding for one."""

    def press(source: Any) -> None:
        do(*arguments)

    press.__name__ = f"napari_fastsam_{name}"
    return press


def shortcut_within(widget: QWidget, key: str, do: Callable[[], object], *, window: bool = False) -> QShortcut:
    """Let a key do something while a widget, or what is in it, has the keyboard; or anything in its window."""
    context = Qt.ShortcutContext.WindowShortcut if window else Qt.ShortcutContext.WidgetWithChildrenShortcut
    shortcut = QShortcut(QKeySequence(key), widget)
    shortcut.setContext(context)
    shortcut.activated.connect(lambda: do())
    return shortcut


def keys_as_html(rows: Iterable[tuple[str, str]]) -> str:
    """Return keys and what they do as a table of rich text."""
    cells = (f"<tr><td><b>{keys}</b>&nbsp;&nbsp;</td><td>{text}</td></tr>" for keys, text in rows)
    return f"<table>{''.join(cells)}</table>"
