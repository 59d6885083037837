"""Points and Shapes layers → prompts on a plane, with the reason for every one that cannot be used."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_fastsam.core.prompts import Prompts
from napari_fastsam.layers.plane import Plane
from napari_fastsam.layers.transforms import points_between, units_apply

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image, Points, Shapes

ELLIPSE_VERTICES = 64
_PARALLEL = 0.01  # pixels that a corner may be off the box: Shapes keeps its vertices as float32
_DEGENERATE = 1e-3  # pixels, or square pixels, below which a shape is a click that was not dragged
_POSITIVE = {"positive", "foreground", "true", "+", ""}
_NEGATIVE = {"negative", "background", "false", "-"}


@dataclass(frozen=True, eq=False)
class ReadPrompts:
    """The prompts of a plane and where each came from.

    Attributes
    ----------
    prompts
        In pixels of the plane's region.
    point_rows, box_rows, outline_rows, scribble_rows
        For each point, box, outline and scribble its index in the Points or Shapes layer.
    left_out
        Sentences for the prompts that were not used: which, counted from 1 in their layer, and why.
    """

    prompts: Prompts
    point_rows: tuple[int, ...] = ()
    box_rows: tuple[int, ...] = ()
    outline_rows: tuple[int, ...] = ()
    scribble_rows: tuple[int, ...] = ()
    left_out: tuple[str, ...] = ()


def read_prompts(
    viewer: ViewerModel,
    image: Image,
    plane: Plane,
    points: Points | None = None,
    shapes: Shapes | None = None,
) -> ReadPrompts:
    """Read the prompts that lie on a plane.

    Points are positive unless a feature `polarity` (positive, negative) or `label` (1, 0) says otherwise; a
    feature `object` gives the object number. A rectangle is a box where it is parallel to the image's rows
    and columns, else an outline, as are polygons and ellipses; lines and paths are scribbles. Outlines and
    scribbles that lie partly outside the region are kept whole.

    Parameters
    ----------
    viewer
        The viewer that holds the layers.
    image, plane
        The image, and its plane from `plane_shown`.
    points, shapes
        The prompt layers, of any dimensions; what has fewer axes than the image speaks of the plane shown.
    """
    use_units = units_apply(viewer)
    left_out = _LeftOut()
    found = _Found()
    if points is not None and len(points.data):
        _read_points(points, points_between(points, image, points.data, use_units=use_units), plane, found, left_out)
    if shapes is not None and len(shapes.data):
        vertices = points_between(shapes, image, np.concatenate(shapes.data), use_units=use_units)
        ends = np.cumsum([len(shape) for shape in shapes.data])[:-1]
        for row, (kind, corners) in enumerate(zip(shapes.shape_type, np.split(vertices, ends), strict=True)):
            _read_shape(row, str(kind), corners, plane, found, left_out)
    return found.prompts(left_out.sentences())


def _read_points(
    layer: Points, points_data: NDArray[np.float64], plane: Plane, found: _Found, left_out: _LeftOut
) -> None:
    yx = plane.data_to_region(points_data)
    on_plane, inside, shown = plane.on_plane(points_data), plane.inside(yx), np.asarray(layer.shown)
    name, signs = _feature(layer, ("polarity", "label"))
    _, objects = _feature(layer, ("object",))
    for row in range(len(yx)):
        sign, number = _sign(signs[row]), _object_number(objects[row])
        if not np.isfinite(yx[row]).all():
            left_out.add("point", row, "has a coordinate that is not finite")
        elif not shown[row]:
            left_out.add("point", row, "is hidden")
        elif not on_plane[row]:
            left_out.add("point", row, "is on another slice")
        elif not inside[row]:
            left_out.add("point", row, _outside_reason(plane))
        elif sign is None:
            left_out.add("point", row, f"has the {name} {signs[row]!r}; expected positive or negative")
        elif number is None:
            left_out.add("point", row, f"has the object {objects[row]!r}; expected a whole number from 0")
        else:
            found.points.append((row, yx[row], sign, number))


def _read_shape(
    row: int, kind: str, corners: NDArray[np.float64], plane: Plane, found: _Found, left_out: _LeftOut
) -> None:
    yx = plane.data_to_region(corners)
    if not np.isfinite(yx).all():
        left_out.add(kind, row, "has a coordinate that is not finite")
        return
    if not plane.on_plane(corners).all():
        left_out.add(kind, row, "is on another slice")
        return
    if kind in ("line", "path"):
        if _outside(yx, plane):
            left_out.add(kind, row, _outside_reason(plane))
        else:
            found.scribbles.append((row, yx))
        return
    outline = _ellipse(yx) if kind == "ellipse" else yx
    if _area(outline) < _DEGENERATE:
        left_out.add(kind, row, "has no area; drag to draw it")
    elif _outside(outline, plane):
        left_out.add(kind, row, _outside_reason(plane))
    elif kind == "rectangle" and _is_parallel(yx):
        # + 0.5: from pixel centres at integers to pixel edges at integers
        corners_yx = np.clip(np.stack([yx.min(axis=0), yx.max(axis=0)]) + 0.5, 0, plane.shape)
        found.boxes.append((row, corners_yx.ravel()))
    else:
        found.outlines.append((row, outline))


def _outside(yx: NDArray[np.float64], plane: Plane) -> bool:
    """Return whether the vertices' bounding box has no part in the region."""
    edges = yx + 0.5
    return bool((edges.max(axis=0) <= 0).any() or (edges.min(axis=0) >= plane.shape).any())


