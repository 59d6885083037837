"""Masks as COCO has them: lengths of runs, column by column, background first; as numbers or compressed into text."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from napari_fastsam.core.objects.masks import CroppedMask


def runs_of(mask: CroppedMask, shape: tuple[int, int]) -> list[int]:
    """Return the lengths of runs of a mask on a plane of ``(H, W)``."""
    height, width = shape
    columns = mask.pixels.T.astype(np.int8)
    steps = np.diff(columns, axis=1, prepend=0, append=0)
    column, row = np.nonzero(steps)
    # steps up and down take turns, column by column
    ends = (column + mask.left) * height + row + mask.top
    starts, stops = ends[::2], ends[1::2]
    apart = starts[1:] != stops[:-1]  # a run goes on where a column is full
    kept = np.empty(2 * (int(np.count_nonzero(apart)) + 1), np.int64) if len(starts) else np.zeros(0, np.int64)
    if len(starts):
        kept[::2] = starts[np.concatenate([[True], apart])]
        kept[1::2] = stops[np.concatenate([apart, [True]])]
    counts = np.diff(kept, prepend=0, append=height * width)
    found: list[int] = counts.tolist()
    return found[:-1] if len(found) > 1 and found[-1] == 0 else found


def mask_of(runs: Sequence[int], shape: tuple[int, int]) -> CroppedMask | None:
    """Return the mask of runs on a plane of ``(H, W)``; None if they hold no pixel.

    Raises
    ------
    ValueError
        If they do not add up to the plane.
    """
    lengths = np.asarray(runs, np.int64)
    if lengths.ndim != 1 or (lengths < 0).any() or lengths.sum() != shape[0] * shape[1]:
        raise ValueError(
            f"run lengths that add up to {lengths.sum()}; expected {shape[0] * shape[1]}, the image's pixels"
        )
    ends = np.cumsum(lengths)
    starts, stops = ends[:-1:2], ends[1::2]
    filled = stops > starts
    if not filled.any():
        return None
    left, right = int(starts[filled][0]) // shape[0], int(stops[filled][-1] - 1) // shape[0] + 1
    inside: NDArray[np.bool_] = np.zeros((right - left) * shape[0], bool)
    for start, stop in zip((starts - left * shape[0])[filled], (stops - left * shape[0])[filled], strict=True):
        inside[start:stop] = True
    columns = inside.reshape(right - left, shape[0])
    rows = np.flatnonzero(columns.any(axis=0))
    return CroppedMask(int(rows[0]), left, columns[:, rows[0] : rows[-1] + 1].T.copy())


def compressed(runs: Sequence[int]) -> str:
    """Return run lengths as COCO's compressed text, which `decompressed` explains."""
    characters: list[str] = []
    for place, run in enumerate(runs):
        value = run - runs[place - 2] if place > 2 else run
        more = True
        while more:
            bits, value = value & 31, value >> 5
            more = value != (-1 if bits & 16 else 0)
            characters.append(chr((bits | 32 if more else bits) + ord("0")))
    return "".join(characters)


def decompressed(text: str) -> list[int]:
    """Return run lengths from COCO's compressed text.

    Each number is written in characters of six bits above ``"0"``, lowest first: five bits of the number, and one that
    says whether more follow; the last one's highest bit is the sign. From the fourth on a number is the difference to
    the one two before (the format of the COCO API's ``maskApi``).

    Raises
    ------
    ValueError
        If the text ends within a number, or holds another character.
    """
    runs: list[int] = []
    value = shift = 0
    for character in text:
        bits = ord(character) - ord("0")
        if not 0 <= bits < 64:
            raise ValueError(f"compressed run lengths with the character {character!r}")
        value |= (bits & 31) << shift
        shift += 5
        if bits & 32:
            continue
        if bits & 16:
            value -= 1 << shift
        runs.append(value + (runs[-2] if len(runs) > 2 else 0))
        value = shift = 0
    if shift:
        raise ValueError("compressed run lengths that end within a number")
    return runs
