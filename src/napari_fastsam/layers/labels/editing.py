"""Labels of a layer corrected: pixels as one undo step, and features and provenance that stay true of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_fastsam.core.objects import editing
from napari_fastsam.errors import LabelsError
from napari_fastsam.layers.labels.label_windows import Box
from napari_fastsam.layers.labels.largest import largest_label
from napari_fastsam.layers.labels.layer_plane import LayerPlane
from napari_fastsam.layers.labels.pixels import write_pixels
from napari_fastsam.layers.labels.records import features_after, metadata_after
from napari_fastsam.layers.labels.target import pixels_of

if TYPE_CHECKING:
    from napari.layers import Labels

Place = tuple[float, float]
"""Row and column of a plane."""

Correction = Callable[[NDArray[np.integer], int, tuple[int, int]], NDArray[np.integer]]
"""From a window, one of its labels, and the window's first row and column to the window as it is to be."""

Piece = tuple[LayerPlane, Box, NDArray[np.integer], NDArray[np.integer]]
"""A plane, a box of it, and the window as it was and as it is to be."""

MOST_SEARCHED = 1 << 26
"""Pixels of a stack that are looked through for a label that is gone from the plane shown."""


@dataclass(frozen=True)
class Corrected:
    """What a correction did.

    Attributes
    ----------
    labels
        The labels that it was about.
    new, gone
        Numbers that there are now, and that are no more.
    pixels
        How many pixels changed.
    """

    labels: tuple[int, ...]
    new: tuple[int, ...]
    gone: tuple[int, ...]
    pixels: int


def correct_labels(
    plane: LayerPlane, labels: Mapping[int, Place], correction: Correction, parents: Mapping[int, int] | None = None
) -> Corrected:
    """Have labels of a plane corrected, as one undo step.

    Parameters
    ----------
    plane
        The plane.
    labels
        From each label to a place on it.
    correction
        Called for each label, with a window that holds it and a margin.
    parents
        From new numbers that the correction may give to the labels whose part they are: they get their class.

    Raises
    ------
    LabelsError
        If one of the labels is not there, or cannot be corrected so; nothing has been written then.
    """
    boxes = {label: _box_of(plane, label, place) for label, place in labels.items()}
    whole = box_holding(list(boxes.values()))
    before = plane.read(whole)
    after = before.copy()
    for label, box in boxes.items():
        window = (slice(box[0] - whole[0], box[2] - whole[0]), slice(box[1] - whole[1], box[3] - whole[1]))
        after[window] = correction(after[window].copy(), label, (box[0], box[1]))
    return write_corrections(plane, tuple(labels), [(plane, whole, before, after)], {}, parents or {})


def merge_labels(plane: LayerPlane, labels: Mapping[int, Place]) -> Corrected:
    """Make one of several labels, as one undo step: the first keeps its number and its row.

    Raises
    ------
    LabelsError
        If there are fewer than two, or one is not there.
    """
    first, *others = labels
    if not others:
        raise LabelsError("Two labels or more are merged: point at another one too.")
    _box_of(plane, first, labels[first])
    pieces = []
    for label in others:
        box = _box_of(plane, label, labels[label])
        before = plane.read(box)
        pieces.append((plane, box, before, np.where(before == label, np.asarray(first, before.dtype), before)))
    return write_corrections(plane, tuple(labels), pieces, dict.fromkeys(others, first), {})


def split_label(
    plane: LayerPlane, label: int, place: Place, correction: Correction, numbers: Sequence[int]
) -> Corrected:
    """Part a label: as `correct_labels`, with the numbers that the correction gives to the new parts."""
    return correct_labels(plane, {label: place}, correction, dict.fromkeys(numbers, label))


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


def _box_of(plane: LayerPlane, label: int, place: Place) -> Box:
    box = plane.box_of(label, place)
    if box is None:
        raise LabelsError(f"Label {label} is not on this plane any more.")
    return plane.widened(box, editing.MARGIN)


def box_holding(boxes: Sequence[Box]) -> Box:
    """Return the smallest box that holds several."""
    low, high = np.array(boxes)[:, :2].min(axis=0), np.array(boxes)[:, 2:].max(axis=0)
    return int(low[0]), int(low[1]), int(high[0]), int(high[1])


def write_corrections(
    plane: LayerPlane,
    labels: tuple[int, ...],
    pieces: Sequence[Piece],
    merged: Mapping[int, int],
    parents: Mapping[int, int],
    everywhere: bool = False,
) -> Corrected:
    """Write windows as one undo step, and what follows from them for features and provenance.

    Parameters
    ----------
    plane
        The plane shown.
    labels
        What was corrected.
    pieces
        What is written.
    merged
        From labels to the one that they are part of now.
    parents
        From new numbers to the labels whose part they are.
    everywhere
        Whether the pieces hold all planes of these labels: what is gone from them is gone.
    """
    parts, before, after = [], Counter[int](), Counter[int]()
    for one, box, old, new in pieces:
        changed = old != new
        parts.append((one.indices(box, changed), new[changed]))
        _count(old, before)
        _count(new, after)
    for counted in (before, after):
        counted.pop(0, None)
    layer = plane.layer
    left = {label for label in after if after[label] and label not in merged}  # a window of another one may hold it
    gone = tuple(label for label in before if label not in left and (everywhere or not _elsewhere(plane, label)))
    new_numbers = tuple(number for number in after if number not in before and number in parents)
    born = {number: parents[number] for number in new_numbers}
    features = features_after(layer, before, after, gone, merged, born)
    metadata = metadata_after(layer, gone, born)
    pixels = sum(len(values) for _, values in parts)
    if pixels:
        write_pixels(layer, parts, "Make room, then correct it again.")
        if features is not None:
            layer.features = features
        if metadata is not None:
            layer.metadata = metadata
    return Corrected(labels, new_numbers, gone, pixels)


def _count(labels: NDArray[np.integer], into: Counter[int]) -> None:
    numbers, counts = np.unique(labels, return_counts=True)
    into.update(dict(zip(numbers.tolist(), counts.tolist(), strict=True)))


def _elsewhere(plane: LayerPlane, label: int) -> bool:
    """Return whether a label is on another plane; where that is too much to look through, it is said to be."""
    data = pixels_of(plane.layer)
    other = [axis for axis in range(len(data.shape)) if axis not in plane.axes and data.shape[axis] > 1]
    if not other:
        return False
    if np.prod(data.shape, dtype=np.int64) > MOST_SEARCHED:
        return True
    axis, here = other[0], plane.index[other[0]]
    for i in sorted(range(data.shape[axis]), key=lambda i: abs(i - here)):
        where = tuple(i if a == axis else slice(None) for a in range(len(data.shape)))
        found = np.asarray(data[where]) == label
        if i == here and len(other) == 1:
            continue  # the plane itself
        if i == here:
            found[tuple(_without_axis(plane, axis))] = False
        if found.any():
            return True
    return False


def _without_axis(plane: LayerPlane, axis: int) -> list[int | slice]:
    where: list[int | slice] = list(plane.index)
    where[plane.axes[0]] = where[plane.axes[1]] = slice(None)
    del where[axis]
    return where
