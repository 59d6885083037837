"""The dock *Review*."""

from __future__ import annotations

from napari_fastsam.widgets.review.dock import ReviewWidget

__all__ = ["ReviewWidget"]
