"""Planes of a layer that a label is on, and where on each."""

from __future__ import annotations

import itertools

import numpy as np

from napari_fastsam.core.objects import editing
from napari_fastsam.errors import LabelsError
from napari_fastsam.layers.labels.label_windows import Box, trimmed
from napari_fastsam.layers.labels.layer_plane import LayerPlane
from napari_fastsam.layers.labels.target import pixels_of

Place = tuple[float, float]
"""Row and column of a plane."""

OnPlane = tuple[LayerPlane, Box]
"""A plane that a label is on, and the box that holds it there, with a margin."""

MOST_SEARCHED = 1 << 26
"""Pixels of a layer that are looked through for a label."""


def planes_with(plane: LayerPlane, label: int, place: Place, everywhere: bool = True) -> list[OnPlane]:
    """Return the planes that a label is on, the one that it was pointed at first.

    A layer of at most `MOST_SEARCHED` pixels is looked through. In a larger one the label is followed from plane to
    plane, as long as it goes on within 128 pixels of its middle.

    Parameters
    ----------
    plane, place
        Where it was pointed at.
    label
        The label.
    everywhere
        False: only that plane.

    Raises
    ------
    LabelsError
        If it is not on that plane.
    """
    box = plane.box_of(label, place)
    if box is None:
        raise LabelsError(f"Label {label} is not on this plane any more.")
    first = (plane, plane.widened(box, editing.MARGIN))
    if not everywhere:
        return [first]
    if is_large(plane):
        return [first, *_followed(plane, label, box)]
    return [first, *_searched(plane, label)]


def is_large(plane: LayerPlane) -> bool:
    """Whether the layer of a plane has more pixels than are looked through for a label."""
    return bool(np.prod(pixels_of(plane.layer).shape, dtype=np.int64) > MOST_SEARCHED)


def _searched(plane: LayerPlane, label: int) -> list[OnPlane]:
    """Return the other planes that a label is on, wherever they are."""
    found = []
    for index in itertools.product(*(range(n) for n in _others(plane))):
        other = _at(plane, index)
        if other.index != plane.index:
            mask = trimmed(0, 0, other.read(other.all) == label)
            if mask is not None:
                rows, columns = mask.window
                box = rows.start, columns.start, rows.stop, columns.stop
                found.append((other, other.widened(box, editing.MARGIN)))
    return found


def _followed(plane: LayerPlane, label: int, box: Box) -> list[OnPlane]:
    """Return the other planes that a label is on, from neighbour to neighbour."""
    found: list[OnPlane] = []
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
