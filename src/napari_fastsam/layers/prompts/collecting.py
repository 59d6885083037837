"""The prompts of a plane, while they are read and afterwards: each with its row, or why it was left out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from napari_fastsam.core.prompts.prompts import Prompts
from napari_fastsam.core.prompts.queries import shape_kinds

if TYPE_CHECKING:
    from napari_fastsam.core.likeness.exemplars import Exemplars

Field: TypeAlias = str
"""An attribute of `Prompts` whose prompts are drawn."""

EXAMPLE_FIELDS: frozenset[Field] = frozenset(("examples", "counter_examples", "example_boxes", "counter_example_boxes"))
"""Those that show what is searched for."""


ELSEWHERE = "is on another slice"
"""Why a prompt is left out that is asked about once its slice is shown."""


@dataclass(frozen=True)
class OtherRow:
    """Where a prompt came from, if that is no row of the layer that usually holds its kind.

    Attributes
    ----------
    source
        Name of the source of the layer: shapes for points along a scribble, labels for masks of labels.
    row
        Row in that layer, or the label.
    """

    source: str
    row: int


Row: TypeAlias = int | OtherRow
"""Where a prompt came from: a row of a layer."""


@dataclass(frozen=True, eq=False)
class ReadPrompts:
    """The prompts of a plane and where each came from.

    Attributes
    ----------
    prompts
        In pixels of the plane's region.
    rows
        For each attribute of `Prompts` that was drawn the index of each of its prompts in its layer.
    left_out
        Sentences for the prompts that were not used: which, counted from 1 in their layer, and why.
    source_of
        For each attribute of `Prompts` that was drawn the name of the source of its layer: points, shapes, …
    next_object
        The object number that the next point will get; 0 = it is an object of its own.
    unusable
        Those of `left_out` that are not about prompts of another slice.
    """

    prompts: Prompts
    rows: Mapping[Field, tuple[Row, ...]]
    left_out: tuple[str, ...] = ()
    source_of: Mapping[Field, str] = field(default_factory=dict)
    next_object: int = 0
    unusable: tuple[str, ...] = ()

    def rows_by_source(self, rows: Mapping[Field, Iterable[Row]]) -> dict[str, set[int]]:
        """Return rows that are given by attribute by the name of the source of their layer."""
        found: dict[str, set[int]] = {}
        for name, some in rows.items():
            own = self.source_of.get(name, "")
            for row in some:
                source, place = (row.source, row.row) if isinstance(row, OtherRow) else (own, row)
                found.setdefault(source, set()).add(place)
        return found


class PromptCollector:
    """Takes prompts in the order of their layers, and sentences about those that cannot be used."""

    def __init__(self) -> None:
        self.source = ""
        """The name of the source that is read."""
        self._values: dict[Field, list[Any]] = {}
        self._rows: dict[Field, list[Row]] = {}
        self._source_of: dict[Field, str] = {}
        self._signs: list[int] = []
        self._point_objects: list[int] = []
        self._shape_objects: dict[Field, list[int]] = {}
        self._left_out: dict[tuple[str, str], list[int]] = {}
        self._notes: list[str] = []
        self.next_object = 0
        """The object number that the next point will get."""

    def add(self, name: Field, row: Row, value: Any) -> None:
        """Take a prompt for an attribute of `Prompts`."""
        self._values.setdefault(name, []).append(value)
        self._rows.setdefault(name, []).append(row)
        if not isinstance(row, OtherRow):
            self._source_of[name] = self.source

    def add_point(self, row: Row, yx: Any, positive: bool, number: int) -> None:
        """Take a point with its sign and object number."""
        self.add("points", row, yx)
        self._signs.append(int(positive))
        self._point_objects.append(number)

    def add_clicks(self, row: int, points_yx: Iterable[Any], positive: bool, number: int) -> None:
        """Take points along a line, each a click, with their sign and object number."""
        for yx in points_yx:
            self.add_point(OtherRow(self.source, row), yx, positive, number)

    def add_shape(self, name: Field, row: Row, geometry: Any, number: int = 0) -> None:
        """Take a shape with its object number."""
        self.add(name, row, geometry)
        self._shape_objects.setdefault(name, []).append(number)

    def has_object(self, number: int) -> bool:
        """Whether a shape has an object number."""
        return any(number in numbers for numbers in self._shape_objects.values())

    def has_points_of(self, number: int) -> bool:
        """Whether positive points have an object number."""
        return any(sign and number == own for sign, own in zip(self._signs, self._point_objects, strict=True))

    def note(self, sentence: str) -> None:
        """Take a sentence that the user has to read."""
        self._notes.append(sentence)

    def leave_out(self, kind: str, row: int, reason: str) -> None:
        """Say why a row of some sort is not used; those that share a reason share a sentence."""
        self._left_out.setdefault((kind, reason), []).append(row)

    def collected(self, texts: Sequence[str], exemplars: Exemplars | None) -> ReadPrompts:
        """Return all that was taken, with what is asked for besides."""
        values = dict(self._values)
        if not values.get("examples") and not values.get("example_boxes") and exemplars is None:
            # alone they say nothing yet: the dock says that an example is missing
            values.pop("counter_examples", None)
            values.pop("counter_example_boxes", None)
        kinds = shape_kinds()
        values |= {f"{kinds[name].kind}_objects": numbers for name, numbers in self._shape_objects.items()}
        prompts = Prompts(
            **values,
            texts=texts,
            exemplars=exemplars,
            point_labels=np.array(self._signs, dtype=np.int64),
            point_objects=np.array(self._point_objects, dtype=np.int64),
        )
        drawn = ("points", "examples", "counter_examples", *kinds, "example_boxes", "counter_example_boxes")
        rows = {name: tuple(self._rows.get(name, ())) for name in drawn}
        sentences = {(kind, why): _sentence(kind, left, why) for (kind, why), left in self._left_out.items()}
        left_out = (*sentences.values(), *self._notes)
        unusable = (*(told for (_, why), told in sentences.items() if why != ELSEWHERE), *self._notes)
        return ReadPrompts(prompts, rows, left_out, dict(self._source_of), self.next_object, unusable)


def _sentence(kind: str, rows: list[int], reason: str) -> str:
    numbers = [str(row + 1) for row in rows]
    if len(rows) == 1:
        return f"{kind.capitalize()} {numbers[0]} {reason}."
    listed = f"{', '.join(numbers[:5])} and {len(rows) - 5} more" if len(rows) > 6 else ", ".join(numbers)
    verb, _, rest = reason.partition(" ")
    return f"{kind.capitalize()}s {listed} {'are' if verb == 'is' else 'have'} {rest}."
