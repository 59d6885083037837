"""How the pixels of a Labels layer lie on those of an image, axis by axis, and which parts a person marked."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_fastsam.errors import DatasetError
from napari_fastsam.layers.planes.read import plane_shown
from napari_fastsam.layers.planes.transforms import points_between, units_apply

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image, Labels, Shapes

_OFF = 0.5
"""Pixels that a corner may be off its row or column: then the nearest pixel is still the right one."""

_TINY = 1e-6
_LARGEST_RATIO = 64.0


@dataclass(frozen=True)
class Axis:
    """Where an axis of the image lies in the labels.

    Attributes
    ----------
    labels_axis
        The labels' axis; negative where they have none.
    labels_length
        How many pixels the labels have along it.
    scale, start
        Image pixels, of the level read, per pixel of the labels, and the image coordinate of the labels' first pixel.
    first, stop
        The image's pixels whose centre lies on a pixel of the labels, half-open.
    planes
        For an axis that is neither rows nor columns: pairs of positions in the image and in the labels.
    """

    labels_axis: int
    labels_length: int
    scale: float
    start: float
    first: int
    stop: int
    planes: tuple[tuple[int, int], ...] = field(default=(), repr=False)

    def labels_at(self, first: int, stop: int) -> NDArray[np.intp]:
        """Return for each pixel of the image from `first` to before `stop` the labels' pixel under its centre."""
        under = np.floor((np.arange(first, stop) - self.start) / self.scale + 0.5 + _TINY)
        # a centre on the edge, but for rounding, is inside
        return np.asarray(np.clip(under, 0, self.labels_length - 1), dtype=np.intp)


@dataclass(frozen=True)
class LayerGrid:
    """How an image and its labels lie on each other.

    Attributes
    ----------
    axes
        The image's axes.
    level
        Which level of its pyramid is read; 0 = full resolution.
    meant
        Position of the plane that labels with fewer axes annotate; empty for labels with all axes.
    """

    axes: tuple[Axis, ...]
    level: int
    meant: tuple[int, ...] = ()


@dataclass(frozen=True)
class Region:
    """A rectangle around what is fully annotated.

    Attributes
    ----------
    bounds
        ``y0, x0, y1, x1``, half-open, in pixels of the level: those whose centre lies in the rectangle.
    position
        (D,) in pixels of the level; NaN on rows, columns and axes of which the rectangle says nothing.
    """

    bounds: tuple[int, int, int, int]
    position: tuple[float, ...]

    def within(self, whole: tuple[int, int, int, int]) -> tuple[int, int, int, int] | None:
        """Return the part of it that lies in `whole`, or None."""
        y0, x0 = max(self.bounds[0], whole[0]), max(self.bounds[1], whole[1])
        y1, x1 = min(self.bounds[2], whole[2]), min(self.bounds[3], whole[3])
        return (y0, x0, y1, x1) if y0 < y1 and x0 < x1 else None

    def names_plane(self, axes: Sequence[int]) -> bool:
        """Whether it speaks of a single plane, where `axes` are neither rows nor columns."""
        return not any(math.isnan(self.position[a]) for a in axes)

    def is_on(self, index: Sequence[int], axes: Sequence[int]) -> bool:
        """Whether it speaks of the plane at `index`, where `axes` are neither rows nor columns."""
        return all(math.isnan(self.position[a]) or abs(self.position[a] - index[a]) <= 0.5 + _TINY for a in axes)


def axes_between(
    viewer: ViewerModel, image: Image, labels: Labels, shown: tuple[int, int], meant: tuple[int, ...] = ()
) -> LayerGrid:
    """Lay the pixels of a Labels layer on those of an image.

    Parameters
    ----------
    viewer
        The viewer that holds them.
    image, labels
        The layers.
    shown
        The image's axes that are rows and columns.
    meant
        Position of the plane in the image that labels with fewer axes annotate; empty = the plane that is shown.

    Raises
    ------
    DatasetError
        If they do not overlap, or are turned or sheared against each other.
    ImageError
        If the labels speak of the plane shown and none is shown.
    """
    lengths = tuple(int(n) for n in (labels.data[0] if labels.multiscale else labels.data).shape)
    extra = labels.ndim - image.ndim
    if extra > 0 and max(lengths[:extra]) > 1:
        raise DatasetError(
            f"Labels layer “{labels.name}” has {labels.ndim} axes, image “{image.name}” {image.ndim}: the image has no "
            "planes for them. Choose the image that the labels were drawn on."
        )
    if any(axis + extra < 0 for axis in shown):
        raise DatasetError(
            f"Labels layer “{labels.name}” has {labels.ndim} axes and none for the rows or columns that are shown. "
            f"Show image “{image.name}” along its last two axes."
        )
    scale, start = _diagonal(viewer, image, labels, lengths)
    level, scale, start, image_shape = _on_level(image, scale, start, shown)
    index = (meant or plane_shown(viewer, image).index) if extra < 0 else ()
    axes = []
    for a, length in enumerate(image_shape):
        if a + extra < 0:
            axes.append(Axis(a + extra, 1, 1.0, 0.0, 0, length, ((int(index[a] * length / _full(image)[a]), 0),)))
            continue
        axis = _axis(a + extra, scale[a], start[a], length, lengths[a + extra], a in shown)
        if axis.first >= axis.stop or (a not in shown and not axis.planes):
            raise DatasetError(
                f"Labels layer “{labels.name}” does not lie on image “{image.name}”. Choose the labels of this image, "
                "or give them its scale, translate and units."
            )
        axes.append(axis)
    return LayerGrid(tuple(axes), level, tuple(index))


