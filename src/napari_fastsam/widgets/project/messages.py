"""What the dock *Annotate a folder* says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from napari_fastsam.io.projects.state import PROGRESS, ImageState
from napari_fastsam.widgets.common.text import counted

NO_FOLDER = "Open a folder with images: what you do is saved step by step, in “annotations” beside them."
NOTHING_OPEN = "No image is open: choose one in the list."
NO_NEXT = "This is the last image."
NO_PREVIOUS = "This is the first image."
ALL_DONE = "All images are done or skipped."


def folder_opened(name: str, states: Sequence[ImageState]) -> str:
    """Say what a folder has."""
    finished = sum(state.state in ("done", "skipped") for state in states)
    return f"{name}: {len(states)} images, {finished} of them done or skipped."


def progress(name: str, states: Sequence[ImageState]) -> str:
    """Return how far a folder is."""
    counts = Counter(state.state for state in states)
    told = ", ".join(f"{counts[state]} {state}" for state in PROGRESS if counts[state])
    objects = sum(state.objects for state in states)
    return f"{name}: {told}; {counted(objects)}"


def opened(name: str, state: ImageState, restored: int) -> str:
    """Say what is known of an image that was opened."""
    if restored:
        steps = f"{restored} step{'s' * (restored != 1)}"
        return (
            f"{name}: {counted(state.objects)}, {steps} of them restored: napari was ended before the image was saved."
        )
    return f"{name}: {counted(state.objects)}." if state.objects else f"{name}: nothing is annotated yet."


def effort_saved(name: str) -> str:
    """Say where the effort is."""
    return f"Saved {name}: what the labels of each image took. It stays on this computer."


def not_kept(error: object) -> str:
    """Say that a step is in memory only."""
    return f"Not saved: {error}. What you did is still in the layers; it is saved with the next step that can be."
