"""Labels corrected: what becomes of one label of a window, and never at the cost of its neighbours.

Every function takes a window of a label image and returns the window as it is to be; what it is given stays as it is.
Pixels come only from the label itself and from background. A label that goes on beyond the window is not known there:
the window has to hold it, with a margin as wide as the label may grow.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import scipy
import skimage
from numpy.typing import ArrayLike, NDArray

from napari_fastsam.errors import LabelsError

LabelImage: TypeAlias = NDArray[np.integer]

SMOOTHING = 2.0
"""Pixels: the outline is blurred by this standard deviation."""

MARGIN = 8
"""Pixels around a label that a window should hold: more than one step of `grow` or `smooth` takes."""

_BEYOND = 6.0
"""Pixels by which a cut is longer than it was drawn, at both ends: a hand stops short of the edge."""

_EIGHT = np.ones((3, 3), bool)


def delete(labels: LabelImage, label: int) -> LabelImage:
    """Return labels without one of them."""
    return _with(labels, label, np.zeros(labels.shape, bool))


def merge(labels: LabelImage, label: int, others: Sequence[int]) -> LabelImage:
    """Return labels in which others are part of one, under its number."""
    return np.where(np.isin(labels, np.asarray(others, labels.dtype)), np.asarray(label, labels.dtype), labels)


def fill_holes(labels: LabelImage, label: int) -> LabelImage:
    """Return labels in which the background that a label encloses belongs to it; other labels in it stay."""
    return _with(labels, label, scipy.ndimage.binary_fill_holes(labels == label))


def smooth(labels: LabelImage, label: int) -> LabelImage:
    """Return labels in which a label's outline is smoother and its area about the same.

    The mask is blurred and cut at half of its height. What is thinner than that would vanish as a whole and stays.
    """
    mask = labels == label
    soft = scipy.ndimage.gaussian_filter(mask.astype(np.float32), SMOOTHING, mode="nearest") > 0.5
    return _with(labels, label, soft if soft.any() else mask)


def grow(labels: LabelImage, label: int, pixels: int = 1) -> LabelImage:
    """Return labels in which a label is wider by some pixels where there is background."""
    mask = labels == label
    return _with(labels, label, scipy.ndimage.binary_dilation(mask, iterations=pixels, mask=mask | (labels == 0)))


def shrink(labels: LabelImage, label: int, pixels: int = 1) -> LabelImage:
    """Return labels in which a label is narrower by some pixels; the image's edge does not eat at it.

    Raises
    ------
    LabelsError
        If nothing would be left.
    """
    smaller = scipy.ndimage.binary_erosion(labels == label, iterations=pixels, border_value=1)
    return _with(labels, label, _something(smaller, label, "shrink"))


def keep_largest(labels: LabelImage, label: int) -> LabelImage:
    """Return labels in which only the largest piece of a label is left."""
    pieces, count = scipy.ndimage.label(labels == label, _EIGHT)
    if count < 2:
        return labels.copy()
    return _with(labels, label, pieces == 1 + np.argmax(np.bincount(pieces.ravel())[1:]))


def cut_at_neighbours(labels: LabelImage, label: int) -> LabelImage:
    """Return labels in which a line of background, a pixel wide, lies between a label and those that it touches.

    Raises
    ------
    LabelsError
        If nothing would be left.
    """
    others = (labels != label) & (labels != 0)
    mask = (labels == label) & ~scipy.ndimage.binary_dilation(others, _EIGHT)
    return _with(labels, label, _something(mask, label, "cut"))


def split_by_line(labels: LabelImage, label: int, line: ArrayLike, numbers: Sequence[int]) -> LabelImage:
    """Return labels in which a drawn line parts a label.

    Parameters
    ----------
    labels, label
        The window, and which of its labels.
    line
        (N, 2) rows and columns of the window, N ≥ 2. It is made longer at both ends: it need not reach the edge.
    numbers
        For the parts but the largest, which keeps its own: those that are needed are used, the larger part first.

    Raises
    ------
    LabelsError
        If the line does not part the label, or into more parts than there are numbers.
    """
    mask = labels == label
    barrier = _drawn(np.asarray(line, np.float64), labels.shape) & mask
    before, _ = scipy.ndimage.label(mask, _EIGHT)
    pieces, _ = scipy.ndimage.label(mask & ~barrier, _EIGHT)
    cut = np.unique(before[barrier])
    # pieces that were apart before, and that the line does not touch, stay with the largest
    loose = ~np.isin(before, cut) & mask
    pieces[loose] = 0
    seeds = np.where(pieces > 0, pieces, 0)
    nearest = scipy.ndimage.distance_transform_edt(seeds == 0, return_distances=False, return_indices=True)
    parts = np.where(mask & ~loose, seeds[tuple(nearest)], 0) if seeds.any() else seeds
    return _parted(labels, label, parts, numbers, "The line does not part label")


def split_between(labels: LabelImage, label: int, points: ArrayLike, numbers: Sequence[int]) -> LabelImage:
    """Return labels in which a label is parted where it is narrow, between places that were clicked.

    Watershed (Meyer 1994) of the distance to the label's edge, from the deepest places above those that were clicked;
    where that is one place, each pixel goes to the click that is nearer.

    Parameters
    ----------
    labels, label
        The window, and which of its labels.
    points
        (N, 2) rows and columns of the window, one a part; what is not on the label is taken to the nearest pixel of it.
    numbers
        N - 1 for the parts but the largest, which keeps its own.

    Raises
    ------
    LabelsError
        If the places are not on as many pixels of the label.
    """
    mask = labels == label
    depth = _depth(mask)
    nearest = scipy.ndimage.distance_transform_edt(~mask, return_distances=False, return_indices=True)
    rounded = np.clip(np.floor(np.asarray(points, np.float64) + 0.5).astype(int), 0, np.array(labels.shape) - 1)
    places = [tuple(nearest[:, row, column].tolist()) for row, column in rounded]
    climbs = [_climb(depth, place) for place in places]
    if len({climb[-1] for climb in climbs}) == len(climbs):
        seeds = np.zeros(labels.shape, np.int32)
        for i, climb in enumerate(climbs, start=1):
            seeds[tuple(np.transpose(climb))] = i
        parts = _flooded(mask, depth, seeds)
    else:  # no waist lies between them
        away = [np.hypot(*(np.indices(labels.shape) - np.reshape(place, (2, 1, 1)))) for place in places]
        parts = np.where(mask, 1 + np.argmin(away, axis=0), 0)
    return _parted(labels, label, parts, numbers, "Two places are needed to part label")


def split_in_two(labels: LabelImage, label: int, number: int) -> LabelImage:
    """Return labels in which a label is parted at its waist: between the two places that are deepest within it.

    Raises
    ------
    LabelsError
        If it has no waist: it is one lump.
    """
    mask = labels == label
    depth = _depth(mask)
    tops = (scipy.ndimage.maximum_filter(depth, size=7) == depth) & mask
    found, count = scipy.ndimage.label(tops, _EIGHT)
    if count < 2:
        raise LabelsError(f"Label {label} has no waist to be parted at: draw a line across it, or click two places.")
    deepest = 1 + np.argsort(-scipy.ndimage.maximum(depth, found, np.arange(1, count + 1)), kind="stable")[:2]
    seeds = np.zeros(labels.shape, np.int32)
    seeds[found == deepest[0]], seeds[found == deepest[1]] = 1, 2
    return _parted(labels, label, _flooded(mask, depth, seeds), [number], "There is no waist in label")


def split_by_mask(labels: LabelImage, label: int, part: NDArray[np.bool_], number: int) -> LabelImage:
    """Return labels in which the pixels of a mask, and the others, of a label are two.

    Raises
    ------
    LabelsError
        If all of its pixels, or none, lie in the mask.
    """
    mask = labels == label
    parts = np.where(mask, np.where(part, 1, 2), 0)
    return _parted(labels, label, parts, [number], "There are no two parts in label")


def _depth(mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return how far each pixel lies from what is not the mask, without the ripples of pixels."""
    distance = scipy.ndimage.distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1]
    smooth: NDArray[np.float64] = scipy.ndimage.gaussian_filter(distance, 1.0)
    return smooth