def _outside_reason(plane: Plane) -> str:
    whole = plane.shape == tuple(plane.level_shape[axis] for axis in plane.axes)
    return "is outside the image" if whole else "is outside the part of the image that is used"


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


def _feature(layer: Points, names: Sequence[str]) -> tuple[str, list[Any]]:
    for name in names:
        if name in layer.features:
            return name, list(layer.features[name])
    return names[0], [None] * len(layer.data)


def _is_missing(value: object) -> bool:
    # NaN, NaT and pandas' NA are what a column holds for points that are older than the column
    return value is None or str(value) in ("nan", "NaT", "<NA>")


def _sign(value: object) -> int | None:
    """Return 1 or 0 for a polarity or a label; None for what is neither. A missing value is positive."""
    word = "" if _is_missing(value) else str(value).strip().lower()
    if word in _POSITIVE | _NEGATIVE:
        return int(word in _POSITIVE)
    number = _number(word)
    return int(number) if number in (0, 1) else None


def _object_number(value: object) -> int | None:
    number = 0.0 if _is_missing(value) or value == "" else _number(value)
    return int(number) if number is not None and number >= 0 and number.is_integer() else None


def _number(value: Any) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


@dataclass
class _Found:
    """Prompts in the order of their layers, each with its row."""

    points: list[tuple[int, NDArray[np.float64], int, int]] = field(default_factory=list)
    boxes: list[tuple[int, NDArray[np.float64]]] = field(default_factory=list)
    outlines: list[tuple[int, NDArray[np.float64]]] = field(default_factory=list)
    scribbles: list[tuple[int, NDArray[np.float64]]] = field(default_factory=list)

    def prompts(self, left_out: tuple[str, ...]) -> ReadPrompts:
        prompts = Prompts(
            points=np.array([yx for _, yx, _, _ in self.points]),
            point_labels=np.array([sign for _, _, sign, _ in self.points], dtype=np.int64),
            point_objects=np.array([number for _, _, _, number in self.points], dtype=np.int64),
            boxes=np.array([box for _, box in self.boxes]),
            outlines=[outline for _, outline in self.outlines],
            scribbles=[scribble for _, scribble in self.scribbles],
        )
        return ReadPrompts(
            prompts,
            point_rows=tuple(row for row, *_ in self.points),
            box_rows=tuple(row for row, _ in self.boxes),
            outline_rows=tuple(row for row, _ in self.outlines),
            scribble_rows=tuple(row for row, _ in self.scribbles),
            left_out=left_out,
        )


class _LeftOut:
    """Collects what was not used, one sentence for all that share a reason."""

    def __init__(self) -> None:
        self._rows: dict[tuple[str, str], list[int]] = {}

    def add(self, kind: str, row: int, reason: str) -> None:
        self._rows.setdefault((kind, reason), []).append(row)

    def sentences(self) -> tuple[str, ...]:
        return tuple(_sentence(kind, rows, reason) for (kind, reason), rows in self._rows.items())


def _sentence(kind: str, rows: list[int], reason: str) -> str:
    numbers = [str(row + 1) for row in rows]
    if len(rows) == 1:
        return f"{kind.capitalize()} {numbers[0]} {reason}."
    listed = f"{', '.join(numbers[:5])} and {len(rows) - 5} more" if len(rows) > 6 else ", ".join(numbers)
    verb, _, rest = reason.partition(" ")
    return f"{kind.capitalize()}s {listed} {'are' if verb == 'is' else 'have'} {rest}."
