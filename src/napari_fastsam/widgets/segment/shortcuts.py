"""Keys for everything that the dock does, in one place: on the canvas, in the dock, and in napari's preferences."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Qt, QTimer
from qtpy.QtGui import QKeySequence, QShortcut  # type: ignore[attr-defined]
from qtpy.QtWidgets import QWidget

from napari_fastsam.layers.napari_versions import shortcut_changed
from napari_fastsam.widgets.common.own_keys import PREFIX, changed_keys, register

if TYPE_CHECKING:
    from napari_fastsam.widgets.common.dock import Dock

SHORTCUTS: Mapping[str, tuple[str, str]] = {
    "Shift-D": ("take_point", "tool: point"),
    "Shift-B": ("take_box", "tool: box"),
    "Shift-F": ("take_outline", "tool: outline"),
    "Shift-S": ("take_scribble", "tool: scribble"),
    "Shift-T": ("toggle_polarity", "next prompts + or −"),
    "Shift-O": ("toggle_object", "new object, or this object"),
    "Shift-J": ("join", "join selected prompts to this object"),
    "Shift-Up": ("larger", "larger object"),
    "Shift-Down": ("smaller", "smaller object"),
    "Shift-Enter": ("commit", "add to labels"),
    "Shift-Delete": ("clear_prompts", "clear prompts"),
    "Shift-Z": ("take_hovered", "take the object under the cursor"),
    "Shift-Backspace": ("reject_hovered", "reject the object under the cursor"),
    "Shift-K": ("delete_label", "delete the label under the cursor"),
    "Shift-M": ("merge_labels", "merge labels: on each of them"),
    "Shift-C": ("split_label", "split a label: on two places of it"),
    "Shift-I": ("fill_label", "fill the holes of a label"),
    "Shift-H": ("smooth_label", "smooth a label"),
    "Shift-G": ("grow_label", "grow a label"),
    "Shift-U": ("shrink_label", "shrink a label"),
    "Shift-Q": ("keep_largest", "keep a label's largest piece"),
    "Shift-Y": ("cut_at_neighbours", "cut a label free of its neighbours"),
    "Ctrl-Z": ("undo", "take back; on your own Labels layer: what you painted"),
    "Ctrl-Shift-Z": ("redo", "do again what was taken back"),
    "Shift-E": ("toggle_task", "point at objects, or everything"),
    "Shift-R": ("run", "run; while it runs: cancel"),
    "Shift-X": ("toggle_example", "next prompts: example, counter-example"),
    "Shift-W": ("focus_words", "search by words"),
    "Shift-N": ("make_prompt_layers", "start over with new prompt layers"),
}
"""Key to the dock's method and what the user reads about it.

All with Shift: a layer's own key goes before the viewer's, and napari's layers leave these free. But undo and redo,
which are the same key everywhere: Labels layers have them too, for what is painted there (see `undo_keys`).
"""

LIST_KEY = "?"
"""Shows the list of keys."""

_docks: list[Dock] = []
"""The docks that are open; of those of one viewer the last has the keys."""


def action(method: str) -> str:
    """Return the name under which napari knows what a key does: preferences list and keep it."""
    return f"{PREFIX}{method}"


def bind(dock: Dock, list_keys: Callable[[], object]) -> Callable[[], None]:
    """Give a dock the keys, on the canvas of its viewer and in itself; the function returned takes them away.

    The dock opened last has the keys. When it is closed, the one before has them again.

    Parameters
    ----------
    dock
        Has the methods.
    list_keys
        Shows the list of keys.
    """
    _register()
    _docks.append(dock)
    unbind_within = bind_within(dock, dock.native)
    _shortcut(dock.native, LIST_KEY, list_keys, Qt.ShortcutContext.WindowShortcut)

    def unbind() -> None:
        _docks.remove(dock)
        unbind_within()

    return unbind


def bind_within(dock: Dock, widget: QWidget) -> Callable[[], None]:
    """Give a dock the keys while a widget has the keyboard, or what is in it; the function returned takes them away."""
    within = _KeysWithin(dock, widget)
    return lambda: within.end()  # which Qt keeps alive, other than a method


def keys_of(method: str) -> list[str]:
    """Return the keys that do something now, such as "Shift+R": the user's, or those that it comes with."""
    chosen = changed_keys().get(action(method))
    if chosen is not None:
        return chosen
    return [key.replace("-", "+") for key, (name, _) in SHORTCUTS.items() if name == method]


@cache
def _register() -> None:
    """Let napari know what keys can do, once: it binds them for all viewers, and its preferences change them."""
    register((action(method), _press(method), f"FastSAM: {text}", key) for key, (method, text) in SHORTCUTS.items())


def _press(method: str) -> Callable[[Any], None]:
    """Return what a key does: it asks the dock opened last on the viewer whose canvas has the keyboard."""

    def press(viewer: Any) -> None:
        dock = next((dock for dock in reversed(_docks) if dock.works_on(viewer)), None)
        if dock is not None:
            getattr(dock, method)()

    press.__name__ = f"napari_fastsam_{method}"  # napari tells keys apart by it
    return press


class _KeysWithin:
    """The same keys while a button or slider of the dock has the keyboard; a text field has its letters for itself.

    Parameters
    ----------
    dock
        Has the methods.
    widget
        The dock, or a part of it.
    """

    def __init__(self, dock: Dock, widget: QWidget) -> None:
        self._dock, self._widget = dock, widget
        self._made: list[QShortcut] = []
        self._soon = QTimer(widget)
        self._soon.setSingleShot(True)
        self._soon.timeout.connect(self._make_anew)
        shortcut_changed().connect(self._changed)
        self._make()

    def end(self) -> None:
        """Hear nothing more."""
        shortcut_changed().disconnect(self._changed)
        self._made.clear()

    def _make(self) -> None:
        within = Qt.ShortcutContext.WidgetWithChildrenShortcut
        for method, _ in SHORTCUTS.values():
            for key in keys_of(method):
                # a keyboard has two keys for Enter, and Qt tells them apart
                for name in {key, key.replace("Enter", "Return")}:
                    self._made.append(_shortcut(self._widget, name, getattr(self._dock, method), within))

    def _changed(self, event: Any) -> None:
        if str(event.name).startswith(PREFIX):
            self._soon.start(0)  # napari writes its settings after it says so

    def _make_anew(self) -> None:
        for made in self._made:
            made.setEnabled(False)
            made.deleteLater()
        self._made.clear()
        self._make()


def _shortcut(widget: QWidget, key: str, do: Callable[[], object], context: Qt.ShortcutContext) -> QShortcut:
    shortcut = QShortcut(QKeySequence(key), widget)
    shortcut.setContext(context)
    shortcut.activated.connect(lambda: do())
    return shortcut


def as_html() -> str:
    """Return the list of keys as rich text."""
    rows = "".join(
        f"<tr><td><b>{' / '.join(keys_of(method)).replace('+', '-')}</b>&nbsp;&nbsp;</td><td>{text}</td></tr>"
        for method, text in SHORTCUTS.values()
    )
    return f"<table>{rows}</table>"
