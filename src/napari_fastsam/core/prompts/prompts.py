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
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_fastsam.errors import PromptError

if TYPE_CHECKING:
    from napari_fastsam.core.likeness.exemplars import Exemplars

Kind = Literal["point", "box", "outline", "scribble", "text", "example"]


@dataclass(frozen=True)
class PromptRef:
    """Which of the prompts something belongs to.

    Attributes
    ----------
    kind
        The sort of prompt.
    indices
        Positions in `Prompts.points`, `.boxes`, `.outlines`, `.scribbles` or `.texts`; more than one only for points
        that share an object number. Examples ask one question together: their only number is 0.
    """

    kind: Kind
    indices: tuple[int, ...]

    def __str__(self) -> str:
        if self.kind == "example":
            return "examples"
        numbers = ", ".join(str(i + 1) for i in self.indices)
        return f"{self.kind} {numbers}" if len(self.indices) == 1 else f"{self.kind}s {numbers}"


@dataclass(frozen=True, eq=False, init=False)
class Prompts:
    """Points, boxes, outlines, scribbles, words and examples on one image plane.

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
    texts
        Queries in words; each is answered with all objects that look like it. Boxes restrict the search then, and ask
        for no object of their own.
    examples, counter_examples
        (E, 2) and (C, 2) rows and columns of objects: all that look like the examples, and less like the
        counter-examples, are wanted.
    example_boxes, counter_example_boxes
        (·, 4) the same, told by a box around each.
    exemplars
        Examples that were taken from another image.

    Raises
    ------
    PromptError
        For a wrong number of columns or labels, a label other than 0 or 1, a value that is not finite, a text without
        a word, or counter-examples without an example.
    """

    points: NDArray[np.float64]
    point_labels: NDArray[np.int64]
    point_objects: NDArray[np.int64]
    boxes: NDArray[np.float64]
    outlines: tuple[NDArray[np.float64], ...]
    scribbles: tuple[NDArray[np.float64], ...]
    texts: tuple[str, ...]
    examples: NDArray[np.float64]
    counter_examples: NDArray[np.float64]
    example_boxes: NDArray[np.float64]
    counter_example_boxes: NDArray[np.float64]
    exemplars: Exemplars | None

    def __init__(
        self,
        points: ArrayLike = (),
        point_labels: ArrayLike | None = None,
        point_objects: ArrayLike | None = None,
        boxes: ArrayLike = (),
        outlines: Sequence[ArrayLike] = (),
        scribbles: Sequence[ArrayLike] = (),
        texts: Sequence[str] = (),
        examples: ArrayLike = (),
        counter_examples: ArrayLike = (),
        example_boxes: ArrayLike = (),
        counter_example_boxes: ArrayLike = (),
        exemplars: Exemplars | None = None,
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
            "texts": _queries(texts),
            "examples": _table("examples", examples, 2),
            "counter_examples": _table("counter_examples", counter_examples, 2),
            "example_boxes": _in_order(_table("example_boxes", example_boxes, 4)),
            "counter_example_boxes": _in_order(_table("counter_example_boxes", counter_example_boxes, 4)),
            "exemplars": exemplars,
        }
        for name, value in values.items():
            object.__setattr__(self, name, value)
        if not self.has_examples and (len(self.counter_examples) or len(self.counter_example_boxes)):
            raise PromptError("there are counter-examples, but no example; mark an object like those that are wanted")

    def __len__(self) -> int:
        """Return how many prompts there are, negative points and counter-examples included."""
        drawn = len(self.points) + len(self.boxes) + len(self.outlines) + len(self.scribbles)
        examples = len(self.examples) + len(self.example_boxes)
        counter_examples = len(self.counter_examples) + len(self.counter_example_boxes)
        return drawn + len(self.texts) + examples + counter_examples + (self.exemplars is not None)

    @property
    def has_examples(self) -> bool:
        """Whether objects that look like others are asked for."""
        return len(self.examples) + len(self.example_boxes) > 0 or self.exemplars is not None

    @property
    def searches(self) -> bool:
        """Whether objects are asked for by their looks: by words or by examples. Boxes restrict the search then."""
        return bool(self.texts) or self.has_examples


def _queries(texts: Sequence[Any]) -> tuple[str, ...]:
    given = (texts,) if isinstance(texts, str) else tuple(texts)
    for i, text in enumerate(given):
        if not isinstance(text, str) or not text.strip():
            raise PromptError(f"texts[{i}] is {text!r}; expected words that name what is wanted")
    return tuple(text.strip() for text in given)


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
