"""From an answer to the look of the prompts that asked for it."""

from __future__ import annotations

from napari_fastsam.layers.answers.found import NothingFound, Result
from napari_fastsam.layers.prompts.collecting import Field, OtherRow, ReadPrompts, Row
from napari_fastsam.layers.prompts.marks import mark
from napari_fastsam.layers.prompts.places import rows_of


def mark_prompts(result: Result) -> None:
    """Let the prompts of a result show what became of them: their numbers, their signs, and where nothing was found."""
    controls, rows = result.request.controls, found_rows(result)
    for layer, source in ((controls.points, "points"), (controls.shapes, "shapes")):
        if layer is not None:
            mark(layer, rows.get(source, {}))


def found_rows(result: Result) -> dict[str, dict[int, bool]]:
    """Return whether something was found at each row, by the name of the source of its layer.

    Of a line that is many clicks it is enough that one of them lies in an object. Rows on planes that the result does
    not speak of are left out.
    """
    if result.missing or result.waiting:
        return {}
    found: dict[str, dict[int, bool]] = {}
    for read, nothing in _told(result):
        without: dict[Field, set[Row]] = {}
        for query in nothing.unfound:
            without.setdefault(query.field, set()).update(rows_of(query, read))
        without.setdefault("points", set()).update(_wholly_idle(nothing.idle, read))
        there, every = read.rows_by_source(without), read.rows_by_source(read.rows)
        for source, rows in every.items():
            found.setdefault(source, {}).update({row: row not in there.get(source, ()) for row in rows})
    return found


def unanswered_points(result: Result) -> list[str]:
    """Name the negative points, and lines of such, that lie in no object."""
    lost = {row for read, nothing in _told(result) for row in _wholly_idle(nothing.idle, read)}
    lines = sorted(row.row + 1 for row in lost if isinstance(row, OtherRow))
    points = sorted(row + 1 for row in lost if not isinstance(row, OtherRow))
    return [f"point {number}" for number in points] + [f"scribble {number}" for number in lines]


def _told(result: Result) -> list[tuple[ReadPrompts, NothingFound]]:
    """Return the prompts of each plane that was answered, and those that came to nothing."""
    stack = result.request.stack
    if stack is None:
        return [(result.request.read, NothingFound(result.unfound, result.idle))]
    return [(stack.by_position[position].read, nothing) for position, nothing in result.on_planes.items()]


def _wholly_idle(idle: tuple[int, ...], read: ReadPrompts) -> set[Row]:
    """Return the rows all of whose points lie in no object."""
    rows = read.rows.get("points", ())
    return {rows[i] for i in idle} - {row for i, row in enumerate(rows) if i not in idle}
