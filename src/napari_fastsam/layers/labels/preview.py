"""Labels layers that lie exactly on an image: empty ones to write into, and the light preview of a region."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from napari_fastsam.errors import LabelsError
from napari_fastsam.layers.labels.outlined import Labels
from napari_fastsam.layers.planes.plane import Plane
from napari_fastsam.layers.planes.transforms import placed_on

if TYPE_CHECKING:
    from napari.layers import Image


MOST_DRAWN = 8192 * 8192
"""Label images of more pixels are drawn as a pyramid; napari would load all of it for the part that is seen."""

_TOP_OF_PYRAMID = 1024


def pyramid(labels: NDArray[np.integer], axes: tuple[int, int]) -> list[NDArray[np.integer]]:
    """Return a label image and coarser levels of it, each every second pixel of the one before.

    The levels are views: what is written into the first is in all.

    Parameters
    ----------
    labels
        Of any dimensions.
    axes
        The axes that get coarser.
    """
    levels = [labels]
    while max(levels[-1].shape[axis] for axis in axes) > _TOP_OF_PYRAMID:
        step = tuple(slice(None, None, 2 if axis in axes else 1) for axis in range(labels.ndim))
        levels.append(levels[-1][step])
    return levels


def plane_axes(labels: NDArray[np.integer]) -> tuple[int, int]:
    """Return the two axes of a preview's data that are longer than 1: its rows and columns."""
    first, second = np.argsort(labels.shape, kind="stable")[-2:].tolist()
    return min(first, second), max(first, second)


def is_pyramid_of_ours(layer: Labels) -> bool:
    """Return whether a multiscale Labels layer is such a pyramid in memory, which can be written to."""
    if not layer.multiscale:
        return False
    first, *coarser = layer.data
    return isinstance(first, np.ndarray) and all(
        isinstance(level, np.ndarray) and np.shares_memory(level[..., :1, :1], first) for level in coarser
    )


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
        Of ``plane.level_shape``, with the image's transform, units and axis labels. Not yet in a viewer. A `pyramid`
        where a plane is too large to be drawn otherwise.
    """
    data = np.zeros(plane.level_shape, dtype=dtype)
    return Labels(as_drawn(data, plane.axes), name=name, **placed_on(image, plane.level_origin, plane.factors))


def as_drawn(data: NDArray[np.integer], axes: tuple[int, int]) -> Any:
    """Return a label image as a layer takes it: a `pyramid` where it is large."""
    return pyramid(data, axes) if data.shape[axes[0]] * data.shape[axes[1]] > MOST_DRAWN else data


def make_preview(
    image: Image,
    plane: Plane,
    labels_yx: NDArray[np.integer],
    *,
    name: str = "FastSAM preview",
    axis: int | None = None,
) -> Labels:
    """Make a Labels layer that holds a region only and lies exactly on the image.

    Parameters
    ----------
    image, plane
        The image and the plane that was segmented.
    labels_yx
        (Y, X) label image of the plane's region; it is copied. (N, Y, X) of a stack.
    name
        The layer's name.
    axis
        Along which the planes of a stack lie.

    Returns
    -------
    napari.layers.Labels
        With the image's number of axes, of length 1 on all but rows and columns, and the axis of a stack. It cannot be
        painted on: what is painted there would be gone with the next prompt.

    Raises
    ------
    LabelsError
        If `labels_yx` does not have the region's shape.
    """
    data = _in_image_axes(plane, labels_yx, axis)
    layer = Labels(_shown(data, plane), name=name, **_place(image, plane, axis))
    layer.editable = False
    return layer


def update_preview(
    layer: Labels,
    image: Image,
    plane: Plane,
    labels_yx: NDArray[np.integer],
    axis: int | None = None,
    windows: Sequence[tuple[slice, slice]] | None = None,
) -> None:
    """Show other labels, another region or another plane in a preview.

    Where the region's shape is the same the pixels are changed in place, and drawn where they differ; the layer is
    moved only if it has to be.

    Parameters
    ----------
    layer
        From `make_preview`.
    image, plane, labels_yx, axis
        As in `make_preview`.
    windows
        Rows and columns in which all lie that changed since `labels_yx` was shown last; None = anything may have.

    Raises
    ------
    LabelsError
        If `labels_yx` does not have the region's shape, or `layer` not as many axes as the image.

    Notes
    -----
    A preview that is a pyramid stays one, and others do not become one: see `suits`.
    """
    data = _in_image_axes(plane, labels_yx, axis)
    shown = layer.data[0] if layer.multiscale else layer.data
    if layer.ndim != image.ndim:
        raise LabelsError(
            f'The preview "{layer.name}" has {layer.ndim} axes, image "{image.name}" has {image.ndim}. '
            "Remove the preview and make a new one."
        )
    place = _place(image, plane, axis)
    moves = {name: wanted for name, wanted in place.items() if not _is_same(getattr(layer, name), wanted)}
    if layer.multiscale and np.shares_memory(shown, data):
        layer.refresh(extent=False)
    elif shown.shape != data.shape or layer.multiscale:
        layer.data = _shown(data, plane)
        layer.editable = False
        if not layer.visible:  # napari measures a hidden layer no more, and the whole view would stay as large
            layer._clear_extent()  # noqa: SLF001 - there is no other way
    elif moves:
        np.copyto(shown, data)  # drawn as the layer moves
    else:
        layer.change_to(data, _hull(windows, plane))
    for name, wanted in moves.items():
        setattr(layer, name, wanted)


def _shown(data: NDArray[np.int32], plane: Plane) -> Any:
    """Return a preview's own data: a copy, or, of what is too large for one, the labels themselves as a pyramid."""
    drawn = as_drawn(data, plane.axes)
    return drawn if isinstance(drawn, list) else data.copy()


