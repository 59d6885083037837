"""The layer of hits, misses and false objects in the viewer, and what it hides meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_fastsam.layers.comparison.compare import Compared, make_result, update_result
from napari_fastsam.layers.selected import same_selection
from napari_fastsam.widgets.common.controls import PREVIEW_KEY

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Labels

RESULT_NAME = "Comparison"
RESULT_KEY = "napari-fastsam comparison"
"""A Labels layer whose metadata have this key shows a comparison, and is none to compare."""


class ComparisonLayer:
    """Shows a comparison in one viewer."""

    def __init__(self, viewer: ViewerModel) -> None:
        self._viewer = viewer
        self._layer: Labels | None = None
        self._hidden: list[Any] = []

    @property
    def layer(self) -> Labels | None:
        """The layer, if it is in the viewer."""
        if self._layer is not None and self._layer not in self._viewer.layers:
            self._layer = None
        return self._layer

    def show(self, predicted: Labels, compared: Compared, threshold: float) -> None:
        """Show a comparison at a threshold, changing the layer in place where that can be."""
        painted = compared.painted(threshold)
        layer = self.layer
        if layer is not None and layer.ndim != predicted.ndim:
            self.remove()
            layer = None
        if layer is not None:
            update_result(layer, predicted, compared.alignment, painted)
            return
        layer = make_result(predicted, compared.alignment, painted, name=RESULT_NAME)
        # the other dock's choices leave out what has its key
        layer.metadata = {RESULT_KEY: True, PREVIEW_KEY: True}
        with same_selection(self._viewer.layers):  # the person goes on working there
            self._viewer.layers.append(layer)
        self._layer = layer

    def remove(self) -> None:
        """Take the layer out of the viewer."""
        layer, self._layer = self.layer, None
        if layer is not None:
            self._viewer.layers.remove(layer)

    def hide_others(self, layers: list[Any]) -> None:
        """Hide these layers, and show again those that were hidden before."""
        self.show_others(keep=layers)
        for layer in layers:
            if layer.visible:
                layer.visible = False
                self._hidden.append(layer)

    def show_others(self, keep: list[Any] | None = None) -> None:
        """Show again what was hidden here; what the person hid themselves stays hidden."""
        kept = keep or []
        for layer in self._hidden:
            if layer in self._viewer.layers and layer not in kept:
                layer.visible = True
        self._hidden = [layer for layer in self._hidden if layer in kept]
