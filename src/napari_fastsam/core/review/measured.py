"""What a label image itself tells of its objects, quickly enough for a hundred thousand of them."""

from __future__ import annotations

from dataclasses import dataclass
from math import gamma, pi

import numpy as np
from numpy.typing import NDArray

from napari_fastsam.core.objects.label_runs import BACKGROUND, LabelRuns
from napari_fastsam.errors import LabelsError


@dataclass(frozen=True, eq=False)
class MeasuredObjects:
    """The N objects of a label image of D axes, in ascending order of their labels.

    Attributes
    ----------
    labels
        (N,) their numbers.
    areas
        (N,) pixels.
    centroids
        (N, D) pixel centres at integers.
    places
        (N, D) a pixel of each object, near its centroid if the object is compact.
    boxes
        (N, 2 D) first edges of all axes, then last ones, half-open.
    elongation
        (N,) the longest axis of the ellipsoid of the same second moments over its shortest, 1 at the least.
    fullness
        (N,) pixels over those of that ellipsoid: 1 for an ellipse, less for what has dents, holes or several pieces.
    straight
        (N,) the longest side along a row or a column, over what a circle of like size has of it.
    straight_at
        (N, 2) axis, and row or column, of that side.
    at_border
        (N,) whether the image's edge cuts it.
    brightness
        (N,) mean of the image; NaN where there is none.
    """

    labels: NDArray[np.integer]
    areas: NDArray[np.int64]
    centroids: NDArray[np.float64]
    places: NDArray[np.int64]
    boxes: NDArray[np.int64]
    elongation: NDArray[np.float64]
    fullness: NDArray[np.float64]
    straight: NDArray[np.float64]
    straight_at: NDArray[np.int64]
    at_border: NDArray[np.bool_]
    brightness: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.labels)


def measure_objects(labels: NDArray[np.integer], image: NDArray[np.generic] | None = None) -> MeasuredObjects:
    """Measure the objects of a label image.

    Parameters
    ----------
    labels
        (Y, X), or with more axes before; 0 = background.
    image
        The same pixels; None leaves brightness out.

    Raises
    ------
    LabelsError
        If labels are no whole numbers, or the image is of another shape.
    """
    if image is not None and image.shape != labels.shape:
        raise LabelsError(f"the labels have shape {labels.shape} and the image {image.shape}; expected the same pixels")
    runs = LabelRuns.of(labels, np.zeros(labels.shape, np.uint8))
    numbers, names = runs.predicted, runs.predicted_labels
    found = runs.objects(numbers, names)
    there = numbers != BACKGROUND
    which, lengths, starts = numbers[there], runs.lengths[there], runs.starts[there]
    first = np.stack(np.unravel_index(starts, runs.shape))
    elongation, fullness = _of_moments(which, first, lengths, found.areas, found.centroids)
    straight, straight_at = _straight(which, first, lengths, found.boxes)
    low, high = found.boxes[:, : labels.ndim], found.boxes[:, labels.ndim :]
    cut = [axis for axis in range(labels.ndim) if labels.shape[axis] > 1]
    at_border = ((low == 0) | (high == np.array(labels.shape)))[:, cut].any(axis=1)
    return MeasuredObjects(
        names,
        found.areas,
        found.centroids,
        _places(which, first, lengths, found.centroids),
        found.boxes,
        elongation,
        fullness,
        straight,
        straight_at,
        at_border,
        _means(image, numbers, runs.starts, found.areas),
    )