def regions_of(viewer: ViewerModel, image: Image, shapes: Shapes, level: int, shown: tuple[int, int]) -> list[Region]:
    """Read the rectangles that mark what is fully annotated.

    Parameters
    ----------
    viewer
        The viewer that holds the layers.
    image
        The image that is annotated.
    shapes
        The layer with the rectangles.
    level
        Which level of the image's pyramid their pixels are counted in.
    shown
        The image's axes that are rows and columns.

    Raises
    ------
    DatasetError
        If there is none, or a shape is no rectangle along rows and columns.
    """
    if not len(shapes.data):
        raise DatasetError(
            f"There is no rectangle in “{shapes.name}” yet: draw one around each part that is fully annotated, or "
            "choose no regions."
        )
    factors = np.asarray(_full(image)) / np.asarray(image.level_shapes[level][: image.ndim], dtype=np.float64)
    use_units = units_apply(viewer)
    found = []
    for number, (kind, corners) in enumerate(zip(shapes.shape_type, shapes.data, strict=True), start=1):
        data = points_between(shapes, image, corners, use_units=use_units)
        at = (data - (factors - 1) / 2) / factors
        if kind != "rectangle" or not _is_upright(at[:, list(shown)]):
            raise DatasetError(
                f"Shape {number} in “{shapes.name}” is no rectangle along the image's rows and columns ({kind}). "
                "Mark fully annotated parts with such rectangles, or choose no regions."
            )
        low, high = at[:, list(shown)].min(axis=0), at[:, list(shown)].max(axis=0)
        first, last = np.ceil(low - _TINY).astype(int), np.floor(high + _TINY).astype(int) + 1
        position = at.mean(axis=0)
        position[list(shown)] = np.nan
        found.append(Region((int(first[0]), int(first[1]), int(last[0]), int(last[1])), tuple(map(float, position))))
    return found


def _diagonal(
    viewer: ViewerModel, image: Image, labels: Labels, lengths: tuple[int, ...]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return scale and start of each axis of the image, NaN where the labels have no such axis."""
    extra = labels.ndim - image.ndim
    ends = np.vstack([np.zeros(labels.ndim), np.diag([max(n - 1, 1) for n in lengths])]).astype(np.float64)
    found = points_between(labels, image, ends, use_units=units_apply(viewer))
    start = found[0]
    spans = found[1:] - start  # (labels' axis, image's axis): how far the labels' last pixel lies along it
    scale = np.full(image.ndim, np.nan)
    for a in range(image.ndim):
        own = a + extra
        if own < 0:
            continue
        across = np.abs(np.delete(spans[:, a], own)) * (np.delete(lengths, own) > 1)
        scale[a] = spans[own, a] / max(lengths[own] - 1, 1)
        if np.nanmax(across, initial=0.0) > _OFF or not scale[a] > 0:
            raise DatasetError(
                f"Labels layer “{labels.name}” is turned, sheared or mirrored against image “{image.name}”. "
                "Give it the image's scale, rotate, shear and affine, or draw on a layer of the image's own."
            )
        if not 1 / _LARGEST_RATIO <= scale[a] <= _LARGEST_RATIO:
            raise DatasetError(
                f"A pixel of Labels layer “{labels.name}” is {scale[a]:.3g} pixels of image “{image.name}” long. "
                "Give it the image's scale and units."
            )
    return scale, start


def _on_level(
    image: Image, scale: NDArray[np.float64], start: NDArray[np.float64], shown: tuple[int, int]
) -> tuple[int, NDArray[np.float64], NDArray[np.float64], tuple[int, ...]]:
    """Choose the level of the pyramid whose pixels are most like the labels', and count in those."""
    shapes = [tuple(int(n) for n in shape[: image.ndim]) for shape in image.level_shapes]
    factors = [np.asarray(shapes[0], dtype=np.float64) / np.asarray(shape) for shape in shapes]
    rows, columns = shown

    def unlike(level: int) -> float:
        ratio = scale[[rows, columns]] / factors[level][[rows, columns]]
        return float(np.abs(np.log(ratio)).sum())

    level = min(range(len(shapes)), key=unlike) if image.multiscale else 0
    factor = factors[level]
    # the levels of a pyramid share their outer edge, not the centre of their first pixel
    return level, scale / factor, (start - (factor - 1) / 2) / factor, shapes[level]


def _axis(labels_axis: int, scale: float, start: float, length: int, labels_length: int, shown: bool) -> Axis:
    first = max(0, math.ceil(start - scale / 2 - _TINY))
    stop = min(length, math.ceil(start + (labels_length - 0.5) * scale - _TINY))
    axis = Axis(labels_axis, labels_length, scale, start, first, stop)
    if shown:
        return axis
    nearest: dict[int, int] = {}
    for plane in range(labels_length):
        of_image = math.floor(start + plane * scale + 0.5 + _TINY)
        if 0 <= of_image < length:
            nearest.setdefault(of_image, plane)
    return replace(axis, planes=tuple(nearest.items()))


def _full(image: Image) -> tuple[int, ...]:
    return tuple(int(n) for n in image.level_shapes[0][: image.ndim])


def _is_upright(corners_yx: NDArray[np.float64]) -> bool:
    """Whether each side of a rectangle lies along rows or columns, to within half a pixel."""
    if corners_yx.shape != (4, 2) or not np.isfinite(corners_yx).all():
        return False
    sides = np.abs(np.diff(np.vstack([corners_yx, corners_yx[:1]]), axis=0))
    return bool((sides.min(axis=1) <= _OFF).all())
