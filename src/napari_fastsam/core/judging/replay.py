"""Labels made again: which of the old ones stay as they are, and what became of each object."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from napari_fastsam.core.judging.comparison import compare
from napari_fastsam.core.objects.painting import WHOLE_ENOUGH, dtype_for
from napari_fastsam.core.objects.pixel_sums import PixelSums, middle, sums_from_json
from napari_fastsam.core.results.provenance import Provenance

Outcome = Literal["same", "changed", "gone", "new", "kept"]

OUTCOMES: tuple[Outcome, ...] = ("changed", "gone", "new", "kept", "same")
"""In the order in which they are told: what is to be looked at comes first."""

SAME_OBJECT = 0.1
"""IoU from which on an object that was made again is the old one, and has its number, class and note."""

_LIKE_SIZE = 2.0
"""An object at the place of one that was deleted is that one, unless it is more than this factor larger or smaller."""


@dataclass(frozen=True)
class Change:
    """What became of one object.

    Attributes
    ----------
    label
        Its number; of a new object the one that it has now.
    outcome
        ``same``: all its pixels. ``changed``: some of them. ``gone``, ``new``: it is in one of the two only. ``kept``:
        it was corrected or drawn by hand, or nobody knows how it came about.
    iou
        Overlap of what it was and what it is.
    area_before, area_after
        Pixels; 0 = it was not there, or is not any more.
    """

    label: int
    outcome: Outcome
    iou: float = 1.0
    area_before: int = 0
    area_after: int = 0


@dataclass(frozen=True)
class ByHand:
    """What a person did to labels since they were made.

    Attributes
    ----------
    kept
        Labels that were drawn or corrected, or of which nobody knows how they came about.
    deleted
        What labels that are gone were.
    """

    kept: frozenset[int]
    deleted: tuple[PixelSums, ...] = ()


def by_hand(entries: Sequence[Provenance], now: Mapping[int, PixelSums], prompted: Collection[int] = ()) -> ByHand:
    """Tell what a person did to labels.

    Parameters
    ----------
    entries
        How labels came about, the oldest first.
    now
        The pixels of all labels that there are.
    prompted
        Labels that answer a prompt. Those of an entry that asked for everything were shaped by clicks, which nobody
        knows any more.
    """
    made, shaped = set[int](), set[int]()
    written: dict[int, PixelSums] = {}
    for entry in entries:
        sums = sums_from_json(entry.pixels)
        labels = set(sums) if entry.labels is None else set(entry.labels)
        shaped |= labels & made  # added by one, then corrected by another
        if entry.task == "everything":
            shaped |= labels & set(prompted)
        made |= labels
        written.update(sums)
    as_written = {label for label, sums in now.items() if label in made and written.get(label) == sums}
    kept = now.keys() - (as_written - shaped)
    return ByHand(frozenset(kept), tuple(sums for label, sums in written.items() if label not in now))


def put_in(labels: NDArray[np.integer], objects: NDArray[np.integer], first: int) -> dict[int, int]:
    """Put objects onto the free pixels of labels, in place; one of which little is free is left out.

    Parameters
    ----------
    labels
        (…, Y, X) labels; 0 = free.
    objects
        The same shape, 0 = nothing.
    first
        The number that the first of them gets.

    Returns
    -------
    dict
        From the number in `objects` to the one in `labels`.
    """
    numbers, whole = np.unique(objects[objects > 0], return_counts=True)
    free = (objects > 0) & (labels == 0)
    left = np.bincount(np.searchsorted(numbers, objects[free]), minlength=len(numbers))
    enough = left >= np.maximum(1, WHOLE_ENOUGH * whole)
    new = np.where(enough, first - 1 + np.cumsum(enough), 0)
    labels[free] = new[np.searchsorted(numbers, objects[free])]
    return {int(number): int(to) for number, to in zip(numbers, new, strict=True) if to}


def without_deleted(objects: NDArray[np.integer], deleted: Sequence[PixelSums]) -> NDArray[np.integer]:
    """Return objects without those that stand where a person deleted one."""
    gone = []
    for sums in deleted:
        place = tuple(round(at) for at in middle(sums))
        if all(0 <= at < length for at, length in zip(place, objects.shape, strict=False)):
            number = int(objects[place])
            area = np.count_nonzero(objects == number)
            if number and 1 / _LIKE_SIZE <= area / sums[0] <= _LIKE_SIZE:
                gone.append(number)
    return np.where(np.isin(objects, gone), 0, objects) if gone else objects


def numbered_as_before(
    before: NDArray[np.integer], after: NDArray[np.integer], kept: Collection[int], highest: int
) -> tuple[NDArray[np.integer], dict[int, int]]:
    """Give objects that were made again the numbers of those that they are.

    Parameters
    ----------
    before
        The labels as they were.
    after
        As they are; those that were kept have their numbers, the others have higher ones than any before.
    kept
        Labels that were kept.
    highest
        The highest number that any label ever had.

    Returns
    -------
    labels
        Renumbered; what was not there before follows `highest`. Of the type of `before`, or a wider one if need be.
    numbers
        From the numbers of `after` to these.
    """
    last = highest
    found = compare(np.where(np.isin(after, list(kept)), 0, after), np.where(np.isin(before, list(kept)), 0, before))
    of_after, of_before = found.predicted.labels, found.truth.labels
    numbers = {
        int(of_after[i]): int(of_before[j]) for i, j in found.pairs[found.matched(SAME_OBJECT)].tolist()
    }  # fmt: skip
    for label in of_after.tolist():
        if label not in numbers:
            last += 1
            numbers[label] = last
    table = np.arange(int(after.max(initial=0)) + 1)
    for label, number in numbers.items():
        table[label] = number
    kind = before.dtype if last <= np.iinfo(before.dtype).max else np.dtype(dtype_for([last]))
    return table[after].astype(kind, copy=False), numbers


def changes(before: NDArray[np.integer], after: NDArray[np.integer], kept: Collection[int]) -> list[Change]:
    """Say of every object what became of it, by number.

    Parameters
    ----------
    before, after
        Labels of one shape; an object that is in both has one number.
    kept
        Labels that were kept.
    """
    found = compare(after, before)
    after_areas = dict(zip(found.predicted.labels.tolist(), found.predicted.areas.tolist(), strict=True))
    before_areas = dict(zip(found.truth.labels.tolist(), found.truth.areas.tolist(), strict=True))
    overlap = {
        int(found.truth.labels[j]): iou
        for (i, j), iou in zip(found.pairs.tolist(), found.iou.tolist(), strict=True)
        if found.predicted.labels[i] == found.truth.labels[j]
    }
    told = []
    for label in sorted({*before_areas, *after_areas}):
        areas = before_areas.get(label, 0), after_areas.get(label, 0)
        iou = overlap.get(label, 0.0)
        outcome: Outcome = (
            "kept" if label in kept
            else "new" if not areas[0]
            else "gone" if not areas[1]
            else "same" if iou == 1
            else "changed"
        )  # fmt: skip
        told.append(Change(label, outcome, iou, *areas))
    return told
