"""Outlines around the objects whose class is not sure, and around the one that is asked about."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Labels
from napari.utils.colormaps import DirectLabelColormap

from napari_fastsam.layers.classes.column import MOST_LOOKED_AT
from napari_fastsam.layers.labels.target import pixels_of
from napari_fastsam.layers.planes.transforms import placed_on
from napari_fastsam.layers.selected import same_selection

if TYPE_CHECKING:
    from napari.components import ViewerModel

NAME = "unsure classes"
WIDTH = 2
UNSURE, ASKED = (1.0, 1.0, 1.0, 1.0), (1.0, 0.25, 0.9, 1.0)


class UnsureOutlines:
    """A layer of outlines above a Labels layer.

    Parameters
    ----------
    viewer
        Gets the layer.
    metadata
        Of the layer, by which others know that it is no layer of the user's.
    """

    def __init__(self, viewer: ViewerModel, metadata: Mapping[str, Any]) -> None:
        self._viewer = viewer
        self._metadata = dict(metadata)
        self._layer: Labels | None = None

    def show(self, layer: Labels, unsure: Collection[int], asked: int | None = None) -> None:
        """Outline objects of a layer; nothing is outlined where there is too much to look at."""
        data = pixels_of(layer)
        if not isinstance(data, np.ndarray) or data.size > MOST_LOOKED_AT:
            self.remove()
            return
        wanted = [*unsure, *([] if asked is None else [asked])]
        if not wanted:
            self.remove()
            return
        drawn = np.where(np.isin(data, wanted), data, 0)
        shown = self._layer
        if shown is None or shown not in self._viewer.layers or shown.data.shape != drawn.shape:
            self.remove()
            shown = self._layer = self._made(layer, drawn)
        else:
            shown.data = drawn
        colours: dict[int | None, Any] = {None: np.array(UNSURE), 0: np.zeros(4)}
        if asked is not None:
            colours[asked] = np.array(ASKED)
        shown.colormap = DirectLabelColormap(color_dict=colours)

    def remove(self) -> None:
        """Take the layer out of the viewer."""
        layer, self._layer = self._layer, None
        if layer is not None and layer in self._viewer.layers:
            self._viewer.layers.remove(layer)

    def _made(self, layer: Labels, drawn: Any) -> Labels:
        placed = placed_on(layer, np.zeros(layer.ndim), np.ones(layer.ndim))
        made = Labels(drawn, name=NAME, metadata=self._metadata, opacity=1.0, **placed)
        made.contour = WIDTH
        made.editable = False
        layers = self._viewer.layers
        with same_selection(layers):
            layers.insert(layers.index(layer) + 1 if layer in layers else len(layers), made)
        return made
