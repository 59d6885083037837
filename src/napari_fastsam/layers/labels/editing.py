"""Labels of a layer corrected, on the plane shown or on all planes that they are on, as one undo step."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import scipy
from numpy.typing import NDArray

from napari_fastsam.errors import LabelsError
from napari_fastsam.layers.labels.label_planes import OnPlane, Place, planes_with
from napari_fastsam.layers.labels.label_windows import Box
from napari_fastsam.layers.labels.largest import largest_label
from napari_fastsam.layers.labels.layer_plane import LayerPlane
from napari_fastsam.layers.labels.target import pixels_of
from napari_fastsam.layers.labels.written import Corrected, Piece, write_corrections

if TYPE_CHECKING:
    from napari.layers import Labels

Correction = Callable[[NDArray[np.integer], int, tuple[int, int]], NDArray[np.integer]]
"""From a window, one of its labels, and the window's first row and column to the window as it is to be."""


def correct_labels(
    plane: LayerPlane, labels: Mapping[int, Place], correction: Correction, everywhere: bool = False
) -> Corrected:
    """Have labels corrected, as one undo step.

    Where a label is on several planes and too small on some of them to be corrected, it stays there as it is.

    Parameters
    ----------
    plane
        The plane shown.
    labels
        From each label to a place on it.
    correction
        Called for each label and plane, with a window that holds it and a margin.
    everywhere
        Whether the labels are corrected on all planes that they are on, not on this one alone.

    Raises
    ------
    LabelsError
        If one of the labels is not there, or cannot be corrected so; nothing has been written then.
    """
    windows = _corrected(_found(plane, labels, everywhere), correction)
    return write_corrections(plane, tuple(labels), windows.pieces(), {}, {}, everywhere)


def merge_labels(plane: LayerPlane, labels: Mapping[int, Place], everywhere: bool = False) -> Corrected:
    """Make one of several labels, as one undo step: the first keeps its number and its row.

    Parameters
    ----------
    plane, labels, everywhere
        As for `correct_labels`.

    Raises
    ------
    LabelsError
        If there are fewer than two, or one is not there.
    """
    first, *others = labels
    if not others:
        raise LabelsError("Two labels or more are merged: point at another one too.")
    planes_with(plane, first, labels[first], everywhere=False)  # it is there

    def joined(window: NDArray[np.integer], label: int, _: tuple[int, int]) -> NDArray[np.integer]:
        return np.where(window == label, np.asarray(first, window.dtype), window)

    windows = _corrected(_found(plane, {label: labels[label] for label in others}, everywhere), joined)
    return write_corrections(plane, tuple(labels), windows.pieces(), dict.fromkeys(others, first), {}, everywhere)


def split_label(
    plane: LayerPlane,
    label: int,
    place: Place,
    correction: Correction,
    numbers: Sequence[int],
    everywhere: bool = False,
) -> Corrected:
    """Part a label, as one undo step: as corrected on the plane shown, and carried on from there to the others.

    On the next plane each of its pixels belongs to the part that is nearest on the plane before.

    Parameters
    ----------
    plane, everywhere
        As for `correct_labels`.
    label, place
        What is parted, and a place on it.
    correction
        Called for the plane shown.
    numbers
        Those that the correction gives to new parts.

    Raises
    ------
    LabelsError
        If the label is not there, or cannot be parted so.
    """
    planes = planes_with(plane, label, place, everywhere)
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
    return write_corrections(plane, (label,), pieces, {}, dict.fromkeys(numbers, label), everywhere)


def free_numbers(layer: Labels, count: int) -> list[int]:
    """Return numbers that no label of a layer has.

    Raises
    ------
    LabelsError
        If the layer's type has none left.
    """
    last, limit = largest_label(layer), int(np.iinfo(pixels_of(layer).dtype).max)
    if last + 1 > limit:
        raise LabelsError(
            f'Labels layer "{layer.name}" has type {pixels_of(layer).dtype}, whose largest number {limit} is taken. '
            "Convert it to a wider type (right-click the layer, Convert data type)."
        )
    return list(range(last + 1, min(last + count, limit) + 1))