def suits(layer: Labels, image: Image, plane: Plane) -> bool:
    """Return whether a preview can show a plane: it has the image's axes, and is a pyramid if it has to be."""
    height, width = plane.shape
    return bool(layer.ndim == image.ndim and layer.multiscale == (height * width > MOST_DRAWN))


def _place(image: Image, plane: Plane, axis: int | None) -> dict[str, Any]:
    # Thickness 1 and the slider's own index on the other axes, whatever the level: shown wherever the plane
    # is shown
    step = np.ones(plane.ndim)
    step[list(plane.axes)] = plane.factors[list(plane.axes)]
    origin = plane.region_to_data([[0.0, 0.0]])[0]
    if axis is not None:
        origin[axis] = 0
    return dict(placed_on(image, origin, step))


def _hull(windows: Sequence[tuple[slice, slice]] | None, plane: Plane) -> tuple[slice, ...]:
    """Return the part of a preview's data that holds windows of its plane; all of it for None."""
    if windows is None:
        return ()
    part = [slice(0, 1)] * plane.ndim
    for axis, own in enumerate(plane.axes):
        starts, stops = ([getattr(window[axis], end) for window in windows] for end in ("start", "stop"))
        part[own] = slice(min(starts, default=0), max(stops, default=0))
    return tuple(part)


def _is_same(value: Any, wanted: Any) -> bool:
    if isinstance(wanted, tuple):
        return bool(value == wanted)
    return bool(np.array_equal(np.asarray(value), wanted))


def _in_image_axes(plane: Plane, labels: NDArray[np.integer], axis: int | None) -> NDArray[np.int32]:
    axes = plane.axes if axis is None else (axis, *plane.axes)
    expected = plane.shape if axis is None else (plane.image_shape[axis], *plane.shape)
    if labels.shape != expected:
        raise LabelsError(f"The label image has shape {labels.shape}; expected {expected}, the region's.")
    lengths = [1] * plane.ndim
    for own, length in zip(axes, expected, strict=True):
        lengths[own] = length
    return np.asarray(labels, dtype=np.int32).transpose(np.argsort(axes)).reshape(lengths)