def _climb(depth: NDArray[np.float64], place: tuple[int, int]) -> list[tuple[int, int]]:
    """Return the way from a place to where it gets no deeper, two pixels at most at a time."""
    way = [place]
    while True:
        row, column = way[-1]
        top, left = max(row - 2, 0), max(column - 2, 0)
        around = depth[top : row + 3, left : column + 3]
        y, x = np.unravel_index(int(np.argmax(around)), around.shape)
        following = (top + int(y), left + int(x))
        if depth[following] <= depth[row, column]:
            return way
        way.append(following)


def _flooded(mask: NDArray[np.bool_], depth: NDArray[np.float64], seeds: NDArray[np.int32]) -> NDArray[np.integer]:
    parts: NDArray[np.integer] = skimage.segmentation.watershed(-depth, seeds, mask=mask)  # type: ignore[no-untyped-call]
    return parts


def _parted(
    labels: LabelImage, label: int, parts: NDArray[np.integer], numbers: Sequence[int], otherwise: str
) -> LabelImage:
    """Give parts their numbers: the largest keeps the label's, and so does what is in no part."""
    areas = np.bincount(parts.ravel().astype(np.intp))[1:]
    order = 1 + np.argsort(-areas, kind="stable")[: np.count_nonzero(areas)]
    if len(order) < 2:
        raise LabelsError(f"{otherwise} {label}: nothing was changed.")
    if len(order) - 1 > len(numbers):
        raise LabelsError(
            f"Label {label} would fall into {len(order)} parts, {len(numbers) + 1} are allowed. Draw a simpler line."
        )
    result = labels.copy()
    for part, number in zip(order[1:].tolist(), numbers, strict=False):
        result[parts == part] = number
    return result


