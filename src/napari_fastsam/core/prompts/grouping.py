"""Which prompts speak of the same object, and in which order objects are answered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_fastsam.core.prompts.points import PointGroup
from napari_fastsam.core.prompts.queries import PromptRef, Query

Shapes = Sequence[tuple[type[Query], Sequence[Any], NDArray[np.int64]]]
"""Of each kind that asks: its geometries, and their object numbers."""


def group(
    points: NDArray[np.float64], labels: NDArray[np.int64], numbers: NDArray[np.int64], shapes: Shapes
) -> tuple[Query, ...]:
    """Return one query an object, with all points that speak of it.

    Objects of points come first, in the order of each object's first positive point; then shapes, kind by kind.

    Parameters
    ----------
    points, labels, numbers
        (P, 2) rows and columns, (P,) 1 = here, 0 = not here, and (P,) object numbers: positive points with the same
        number above 0 describe one object, which is the shape's of that number if there is one; with 0 each is an
        object of its own, unless a shape claims it. A negative point with 0 speaks of all objects.
    shapes
        All others.
    """
    positive, negative = labels == 1, labels == 0
    known = np.concatenate([numbers[positive], *(own for _, _, own in shapes)])
    lost = np.flatnonzero(negative & (numbers > 0) & ~np.isin(numbers, known))
    taken = ~positive
    drawn: list[Query] = []
    for kind, geometries, own in shapes:
        for i, geometry in enumerate(geometries):
            query = kind(PromptRef(kind.kind, (i,)), geometry, int(own[i]))
            speaking = positive & _speaks(query, points, numbers)
            taken |= speaking
            drawn.append(_with_points(query, np.flatnonzero(speaking), points, negative, numbers, lost))
    groups: dict[tuple[int, int], list[int]] = {}
    for j in np.flatnonzero(~taken).tolist():
        number = int(numbers[j])
        groups.setdefault((number, -1 if number else j), []).append(j)
    found: list[Query] = []
    for (number, _), rows in groups.items():
        query = PointGroup(PromptRef("point", tuple(rows)), points[rows], number)
        found.append(_with_points(query, np.array(rows, np.intp), points, negative, numbers, lost))
    return (*found, *drawn)


def _speaks(query: Query, points: NDArray[np.float64], numbers: NDArray[np.int64]) -> NDArray[np.bool_]:
    claimed: NDArray[np.bool_] = query.claims(points) & (numbers == 0)
    if query.number:
        claimed |= numbers == query.number
    return claimed


def _with_points(
    query: Query,
    own: NDArray[np.intp],
    points: NDArray[np.float64],
    negative: NDArray[np.bool_],
    numbers: NDArray[np.int64],
    lost: NDArray[np.intp],
) -> Query:
    against = np.flatnonzero(negative & ((numbers == 0) | ((numbers == query.number) & (query.number > 0))))
    made = np.concatenate([own, against, lost])
    return replace(query, positive=points[own], negative=points[against], lost=points[lost], made=made)
