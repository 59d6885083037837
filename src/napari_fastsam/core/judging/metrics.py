"""How well objects were found: average precision over matched label images.

The measure of the 2018 Data Science Bowl and of StarDist and Cellpose: at an IoU threshold, predicted and true objects
are matched one to one, and ``AP = TP / (TP + FP + FN)`` (Caicedo et al., Nature Methods 16, 2019). It is not the
area under a precision-recall curve that COCO calls by the same name.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray

from napari_fastsam.errors import LabelsError

THRESHOLDS = tuple(round(0.5 + 0.05 * step, 2) for step in range(10))
"""IoU 0.5, 0.55 … 0.95."""


@dataclass(frozen=True)
class Matching:
    """How predicted and true objects correspond at one IoU threshold. Sums of several images add up.

    Attributes
    ----------
    threshold
        IoU from which on two objects match.
    true_positives, false_positives, false_negatives
        Matched objects, predicted ones without a partner, true ones without a partner.
    matched_iou
        Sum of the IoU of the matched pairs.
    """

    threshold: float
    true_positives: int
    false_positives: int
    false_negatives: int
    matched_iou: float

    @property
    def average_precision(self) -> float:
        """TP / (TP + FP + FN); NaN if there are no objects at all."""
        return _ratio(self.true_positives, self.true_positives + self.false_positives + self.false_negatives)

    @property
    def f1(self) -> float:
        """2 TP / (2 TP + FP + FN); NaN if there are no objects at all."""
        twice = 2 * self.true_positives
        return _ratio(twice, twice + self.false_positives + self.false_negatives)

    @property
    def mean_matched_iou(self) -> float:
        """Mean IoU of the matched pairs; NaN if there are none."""
        return _ratio(self.matched_iou, self.true_positives)

    def __add__(self, other: Matching) -> Matching:
        """Return the matching of both together.

        Raises
        ------
        ValueError
            If the thresholds differ.
        """
        if self.threshold != other.threshold:
            raise ValueError(f"matchings at IoU {self.threshold} and {other.threshold} cannot be added up")
        return Matching(
            self.threshold,
            self.true_positives + other.true_positives,
            self.false_positives + other.false_positives,
            self.false_negatives + other.false_negatives,
            self.matched_iou + other.matched_iou,
        )


def match(predicted: ArrayLike, truth: ArrayLike, thresholds: Sequence[float] = THRESHOLDS) -> list[Matching]:
    """Match the objects of two label images one to one, so that as many as possible reach each threshold.

    Parameters
    ----------
    predicted, truth
        (H, W) or any equal shape, whole numbers; 0 = background.
    thresholds
        IoU from which on two objects match, each above 0.

    Returns
    -------
    list of Matching
        One a threshold; among equally many matches, the ones with the larger sum of IoU.

    Raises
    ------
    LabelsError
        If the shapes differ.
    """
    iou = iou_table(predicted, truth)
    return [_at(iou, threshold) for threshold in thresholds]


def iou_table(predicted: ArrayLike, truth: ArrayLike) -> NDArray[np.float64]:
    """Return the IoU of all pairs of objects of two label images: (P, T), labels in ascending order.

    Raises
    ------
    LabelsError
        If the shapes differ.
    """
    first, second = np.asarray(predicted), np.asarray(truth)
    if first.shape != second.shape:
        raise LabelsError(f"label images of shapes {first.shape} and {second.shape} cannot be compared")
    labels, rows = np.unique(first, return_inverse=True)
    others, columns = np.unique(second, return_inverse=True)
    pairs = np.bincount(rows.ravel() * len(others) + columns.ravel(), minlength=len(labels) * len(others))
    overlap = pairs.reshape(len(labels), len(others)).astype(np.float64)
    union = overlap.sum(axis=1, keepdims=True) + overlap.sum(axis=0, keepdims=True) - overlap
    table: NDArray[np.float64] = (overlap / union)[labels != 0][:, others != 0]
    return table


def _at(iou: NDArray[np.float64], threshold: float) -> Matching:
    # a match is worth more than all IoU together, so the number of matches comes first
    worth = np.where(iou >= threshold, 1 + iou / (1 + sum(iou.shape)), 0.0)
    rows, columns = scipy.optimize.linear_sum_assignment(worth, maximize=True)
    matched = iou[rows, columns][iou[rows, columns] >= threshold]
    count = len(matched)
    return Matching(threshold, count, iou.shape[0] - count, iou.shape[1] - count, float(matched.sum()))


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else float("nan")
