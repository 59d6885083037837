"""Which pixels of a Labels layer belong to a plane's region, or why the layer cannot take them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_fastsam.errors import LabelsError
from napari_fastsam.layers.labels.preview import is_pyramid_of_ours
from napari_fastsam.layers.planes.plane import Plane
from napari_fastsam.layers.planes.transforms import corners_apart

if TYPE_CHECKING:
    from napari.layers import Image, Labels


@dataclass(frozen=True, eq=False)
class Target:
    """A region in the grid of a Labels layer.

    Attributes
    ----------
    axes
        The layer's axes that are rows and columns.
    index
        (D,) position on the layer's other axes.
    start
        First row and column in the layer.
    sources
        For each row and for each column of the layer's part the row or column of the region it takes its
        value from.
    """

    axes: tuple[int, int]
    index: tuple[int, ...]
    start: tuple[int, int]
    sources: tuple[NDArray[np.intp], NDArray[np.intp]]

    @property
    def slices(self) -> tuple[int | slice, ...]:
        """What to index the layer's data with to get its part, (Y, X)."""
        slices: list[int | slice] = list(self.index)
        for axis, first, source in zip(self.axes, self.start, self.sources, strict=True):
            slices[axis] = slice(first, first + len(source))
        return tuple(slices)

    def enlarge(self, labels_yx: NDArray[np.integer]) -> NDArray[np.integer]:
        """Return the region's label image in the layer's pixels."""
        return labels_yx[np.ix_(*self.sources)]

    def indices(self, mask: NDArray[np.bool_]) -> tuple[NDArray[np.intp], ...]:
        """Return the indices (D arrays) in the layer's data of the pixels of a mask of its part."""
        found = np.nonzero(mask)
        indices = [np.full(len(found[0]), i, dtype=np.intp) for i in self.index]
        for axis, first, positions in zip(self.axes, self.start, found, strict=True):
            indices[axis] = positions + first
        return tuple(indices)


def find_target(layer: Labels, image: Image, plane: Plane, *, use_units: bool = True) -> Target:
    """Find the pixels of a Labels layer that a plane's region belongs to.

    Parameters
    ----------
    layer
        The Labels layer.
    image, plane
        The image and its plane.
    use_units
        False where the viewer leaves units out.

    Raises
    ------
    LabelsError
        If the layer cannot be written to, or its pixels are not the image's.
    """
    require_writable(layer)
    return find_region(layer, image, plane, use_units=use_units)


def find_region(layer: Labels, image: Image, plane: Plane, *, use_units: bool = True) -> Target:
    """Find the same pixels in a layer that is only read; parameters as in `find_target`.

    Raises
    ------
    LabelsError
        If its pixels are not the image's.
    """
    shape = tuple(pixels_of(layer).shape)
    if shape not in (plane.level_shape, plane.image_shape):
        grids = " or ".join(str(s) for s in dict.fromkeys((plane.level_shape, plane.image_shape)))
        raise LabelsError(
            f'Labels layer "{layer.name}" has shape {shape}, image "{image.name}" {grids}. '
            "Choose a layer of the image's shape, or a new one."
        )
    factors = plane.factors if shape == plane.level_shape else np.ones(plane.ndim)
    _require_same_place(layer, image, factors, use_units)
    index = tuple(
        int(_under(np.array(i), n, of)) for i, n, of in zip(plane.index, shape, plane.image_shape, strict=True)
    )
    rows, columns = (
        _sources(plane.level_shape[axis], shape[axis], plane.region[k], plane.region[k + 2])
        for k, axis in enumerate(plane.axes)
    )
    return Target(plane.axes, index, (rows[0], columns[0]), (rows[1], columns[1]))


def _under(pixels: NDArray[np.intp], length: int, full_length: int) -> NDArray[np.intp]:
    """Return for pixels of an axis the one under their centres where the axis has fewer pixels.

    ``floor((p + ½) · length / full_length)`` in whole numbers, so that no rounding can move a pixel.
    """
    return np.asarray((2 * pixels + 1) * length // (2 * full_length))


def _sources(level_length: int, length: int, start: int, stop: int) -> tuple[int, NDArray[np.intp]]:
    """Return the first pixel in the level's pixels start … stop, and of each the pixel it lies in."""
    level_pixels = _under(np.arange(length), level_length, length)
    first, last = np.searchsorted(level_pixels, [start, stop])
    return int(first), level_pixels[first:last] - start


def pixels_of(layer: Labels) -> Any:
    """Return a Labels layer's array at full resolution."""
    return layer.data[0] if layer.multiscale else layer.data


def require_writable(layer: Labels) -> None:
    """Require that pixels of a layer can be changed.

    Raises
    ------
    LabelsError
        If not, and what to do then.
    """
    if is_pyramid_of_ours(layer):
        return
    if layer.multiscale:
        raise LabelsError(f'Labels layer "{layer.name}" is multiscale, which napari cannot edit. Choose a new layer.')
    if hasattr(layer.data, "__dask_graph__"):
        raise LabelsError(
            f'Labels layer "{layer.name}" is computed by dask and cannot be edited. Load it into memory '
            "(layer.data = layer.data.compute()), or choose a new layer."
        )
    if not layer.editable:
        raise LabelsError(f'Labels layer "{layer.name}" is not editable. Set layer.editable, or choose another layer.')
    if isinstance(layer.data, np.ndarray) and not layer.data.flags.writeable:
        raise LabelsError(
            f'Labels layer "{layer.name}" holds read-only data. Open it for writing, or choose a new layer.'
        )


def _require_same_place(layer: Labels, image: Image, factors: NDArray[np.float64], use_units: bool) -> None:
    """Require that the corner pixels of the layer lie within half a pixel of where the image has them."""
    away = corners_apart(layer, image, pixels_of(layer).shape, factors=factors, use_units=use_units)
    if not away <= 0.5 + 1e-6:
        raise LabelsError(
            f'Labels layer "{layer.name}" has the shape of image "{image.name}" but lies elsewhere: a corner '
            f"is {away:.3g} pixels off. Give it the image's scale, translate, rotate, shear, affine and units, "
            "or choose a new layer."
        )
