"""After everything was found: which of all objects prompts correct, and which they take away."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_fastsam.core.objects.masks import CroppedMask

_SAME = 0.5
"""An object of all and one that a prompt chose are one where their IoU is above this."""


@dataclass(frozen=True)
class Changes:
    """What prompts do to all objects.

    Attributes
    ----------
    same
        For each object of a prompt the one of all that it is, by position; None = it is a further one.
    removed
        For each negative point the object that it takes away; None = none.
    """

    same: tuple[int | None, ...]
    removed: tuple[int | None, ...]


def changes(
    everything: Sequence[CroppedMask],
    drawn: Sequence[Sequence[CroppedMask]],
    negative: NDArray[np.float64],
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
    """
    same: list[int | None] = []
    for masks in drawn:
        alike = [max((mask.iou(other) for mask in masks), default=0.0) for other in everything]
        best = int(np.argmax(alike)) if alike else 0
        same.append(best if alike and alike[best] > _SAME and best not in same else None)
    removed: list[int | None] = []
    for point in negative:
        if any(mask.covers(point[None])[0] for masks in drawn for mask in masks):
            removed.append(None)
            continue
        there = [i for i, mask in enumerate(everything) if i not in same and mask.covers(point[None])[0]]
        removed.append(min(there, key=lambda i: everything[i].area, default=None))
    return Changes(tuple(same), tuple(removed))
