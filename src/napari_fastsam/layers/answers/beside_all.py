"""After everything was found: which of all objects prompts correct, and which they take away."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_fastsam.core.objects.masks import CroppedMask, MaskWindows, masks_at

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
    windows = MaskWindows(everything)  # all but a few of thousands of objects are nowhere near
    same: list[int | None] = []
    for masks in drawn:
        near = sorted({i for mask in masks for i in windows.overlapping(mask)})
        alike = {i: max(mask.iou(everything[i]) for mask in masks) for i in near}
        best = max(near, key=lambda i: alike[i], default=None)
        same.append(None if best is None or alike[best] <= _SAME or best in same else best)
    joined = sorted({i for masks in drawn for i in _extended_over(masks, everything, windows)} - {*same})
    corrected = {*same, *joined}
    known = removed_before or [False] * len(everything)
    in_drawn = masks_at([mask for masks in drawn for mask in masks], negative)
    removed: list[int | None] = []
    for of_prompts, of_all in zip(in_drawn, masks_at(everything, negative), strict=True):
        there = [] if of_prompts else [i for i in of_all if i not in corrected]
        removed.append(min(there, key=lambda i: (not known[i], everything[i].area), default=None))
    return Changes(tuple(same), tuple(removed), tuple(joined))


def _extended_over(masks: Sequence[CroppedMask], everything: Sequence[CroppedMask], windows: MaskWindows) -> list[int]:
    """Return those of all objects of which clicks gave most to another one: its mask, and what it started from."""
    if len(masks) < 2:
        return []
    now, started = masks
    return [i for i in windows.overlapping(now) if _gained(now, started, everything[i]) > _MOST * everything[i].area]


def _gained(now: CroppedMask, started: CroppedMask, other: CroppedMask) -> int:
    """Count the pixels of an object that clicks gave to another one."""
    both = now.intersection(other)
    return both and int(np.count_nonzero(other.pixels & now.on(*other.window) & ~started.on(*other.window)))
