"""The dock *Compare*."""

from __future__ import annotations

from napari_fastsam.widgets.compare.dock import CompareWidget

__all__ = ["CompareWidget"]
