"""The dock *Classes*."""

from __future__ import annotations

from napari_fastsam.widgets.classes.dock import ClassesWidget

__all__ = ["ClassesWidget"]
