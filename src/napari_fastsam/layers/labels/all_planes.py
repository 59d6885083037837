"""Labels corrected on all planes of their layer that they are on, as one undo step."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

import numpy as np
import scipy
from numpy.typing import NDArray

from napari_fastsam.core.objects import editing
from napari_fastsam.errors import LabelsError
from napari_fastsam.layers.labels.editing import (
    MOST_SEARCHED,
    Corrected,
    Correction,
    Piece,
    Place,
    box_holding,
    write_corrections,
)
from napari_fastsam.layers.labels.label_windows import Box, trimmed
from napari_fastsam.layers.labels.layer_plane import LayerPlane
from napari_fastsam.layers.labels.target import pixels_of

Found = list[tuple[LayerPlane, Box]]
"""Planes that a label is on, and where on each, with a margin; the plane that it was pointed at first."""


def planes_with(plane: LayerPlane, label: int, place: Place) -> Found:
    """Return the planes that a label is on.

    A layer of at most `MOST_SEARCHED` pixels is looked through. In a larger one the label is followed from plane to
    plane, as long as it goes on within 128 pixels of its middle.

    Parameters
    ----------
    plane, place
        Where it was pointed at.
    label
        The label.

    Raises
    ------
    LabelsError
        If it is not on that plane.
    """
    box = plane.box_of(label, place)
    if box is None:
        raise LabelsError(f"Label {label} is not on this plane any more.")
    first = (plane, plane.widened(box, editing.MARGIN))
    if np.prod(pixels_of(plane.layer).shape, dtype=np.int64) > MOST_SEARCHED:
        return [first, *_followed(plane, label, box)]
    found = []
    for index in itertools.product(*(range(n) for n in _others(plane))):
        other = _at(plane, index)
        if other.index != plane.index:
            mask = trimmed(0, 0, other.read(other.all) == label)
            if mask is not None:
                rows, columns = mask.window
                box = rows.start, columns.start, rows.stop, columns.stop
                found.append((other, other.widened(box, editing.MARGIN)))
    return [first, *found]


def correct_everywhere(plane: LayerPlane, labels: Mapping[int, Place], correction: Correction) -> Corrected:
    """Have labels corrected on all planes: as `correct_labels`, plane by plane.

    Where a label is too small to be corrected, it stays as it is.

    Raises
    ------
    LabelsError
        If a label is not there, or cannot be corrected on any plane.
    """
    pieces: list[Piece] = []
    windows = _Windows()
    for label, place in labels.items():
        failed: list[LabelsError] = []
        planes = planes_with(plane, label, place)
        for one, box in planes:
            window = windows.read(one, box)
            try:
                windows.write(one, box, correction(window, label, (box[0], box[1])))
            except LabelsError as error:
                failed.append(error)
        if len(failed) == len(planes):
            raise failed[0]
    pieces = windows.pieces()
    return write_corrections(plane, tuple(labels), pieces, {}, {}, everywhere=True)


def merge_everywhere(plane: LayerPlane, labels: Mapping[int, Place]) -> Corrected:
    """Make one of several labels on all planes: the first keeps its number and its row.

    Raises
    ------
    LabelsError
        If there are fewer than two, or one is not there.
    """
    first, *others = labels
    if not others:
        raise LabelsError("Two labels or more are merged: point at another one too.")
    planes_with(plane, first, labels[first])
    pieces: list[Piece] = []
    for label in others:
        for one, box in planes_with(plane, label, labels[label]):
            before = one.read(box)
            pieces.append((one, box, before, np.where(before == label, np.asarray(first, before.dtype), before)))
    return write_corrections(plane, tuple(labels), pieces, dict.fromkeys(others, first), {}, everywhere=True)


def split_everywhere(
    plane: LayerPlane, label: int, place: Place, correction: Correction, numbers: Sequence[int]
) -> Corrected:
    """Part a label on all planes: as corrected on the one where it was pointed at, and carried on from there.

    On the next plane each of its pixels belongs to the part that is nearest on the plane before.

    Raises
    ------
    LabelsError
        If the label is not there, or cannot be parted so.
    """
    planes = planes_with(plane, label, place)
    whole = box_holding([box for _, box in planes])
    planes.sort(key=lambda found: sum(abs(a - b) for a, b in zip(found[0].index, plane.index, strict=True)))
    before = {one.index: one.read(whole) for one, _ in planes}
    parts: dict[tuple[int, ...], NDArray[np.integer]] = {}
    pieces: list[Piece] = []
    for one, _ in planes:
        mask = before[one.index] == label
        if not parts:
            after = correction(before[one.index].copy(), label, (whole[0], whole[1]))
        else:
            nearest = min(parts, key=lambda index: sum(abs(a - b) for a, b in zip(index, one.index, strict=True)))
            after = np.where(mask, _nearest(parts[nearest]), before[one.index])
        parts[one.index] = np.where(mask, after, 0)
        pieces.append((one, whole, before[one.index], after))
    return write_corrections(plane, (label,), pieces, {}, dict.fromkeys(numbers, label), everywhere=True)


def keep_largest_everywhere(plane: LayerPlane, labels: Mapping[int, Place]) -> Corrected:
    """Keep the largest piece of each label, where pieces hang together through the planes too.

    Raises
    ------
    LabelsError
        If a label is not there.
    """
    windows = _Windows()
    for label, place in labels.items():
        planes = planes_with(plane, label, place)
        whole = box_holding([box for _, box in planes])
        indices = np.array([one.index for one, _ in planes])
        axes = [axis for axis in range(indices.shape[1]) if axis not in plane.axes]
        low = indices[:, axes].min(axis=0)
        extent = indices[:, axes].max(axis=0) - low + 1
        mask = np.zeros((*extent, whole[2] - whole[0], whole[3] - whole[1]), bool)
        places = [tuple(index) for index in (indices[:, axes] - low).tolist()]
        for (one, _), at in zip(planes, places, strict=True):
            mask[at] = windows.read(one, whole) == label
        pieces, count = scipy.ndimage.label(mask, np.ones((3,) * mask.ndim, bool))
        largest = 1 + int(np.argmax(np.bincount(pieces.ravel())[1:])) if count else 0
        for (one, _), at in zip(planes, places, strict=True):
            before = windows.read(one, whole)
            windows.write(one, whole, np.where(mask[at] & (pieces[at] != largest), np.zeros_like(before), before))
    return write_corrections(plane, tuple(labels), windows.pieces(), {}, {}, everywhere=True)


class _Windows:
    """Windows of planes as they are to be, while several labels are corrected one after the other."""

    def __init__(self) -> None:
        self._changed: dict[tuple[int, ...], tuple[LayerPlane, Box, NDArray[np.integer]]] = {}

    def read(self, plane: LayerPlane, box: Box) -> NDArray[np.integer]:
        """Return a copy of a box as it is to be."""
        window = plane.read(box).copy()
        if plane.index in self._changed:
            _, there, after = self._changed[plane.index]
            _copy(after, there, window, box)
        return window

    def write(self, plane: LayerPlane, box: Box, after: NDArray[np.integer]) -> None:
        """Remember what a box is to be."""
        if plane.index not in self._changed:
            self._changed[plane.index] = plane, box, after
            return
        _, there, so_far = self._changed[plane.index]
        whole = box_holding([there, box])
        window = plane.read(whole).copy()
        _copy(so_far, there, window, whole)
        _copy(after, box, window, whole)
        self._changed[plane.index] = plane, whole, window

    def pieces(self) -> list[Piece]:
        """Return what is to be written."""
        return [(plane, box, plane.read(box), after) for plane, box, after in self._changed.values()]


def _copy(source: NDArray[np.integer], there: Box, target: NDArray[np.integer], box: Box) -> None:
    """Copy what two boxes of a plane share from one window into another."""
    y0, x0 = max(there[0], box[0]), max(there[1], box[1])
    y1, x1 = min(there[2], box[2]), min(there[3], box[3])
    if y0 < y1 and x0 < x1:
        part = source[y0 - there[0] : y1 - there[0], x0 - there[1] : x1 - there[1]]
        target[y0 - box[0] : y1 - box[0], x0 - box[1] : x1 - box[1]] = part


def _followed(plane: LayerPlane, label: int, box: Box) -> Found:
    """Return the other planes that a label is on, from neighbour to neighbour."""
    found: Found = []
    seen, waiting = {plane.index}, [(plane, box)]
    while waiting:
        here, box = waiting.pop()
        middle = ((box[0] + box[2]) / 2, (box[1] + box[3]) / 2)
        for other in _neighbours(here):
            if other.index in seen:
                continue
            seen.add(other.index)
            there = other.box_of(label, middle)
            if there is not None:
                waiting.append((other, there))
                found.append((other, other.widened(there, editing.MARGIN)))
    return found


def _neighbours(plane: LayerPlane) -> list[LayerPlane]:
    shape = pixels_of(plane.layer).shape
    found = []
    for axis in range(len(shape)):
        for step in (-1, 1):
            position = plane.index[axis] + step
            if axis not in plane.axes and 0 <= position < shape[axis]:
                index = (*plane.index[:axis], position, *plane.index[axis + 1 :])
                found.append(plane.at(index))
    return found


def _others(plane: LayerPlane) -> list[int]:
    """Return the lengths of a layer's axes, 1 for those of the plane."""
    return [1 if axis in plane.axes else int(n) for axis, n in enumerate(pixels_of(plane.layer).shape)]


def _at(plane: LayerPlane, position: tuple[int, ...]) -> LayerPlane:
    """Return the plane at a position, which counts on the other axes only."""
    own = (plane.index[axis] if axis in plane.axes else i for axis, i in enumerate(position))
    return plane.at(tuple(own))


def _nearest(parts: NDArray[np.integer]) -> NDArray[np.integer]:
    """Return for each pixel the number of the part that is nearest."""
    nearest = scipy.ndimage.distance_transform_edt(parts == 0, return_distances=False, return_indices=True)
    whose: NDArray[np.integer] = parts[tuple(nearest)]
    return whose
