"""The pixels of a label, found from a place on it without looking at all of a large plane."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from napari_fastsam.core.objects.masks import CroppedMask

_FIRST_REACH = 128
"""Pixels around the place that are read first; as long as the label goes on, twice as many."""

_WHOLE = 2048 * 2048
"""Planes in memory of at most so many pixels are looked at as a whole: a label may have several pieces."""

Box = tuple[int, int, int, int]
"""``y0, x0, y1, x1``: pixels of a plane, the last left out."""


def find_label(
    read: Callable[[Box], NDArray[np.integer]],
    shape: tuple[int, int],
    label: int,
    yx: Sequence[float] | NDArray[np.float64],
    in_memory: bool,
) -> CroppedMask | None:
    """Return the pixels of a label; None if it is not there.

    On a large plane only what lies around the place is read, until the label ends; pieces further away stay unknown.

    Parameters
    ----------
    read
        Returns the labels in a box, (Y, X).
    shape
        (H, W) of the plane.
    label
        The label.
    yx
        (2,) rows and columns, on the label or near it.
    in_memory
        Whether reading costs no more than looking.
    """
    height, width = shape
    reach = max(height, width) if in_memory and height * width <= _WHOLE else _FIRST_REACH
    row, column = np.clip(np.floor(np.asarray(yx) + 0.5).astype(int), 0, [height - 1, width - 1]).tolist()
    while True:
        box = (max(row - reach, 0), max(column - reach, 0), min(row + reach, height), min(column + reach, width))
        found = read(box) == label
        goes_on = (
            (box[0] > 0 and found[0].any())
            or (box[1] > 0 and found[:, 0].any())
            or (box[2] < height and found[-1].any())
            or (box[3] < width and found[:, -1].any())
        )
        if not goes_on:
            return trimmed(box[0], box[1], found)
        reach *= 2


def trimmed(top: int, left: int, pixels: NDArray[np.bool_]) -> CroppedMask | None:
    """Return a mask without the empty rows and columns around it; None if it has no pixel.

    Parameters
    ----------
    top, left
        Where its first row and column lie on the plane.
    pixels
        (Y, X).
    """
    rows, columns = np.flatnonzero(pixels.any(axis=1)), np.flatnonzero(pixels.any(axis=0))
    if not len(rows):
        return None
    own = pixels[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return CroppedMask(top + int(rows[0]), left + int(columns[0]), own.copy())
