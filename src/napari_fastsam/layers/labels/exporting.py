"""A Labels layer as a result that every format of files takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_fastsam.core.image.scale import Scale
from napari_fastsam.core.results.provenance import entries_of
from napari_fastsam.core.results.result import ArrayLabels, Index, ResultObject, SegmentationResult
from napari_fastsam.layers.labels.features import axis_names, indexed
from napari_fastsam.layers.labels.records import METADATA_KEY
from napari_fastsam.layers.labels.target import pixels_of
from napari_fastsam.layers.planes.transforms import layer_affine

if TYPE_CHECKING:
    from napari.layers import Image, Labels


def result_of(layer: Labels, image: Image | None = None) -> SegmentationResult:
    """Return what a Labels layer holds: pixels, what its features tell of each number, axes, provenance.

    Parameters
    ----------
    layer
        Of any number of axes; of a pyramid the full resolution. A number is one object on all planes.
    image
        The image that was segmented, for overlays and brightness; left out if its pixels are not those of the layer.
    """
    data = pixels_of(layer)
    scale = scale_of(layer)
    place = (None,) * (layer.ndim - 2)
    rows = (ResultObject.from_row(row, place) for row in indexed(layer).to_dict("records"))
    objects = [one for one in rows if one is not None]
    provenance = entries_of(layer.metadata.get(METADATA_KEY))
    pixels = None if image is None else _full(image)
    name = "" if image is None else image.name
    if pixels is None or tuple(pixels.shape[: layer.ndim]) != tuple(data.shape):
        return SegmentationResult(ArrayLabels(data), objects, scale, provenance, name)

    def on_plane(index: Index) -> NDArray[np.generic]:
        return np.asarray(pixels[index])

    return SegmentationResult(ArrayLabels(data), objects, scale, provenance, name, on_plane)


def scale_of(layer: Labels) -> Scale:
    """Return the axes of a Labels layer for files, which have a size of a pixel and no affine."""
    units = ("" if str(unit) == "pixel" else str(unit) for unit in layer.units)
    steps, first = np.asarray(layer.scale), np.asarray(layer.translate)
    if not np.array_equal(layer.affine.affine_matrix, np.eye(layer.ndim + 1)):
        linear, first = layer_affine(layer)
        steps = np.linalg.norm(linear, axis=0)
    return Scale(tuple(axis_names(layer)), tuple(steps.tolist()), tuple(units), tuple(first.tolist()))


def _full(image: Image) -> Any:
    return image.data[0] if image.multiscale else image.data
