"""Keys for everything that the dock does, in one place: on the canvas, in the dock, and in napari's preferences."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from napari_fastsam.widgets.common.keys import DockKeys, KeysWithin, KeyTable, shortcut_within

if TYPE_CHECKING:
    from qtpy.QtWidgets import QWidget

    from napari_fastsam.widgets.common.dock import Dock

SHORTCUTS: KeyTable = {
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

KEYS = DockKeys(SHORTCUTS, "FastSAM")


def bind(dock: Dock, list_keys: Callable[[], object]) -> Callable[[], None]:
    """Give a dock the keys, on the canvas of its viewer and in itself; the function returned takes them away.

    Parameters
    ----------
    dock
        Has the methods.
    list_keys
        Shows the list of keys.
    """
    unbind, unbind_within = KEYS.bind(dock), bind_within(dock, dock.native)
    shortcut_within(dock.native, LIST_KEY, list_keys, window=True)

    def end() -> None:
        unbind()
        unbind_within()

    return end


def bind_within(dock: Dock, widget: QWidget) -> Callable[[], None]:
    """Give a dock the keys while a widget has the keyboard, or what is in it; the function returned takes them away."""
    within = KeysWithin(KEYS, dock, widget)
    return lambda: within.end()  # which Qt keeps alive, other than a method