def keep_largest_everywhere(plane: LayerPlane, labels: Mapping[int, Place]) -> Corrected:
    """Keep the largest piece of each label, where pieces hang together through the planes too.

    Raises
    ------
    LabelsError
        If a label is not there.
    """
    found = {}
    for label, planes in _found(plane, labels, everywhere=True).items():
        whole = box_holding([box for _, box in planes])
        found[label] = [(one, whole) for one, _ in planes]
    windows = _Windows(found.values())
    for label, planes in found.items():
        indices = np.array([one.index for one, _ in planes])
        axes = [axis for axis in range(indices.shape[1]) if axis not in plane.axes]
        low = indices[:, axes].min(axis=0)
        extent = indices[:, axes].max(axis=0) - low + 1
        places = [tuple(index) for index in (indices[:, axes] - low).tolist()]
        parts = [windows.at(one, box) for one, box in planes]
        mask = np.zeros((*extent, *parts[0].shape), bool)
        for at, part in zip(places, parts, strict=True):
            mask[at] = part == label
        pieces, count = scipy.ndimage.label(mask, np.ones((3,) * mask.ndim, bool))
        largest = 1 + int(np.argmax(np.bincount(pieces.ravel())[1:])) if count else 0
        for at, part in zip(places, parts, strict=True):
            part[mask[at] & (pieces[at] != largest)] = 0
    return write_corrections(plane, tuple(labels), windows.pieces(), {}, {}, everywhere=True)


def _found(plane: LayerPlane, labels: Mapping[int, Place], everywhere: bool) -> dict[int, list[OnPlane]]:
    return {label: planes_with(plane, label, place, everywhere) for label, place in labels.items()}


def _corrected(found: Mapping[int, Sequence[OnPlane]], correction: Correction) -> _Windows:
    """Correct labels one after the other, on the planes that they are on."""
    windows = _Windows(found.values())
    for label, planes in found.items():
        failed: list[LabelsError] = []
        for plane, box in planes:
            window = windows.at(plane, box)
            try:
                window[...] = correction(window.copy(), label, (box[0], box[1]))
            except LabelsError as error:
                failed.append(error)
        if len(failed) == len(planes):
            raise failed[0]
    return windows


class _Windows:
    """The windows of planes that hold some labels, as they are to be.

    Parameters
    ----------
    found
        Where each of the labels is.
    """

    def __init__(self, found: Iterable[Sequence[OnPlane]]) -> None:
        boxes: dict[tuple[int, ...], list[Box]] = {}
        planes: dict[tuple[int, ...], LayerPlane] = {}
        for plane, box in (one for planes_of_label in found for one in planes_of_label):
            planes[plane.index] = plane
            boxes.setdefault(plane.index, []).append(box)
        self._pieces: dict[tuple[int, ...], Piece] = {}
        for index, plane in planes.items():
            whole = box_holding(boxes[index])
            before = plane.read(whole)
            self._pieces[index] = plane, whole, before, before.copy()

    def at(self, plane: LayerPlane, box: Box) -> NDArray[np.integer]:
        """Return a box of a plane, to be written to."""
        _, whole, _, after = self._pieces[plane.index]
        return after[box[0] - whole[0] : box[2] - whole[0], box[1] - whole[1] : box[3] - whole[1]]

    def pieces(self) -> list[Piece]:
        """Return what is to be written."""
        return list(self._pieces.values())


def box_holding(boxes: Sequence[Box]) -> Box:
    """Return the smallest box that holds several."""
    low, high = np.array(boxes)[:, :2].min(axis=0), np.array(boxes)[:, 2:].max(axis=0)
    return int(low[0]), int(low[1]), int(high[0]), int(high[1])


def _nearest(parts: NDArray[np.integer]) -> NDArray[np.integer]:
    """Return for each pixel the number of the part that is nearest."""
    nearest = scipy.ndimage.distance_transform_edt(parts == 0, return_distances=False, return_indices=True)
    whose: NDArray[np.integer] = parts[tuple(nearest)]
    return whose
