"""Points and Shapes layers → prompts on a plane, with the reason for every one that cannot be used."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from napari_fastsam.core.prompts.prompts import Prompts
from napari_fastsam.layers.planes.plane import Plane
from napari_fastsam.layers.planes.transforms import points_between, units_apply

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image, Points, Shapes

    from napari_fastsam.core.likeness.exemplars import Exemplars

ELLIPSE_VERTICES = 64
_PARALLEL = 0.01  # pixels that a corner may be off the box: Shapes keeps its vertices as float32
_DEGENERATE = 1e-3  # pixels, or square pixels, below which a shape is a click that was not dragged
_POSITIVE = {"positive", "foreground", "true", "+", ""}
_NEGATIVE = {"negative", "background", "false", "-"}
EXAMPLE, COUNTER_EXAMPLE = "example", "counter-example"
"""What the feature `polarity` says of a point or a shape that shows what the objects wanted are like, or unlike."""

Field = Literal[
    "points", "boxes", "outlines", "scribbles",
    "examples", "counter_examples", "example_boxes", "counter_example_boxes",
]  # fmt: skip
"""An attribute of `Prompts` whose prompts are drawn."""

POINT_FIELDS: tuple[Field, ...] = ("points", "examples", "counter_examples")
SHAPE_FIELDS: tuple[Field, ...] = ("boxes", "outlines", "scribbles", "example_boxes", "counter_example_boxes")
EXAMPLE_FIELDS: frozenset[Field] = frozenset(("examples", "counter_examples", "example_boxes", "counter_example_boxes"))


@dataclass(frozen=True, eq=False)
class ReadPrompts:
    """The prompts of a plane and where each came from.

    Attributes
    ----------
    prompts
        In pixels of the plane's region.
    rows
        For each of `POINT_FIELDS` and `SHAPE_FIELDS` the index of each of its prompts in the Points or Shapes layer.
    left_out
        Sentences for the prompts that were not used: which, counted from 1 in their layer, and why.
    """

    prompts: Prompts
    rows: Mapping[Field, tuple[int, ...]]
    left_out: tuple[str, ...] = ()


def read_prompts(
    viewer: ViewerModel,
    image: Image,
    plane: Plane,
    points: Points | None = None,
    shapes: Shapes | None = None,
    texts: Sequence[str] = (),
    exemplars: Exemplars | None = None,
) -> ReadPrompts:
    """Read the prompts that lie on a plane.

    Points are positive unless a feature `polarity` (positive, negative) or `label` (1, 0) says otherwise; a
    feature `object` gives the object number. Points and shapes with the polarity `EXAMPLE` or `COUNTER_EXAMPLE` show
    what to search for. A rectangle is a box where it is parallel to the image's rows
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
    texts, exemplars
        What is asked for besides.
    """
    use_units = units_apply(viewer)
    left_out = _LeftOut()
    found = _Found()
    if points is not None and len(points.data):
        _read_points(points, points_between(points, image, points.data, use_units=use_units), plane, found, left_out)
    if shapes is not None and len(shapes.data):
        vertices = points_between(shapes, image, np.concatenate(shapes.data), use_units=use_units)
        ends = np.cumsum([len(shape) for shape in shapes.data])[:-1]
        _, roles = _feature(shapes, ("polarity",))
        for row, (kind, corners) in enumerate(zip(shapes.shape_type, np.split(vertices, ends), strict=True)):
            _read_shape(row, str(kind), roles[row], corners, plane, found, left_out)
    return found.prompts(texts, exemplars, left_out.sentences())


def _read_points(
    layer: Points, points_data: NDArray[np.float64], plane: Plane, found: _Found, left_out: _LeftOut
) -> None:
    yx = plane.data_to_region(points_data)
    on_plane, inside, shown = plane.on_plane(points_data), plane.inside(yx), np.asarray(layer.shown)
    name, signs = _feature(layer, ("polarity", "label"))
    _, objects = _feature(layer, ("object",))
    for row in range(len(yx)):
        field, sign = _meaning(signs[row])
        number = _object_number(objects[row])
        if not np.isfinite(yx[row]).all():
            left_out.add("point", row, "has a coordinate that is not finite")
        elif not shown[row]:
            left_out.add("point", row, "is hidden")
        elif not on_plane[row]:
            left_out.add("point", row, "is on another slice")
        elif not inside[row]:
            left_out.add("point", row, _outside_reason(plane))
        elif field is None:
            expected = f"positive, negative, {EXAMPLE} or {COUNTER_EXAMPLE}"
            left_out.add("point", row, f"has the {name} {signs[row]!r}; expected {expected}")
        elif number is None:
            left_out.add("point", row, f"has the object {objects[row]!r}; expected a whole number from 0")
        else:
            found.add(field, row, yx[row])
            if field == "points":
                found.signs.append(sign)
                found.objects.append(number)


def _read_shape(
    row: int, kind: str, role: object, corners: NDArray[np.float64], plane: Plane, found: _Found, left_out: _LeftOut
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
            found.add("scribbles", row, yx)
        return
    outline = _ellipse(yx) if kind == "ellipse" else yx
    if _area(outline) < _DEGENERATE:
        left_out.add(kind, row, "has no area; drag to draw it")
    elif _outside(outline, plane):
        left_out.add(kind, row, _outside_reason(plane))
    elif _word(role) in _NEGATIVE:
        left_out.add(kind, row, f"is negative; only points can be, and a shape may be a {COUNTER_EXAMPLE}")
    elif _word(role) in (EXAMPLE, COUNTER_EXAMPLE):
        # whatever its form: an example shows an object, and need not say where that ends
        found.add("example_boxes" if _word(role) == EXAMPLE else "counter_example_boxes", row, _box(outline, plane))
    elif kind == "rectangle" and _is_parallel(yx):
        found.add("boxes", row, _box(yx, plane))
    else:
        found.add("outlines", row, outline)


def _box(yx: NDArray[np.float64], plane: Plane) -> NDArray[np.float64]:
    """Return ``y0, x0, y1, x1`` around (V, 2) vertices, within the plane."""
    # + 0.5: from pixel centres at integers to pixel edges at integers
    return np.clip(np.stack([yx.min(axis=0), yx.max(axis=0)]) + 0.5, 0, plane.shape).ravel()


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


def _feature(layer: Points | Shapes, names: Sequence[str]) -> tuple[str, list[Any]]:
    for name in names:
        if name in layer.features:
            return name, list(layer.features[name])
    return names[0], [None] * len(layer.data)


def _is_missing(value: object) -> bool:
    # NaN, NaT and pandas' NA are what a column holds for points that are older than the column
    return value is None or str(value) in ("nan", "NaT", "<NA>")


def _meaning(value: object) -> tuple[Field | None, int]:
    """Return what a point's polarity or label makes of it, and 1 or 0 for a point that is positive or negative.

    A missing value is positive; None for what has no meaning.
    """
    word = _word(value)
    if word in (EXAMPLE, COUNTER_EXAMPLE):
        return ("examples" if word == EXAMPLE else "counter_examples"), 1
    if word in _POSITIVE | _NEGATIVE:
        return "points", int(word in _POSITIVE)
    number = _number(word)
    return ("points", int(number)) if number in (0, 1) else (None, 0)


def _word(value: object) -> str:
    return "" if _is_missing(value) else str(value).strip().lower()


def _object_number(value: object) -> int | None:
    number = 0.0 if _is_missing(value) or value == "" else _number(value)
    return int(number) if number is not None and number >= 0 and number.is_integer() else None


def _number(value: Any) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


class _Found:
    """Prompts in the order of their layers, each with its row."""

    def __init__(self) -> None:
        self.signs: list[int] = []
        self.objects: list[int] = []
        self._values: dict[Field, list[NDArray[np.float64]]] = {f: [] for f in (*POINT_FIELDS, *SHAPE_FIELDS)}
        self._rows: dict[Field, list[int]] = {f: [] for f in self._values}

    def add(self, field: Field, row: int, value: NDArray[np.float64]) -> None:
        self._values[field].append(value)
        self._rows[field].append(row)

    def prompts(self, texts: Sequence[str], exemplars: Exemplars | None, left_out: tuple[str, ...]) -> ReadPrompts:
        values: dict[str, list[NDArray[np.float64]]] = {str(field): found for field, found in self._values.items()}
        if not values["examples"] and not values["example_boxes"] and exemplars is None:
            # alone they say nothing yet: the dock says that an example is missing
            values["counter_examples"], values["counter_example_boxes"] = [], []
        prompts = Prompts(
            **values,
            texts=texts,
            exemplars=exemplars,
            point_labels=np.array(self.signs, dtype=np.int64),
            point_objects=np.array(self.objects, dtype=np.int64),
        )
        return ReadPrompts(prompts, {field: tuple(rows) for field, rows in self._rows.items()}, left_out)


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
