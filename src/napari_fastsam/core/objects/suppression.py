"""Non-maximum suppression that can be asked again at any threshold in a millisecond.

Greedy suppression (keep the best box, drop what overlaps it by more than the threshold, go on) needs only the pairs
of boxes that overlap. They are found once; every later threshold is a few rounds over them.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

IOU_FLOOR = 0.1
"""Pairs that overlap less than this are not kept: no one asks for a threshold below it."""

_PAIRS_A_ROUND = 2_000_000


@dataclass(frozen=True, eq=False)
class BoxOverlaps:
    """Which of N boxes, ranked from best to worst, overlap.

    Attributes
    ----------
    count
        N.
    better, worse
        (P,) ranks of each pair; ``better < worse``.
    iou
        (P,) float32, each above `floor`.
    floor
        Pairs up to this IoU are left out.
    """

    count: int
    better: NDArray[np.intp]
    worse: NDArray[np.intp]
    iou: NDArray[np.float32]
    floor: float = IOU_FLOOR

    @classmethod
    def of(cls, boxes: NDArray[np.float32], floor: float = IOU_FLOOR) -> BoxOverlaps:
        """Find all pairs of ranked boxes with an IoU above `floor`.

        Parameters
        ----------
        boxes
            (N, 4) corner coordinates, best first.
        floor
            The lowest threshold that will be asked for.
        """
        boxes = np.ascontiguousarray(boxes, dtype=np.float32)
        # the axis along which boxes are the shorter, relative to their spread, leaves fewer pairs to look at
        axis = 0 if _sweep_cost(boxes[:, 0], boxes[:, 2]) <= _sweep_cost(boxes[:, 1], boxes[:, 3]) else 1
        order = np.argsort(boxes[:, axis], kind="stable")
        starts = boxes[order, axis]
        reach = np.searchsorted(starts, boxes[order, axis + 2], side="left")
        counts = np.maximum(reach - np.arange(1, len(boxes) + 1), 0)
        found = [_measure(boxes, order, first, last, counts, floor) for first, last in _rounds(counts, _PAIRS_A_ROUND)]
        better, worse, iou = (np.concatenate(parts) for parts in zip(*found, strict=True)) if found else _nothing()
        return cls(len(boxes), better, worse, iou, floor)

    def survivors(self, threshold: float, eligible: NDArray[np.bool_] | None = None) -> NDArray[np.intp]:
        """Return the ranks that greedy non-maximum suppression keeps.

        Parameters
        ----------
        threshold
            A box goes when a better one that stays overlaps it by more than this IoU; at least `floor`, since nothing
            is known of pairs below it.
        eligible
            (N,) which boxes take part; None means all.

        Returns
        -------
        numpy.ndarray
            Ranks in ascending order, best first.

        Notes
        -----
        Each round settles every box that has no better unsettled rival: it stays, its worse rivals go. The outcome is
        that of the sequential algorithm, whatever the order of the rounds.
        """
        undecided = np.ones(self.count, bool) if eligible is None else eligible.copy()
        kept = np.zeros(self.count, bool)
        rivals = self.iou > _as_float32(max(threshold, self.floor))
        better, worse = self.better[rivals], self.worse[rivals]
        while True:
            live = undecided[better] & undecided[worse]
            better, worse = better[live], worse[live]
            if not len(better):
                break
            has_better = np.zeros(self.count, bool)
            has_better[worse] = True
            settled = undecided & ~has_better
            kept |= settled
            undecided &= ~settled
            undecided[worse[settled[better]]] = False
        return np.flatnonzero(kept | undecided)


def suppress(boxes: NDArray[np.float32], scores: NDArray[np.float32], threshold: float) -> NDArray[np.intp]:
    """Greedy non-maximum suppression.

    Parameters
    ----------
    boxes
        (N, 4) corner coordinates.
    scores
        (N,) the higher, the better; of equals the earlier wins.
    threshold
        IoU above which the worse box goes.

    Returns
    -------
    numpy.ndarray
        Indices of the boxes that stay, best first.
    """
    order = np.argsort(-scores, kind="stable")
    return order[BoxOverlaps.of(boxes[order], floor=min(IOU_FLOOR, threshold)).survivors(threshold)]


def _as_float32(threshold: float) -> np.float32:
    """Return the float32 that every float32 above `threshold` is above, and no other.

    Rounded to the nearest instead, 0.1 would become a number above 0.1 that an IoU of exactly that does not exceed.
    """
    rounded = np.float32(threshold)
    return np.nextafter(rounded, np.float32(-1)) if float(rounded) > threshold else rounded


def _sweep_cost(starts: NDArray[np.float32], ends: NDArray[np.float32]) -> int:
    """Count the pairs of intervals that a sweep along an axis meets."""
    ordered = np.sort(starts)
    return int(np.searchsorted(ordered, ends, side="left").sum() - np.searchsorted(ordered, starts, side="left").sum())


def _rounds(counts: NDArray[np.intp], limit: int) -> list[tuple[int, int]]:
    """Cut the boxes into runs with about `limit` pairs each, so that memory stays bounded."""
    total = np.cumsum(counts)
    if not len(total):
        return []
    cuts = np.searchsorted(total, np.arange(limit, total[-1] + limit, limit), side="left") + 1
    edges = np.unique(np.concatenate([[0], np.minimum(cuts, len(counts)), [len(counts)]])).tolist()
    return list(itertools.pairwise(edges))


def _measure(
    boxes: NDArray[np.float32],
    order: NDArray[np.intp],
    first: int,
    last: int,
    counts: NDArray[np.intp],
    floor: float,
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float32]]:
    """Measure the pairs whose earlier box, in sweep order, is one of first … last - 1."""
    own = counts[first:last]
    total = int(own.sum())
    begin = np.repeat(np.arange(first, last), own)
    end = begin + 1 + np.arange(total) - np.repeat(np.cumsum(own) - own, own)
    a, b = order[begin], order[end]
    for axis in (0, 1):  # most pairs of a sweep part on the other axis: drop them before anything is computed
        meet = np.minimum(boxes[a, axis + 2], boxes[b, axis + 2]) > np.maximum(boxes[a, axis], boxes[b, axis])
        a, b = a[meet], b[meet]
    height = np.minimum(boxes[a, 2], boxes[b, 2]) - np.maximum(boxes[a, 0], boxes[b, 0])
    width = np.minimum(boxes[a, 3], boxes[b, 3]) - np.maximum(boxes[a, 1], boxes[b, 1])
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    intersection = height * width
    iou = intersection / (areas[a] + areas[b] - intersection)
    over = iou > _as_float32(floor)
    a, b, iou = a[over], b[over], iou[over]
    return np.minimum(a, b), np.maximum(a, b), iou


def _nothing() -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float32]]:
    return np.zeros(0, np.intp), np.zeros(0, np.intp), np.zeros(0, np.float32)