def _drawn(line: NDArray[np.float64], shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Return the pixels of a line that no step to one of eight neighbours crosses, longer than it is at both ends."""
    first, last = _beyond(line[1], line[0]), _beyond(line[-2], line[-1])
    corners = np.floor(np.concatenate([[first], line, [last]]) + 0.5).astype(int)
    drawn = np.zeros(shape, bool)
    for (y0, x0), (y1, x1) in zip(corners[:-1].tolist(), corners[1:].tolist(), strict=True):
        rows, columns = skimage.draw.line(y0, x0, y1, x1)  # type: ignore[no-untyped-call]
        # and the pixel beside each of its diagonal steps
        rows, columns = np.concatenate([rows, rows[1:]]), np.concatenate([columns, columns[:-1]])
        inside = (rows >= 0) & (columns >= 0) & (rows < shape[0]) & (columns < shape[1])
        drawn[rows[inside], columns[inside]] = True
    return drawn


def _beyond(before: NDArray[np.float64], end: NDArray[np.float64]) -> NDArray[np.float64]:
    length = float(np.hypot(*(end - before)))
    return end if not length else end + (end - before) * (_BEYOND / length)


def _something(mask: NDArray[np.bool_], label: int, verb: str) -> NDArray[np.bool_]:
    if not mask.any():
        raise LabelsError(f"Nothing would be left of label {label}: delete it instead of having it {verb}.")
    return mask


def _with(labels: LabelImage, label: int, mask: NDArray[np.bool_]) -> LabelImage:
    """Return labels in which one has the pixels of a mask that are its own or background."""
    result = labels.copy()
    result[labels == label] = 0
    result[mask & ((labels == label) | (labels == 0))] = label
    return result
