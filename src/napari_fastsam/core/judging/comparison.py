"""Which objects of a segmentation match the truth, which were missed, and which are false.

The numbers are those of `napari_fastsam.core.judging.metrics`. This module says of each single object how it fared, and
keeps what it found so that another threshold is answered without the images.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray

from napari_fastsam.core.judging.metrics import Matching
from napari_fastsam.core.objects.label_runs import BACKGROUND, LabelRuns, Objects


class Kind(IntEnum):
    """How an object fared. The values are those of the painted image; 0 is background."""

    HIT = 1
    MISSED = 2
    FALSE = 3


@dataclass(frozen=True, eq=False)
class MatchTable:
    """All objects at one threshold, one a row: hits, then missed ones, then false ones, in the order of their labels.

    Attributes
    ----------
    kind
        (N,) uint8, see `Kind`.
    truth, predicted
        (N,) labels. For a missed object `predicted` is that of the predicted object that it overlaps best, 0 if
        there is none; likewise `truth` for a false one.
    iou
        (N,) of the pair that the row names; 0 if it names one label only.
    area
        (N,) pixels of the true object, or of the false one.
    centroid
        (N, D) of the same object; pixel centres at integers.
    box
        (N, 2 D) of the same object; pixel edges, half-open.
    """

    kind: NDArray[np.uint8]
    truth: NDArray[np.int64]
    predicted: NDArray[np.int64]
    iou: NDArray[np.float64]
    area: NDArray[np.int64]
    centroid: NDArray[np.float64]
    box: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.kind)


@dataclass(frozen=True, eq=False)
class Comparison:
    """Two label images held against each other; see `compare`.

    Attributes
    ----------
    runs
        The images as runs of pixels.
    predicted, truth
        Their objects.
    pairs
        (K, 2) which of them share a pixel.
    iou
        (K,) pixels that both have, of the pixels that either has.
    """

    runs: LabelRuns
    predicted: Objects
    truth: Objects
    pairs: NDArray[np.intp]
    iou: NDArray[np.float64]

    def matched(self, threshold: float) -> NDArray[np.intp]:
        """Return the rows of `pairs` that are matched, one to one, so that as many as possible reach the threshold.

        Among equally many, those with the larger sum of IoU. The rule is that of
        `napari_fastsam.core.judging.metrics.match`.

        Parameters
        ----------
        threshold
            IoU from which on two objects match, above 0.
        """
        close = np.flatnonzero(self.iou >= threshold)
        group = _groups(self.pairs[close], len(self.predicted), len(self.truth))
        alone = np.bincount(group, minlength=1)[group] == 1
        chosen = [close[alone]]
        # Above 0.5 an object has one partner at most. At 0.5 and below a few may have to share.
        for number in np.unique(group[~alone]):
            members = close[group == number]
            chosen.append(members[_assigned(self.pairs[members], self.iou[members])])
        return np.sort(np.concatenate(chosen))

    def matching(self, threshold: float) -> Matching:
        """Count hits, false and missed objects at a threshold."""
        matched = self.matched(threshold)
        hits = len(matched)
        total = float(self.iou[matched].sum())
        return Matching(threshold, hits, len(self.predicted) - hits, len(self.truth) - hits, total)

    def found(self, threshold: float) -> MatchTable:
        """Say of each object how it fared at a threshold."""
        matched = self.matched(threshold)
        hit_predicted, hit_truth = self.pairs[matched].T
        missed = np.setdiff1d(np.arange(len(self.truth)), hit_truth)
        false = np.setdiff1d(np.arange(len(self.predicted)), hit_predicted)
        near_missed, iou_of_missed = self._best(1, missed)
        near_false, iou_of_false = self._best(0, false)
        true = np.concatenate([hit_truth, missed])

        def measured(name: str) -> NDArray[Any]:
            return np.concatenate([getattr(self.truth, name)[true], getattr(self.predicted, name)[false]])

        return MatchTable(
            np.repeat([Kind.HIT, Kind.MISSED, Kind.FALSE], [len(matched), len(missed), len(false)]).astype(np.uint8),
            _labels(self.truth, np.concatenate([true, near_false])),
            _labels(self.predicted, np.concatenate([hit_predicted, near_missed, false])),
            np.concatenate([self.iou[matched], iou_of_missed, iou_of_false]),
            measured("areas"),
            measured("centroids"),
            measured("boxes"),
        )

    def painted(self, threshold: float) -> NDArray[np.uint8]:
        """Paint hits, missed and false objects.

        A hit is painted where the prediction has it. Where a missed object lies under a predicted one, hit or false,
        the smaller of the two is on top, so that neither a cell that was lost inside of another nor the parts into
        which one was split are hidden. (One that smaller ones cover wholly has no pixel here; `found` has its row.)

        Returns
        -------
        numpy.ndarray
            uint8 of the shape compared: 0 and the values of `Kind`.
        """
        matched = self.matched(threshold)
        runs = self.runs
        # one more at the end, which BACKGROUND finds
        of_predicted = np.full(len(self.predicted) + 1, Kind.FALSE, dtype=np.uint8)
        of_predicted[self.pairs[matched, 0]] = Kind.HIT
        of_predicted[BACKGROUND] = 0
        is_missed = np.ones(len(self.truth) + 1, dtype=bool)
        is_missed[self.pairs[matched, 1]] = False
        is_missed[BACKGROUND] = False
        area = np.append(self.predicted.areas, np.iinfo(np.int64).max)
        true_area = np.append(self.truth.areas, 0)
        on_top = is_missed[runs.truth] & (true_area[runs.truth] < area[runs.predicted])
        return runs.paint(np.where(on_top, np.uint8(Kind.MISSED), of_predicted[runs.predicted]))

    def inside(self, kind: Kind, label: int, near: ArrayLike) -> NDArray[np.float64]:
        """Return the pixel of an object that is nearest to a place: its centroid may lie outside of it.

        Parameters
        ----------
        kind, label
            A predicted object if it is false, else a true one.
        near
            (D,) pixel centres at integers.
        """
        false = kind is Kind.FALSE
        number = np.searchsorted(self.predicted.labels if false else self.truth.labels, label)
        runs = self.runs
        its = np.flatnonzero((runs.predicted if false else runs.truth) == number)
        pixels = np.stack(np.unravel_index(runs.starts[its], runs.shape), axis=1).astype(np.float64)
        wanted = np.asarray(near, dtype=np.float64)
        pixels[:, -1] = np.clip(np.round(wanted[-1]), pixels[:, -1], pixels[:, -1] + runs.lengths[its] - 1)
        nearest: NDArray[np.float64] = pixels[np.argmin(((pixels - wanted) ** 2).sum(axis=1))]
        return nearest

    def _best(self, side: int, wanted: NDArray[np.intp]) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
        """Return for objects of one side (0 predicted, 1 truth) the best partner, or `BACKGROUND`, and their IoU."""
        count = len(self.truth if side else self.predicted)
        partner, iou = np.full(count, BACKGROUND), np.zeros(count)
        ascending = np.argsort(self.iou, kind="stable")
        own, other = self.pairs[ascending, side], self.pairs[ascending, 1 - side]
        partner[own], iou[own] = other, self.iou[ascending]  # the last one that is written stays: the best
        return partner[wanted], iou[wanted]


def compare(predicted: ArrayLike, truth: ArrayLike) -> Comparison:
    """Hold a segmentation against the truth.

    Parameters
    ----------
    predicted, truth
        Label images of one shape, with any number of axes; whole numbers, 0 = background. An object is what has one
        number, connected or not.

    Raises
    ------
    LabelsError
        If the shapes differ, or what is in them is no whole number.
    """
    runs = LabelRuns.of(predicted, truth)
    found, true = runs.objects(runs.predicted, runs.predicted_labels), runs.objects(runs.truth, runs.truth_labels)
    pairs, shared = runs.shared()
    union = found.areas[pairs[:, 0]] + true.areas[pairs[:, 1]] - shared
    return Comparison(runs, found, true, pairs, shared / union)


def _groups(pairs: NDArray[np.intp], predicted: int, truth: int) -> NDArray[np.intp]:
    """Return for each pair a number that it shares with the pairs whose objects hang together with its own."""
    size = predicted + truth
    graph = scipy.sparse.coo_array(
        (np.ones(len(pairs), np.int8), (pairs[:, 0], predicted + pairs[:, 1])), shape=(size, size)
    )
    numbers = scipy.sparse.csgraph.connected_components(graph, directed=False)[1] if size else np.zeros(0, np.intp)
    return np.asarray(numbers, dtype=np.intp)[pairs[:, 0]]


def _assigned(pairs: NDArray[np.intp], iou: NDArray[np.float64]) -> NDArray[np.intp]:
    """Return which of a few pairs match: as many as can be, then with the largest sum of IoU."""
    rows, row_of = np.unique(pairs[:, 0], return_inverse=True)
    columns, column_of = np.unique(pairs[:, 1], return_inverse=True)
    worth = np.zeros((len(rows), len(columns)))
    which = np.full(worth.shape, -1)
    # a match is worth more than all IoU together, so the number of matches comes first
    worth[row_of, column_of] = 1 + iou / (1 + sum(worth.shape))
    which[row_of, column_of] = np.arange(len(pairs))
    chosen = which[scipy.optimize.linear_sum_assignment(worth, maximize=True)]
    return np.asarray(chosen[chosen >= 0])


def _labels(objects: Objects, numbers: NDArray[np.intp]) -> NDArray[np.int64]:
    """Return labels of objects; 0 for `BACKGROUND`."""
    return np.append(objects.labels.astype(np.int64), 0)[numbers]
