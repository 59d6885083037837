"""Labels layers that lie exactly on an image: empty ones to write into, and the light preview of a region."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Labels
from numpy.typing import DTypeLike, NDArray

from napari_fastsam.errors import LabelsError
from napari_fastsam.layers.plane import Plane
from napari_fastsam.layers.transforms import placed_on

if TYPE_CHECKING:
    from napari.layers import Image


def labels_like(image: Image, plane: Plane, *, name: str, dtype: DTypeLike = np.int32) -> Labels:
    """Make an empty Labels layer for all of an image, in its axes, lying exactly on it.

    Parameters
    ----------
    image, plane
        The image and its plane; the layer gets the pixels of the plane's pyramid level.
    name
        The layer's name.
    dtype
        Integer type of the labels.

    Returns
    -------
    napari.layers.Labels
        Of ``plane.level_shape``, with the image's transform, units and axis labels. Not yet in a viewer.
    """
    data = np.zeros(plane.level_shape, dtype=dtype)
    return Labels(data, name=name, **placed_on(image, plane.level_origin, plane.factors))


def make_preview(
    image: Image, plane: Plane, labels_yx: NDArray[np.integer], *, name: str = "FastSAM preview"
) -> Labels:
    """Make a Labels layer that holds a region only and lies exactly on the image.

    Parameters
    ----------
    image, plane
        The image and the plane that was segmented.
    labels_yx
        (Y, X) label image of the plane's region; it is copied.
    name
        The layer's name.

    Returns
    -------
    napari.layers.Labels
        With the image's number of axes, of length 1 on all but rows and columns. It cannot be painted on:
        what is painted there would be gone with the next prompt.

    Raises
    ------
    LabelsError
        If `labels_yx` does not have the region's shape.
    """
    layer = Labels(_in_image_axes(plane, labels_yx).copy(), name=name, **_place(image, plane))
    layer.editable = False
    return layer


def update_preview(layer: Labels, image: Image, plane: Plane, labels_yx: NDArray[np.integer]) -> None:
    """Show other labels, another region or another plane in a preview.

    Where the region's shape is the same the pixels are changed in place, and the layer is moved only if it
    has to be.

    Parameters
    ----------
    layer
        From `make_preview`.
    image, plane, labels_yx
        As in `make_preview`.

    Raises
    ------
    LabelsError
        If `labels_yx` does not have the region's shape, or `layer` not as many axes as the image.
    """
    data = _in_image_axes(plane, labels_yx)
    if layer.ndim != image.ndim:
        raise LabelsError(
            f'The preview "{layer.name}" has {layer.ndim} axes, image "{image.name}" has {image.ndim}. '
            "Remove the preview and make a new one."
        )
    for attribute, wanted in _place(image, plane).items():
        if not _is_same(getattr(layer, attribute), wanted):
            setattr(layer, attribute, wanted)
    if layer.data.shape == data.shape:
        np.copyto(layer.data, data)
        layer.refresh(extent=False)
    else:
        layer.data = data.copy()
        layer.editable = False


def _place(image: Image, plane: Plane) -> dict[str, Any]:
    # Thickness 1 and the slider's own index on the other axes, whatever the level: shown wherever the plane
    # is shown
    step = np.ones(plane.ndim)
    step[list(plane.axes)] = plane.factors[list(plane.axes)]
    return dict(placed_on(image, plane.region_to_data([[0.0, 0.0]])[0], step))


def _is_same(value: Any, wanted: Any) -> bool:
    if isinstance(wanted, tuple):
        return bool(value == wanted)
    return bool(np.array_equal(np.asarray(value), wanted))


def _in_image_axes(plane: Plane, labels_yx: NDArray[np.integer]) -> NDArray[np.int32]:
    if labels_yx.shape != plane.shape:
        raise LabelsError(f"The label image has shape {labels_yx.shape}; expected {plane.shape}, the region's.")
    lengths = [1] * plane.ndim
    lengths[plane.axes[0]], lengths[plane.axes[1]] = plane.shape
    return np.asarray(labels_yx, dtype=np.int32).reshape(lengths)
