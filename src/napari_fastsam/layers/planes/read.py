"""What the viewer shows of an image, and its pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from napari_fastsam.errors import ImageError
from napari_fastsam.layers.planes.plane import Plane
from napari_fastsam.layers.planes.transforms import layer_affine, world_factors

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image

Region = Literal["plane", "view", "stack"]


def plane_shown(viewer: ViewerModel, image: Image, region: Region = "plane") -> Plane:
    """Return the plane of an image that the viewer shows.

    Parameters
    ----------
    viewer
        The viewer that holds the image.
    image
        The image, of any dimensions; RGB and multiscale too.
    region
        "plane": all of the plane at full resolution. "view": the part of it that lies on the canvas, at the
        resolution shown. The canvas tells an image its part when it draws; before that it is the whole plane.

    Raises
    ------
    ImageError
        For a 3D display, an axis without pixels, or an image that has no plane where the sliders stand.
    """
    shape = _checked_shape(viewer, image)
    rows_axis, columns_axis = axes = displayed_axes(viewer, image)
    position = _slider_position(viewer, image, axes)
    _require_inside(image, position)
    level = int(image.data_level) if region == "view" and image.multiscale else 0
    level_shape = tuple(int(length) for length in image.level_shapes[level][: image.ndim])
    bounds = np.array([[0, 0], [level_shape[rows_axis], level_shape[columns_axis]]])
    if region == "view":
        bounds = _on_canvas(np.asarray(image.corner_pixels)[:, list(axes)], bounds[1])
    # napari picks a level's slice from the slider without the half-pixel shift; read what is seen
    # (https://github.com/napari/napari/issues/6320)
    scaled = position * np.asarray(level_shape) / np.asarray(shape)
    return Plane(
        image_shape=shape,
        level_shape=level_shape,
        axes=axes,
        index=tuple(int(i) for i in np.round(position)),
        level_index=tuple(int(i) for i in np.round(np.clip(scaled, 0, np.asarray(level_shape) - 1))),
        level=level,
        region=(int(bounds[0, 0]), int(bounds[0, 1]), int(bounds[1, 0]), int(bounds[1, 1])),
    )


def read_pixels(image: Image, plane: Plane) -> NDArray[Any]:
    """Read the pixels of a plane's region, and only those.

    Parameters
    ----------
    image
        The image that the plane was taken from; numpy, dask, zarr or multiscale.
    plane
        From `plane_shown`.

    Returns
    -------
    numpy.ndarray
        (Y, X), or (Y, X, 3 | 4) for RGB, in the image's dtype.

    Raises
    ------
    ImageError
        If the image's data have been replaced by data of another shape since.
    """
    level_shapes = [tuple(int(n) for n in shape[: image.ndim]) for shape in image.level_shapes]
    if plane.level >= len(level_shapes) or level_shapes[plane.level] != plane.level_shape:
        raise ImageError(
            f'Image "{image.name}" now has shape {level_shapes[0]}, but a plane of an image of shape '
            f"{plane.image_shape} was requested: its data have changed since. Run again."
        )
    data = image.data[plane.level] if image.multiscale else image.data
    return np.asarray(data[plane.level_slices])


class PlanePixels:
    """The pixels of a plane's region, read by rectangles where they are needed: a `model.asking.plane_scale.PlaneLike`.

    Parameters
    ----------
    image, plane
        As in `read_pixels`.
    """

    def __init__(self, image: Image, plane: Plane) -> None:
        data = image.data[plane.level] if image.multiscale else image.data
        self._data, self._plane = data, plane
        self.shape: tuple[int, ...] = (*plane.shape, *(int(n) for n in data.shape[image.ndim :]))
        self.dtype = np.dtype(data.dtype)

    def __getitem__(self, window: tuple[slice, slice]) -> NDArray[Any]:
        """Return some rows and columns, every so many if the slices say so."""
        slices: list[int | slice] = list(self._plane.level_index)
        for axis, own, wanted in zip(self._plane.axes, self._plane.region, window, strict=False):
            start, stop, step = wanted.indices(self.shape[self._plane.axes.index(axis)])
            slices[axis] = slice(own + start, own + stop, step)
        return np.asarray(self._data[tuple(slices)])


def _checked_shape(viewer: ViewerModel, image: Image) -> tuple[int, ...]:
    if image.ndim < 2:
        raise ImageError(f'Image "{image.name}" has {image.ndim} axis; expected rows and columns at least.')
    shape = tuple(int(length) for length in image.level_shapes[0][: image.ndim])
    if 0 in shape:
        raise ImageError(
            f'Image "{image.name}" has shape {shape}: axis {shape.index(0)} has no pixels. Choose another image.'
        )
    if viewer.dims.ndisplay != 2:
        raise ImageError("The viewer shows a volume, FastSAM works on planes: switch to 2D display (Ctrl+Y).")
    if viewer.dims.ndim < image.ndim:
        raise ImageError(
            f'Image "{image.name}" has {image.ndim} axes and the viewer {viewer.dims.ndim}: it is not in this '
            "viewer. Add it, or choose an image from the list."
        )
    return shape


def displayed_axes(viewer: ViewerModel, image: Image) -> tuple[int, int]:
    """Return the image's axes that the canvas shows as rows and columns, in the image's own order."""
    offset = viewer.dims.ndim - image.ndim
    # The last two of the axes that the image has: napari still draws it where a leading world axis is shown
    own = [axis - offset for axis in viewer.dims.order if axis >= offset]
    first, second = sorted(own[-2:])
    return first, second


def _slider_position(viewer: ViewerModel, image: Image, displayed: tuple[int, int]) -> NDArray[np.float64]:
    """Return where the sliders stand in data coordinates (D,); 0 on the axes displayed."""
    others = [axis for axis in range(image.ndim) if axis not in displayed]
    linear, translate = layer_affine(image)
    inverse = np.linalg.inv(linear)
    offset = -inverse @ translate
    world = np.asarray(viewer.dims.point, dtype=np.float64)[-image.ndim :]
    world = world * world_factors(image, viewer.layers.units)
    position = np.zeros(image.ndim)
    # napari slices by the sliders alone: with a rotation out of the plane the axes displayed have no say
    position[others] = inverse[np.ix_(others, others)] @ world[others] + offset[others]
    return position


def _require_inside(image: Image, position: NDArray[np.float64]) -> None:
    for axis, (value, length) in enumerate(zip(np.round(position), image.level_shapes[0], strict=False)):
        if not 0 <= value < length:
            raise ImageError(
                f'Image "{image.name}" has no plane here: the slider stands at {value:.0f} on axis {axis}, '
                f"which goes from 0 to {length - 1}. Move the slider onto the image."
            )


def _on_canvas(corners: NDArray[np.int_], limits: NDArray[np.int_]) -> NDArray[np.int_]:
    """Return the half-open bounds (2, 2), of one pixel at least, for inclusive corners."""
    first = np.clip(corners[0], 0, limits - 1)
    return np.stack([first, np.clip(corners[1] + 1, first + 1, limits)])
