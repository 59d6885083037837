"""Keys of the dock *Review*: on the canvas of its viewer, and in the dock itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from qtpy.QtWidgets import QWidget

from napari_fastsam.widgets.common.keys import KeyTable, keys_as_html, named_press, shortcut_within

if TYPE_CHECKING:
    from napari.components import ViewerModel

KEYS: KeyTable = {
    "R": ("right", "the object is right"),
    "W": ("wrong", "it is wrong"),
    "D": ("delete", "it is wrong: delete it"),
    "C": ("correct", "it is wrong: correct it"),
    "N": ("later", "leave it for the end"),
    "Backspace": ("back", "take the last answer back"),
}
"""Key to the dock's method and what the user reads about it. napari leaves these to plugins while a Labels layer is the
active one, as the layer under review is."""


class ReviewKeys:
    """Lets keys do what the dock does, until they are released.

    Parameters
    ----------
    viewer
        Whose canvas hears them.
    widget
        Hears them while it, or what is in it, has the keyboard.
    dock
        Has the methods.
    """

    def __init__(self, viewer: ViewerModel, widget: QWidget, dock: object) -> None:
        self._viewer = viewer
        self._pressed: dict[str, Callable[[Any], None]] = {}
        for key, (method, _) in KEYS.items():
            do = getattr(dock, method)
            self._pressed[key] = pressed = named_press(f"review_{method}", do)
            viewer.bind_key(key, pressed, overwrite=True)
            shortcut_within(widget, key, do)

    def release(self) -> None:
        """Give the keys of the canvas back, unless another dock has them by now."""
        for key, pressed in self._pressed.items():
            if pressed in self._viewer.keymap.values():
                self._viewer.bind_key(key, None)
        self._pressed.clear()


def as_html() -> str:
    """Return the list of keys as rich text."""
    return keys_as_html((key, text) for key, (_, text) in KEYS.items())