def _of_moments(
    which: NDArray[np.intp],
    first: NDArray[np.intp],
    lengths: NDArray[np.int64],
    areas: NDArray[np.int64],
    centroids: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return elongation and fullness, from second moments; those of a run of n pixels along it are (n² − 1) / 12."""
    axes, count = len(first), len(areas)
    centre = first.astype(np.float64)
    centre[-1] += (lengths - 1) / 2
    away = centre - centroids[which].T
    moments = np.zeros((count, axes, axes))
    for i in range(axes):
        for j in range(i, axes):
            sums = np.bincount(which, weights=away[i] * away[j] * lengths, minlength=count).astype(np.float64)
            if i == j:
                within = (lengths**2 - 1) / 12 if i == axes - 1 else 0.0
                sums += np.bincount(which, weights=lengths * within, minlength=count) + areas / 12  # a pixel has width
            moments[:, i, j] = moments[:, j, i] = sums / areas
    own = np.linalg.eigvalsh(moments)
    flat = (own > 0.1).sum(axis=1) < axes  # on one plane of a stack
    own = np.maximum(own, 1 / 12)
    # the ball of the same moments: its variance along an axis is r² / (D + 2)
    sizes = np.prod(np.sqrt(own * (axes + 2)), axis=1) * pi ** (axes / 2) / gamma(axes / 2 + 1)
    if axes > 2:
        plane = np.prod(np.sqrt(own[:, 1:] * (axes + 1)), axis=1) * pi ** ((axes - 1) / 2) / gamma((axes + 1) / 2)
        sizes = np.where(flat, plane, sizes)
    shortest = np.where(flat & (axes > 2), own[:, min(1, axes - 1)], own[:, 0])
    return np.sqrt(own[:, -1] / shortest), areas / sizes


def _straight(
    which: NDArray[np.intp], first: NDArray[np.intp], lengths: NDArray[np.int64], boxes: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the longest side of each object along the last two axes, over that of a circle, and where it lies."""
    axes, count = len(first), len(boxes)
    if axes < 2 or not count:
        return np.zeros(count), np.zeros((count, 2), np.int64)
    y, x = axes - 2, axes - 1
    low, high = boxes[which, :axes], boxes[which, axes:]
    sides = (
        (lengths * (first[y] == low[:, y]), y, boxes[:, y]),
        (lengths * (first[y] == high[:, y] - 1), y, boxes[:, axes + y]),
        (first[x] == low[:, x], x, boxes[:, x]),
        (first[x] + lengths == high[:, x], x, boxes[:, axes + x]),
    )
    pixels = np.stack([np.bincount(which, weights=side, minlength=count) for side, _, _ in sides])
    deep = np.prod(boxes[:, axes : axes + y] - boxes[:, :y], axis=1) if y else np.ones(count, np.int64)
    longest = pixels.argmax(axis=0)
    across = (boxes[:, axes + y :] - boxes[:, y:axes]).max(axis=1)
    # a chord one pixel deep in a circle of diameter d is 2 √(d − 1) long
    share = pixels.max(axis=0) / deep / (2 * np.sqrt(np.maximum(across - 1, 1)))
    at = np.stack(
        [
            np.array([axis for _, axis, _ in sides])[longest],
            np.stack([e for *_, e in sides])[longest, np.arange(count)],
        ],
        1,
    )
    return share, at.astype(np.int64)


def _places(
    which: NDArray[np.intp], first: NDArray[np.intp], lengths: NDArray[np.int64], centroids: NDArray[np.float64]
) -> NDArray[np.int64]:
    """Return the pixel of each object that is nearest to its centroid."""
    near = first.copy()
    near[-1] = np.clip(np.rint(centroids[which, -1]), first[-1], first[-1] + lengths - 1)
    far = ((near - centroids[which].T) ** 2).sum(axis=0)
    order = np.lexsort((far, which))
    best = order[np.flatnonzero(np.diff(which[order], prepend=-1))]
    places: NDArray[np.int64] = near[:, best].T.astype(np.int64)
    return places


def _means(
    image: NDArray[np.generic] | None, numbers: NDArray[np.intp], starts: NDArray[np.int64], areas: NDArray[np.int64]
) -> NDArray[np.float64]:
    if image is None or not len(areas):
        return np.full(len(areas), np.nan)
    sums = np.add.reduceat(image.ravel(), starts, dtype=np.float64)
    there = numbers != BACKGROUND
    means: NDArray[np.float64] = np.bincount(numbers[there], weights=sums[there], minlength=len(areas)) / areas
    return means
