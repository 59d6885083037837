"""Masks as COCO has them: lengths of runs, column by column, background first; as numbers or compressed into text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from napari_fastsam.core.objects.masks import CroppedMask, in_groups

_MOST_CHARACTERS = 13
"""Five bits each: 64 bits."""


def runs_of(masks: Sequence[CroppedMask], shape: tuple[int, int]) -> Iterator[NDArray[np.int64]]:
    """Yield the lengths of runs of each mask on a plane of ``(H, W)``."""
    for group in in_groups(masks):
        yield from _runs(group, shape)


def _runs(masks: Sequence[CroppedMask], shape: tuple[int, int]) -> Iterator[NDArray[np.int64]]:
    """Find the runs of all masks in one step: their columns lie behind each other, a pixel of background after each."""
    height, width = shape
    frames = np.array([(mask.pixels.shape[1], mask.pixels.shape[0] + 1) for mask in masks])
    ends = np.cumsum(frames.prod(axis=1))
    begins = ends - frames.prod(axis=1)
    flat = np.zeros(int(ends[-1]) + 1, np.int8)
    for mask, begin, end, frame in zip(masks, begins.tolist(), ends.tolist(), frames.tolist(), strict=True):
        flat[begin + 1 : end + 1].reshape(frame)[:, :-1] = mask.pixels.T
    steps = np.flatnonzero(flat[1:] != flat[:-1])  # up and down take turns, column by column
    owner = np.searchsorted(ends, steps[::2], side="right")
    corner = np.array([(mask.top, mask.left) for mask in masks])
    first = corner[:, 1] * height + corner[:, 0]
    places = []
    for at in (steps[::2], steps[1::2]):
        columns, rows = np.divmod(at - begins[owner], frames[owner, 1])
        places.append(columns * height + rows + first[owner])
    starts, stops = places
    # a run goes on where a column is full
    apart = (starts[1:] != stops[:-1]) | (owner[1:] != owner[:-1])
    begun, ended = np.ones((2, len(starts)), bool)
    begun[1:], ended[:-1] = apart, apart
    starts, stops, owner = starts[begun], stops[ended], owner[begun]
    bounds = np.searchsorted(owner, np.arange(len(masks) + 1))
    for begin, end in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True):
        kept = np.empty(2 * (end - begin) + 2, np.int64)
        kept[0], kept[-1] = 0, height * width
        kept[1:-1:2], kept[2:-1:2] = starts[begin:end], stops[begin:end]
        runs = kept[1:] - kept[:-1]
        yield runs[:-1] if len(runs) > 1 and runs[-1] == 0 else runs


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


def compressed(runs: Sequence[NDArray[np.int64]]) -> list[str]:
    """Return the run lengths of each mask as COCO's compressed text, which `decompressed` explains."""
    if not runs:
        return []
    counts = np.array([len(own) for own in runs])
    values = np.concatenate(runs)
    place = np.arange(len(values)) - np.repeat(np.cumsum(counts) - counts, counts)
    later = np.flatnonzero(place > 2)
    values[later] -= np.concatenate(runs)[later - 2]
    characters = np.zeros((len(values), _MOST_CHARACTERS), np.uint8)
    more = np.ones(len(values), bool)
    for digit in range(_MOST_CHARACTERS):
        (left,) = np.nonzero(more)
        if not len(left):
            break
        bits, values[left] = values[left] & 31, values[left] >> 5
        more[left] = values[left] != np.where(bits & 16, -1, 0)
        characters[left, digit] = np.where(more[left], bits | 32, bits) + ord("0")
    written = characters != 0
    text = characters[written].tobytes().decode("ascii")
    before = np.concatenate([[0], np.cumsum(written.sum(axis=1))])
    bounds = before[np.concatenate([[0], np.cumsum(counts)])].tolist()
    return [text[begin:end] for begin, end in pairwise(bounds)]


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
