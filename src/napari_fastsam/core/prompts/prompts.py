"""What a user asks for, as a frozen value in image pixels.

Frames
------
Points, outlines and scribbles are ``(row, column)`` with pixel *centres* at integers, as numpy indexes and
napari draws them. Boxes are ``(y0, x0, y1, x1)`` with pixel *edges* at integers and the end left out, like the
``bbox`` of skimage's regionprops: the whole of an ``(H, W)`` image is ``(0, 0, H, W)``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_fastsam.core.likeness.exemplars import Exemplars
from napari_fastsam.core.objects.masks import CroppedMask
from napari_fastsam.core.prompts import boxes as _boxes  # noqa: F401  # the kinds register themselves
from napari_fastsam.core.prompts import lines as _lines  # noqa: F401
from napari_fastsam.core.prompts import masks as _masks  # noqa: F401
from napari_fastsam.core.prompts.grouping import group
from napari_fastsam.core.prompts.queries import PromptRef, Query, shape_kinds
from napari_fastsam.core.prompts.searches import ExamplesQuery, SearchQuery, TextQuery
from napari_fastsam.core.prompts.values import as_boxes, as_table, as_texts, as_whole_numbers
from napari_fastsam.errors import PromptError

__all__ = ["PromptRef", "Prompts"]

_TABLES = {"points": "points_yx", "examples": "examples_yx", "counter_examples": "counter_examples_yx"}
_BOX_TABLES = {"example_boxes": "example_boxes_yxyx", "counter_example_boxes": "counter_example_boxes_yxyx"}


@dataclass(frozen=True, eq=False, init=False)
class Prompts:
    """Points, shapes, masks, words and examples on one image plane.

    Parameters
    ----------
    points
        (P, 2) rows and columns; one point may stand alone, ``(row, column)``, and so may one box or example.
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
    masks
        Objects as (Y, X) arrays, not 0 = object: each is an object to start from.
    mask_objects
        (M,) object numbers: points with the number of a mask belong to its object. None means 0, none.
    others
        Object numbers of other shapes, ``box_objects``, ``outline_objects`` and ``scribble_objects``, as
        `mask_objects`; and prompts of kinds that were registered (`core.prompts.queries.register`), by their `field`.

    Raises
    ------
    PromptError
        For a wrong number of columns or labels, a label other than 0 or 1, a value that is not finite, a text without
        a word, a mask without a pixel, two shapes with one object number, or counter-examples without an example.
    """

    points: NDArray[np.float64]
    point_labels: NDArray[np.int64]
    point_objects: NDArray[np.int64]
    boxes: NDArray[np.float64]
    outlines: tuple[NDArray[np.float64], ...]
    scribbles: tuple[NDArray[np.float64], ...]
    masks: tuple[CroppedMask, ...]
    mask_objects: NDArray[np.int64]
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
        masks: Sequence[ArrayLike | CroppedMask] = (),
        mask_objects: ArrayLike | None = None,
        **others: Any,
    ) -> None:
        points = as_table("points", points, 2)
        shapes = {"boxes": boxes, "outlines": outlines, "scribbles": scribbles, "masks": masks}
        values: dict[str, Any] = {
            "points": points,
            "point_labels": _signs(point_labels, len(points)),
            "point_objects": as_whole_numbers("point_objects", point_objects, len(points), default=0),
            **_parsed({**shapes, "mask_objects": mask_objects, **others}),
            "texts": as_texts(texts),
            "examples": as_table("examples", examples, 2),
            "counter_examples": as_table("counter_examples", counter_examples, 2),
            "example_boxes": as_boxes("example_boxes", example_boxes),
            "counter_example_boxes": as_boxes("counter_example_boxes", counter_example_boxes),
            "exemplars": exemplars,
        }
        if not isinstance(exemplars, Exemplars | None):
            raise PromptError(f"exemplars is {exemplars!r}; expected what `fs.load_exemplars` returns, or None")
        for name, value in values.items():
            object.__setattr__(self, name, value)
        if not self.has_examples and (len(self.counter_examples) or len(self.counter_example_boxes)):
            raise PromptError("there are counter-examples, but no example; mark an object like those that are wanted")

    def __len__(self) -> int:
        """Return how many prompts there are, negative points and counter-examples included."""
        shapes = sum(len(getattr(self, name)) for name in shape_kinds())
        examples = len(self.examples) + len(self.example_boxes)
        counter_examples = len(self.counter_examples) + len(self.counter_example_boxes)
        kept = self.exemplars is not None
        return len(self.points) + shapes + len(self.texts) + examples + counter_examples + kept

    @property
    def has_examples(self) -> bool:
        """Whether objects that look like others are asked for."""
        return len(self.examples) + len(self.example_boxes) > 0 or self.exemplars is not None

    @property
    def searches(self) -> bool:
        """Whether objects are asked for by their looks: by words or by examples. Boxes restrict the search then."""
        return bool(self.texts) or self.has_examples

    @cached_property
    def queries(self) -> tuple[Query, ...]:
        """The prompts that ask for one object each, in the order in which `select` answers them."""
        shapes = [
            (kind, getattr(self, name), getattr(self, f"{kind.kind}_objects"))
            for name, kind in shape_kinds().items()
            if not (self.searches and kind.restricts_searches)
        ]
        return group(self.points, self.point_labels, self.point_objects, shapes)

    @cached_property
    def search_queries(self) -> tuple[SearchQuery, ...]:
        """The prompts that ask for all objects that look like something: each text, then the examples together."""
        texts = [TextQuery(PromptRef("text", (i,)), i + 1, words) for i, words in enumerate(self.texts)]
        if not self.has_examples:
            return tuple(texts)
        marked = self.examples, self.counter_examples, self.example_boxes, self.counter_example_boxes
        return (*texts, ExamplesQuery(PromptRef("example", (0,)), len(texts) + 1, *marked, self.exemplars))

    @property
    def general_negative(self) -> NDArray[np.float64]:
        """(M, 2) the negative points that speak of all objects, searches included."""
        general: NDArray[np.float64] = self.points[(self.point_labels == 0) & (self.point_objects == 0)]
        return general

    def to_json(self) -> dict[str, Any]:
        """Return all prompts as values that JSON knows and `from_json` reads; what there is none of is left out."""
        content: dict[str, Any] = {}
        for name, key in (_TABLES | _BOX_TABLES).items():
            content[key] = getattr(self, name).tolist()
        if len(self.points):
            content |= {"point_labels": self.point_labels.tolist(), "point_objects": self.point_objects.tolist()}
        for name, kind in shape_kinds().items():
            content[kind.json_key] = [kind.to_json(shape) for shape in getattr(self, name)]
            numbers = getattr(self, f"{kind.kind}_objects")
            content[f"{kind.kind}_objects"] = numbers.tolist() if numbers.any() else []
        content["texts"] = list(self.texts)
        content["exemplars"] = None if self.exemplars is None else self.exemplars.to_json()
        return {key: value for key, value in content.items() if value}

    @classmethod
    def from_json(cls, content: Any) -> Prompts:
        """Return the prompts that `to_json` made values of.

        Raises
        ------
        PromptError
            If a key is unknown, or a value is not what is expected there; the message names it.
        """
        if not isinstance(content, Mapping):
            raise PromptError(f"the prompts are {str(content)[:60]!r}; expected an object with keys such as points_yx")
        names = {key: name for name, key in (_TABLES | _BOX_TABLES).items()}
        names |= {kind.json_key: name for name, kind in shape_kinds().items()}
        plain = ("point_labels", "point_objects", "texts", *(f"{k.kind}_objects" for k in shape_kinds().values()))
        names |= {name: name for name in plain}
        given = dict(content)
        exemplars = given.pop("exemplars", None)
        if unknown := sorted(map(str, given.keys() - names.keys())):
            known = ", ".join([*names, "exemplars"])
            raise PromptError(f"the prompts have the key {unknown[0]!r}; expected only {known}")
        for key, value in given.items():
            if not isinstance(value, list):
                raise PromptError(f"{key} is {str(value)[:60]!r}; expected a list")
        values = {names[key]: value for key, value in given.items()}
        return cls(**values, exemplars=None if exemplars is None else Exemplars.from_json(exemplars))


def check_prompts(prompts: Any) -> None:
    """Raise a PromptError for what is not `Prompts`, such as a list of points."""
    if not isinstance(prompts, Prompts):
        raise PromptError(
            f"prompts is of type {type(prompts).__name__}; expected Prompts, such as Prompts(points=[(row, column)])"
        )


def _parsed(given: dict[str, Any]) -> dict[str, Any]:
    """Return the shapes of every kind that is registered, and their object numbers."""
    values: dict[str, Any] = {}
    seen: set[int] = set()
    for name, kind in shape_kinds().items():
        shapes = kind.parse(given.pop(name, ()))
        numbers_of = f"{kind.kind}_objects"
        numbers = as_whole_numbers(numbers_of, given.pop(numbers_of, None), len(shapes), 0, kind.kind)
        own = numbers[numbers > 0].tolist()
        if len(set(own)) < len(own) or seen & set(own):
            raise PromptError(
                f"{numbers_of} is {numbers.tolist()}: another shape has one of these numbers; give each its own, or 0"
            )
        seen |= set(own)
        values |= {name: shapes, numbers_of: numbers}
    if given:
        raise TypeError(f"Prompts has no argument {min(given)!r}")
    return values


def _signs(labels: ArrayLike | None, count: int) -> NDArray[np.int64]:
    signs = as_whole_numbers("point_labels", labels, count, default=1)
    if not np.isin(signs, (0, 1)).all():
        raise PromptError(
            f"point_labels holds {sorted(set(signs.tolist()) - {0, 1})}; 1 means foreground and 0 background"
        )
    return signs
