"""Which planes of a stack prompts lie on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_fastsam.layers.planes.plane import Plane
from napari_fastsam.layers.planes.transforms import points_between, units_apply

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image, Points, Shapes


def axis_of_stack(plane: Plane, axis: int | None = None) -> int:
    """Return the axis along which planes are taken together: the one asked for, or the last beside rows and columns.

    Parameters
    ----------
    plane
        One of several planes.
    axis
        The image's axis that is asked for; another is taken where the planes do not lie along it.
    """
    others = plane.other_axes
    return axis if axis in others else others[-1]


def planes_with_prompts(
    viewer: ViewerModel, image: Image, plane: Plane, axis: int, points: Points | None, shapes: Shapes | None
) -> list[int]:
    """Return the positions along an axis of an image where prompts lie, in ascending order.

    A prompt that says nothing of the axis is on the plane shown.
    """
    positions: set[int] = set()
    for layer in (points, shapes):
        if layer is None or not len(layer.data):
            continue
        vertices = np.concatenate([np.atleast_2d(each) for each in layer.data])
        along = points_between(layer, image, vertices, use_units=units_apply(viewer))[:, axis]
        along = np.where(np.isfinite(along), along, plane.index[axis])
        positions.update(int(p) for p in np.unique(np.round(along)) if 0 <= p < plane.image_shape[axis])
    return sorted(positions)
