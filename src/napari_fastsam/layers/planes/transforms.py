"""From one layer's coordinates to another's, through napari's world.

Three things are easy to get wrong, and are done here once:

* ``layer.data_to_world`` takes a single point, so its affine is found from a few points and applied to many;
* units are not part of ``data_to_world``: a Points layer in µm over an image in nm needs a factor per axis;
* layers of unlike dimensions share their *last* axes.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pint
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Layer

# A long step: the difference of two points near a far origin keeps few digits. A power of two scales exactly.
_STEP = 2.0**24


def layer_affine(layer: Layer) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the affine map from a layer's data to the world, in the layer's own units.

    Parameters
    ----------
    layer
        Any napari layer with D dimensions.

    Returns
    -------
    linear, translate
        (D, D) and (D,), so that ``world = linear @ data + translate``.
    """
    origin = np.asarray(layer.data_to_world(np.zeros(layer.ndim)), dtype=np.float64)
    far = [layer.data_to_world(axis) for axis in np.eye(layer.ndim) * _STEP]
    return (np.asarray(far, dtype=np.float64) - origin).T / _STEP, origin


def unit_factors(source: Sequence[pint.Unit], target: Sequence[pint.Unit]) -> NDArray[np.float64]:
    """Return the factor per axis that turns lengths in one layer's units into another's.

    Parameters
    ----------
    source, target
        One unit an axis; aligned on the last axes.

    Returns
    -------
    numpy.ndarray
        (min(len(source), len(target)),). All ones if one axis has units of unlike kinds, such as pixel and
        nm: napari then leaves out the units of all layers.
    """
    pairs = list(zip(reversed(source), reversed(target), strict=False))[::-1]
    if any(a.dimensionality != b.dimensionality for a, b in pairs):
        return np.ones(len(pairs))
    return np.array([1.0 if a == b else float((1.0 * a).m_as(b)) for a, b in pairs])


def pixel_area(layer: Layer, axes: Sequence[int]) -> float | None:
    """Return the area in µm² that a pixel of a layer has along two of its axes, scaled and sheared as it is.

    None where the world has no units of length there: in pixels, or along time.
    """
    sides = layer_affine(layer)[0][:, list(axes)]
    across = np.abs(sides).max(axis=1) > 1e-9 * np.abs(sides).max()  # what rounding leaves is no part of a side
    try:
        lengths = [float((1.0 * unit).m_as("micrometer")) for unit in np.asarray(layer.units, object)[across]]
    except pint.DimensionalityError:
        return None
    sides = sides[across] * np.array(lengths)[:, None]
    return float(np.sqrt(max(np.linalg.det(sides.T @ sides), 0.0)))


def units_apply(viewer: ViewerModel) -> bool:
    """Return whether the viewer reckons with units: not if some layers are in pixels and others in nm."""
    return viewer.layers.units is not None


def points_between(source: Layer, target: Layer, points: ArrayLike, *, use_units: bool = True) -> NDArray[np.float64]:
    """Map points from the data coordinates of one layer to those of another.

    Parameters
    ----------
    source, target
        Layers of S and T dimensions; their last axes are the same.
    points
        (N, S) data coordinates in `source`.
    use_units
        False where the viewer leaves units out (see `units_apply`).

    Returns
    -------
    numpy.ndarray
        (N, T) data coordinates in `target`. Axes that only `target` has are NaN: `source` says nothing about
        them, so 2D points over a 3D image mean the plane shown. Axes that only `source` has are dropped.
    """
    points_source = np.asarray(points, dtype=np.float64).reshape(-1, source.ndim)
    shared = min(source.ndim, target.ndim)
    linear, translate = layer_affine(source)
    world = (points_source @ linear.T + translate)[:, source.ndim - shared :]
    if use_units:
        world = world * unit_factors(source.units, target.units)
    return _solve_last_axes(target, world)


def corners_apart(
    source: Layer, target: Layer, shape: Sequence[int], *, factors: ArrayLike = 1.0, use_units: bool = True
) -> float:
    """Return how far corner pixels of a layer lie at most from where another layer has them, in pixels of the first.

    Parameters
    ----------
    source, target
        Layers of D dimensions.
    shape
        (D,) of the pixels of `source`.
    factors
        How many pixels of `target` one of `source` covers along each axis.
    use_units
        As for `points_between`.
    """
    corners = np.array(list(itertools.product(*((0, length - 1) for length in shape))), dtype=np.float64)
    across = np.asarray(factors, dtype=np.float64)
    expected = corners * across + (across - 1) / 2
    found = points_between(source, target, corners, use_units=use_units)
    return float(np.max(np.abs(found - expected) / across))


def world_to_data(
    layer: Layer, points_world: ArrayLike, *, world_units: Sequence[pint.Unit] | None
) -> NDArray[np.float64]:
    """Map points of the viewer's world, such as ``viewer.dims.point``, to data coordinates of a layer.

    Parameters
    ----------
    layer
        A layer of D dimensions.
    points_world
        (W,) or (N, W) world coordinates; the last axes are the layer's.
    world_units
        ``viewer.layers.units``: one unit a world axis, or None where napari leaves units out.

    Returns
    -------
    numpy.ndarray
        (D,) or (N, D). Axes that the world lacks are NaN.
    """
    world = np.asarray(points_world, dtype=np.float64)
    shared = min(world.shape[-1], layer.ndim)
    rows = np.atleast_2d(world)[:, world.shape[-1] - shared :] * world_factors(layer, world_units)[-shared:]
    data = _solve_last_axes(layer, rows)
    return data[0] if world.ndim == 1 else data


def world_factors(layer: Layer, world_units: Sequence[pint.Unit] | None) -> NDArray[np.float64]:
    """Return the (D,) factors from world units to the layer's units; ones where napari leaves units out."""
    if world_units is None or len(world_units) < layer.ndim:
        return np.ones(layer.ndim)
    return unit_factors(world_units, layer.units)


def _solve_last_axes(layer: Layer, world: NDArray[np.float64]) -> NDArray[np.float64]:
    """Find data coordinates for world coordinates (N, K) of the layer's last K axes; the others are NaN."""
    linear, translate = layer_affine(layer)
    known = slice(layer.ndim - world.shape[1], layer.ndim)
    data = np.full((len(world), layer.ndim), np.nan)
    # With fewer axes known, the part of the matrix that belongs to them: napari draws a slice the same way
    data[:, known] = np.linalg.solve(linear[known, known], (world - translate[known]).T).T
    return data


def placed_on(image: Layer, origin: ArrayLike, step: ArrayLike) -> Mapping[str, Any]:
    """Return the transform of a layer whose pixels are blocks of an image's pixels.

    Parameters
    ----------
    image
        The layer of D dimensions that the new one must lie on.
    origin
        (D,) data coordinates in `image` of the centre of the new layer's first pixel.
    step
        (D,) pixels of `image` per pixel of the new layer.

    Returns
    -------
    mapping
        ``scale, translate, rotate, shear, affine, units, axis_labels`` for the constructor of a layer.
    """
    linear, _ = layer_affine(image)
    # The layer's own translate comes before its extra affine, which is the same for both layers
    shift = np.linalg.solve(image.affine.linear_matrix, linear @ np.asarray(origin, dtype=np.float64))
    return {
        "scale": np.asarray(image.scale) * np.asarray(step, dtype=np.float64),
        "translate": np.asarray(image.translate) + shift,
        "rotate": np.asarray(image.rotate),
        "shear": np.asarray(image.shear),
        "affine": np.asarray(image.affine.affine_matrix),
        "units": image.units,
        "axis_labels": image.axis_labels,
    }
