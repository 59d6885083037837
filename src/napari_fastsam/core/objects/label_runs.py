"""Two label images as runs of pixels: what a comparison needs of them, in a small part of their size."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_fastsam.errors import LabelsError

BACKGROUND = -1
"""What stands for "no object" where objects are counted from 0."""


@dataclass(frozen=True, eq=False)
class Objects:
    """The objects of one label image, in the order of their labels.

    Attributes
    ----------
    labels
        (N,) as in the image, ascending, without 0.
    areas
        (N,) number of pixels.
    centroids
        (N, D) mean position, pixel centres at integers.
    boxes
        (N, 2 D) first edges of all axes, then last ones, half-open: ``y0, x0, y1, x1`` in 2D.
    """

    labels: NDArray[np.integer]
    areas: NDArray[np.int64]
    centroids: NDArray[np.float64]
    boxes: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True, eq=False)
class LabelRuns:
    """Two label images of one shape, cut along the last axis wherever either of them changes.

    Label images are long runs of one number: a megapixel has some ten thousand of them, and whatever is counted over
    pixels is counted over runs instead.

    Attributes
    ----------
    shape
        Of the images.
    starts, lengths
        (R,) first pixel of each run in C order, and how many pixels it has. No run goes beyond its row.
    predicted, truth
        (R,) the object in each run, counted from 0 in the order of labels; `BACKGROUND` for none.
    predicted_labels, truth_labels
        The labels of those objects.
    """

    shape: tuple[int, ...]
    starts: NDArray[np.int64]
    lengths: NDArray[np.int64]
    predicted: NDArray[np.intp]
    truth: NDArray[np.intp]
    predicted_labels: NDArray[np.integer]
    truth_labels: NDArray[np.integer]

    @classmethod
    def of(cls, predicted: ArrayLike, truth: ArrayLike) -> LabelRuns:
        """Find the runs of two label images.

        Parameters
        ----------
        predicted, truth
            Of one shape, with one axis at least; whole numbers, 0 = background.

        Raises
        ------
        LabelsError
            If the shapes differ, or what is in them is no whole number.
        """
        first, second = _checked(predicted), _checked(truth)
        if first.shape != second.shape:
            raise LabelsError(
                f"label images of shapes {first.shape} and {second.shape} cannot be compared; give two of one shape"
            )
        a, b = first.ravel(), second.ravel()
        cut = np.ones(a.size, dtype=bool)
        np.not_equal(a[1:], a[:-1], out=cut[1:])
        cut[1:] |= b[1:] != b[:-1]
        cut[:: first.shape[-1] or 1] = True
        starts = np.flatnonzero(cut).astype(np.int64)
        predicted_labels, in_predicted = _numbered(a[starts])
        truth_labels, in_truth = _numbered(b[starts])
        lengths = np.diff(starts, append=a.size)
        return cls(first.shape, starts, lengths, in_predicted, in_truth, predicted_labels, truth_labels)

    def objects(self, numbers: NDArray[np.intp], labels: NDArray[np.integer]) -> Objects:
        """Measure the objects of one of the images.

        Parameters
        ----------
        numbers, labels
            `predicted` and `predicted_labels`, or `truth` and `truth_labels`.
        """
        there = numbers != BACKGROUND
        numbers, lengths = numbers[there], self.lengths[there]
        first = np.stack(np.unravel_index(self.starts[there], self.shape))
        half = np.zeros((len(self.shape), 1))
        half[-1] = 0.5
        centres = first + half * (lengths - 1)
        count = len(labels)
        areas = np.bincount(numbers, weights=lengths, minlength=count)
        sums = [np.bincount(numbers, weights=along * lengths, minlength=count) for along in centres]
        low = np.full((len(self.shape), count), np.iinfo(np.int64).max)
        high = np.zeros_like(low)
        for axis, along in enumerate(first):
            after = along + (lengths if axis == len(self.shape) - 1 else 1)
            np.minimum.at(low[axis], numbers, along)
            np.maximum.at(high[axis], numbers, after)
        return Objects(labels, areas.astype(np.int64), (np.stack(sums) / areas).T, np.concatenate([low, high]).T)

    def shared(self) -> tuple[NDArray[np.intp], NDArray[np.int64]]:
        """Return which objects share pixels, (K, 2) in `predicted` and `truth`, and how many, (K,)."""
        both = (self.predicted != BACKGROUND) & (self.truth != BACKGROUND)
        width = max(len(self.truth_labels), 1)
        # one number for a pair: of thousands of objects a full table would not fit into memory
        pairs, which = np.unique(self.predicted[both] * width + self.truth[both], return_inverse=True)
        pixels = np.bincount(which, weights=self.lengths[both], minlength=len(pairs)).astype(np.int64)
        return np.stack([pairs // width, pairs % width], axis=1), pixels

    def paint(self, values: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return an image of the shape compared, from a value for each run."""
        return np.repeat(values, self.lengths).reshape(self.shape)


def _checked(labels: ArrayLike) -> NDArray[np.integer]:
    array = np.asarray(labels)
    if array.dtype == bool:
        return array.astype(np.uint8)
    if not np.issubdtype(array.dtype, np.integer) or array.ndim == 0:
        raise LabelsError(
            f"a label image holds whole numbers along one axis at least, not {array.dtype} of shape {array.shape}"
        )
    return array


def _numbered(values: NDArray[np.integer]) -> tuple[NDArray[np.integer], NDArray[np.intp]]:
    """Return the labels that occur, without 0, and for each value which of them it is."""
    labels, which = np.unique(values, return_inverse=True)
    object_of = np.cumsum(labels != 0) - 1
    object_of[labels == 0] = BACKGROUND
    return labels[labels != 0], object_of[which]
