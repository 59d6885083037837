"""What a person asks for, as a frozen value in image pixels.

Frames
------
Points, outlines and scribbles are ``(row, column)`` with pixel *centres* at integers, as numpy indexes and
napari draws them. Boxes are ``(y0, x0, y1, x1)`` with pixel *edges* at integers and the end left out, like the
``bbox`` of skimage's regionprops: the whole of an ``(H, W)`` image is ``(0, 0, H, W)``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_fastsam.errors import PromptError

Kind = Literal["point", "box", "outline", "scribble"]


@dataclass(frozen=True)
class PromptRef:
    """Which of the prompts something belongs to.

    Attributes
    ----------
    kind
        The sort of prompt.
    indices
        Positions in `Prompts.points`, `.boxes`, `.outlines` or `.scribbles`; more than one only for points that
        share an object number.
    """

    kind: Kind
    indices: tuple[int, ...]

    def __str__(self) -> str:
        numbers = ", ".join(str(i + 1) for i in self.indices)
        return f"{self.kind} {numbers}" if len(self.indices) == 1 else f"{self.kind}s {numbers}"


@dataclass(frozen=True, eq=False, init=False)
class Prompts:
    """Points, boxes, outlines and scribbles on one image plane.

    Parameters
    ----------
    points
        (P, 2) rows and columns.
    point_labels
        (P,) 1 = the object is here, 0 = the object is not here. None means 1 for all.
    point_objects
        (P,) object numbers. Positive points with the same number above 0 describe one object together; with 0 each
        is an object of its own. A negative point with a number above 0 speaks of that object only, with 0 of all.
    boxes
        (B, 4) ``y0, x0, y1, x1``; reversed corners are put in order.
    outlines
        Polygons, each (V, 2) with V >= 3, whose inside is the wanted object.
    scribbles
        Paths, each (V, 2) with V >= 1, drawn along the inside of the wanted object.

    Raises
    ------
    PromptError
        For a wrong number of columns or labels, a label other than 0 or 1, or a value that is not finite.
    """

    points: NDArray[np.float64]
    point_labels: NDArray[np.int64]
    point_objects: NDArray[np.int64]
    boxes: NDArray[np.float64]
    outlines: tuple[NDArray[np.float64], ...]
    scribbles: tuple[NDArray[np.float64], ...]

    def __init__(
        self,
        points: ArrayLike = (),
        point_labels: ArrayLike | None = None,
        point_objects: ArrayLike | None = None,
        boxes: ArrayLike = (),
        outlines: Sequence[ArrayLike] = (),
        scribbles: Sequence[ArrayLike] = (),
    ) -> None:
        points = _table("points", points, 2)
        labels = _whole_numbers("point_labels", point_labels, len(points), default=1)
        if not np.isin(labels, (0, 1)).all():
            raise PromptError(
                f"point_labels holds {sorted(set(labels.tolist()) - {0, 1})}; 1 means foreground and 0 background"
            )
        values: dict[str, Any] = {
            "points": points,
            "point_labels": labels,
            "point_objects": _whole_numbers("point_objects", point_objects, len(points), default=0),
            "boxes": _in_order(_table("boxes", boxes, 4)),
            "outlines": tuple(_polyline("outlines", i, o, least=3) for i, o in enumerate(outlines)),
            "scribbles": tuple(_polyline("scribbles", i, s, least=1) for i, s in enumerate(scribbles)),
        }
        for name, value in values.items():
            object.__setattr__(self, name, value)

    def __len__(self) -> int:
        """Return how many prompts there are, negative points included."""
        return len(self.points) + len(self.boxes) + len(self.outlines) + len(self.scribbles)


def _table(name: str, values: ArrayLike, columns: int) -> NDArray[np.float64]:
    try:
        table = np.array(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise PromptError(f"{name} is {values!r}; expected numbers in {columns} columns") from error
    if table.size == 0:
        return np.zeros((0, columns))
    if table.ndim != 2 or table.shape[1] != columns:
        raise PromptError(f"{name} has shape {table.shape}; expected (N, {columns}), one row a prompt")
    if not np.isfinite(table).all():
        raise PromptError(
            f"{name} holds a value that is not finite in row {_first_bad_row(table)}; correct or remove it"
        )
    return table


def _in_order(boxes: NDArray[np.float64]) -> NDArray[np.float64]:
    low, high = np.minimum(boxes[:, :2], boxes[:, 2:]), np.maximum(boxes[:, :2], boxes[:, 2:])
    return np.concatenate([low, high], axis=1)


def _first_bad_row(table: NDArray[np.float64]) -> int:
    return int(np.flatnonzero(~np.isfinite(table).all(axis=1))[0])


def _whole_numbers(name: str, values: ArrayLike | None, length: int, default: int) -> NDArray[np.int64]:
    if values is None:
        return np.full(length, default, dtype=np.int64)
    numbers = np.asarray(values)
    if numbers.shape != (length,):
        raise PromptError(f"{name} has shape {numbers.shape}; expected ({length},), one value a point")
    if length and (numbers.dtype.kind not in "buif" or not np.isfinite(numbers).all()):
        raise PromptError(f"{name} holds {numbers.tolist()!r}; expected whole numbers")
    whole = numbers.astype(np.int64)
    if not np.array_equal(whole, numbers):
        raise PromptError(f"{name} holds {numbers.tolist()!r}; expected whole numbers")
    return whole


def _polyline(name: str, index: int, vertices: ArrayLike, least: int) -> NDArray[np.float64]:
    line = _table(f"{name}[{index}]", vertices, 2)
    if len(line) < least:
        raise PromptError(f"{name}[{index}] has {len(line)} vertices; expected at least {least}")
    return line
