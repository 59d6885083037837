"""Shapes layers → boxes, outlines, scribbles and every other kind of prompt that is drawn, and examples."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_fastsam.core.prompts.drawing import along
from napari_fastsam.core.prompts.queries import KINDS, Query, shape_kinds
from napari_fastsam.errors import PromptError
from napari_fastsam.layers.planes.plane import Plane
from napari_fastsam.layers.prompts.collecting import ELSEWHERE, PromptCollector
from napari_fastsam.layers.prompts.features import (
    COUNTER_EXAMPLE,
    EXAMPLE,
    EXPECTED_SIGN,
    as_object_number,
    as_word,
    feature_of,
    meaning_of,
)
from napari_fastsam.layers.prompts.sources import SOURCES, outside_reason

if TYPE_CHECKING:
    from napari.layers import Shapes

ELLIPSE_VERTICES = 64
_CLICKS_ALONG = 24  # a scribble counts as at most so many clicks
_PARALLEL = 0.01  # pixels that a corner may be off the box: Shapes keeps its vertices as float32
_DEGENERATE = 1e-3  # pixels, or square pixels, below which a shape is a click that was not dragged


class ShapesSource:
    """Reads Shapes layers.

    A rectangle is a box where it is parallel to the image's rows and columns, else an outline, as are polygons and
    ellipses; lines and paths are scribbles. A feature `prompt` says otherwise: it names a kind of prompt. A feature
    `object` gives the object number: a scribble with that of another prompt is clicks on its object, and a negative one
    is always clicks. Shapes with the polarity `EXAMPLE` or `COUNTER_EXAMPLE` show what to search for.
    What lies partly outside the region is kept whole.
    """

    name = "shapes"

    def vertices(self, layer: Shapes) -> NDArray[np.float64]:
        """Return (V, D) coordinates, the vertices of shape after shape."""
        return np.concatenate(layer.data)

    def read(self, layer: Shapes, vertices: NDArray[np.float64], plane: Plane, collector: PromptCollector) -> None:
        """Hand over each shape; see `Source.read`."""
        ends = np.cumsum([len(shape) for shape in layer.data])[:-1]
        columns = [feature_of(layer, (name,))[1] for name in ("polarity", "prompt", "object")]
        for row, (form, corners) in enumerate(zip(layer.shape_type, np.split(vertices, ends), strict=True)):
            polarity, kind, number = (column[row] for column in columns)
            problem = _problem(str(form), corners, plane)
            if problem is None:
                drawn = plane.data_to_region(corners)
                problem = _hand_over(row, str(form), drawn, (polarity, kind, number), plane, collector)
            if problem is not None:
                collector.leave_out(str(form), row, problem)


def _problem(form: str, corners: NDArray[np.float64], plane: Plane) -> str | None:
    """Return why a shape has no place on the plane; None if it has one."""
    yx = plane.data_to_region(corners)
    if not np.isfinite(yx).all():
        return "has a coordinate that is not finite"
    if not plane.on_plane(corners).all():
        return ELSEWHERE
    if not _is_line(form):
        yx = _ellipse(yx) if form == "ellipse" else yx
        if _area(yx) < _DEGENERATE:
            return "has no area; drag to draw it"
    edges = yx + 0.5
    beyond = (edges.max(axis=0) <= 0).any() or (edges.min(axis=0) >= plane.shape).any()
    return outside_reason(plane) if beyond else None


def _hand_over(
    row: int,
    form: str,
    yx: NDArray[np.float64],
    features: tuple[object, object, object],
    plane: Plane,
    collector: PromptCollector,
) -> str | None:
    """Hand a shape over as the prompt that it is; returns why it is none."""
    polarity, named, number = features
    vertices = _ellipse(yx) if form == "ellipse" else yx
    meaning, kind, own = meaning_of(polarity), _kind(form, yx, as_word(named)), as_object_number(number)
    if kind is None:
        return f"has the prompt {named!r}; expected {', '.join(k.kind for k in shape_kinds().values())}"
    if meaning is None:
        return f"has the polarity {polarity!r}; expected {EXPECTED_SIGN}"
    if isinstance(meaning, str) and _is_line(form):
        return f"is a line; what is an {EXAMPLE} or a {COUNTER_EXAMPLE} is shown by a point or a closed shape"
    if not _is_line(form) and meaning is False:
        return f"is negative; only points and scribbles can be, and a shape may be a {COUNTER_EXAMPLE}"
    if isinstance(meaning, str):
        # whatever its form: an example shows an object, and need not say where that ends
        name = "example_boxes" if meaning == EXAMPLE else "counter_example_boxes"
        collector.add(name, row, KINDS["box"].from_vertices(vertices, plane.shape))
        return None
    if own is None:
        return f"has the object {number!r}; expected a whole number from 0"
    of_another = own > 0 and (collector.has_object(own) or collector.has_points_of(own))
    if kind is KINDS["scribble"] and (not meaning or of_another):
        clicks = _clicks_along(yx, plane)
        collector.add_clicks(row, clicks, meaning, own)
        return None if len(clicks) else outside_reason(plane)
    if own and collector.has_object(own):
        return f"has the object {own}, as another shape has"
    try:
        geometry = kind.from_vertices(vertices, plane.shape)
    except PromptError as error:
        return f"is no {kind.kind}: {error}"
    collector.add_shape(kind.field, row, geometry, own)
    return None


def _clicks_along(yx: NDArray[np.float64], plane: Plane) -> NDArray[np.float64]:
    """Return the points along a line that lie on the region, not more than an object can use."""
    path = along(yx)
    path = path[plane.inside(path)]
    some = np.unique(np.linspace(0, len(path) - 1, min(len(path), _CLICKS_ALONG)).round().astype(int))
    return path[some] if len(path) else path


def _kind(form: str, corners: NDArray[np.float64], named: str) -> type[Query] | None:
    """Return the kind of prompt that a shape is by its feature, or else by its form; None for a kind there is not."""
    if named:
        return KINDS.get(named) if named != "point" else None
    if _is_line(form):
        return KINDS["scribble"]
    return KINDS["box" if form == "rectangle" and _is_parallel(corners) else "outline"]


def _is_line(form: str) -> bool:
    return form in ("line", "path")


def _is_parallel(corners: NDArray[np.float64]) -> bool:
    low, high = corners.min(axis=0), corners.max(axis=0)
    return bool((np.minimum(corners - low, high - corners) <= _PARALLEL).all())


def _ellipse(corners: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the ellipse in a parallelogram (4, 2), which is how napari stores one, as a polygon (64, 2)."""
    angles = np.linspace(0, 2 * np.pi, ELLIPSE_VERTICES, endpoint=False)[:, None]
    one, other = (corners[1] - corners[0]) / 2, (corners[3] - corners[0]) / 2
    return np.asarray(corners[:4].mean(axis=0) + np.cos(angles) * one + np.sin(angles) * other)


def _area(polygon: NDArray[np.float64]) -> float:
    y, x = (polygon - polygon[0]).T
    return float(abs(y @ np.roll(x, -1) - x @ np.roll(y, -1)) / 2)


SOURCES["Shapes"] = ShapesSource()
