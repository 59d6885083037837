"""The dock *Train*."""

from __future__ import annotations

from napari_fastsam.widgets.train.dock import TrainWidget

__all__ = ["TrainWidget"]
