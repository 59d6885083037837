"""Keys that go from image to image: napari's actions, which its preferences change."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from napari_fastsam.widgets.common.own_keys import PREFIX, changed_keys, register

if TYPE_CHECKING:
    from napari_fastsam.widgets.common.dock import Dock

KEYS: Mapping[str, tuple[str, str]] = {
    "Shift-Right": ("next_image", "next image"),
    "Shift-Left": ("previous_image", "previous image"),
    "Alt-Right": ("next_undone", "next image that is not done"),
    "Alt-Enter": ("done", "done, and the next that is not"),
    "Alt-Delete": ("skip", "skip, and the next that is not done"),
}
"""Key to the dock's method and what the user reads about it; napari's layers leave these free."""

_docks: list[Dock] = []
"""The docks that are open; of those of one viewer the last has the keys."""


def bind(dock: Dock) -> Callable[[], None]:
    """Give a dock the keys on the canvas of its viewer; the function returned takes them away."""
    _register()
    _docks.append(dock)
    return lambda: _docks.remove(dock)


def keys_of(method: str) -> str:
    """Return the keys that do something now, such as "Shift+Right": the user's, or those that it comes with."""
    keys = changed_keys().get(_action(method), [key for key, (name, _) in KEYS.items() if name == method])
    return " / ".join(key.replace("-", "+") for key in keys)


@cache
def _register() -> None:
    """Let napari know what keys can do, once: it binds them for all viewers, and its preferences change them."""
    register((_action(method), _press(method), f"FastSAM folder: {text}", key) for key, (method, text) in KEYS.items())


def _action(method: str) -> str:
    return f"{PREFIX}folder_{method}"


def _press(method: str) -> Callable[[Any], None]:
    """Return what a key does: it asks the dock opened last on the viewer whose canvas has the keyboard."""

    def press(viewer: Any) -> None:
        dock = next((dock for dock in reversed(_docks) if dock.works_on(viewer)), None)
        if dock is not None:
            getattr(dock, method)()

    press.__name__ = f"napari_fastsam_folder_{method}"  # napari tells keys apart by it
    return press
