"""The viewer goes to a place: sliders, centre and, if need be, zoom."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_fastsam.layers.napari_versions import camera as camera_of
from napari_fastsam.layers.napari_versions import canvas_size
from napari_fastsam.layers.planes.transforms import layer_affine, world_factors, world_to_data

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Layer

TOO_SMALL, TOO_LARGE = 1 / 25, 0.8
"""Of the canvas' shorter side: an object that takes less cannot be judged, one that takes more is not seen whole."""

COMFORTABLE = 1 / 5
"""What an object takes of it after the zoom was changed."""

MARGIN = 4
"""Pixels around an object that are seen as part of it here: a single pixel tells nothing without them."""


def go_to(viewer: ViewerModel, layer: Layer, point: ArrayLike, box: ArrayLike) -> None:
    """Put a place of a layer into the middle of the canvas, on the plane where it lies.

    The zoom stays unless the object would be a speck, or larger than the canvas.

    Parameters
    ----------
    viewer
        Holds the layer.
    layer
        Of D dimensions.
    point
        (D,) data coordinates.
    box
        (2 D,) pixel edges of the object, first those where it begins.
    """
    offset = viewer.dims.ndim - layer.ndim
    world = _world(viewer, layer, np.asarray(point, dtype=np.float64)[None])[0]
    shown = [axis for axis in viewer.dims.displayed if axis >= offset]
    others = [axis for axis in range(offset, viewer.dims.ndim) if axis not in shown]
    if others:
        viewer.dims.set_point(others, [float(world[axis - offset]) for axis in others])
    own = [axis - offset for axis in shown]
    camera = camera_of(viewer)
    camera.center = tuple(float(w) for w in world[own])
    edges = np.asarray(box, dtype=np.float64).reshape(2, -1) - 0.5 + [[-MARGIN], [MARGIN]]
    corners = _world(viewer, layer, np.array(list(product(*edges.T))))[:, own]
    extent = float(np.ptp(corners, axis=0).max())
    canvas = float(min(canvas_size(viewer)))
    if extent > 0 and not TOO_SMALL <= extent * camera.zoom / canvas <= TOO_LARGE:
        camera.zoom = COMFORTABLE * canvas / extent


def show_position(viewer: ViewerModel, layer: Layer, axis: int, position: int) -> None:
    """Move the slider of one of a layer's axes to where the layer has a position; steps count from other layers too."""
    point = world_to_data(layer, viewer.dims.point, world_units=viewer.layers.units)
    point[axis] = position
    world = _world(viewer, layer, point[None])[0]
    viewer.dims.set_point(viewer.dims.ndim - layer.ndim + axis, float(world[axis]))


def _world(viewer: ViewerModel, layer: Layer, points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (N, D) points in the viewer's world, in its units."""
    linear, translate = layer_affine(layer)
    factors: NDArray[np.float64] = (points @ linear.T + translate) / world_factors(layer, viewer.layers.units)
    return factors
