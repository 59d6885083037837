"""After everything was found: which of all objects prompts correct, and which they take away."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_fastsam.core.objects.masks import CroppedMask

_SAME = 0.5
"""An object of all and one that a prompt chose are one where their IoU is above this."""

_MOST = 0.5
"""Of an object's pixels: one of which clicks gave more to another is a part of that."""


@dataclass(frozen=True)
class Changes:
    """What prompts do to all objects.

    Attributes
    ----------
    same
        For each object of a prompt the one of all that it is, by position; None = it is a further one.
    removed
        For each negative point the object that it takes away; None = none.
    joined
        Those of all that are parts of an object of a prompt now, since clicks extended it over them.
    """

    same: tuple[int | None, ...]
    removed: tuple[int | None, ...]
    joined: tuple[int, ...] = ()


def changes(
    everything: Sequence[CroppedMask],
    drawn: Sequence[Sequence[CroppedMask]],
    negative: NDArray[np.float64],
    removed_before: Sequence[bool] = (),
) -> Changes:
    """Say what prompts do to all objects.

    Parameters
    ----------
    everything
        N masks.
    drawn
        Of each object of a prompt its mask, and the one that it started from.
    negative
        (M, 2) rows and columns of negative points. One that lies in an object of a prompt corrects that, and takes
        nothing away.
    removed_before
        Whether each of all objects was taken away already, as far as that is known: that it stays, whatever else was
        found at the same place since.
    """
    same: list[int | None] = []
    for masks in drawn:
        alike = [max((mask.iou(other) for mask in masks), default=0.0) for other in everything]
        best = int(np.argmax(alike)) if alike else 0
        same.append(best if alike and alike[best] > _SAME and best not in same else None)
    joined = tuple(
        i
        for i, other in enumerate(everything)
        if i not in same and any(_gained(masks, other) > _MOST * other.area for masks in drawn)
    )
    removed: list[int | None] = []
    known = removed_before or [False] * len(everything)
    for point in negative:
        if any(mask.covers(point[None])[0] for masks in drawn for mask in masks):
            removed.append(None)
            continue
        gone = {*same, *joined}
        there = [i for i, mask in enumerate(everything) if i not in gone and mask.covers(point[None])[0]]
        removed.append(min(there, key=lambda i: (not known[i], everything[i].area), default=None))
    return Changes(tuple(same), tuple(removed), joined)


def _gained(masks: Sequence[CroppedMask], other: CroppedMask) -> int:
    """Count the pixels of an object that clicks gave to another one, which is its mask and what it started from."""
    if len(masks) < 2:
        return 0
    now, started = masks
    both = now.intersection(other)
    return both and int(np.count_nonzero(other.pixels & now.on(*other.window) & ~started.on(*other.window)))
