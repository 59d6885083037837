"""Corrections of labels written: pixels as one undo step, features and provenance that stay true of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_fastsam.layers.labels.label_planes import is_large
from napari_fastsam.layers.labels.label_windows import Box
from napari_fastsam.layers.labels.layer_plane import LayerPlane
from napari_fastsam.layers.labels.pixels import write_pixels
from napari_fastsam.layers.labels.records import features_after, metadata_after
from napari_fastsam.layers.labels.target import pixels_of

Piece = tuple[LayerPlane, Box, NDArray[np.integer], NDArray[np.integer]]
"""A plane, a box of it, and the window as it was and as it is to be."""


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
    if is_large(plane):
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
