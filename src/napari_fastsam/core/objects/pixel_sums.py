"""What tells whether a label still has the pixels that it was given: their number, and where they lie on the whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

_FEW = 1 << 16
"""Numbers that are counted one by one even if there is none of them."""

PixelSums = tuple[int, ...]
"""Of a label: the number of its pixels, then the sum of their indices along every axis.

Pixels that were added, erased or given to a neighbour change it: two different masks of one image have the same only by
a chance that nobody meets. It also says where the middle of a label was that is gone.
"""


def sums_at(indices: Sequence[NDArray[np.integer]], labels: NDArray[np.integer]) -> dict[int, PixelSums]:
    """Return the sums of the labels at some pixels.

    Parameters
    ----------
    indices
        An (M,) array for each axis, as they index an array.
    labels
        (M,) the label of each pixel; 0 counts for nothing.

    Returns
    -------
    dict
        By label, in ascending order.
    """
    if not labels.size:
        return {}
    if labels.dtype != np.uint64:
        labels = labels.astype(np.int64, copy=False)  # differences of narrow types may not fit into them
    first = labels.min()
    span = int(labels.max()) - int(first)
    if span <= 2 * labels.size + _FEW:
        place, numbers = (labels - first).astype(np.intp), np.arange(span + 1).astype(labels.dtype) + first
    else:
        numbers, place = np.unique(labels, return_inverse=True)
    counts = np.bincount(place, minlength=len(numbers))
    # exact: a sum of whole numbers below 2**53
    totals = [np.bincount(place, weights=axis, minlength=len(numbers)).astype(np.int64) for axis in indices]
    there = np.flatnonzero((counts > 0) & (numbers != 0))
    rows = zip(numbers[there].tolist(), *(sums[there].tolist() for sums in (counts, *totals)), strict=True)
    return {label: tuple(sums) for label, *sums in rows}


def pixel_sums(labels: NDArray[np.integer]) -> dict[int, PixelSums]:
    """Return the sums of all labels of a (…, Y, X) label image; 0 is background."""
    indices = np.nonzero(labels)
    return sums_at(indices, labels[indices])


def numbers_in(labels: NDArray[np.integer]) -> NDArray[np.integer]:
    """Return the labels of a label image in ascending order, without the background; faster than by sorting."""
    flat = np.asarray(labels).ravel()
    highest = int(flat.max(initial=0))
    if highest > 4 * flat.size + _FEW or int(flat.min(initial=0)) < 0:
        numbers: NDArray[np.integer] = np.setdiff1d(flat, [0])
        return numbers
    there = np.zeros(highest + 1, bool)
    there[flat] = True
    return np.flatnonzero(there[1:]) + 1


def numbered(labels: NDArray[np.integer]) -> tuple[NDArray[np.integer], NDArray[np.intp]]:
    """Return the labels of a label image in ascending order, and the image with their places there, from 1, for them.

    Background stays 0 and is none of them, whatever numbers there are: some may be negative, or far apart.
    """
    numbers = np.unique(labels)
    numbers = numbers[numbers != 0]
    return numbers, np.where(labels == 0, 0, np.searchsorted(numbers, labels) + 1)


def middle(sums: PixelSums) -> tuple[float, ...]:
    """Return the mean index along every axis of a label's pixels."""
    count, *totals = sums
    return tuple(total / count for total in totals)


def sums_to_json(sums: Mapping[int, PixelSums]) -> dict[str, list[int]]:
    """Return them as values that JSON knows."""
    return {str(label): list(values) for label, values in sums.items()}


def sums_from_json(content: Any) -> dict[int, PixelSums]:
    """Return what `sums_to_json` made values of; what is damaged is left out."""
    given = content if isinstance(content, Mapping) else {}
    found = {}
    for label, values in given.items():
        try:
            sums = tuple(int(value) for value in values)
            if len(sums) > 2 and sums[0] > 0:
                found[int(label)] = sums
        except (TypeError, ValueError):
            continue
    return found
