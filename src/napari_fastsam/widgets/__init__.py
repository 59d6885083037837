"""The dock: layout and wiring. What it does is in `napari_fastsam.layers`, `.model` and `.core`."""

from __future__ import annotations

from napari_fastsam.widgets.dock import FastSAMWidget
from napari_fastsam.widgets.work import RunSummary

__all__ = ["FastSAMWidget", "RunSummary"]
