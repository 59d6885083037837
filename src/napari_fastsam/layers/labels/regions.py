"""Regions and lines that are drawn in a Shapes layer, in the pixels of a plane of a Labels layer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_fastsam.layers.labels.layer_plane import LayerPlane
from napari_fastsam.layers.planes.transforms import points_between

if TYPE_CHECKING:
    from napari.layers import Shapes

_CORNERS = 64
"""Of the polygon that an ellipse is taken for."""


@dataclass(frozen=True, eq=False)
class Drawn:
    """What is drawn.

    Attributes
    ----------
    outlines, lines
        (N, 2) rows and columns each.
    """

    outlines: tuple[NDArray[np.float64], ...] = ()
    lines: tuple[NDArray[np.float64], ...] = ()

    def __bool__(self) -> bool:
        return bool(self.outlines or self.lines)


def selected_shapes(layer: Shapes, plane: LayerPlane, use_units: bool = True) -> Drawn:
    """Return the shapes that are selected in a layer and lie on a plane.

    Parameters
    ----------
    layer
        The Shapes layer; one of fewer axes lies on every plane.
    plane
        The plane.
    use_units
        False where the viewer leaves units out.
    """
    outlines, lines = [], []
    for row in sorted(layer.selected_data):
        corners = points_between(layer, plane.layer, layer.data[row], use_units=use_units)
        others = [axis for axis in range(plane.layer.ndim) if axis not in plane.axes]
        away = corners[:, others] - np.array(plane.index)[others]
        if np.any(np.abs(away) > 0.5 + 1e-6):  # NaN, an axis that it says nothing about, is not
            continue
        yx, form = corners[:, list(plane.axes)], layer.shape_type[row]
        if form in ("line", "path", "polyline"):
            lines.append(yx)
        else:
            outlines.append(_ellipse(yx) if form == "ellipse" else yx)
    return Drawn(tuple(outlines), tuple(lines))


def _ellipse(corners: NDArray[np.float64]) -> NDArray[np.float64]:
    angles = np.linspace(0, 2 * np.pi, _CORNERS, endpoint=False)
    middle = corners.mean(axis=0)
    first, second = (corners[1] - corners[0]) / 2, (corners[3] - corners[0]) / 2
    polygon: NDArray[np.float64] = middle + np.cos(angles)[:, None] * first + np.sin(angles)[:, None] * second
    return polygon
