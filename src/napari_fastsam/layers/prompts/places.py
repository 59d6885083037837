"""What tells one prompt from another while they are edited: its kind, and where it lies in the image."""

from __future__ import annotations

from collections.abc import Hashable

from napari_fastsam.core.prompts.queries import PromptRef, Query, located, shape_kinds
from napari_fastsam.core.prompts.searches import SearchQuery
from napari_fastsam.layers.planes.plane import Plane
from napari_fastsam.layers.prompts.collecting import Field, OtherRow, ReadPrompts, Row

LABELS = "labels"
"""The source of masks that are labels of a Labels layer."""


Places = dict[Field, dict[Row, Hashable]]
"""For each kind of prompt from the row in its layer to what identifies it."""


def places(read: ReadPrompts, plane: Plane) -> Places:
    """Return for each kind of prompt from the row in its layer to what identifies it.

    Two prompts at one place are told apart by their order.
    """
    kinds = shape_kinds()
    found: Places = {}
    for field, rows in read.rows.items():
        seen: dict[Hashable, int] = {}
        found[field] = {}
        # counter-examples without an example are rows that no prompt was made of
        for row, geometry in zip(rows, getattr(read.prompts, field), strict=False):
            # in coordinates of the whole image, so that another region does not make it another prompt
            if field in kinds:
                place = kinds[field].identity(geometry, plane.region_to_data)
            else:
                place = located(geometry.reshape(-1, 2), plane.region_to_data)
            seen[place] = seen.get(place, 0) + 1
            found[field][row] = (field, place, seen[place])
    return found


def place_of(query: Query, read: ReadPrompts, known: Places) -> list[Hashable]:
    """Return what identifies the prompts that one object was asked for with, from the `places` of all."""
    return [known[query.field][row] for row in rows_of(query, read)]


def rows_of(query: Query, read: ReadPrompts) -> list[Row]:
    """Return where the prompts came from that one object was asked for with."""
    return [read.rows[query.field][i] for i in query.ref.indices]


def named(query: Query | SearchQuery, read: ReadPrompts) -> str:
    """Name a prompt as its layer numbers it, counted from 1; a label by its number, a text by its words."""
    if isinstance(query, SearchQuery):
        return query.called(())
    rows = rows_of(query, read)
    own = [row for row in rows if not isinstance(row, OtherRow)]
    if len(own) == len(rows):
        return query.called([0 if isinstance(row, OtherRow) else row for row in read.rows[query.field]])
    if own:  # and points along a scribble
        return str(PromptRef(query.kind, tuple(own)))
    (first, *_) = (row for row in rows if isinstance(row, OtherRow))
    return f"label {first.row}" if first.source == LABELS else f"scribble {first.row + 1}"
