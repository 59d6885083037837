"""The dock *Annotate a folder*: from image to image, nothing lost."""

from __future__ import annotations

from napari_fastsam.widgets.project.dock import AnnotateFolderWidget

__all__ = ["AnnotateFolderWidget"]
