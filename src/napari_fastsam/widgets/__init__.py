"""The dock: layout and wiring. What it does is in `napari_fastsam.layers`, `.model` and `.core`."""

from __future__ import annotations

from napari_fastsam.layers.answers.work import RunSummary
from napari_fastsam.widgets.segment.dock import FastSAMWidget

__all__ = ["FastSAMWidget", "RunSummary"]
