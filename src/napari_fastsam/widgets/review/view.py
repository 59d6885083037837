"""The object under review on the canvas: the view goes there, and it is outlined."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_fastsam.layers.planes.look import go_to
from napari_fastsam.layers.review.outline import ObjectOutline
from napari_fastsam.widgets.common.controls import PREVIEW_KEY

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Labels

    from napari_fastsam.layers.review.review import ReviewedObject


class ObjectView:
    """Shows one object at a time.

    Parameters
    ----------
    viewer
        Where it is shown.
    """

    def __init__(self, viewer: ViewerModel) -> None:
        self._viewer = viewer
        self._outline = ObjectOutline(viewer, {PREVIEW_KEY: True})

    def show(self, layer: Labels, shown: ReviewedObject, go: bool) -> None:
        """Outline an object; let the view go there if it is to, with its layer ready for the next key."""
        if go:
            layer.mode = "pan_zoom"
            layer.selected_label = shown.label
            self._viewer.layers.selection.active = layer
            go_to(self._viewer, layer, shown.place, shown.box)
        self._outline.show(layer, shown.box, shown.mask)

    def hide(self) -> None:
        """Outline nothing for now."""
        self._outline.hide()

    def remove(self) -> None:
        """Take the outline out of the viewer."""
        self._outline.remove()
