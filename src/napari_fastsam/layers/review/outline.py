"""The object that is reviewed, outlined on the canvas: a small layer around it that covers none of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Labels
from napari.utils.colormaps import DirectLabelColormap
from numpy.typing import NDArray
from scipy import ndimage

from napari_fastsam.layers.planes.transforms import placed_on
from napari_fastsam.layers.selected import same_selection

if TYPE_CHECKING:
    from napari.components import ViewerModel

NAME = "Review: this object"
COLOUR = "#ffffff"

WIDTH = 2
"""Pixels of the ring, outside the object, so that its own edge can be judged."""

LARGEST = 4096
"""Pixels of a side; of a larger object the ring is left out."""


class ObjectOutline:
    """Outlines one object of a Labels layer at a time.

    Parameters
    ----------
    viewer
        Where it is shown.
    metadata
        Of the layer, by which docks know that it is none of the user's.
    """

    def __init__(self, viewer: ViewerModel, metadata: dict[str, object]) -> None:
        self._viewer, self._metadata = viewer, metadata
        self._layer: Labels | None = None

    @property
    def layer(self) -> Labels | None:
        """The layer with the outline, while there is one."""
        if self._layer is not None and self._layer not in self._viewer.layers:
            self._layer = None
        return self._layer

    def show(self, labels: Labels, box: NDArray[np.int64], mask: NDArray[np.bool_]) -> None:
        """Outline an object.

        Parameters
        ----------
        labels
            The layer that it lies in.
        box
            (2 D,) its pixel edges in the layer's data.
        mask
            Its pixels in the box, of D axes.
        """
        axes = labels.ndim
        if max(mask.shape, default=0) > LARGEST or axes < 2:
            self.remove()
            return
        padding = [(0, 0)] * (axes - 2) + [(WIDTH + 1, WIDTH + 1)] * 2
        padded = np.pad(mask, padding)
        around = ndimage.generate_binary_structure(2, 2).reshape((1,) * (axes - 2) + (3, 3))
        ring = (ndimage.binary_dilation(padded, around, iterations=WIDTH) & ~padded).astype(np.uint8)
        start = (box[:axes] - [before for before, _ in padding]).astype(np.float64)
        place = placed_on(labels, start, np.ones(axes))
        layer = self.layer
        if layer is not None and layer.ndim != axes:
            self.remove()
            layer = None
        if layer is None:
            self._insert(labels, ring, place)
            return
        layer.data = ring  # napari takes long to insert a layer, and longer to remove one
        for attribute, value in place.items():
            if not _is_same(getattr(layer, attribute), value):
                setattr(layer, attribute, value)
        layer.visible = True

    def hide(self) -> None:
        """Outline nothing for now."""
        if self.layer is not None:
            self.layer.visible = False

    def remove(self) -> None:
        """Take the outline out of the viewer."""
        layer, self._layer = self.layer, None
        if layer is not None:
            with same_selection(self._viewer.layers):
                self._viewer.layers.remove(layer)

    def _insert(self, labels: Labels, ring: NDArray[np.uint8], place: Mapping[str, Any]) -> None:
        self._layer = Labels(
            ring,
            name=NAME,
            opacity=1.0,
            colormap=DirectLabelColormap(color_dict={None: "transparent", 0: "transparent", 1: COLOUR}),
            metadata=dict(self._metadata),
            **place,
        )
        self._layer.editable = False
        with same_selection(self._viewer.layers):
            self._viewer.layers.insert(self._viewer.layers.index(labels) + 1, self._layer)


def _is_same(value: Any, wanted: Any) -> bool:
    if isinstance(wanted, tuple):
        return bool(value == wanted)
    return bool(np.array_equal(np.asarray(value), wanted))
