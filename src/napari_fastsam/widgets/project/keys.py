"""Keys that go from image to image: napari's actions, which its preferences change."""

from __future__ import annotations

from napari_fastsam.widgets.common.keys import DockKeys, KeyTable

_TABLE: KeyTable = {
    "Shift-Right": ("next_image", "next image"),
    "Shift-Left": ("previous_image", "previous image"),
    "Alt-Right": ("next_undone", "next image that is not done"),
    "Alt-Enter": ("done", "done, and the next that is not"),
    "Alt-Delete": ("skip", "skip, and the next that is not done"),
}
"""Key to the dock's method and what the user reads about it; napari's layers leave these free."""

KEYS = DockKeys(_TABLE, "FastSAM folder", "folder_")
