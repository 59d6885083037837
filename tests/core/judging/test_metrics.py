"""Average precision over matched objects."""

from __future__ import annotations

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra.numpy import arrays

from napari_fastsam.core.judging.metrics import THRESHOLDS, Matching, iou_table, match
from napari_fastsam.errors import LabelsError

labels = arrays(np.int32, (8, 9), elements=st.integers(0, 4))


def test_the_same_labels_under_other_numbers_are_perfect() -> None:
    truth = np.zeros((10, 10), np.uint16)
    truth[1:4, 1:4], truth[6:9, 6:9] = 3, 900
    found = np.where(truth == 3, 50, np.where(truth == 900, 2, 0))
    for matching in match(found, truth):
        assert matching.average_precision == matching.f1 == matching.mean_matched_iou == 1


def test_a_known_case() -> None:
    truth, found = np.zeros((10, 20), int), np.zeros((10, 20), int)
    truth[:, 0:10], truth[:, 10:14], truth[0:2, 18:20] = 1, 2, 3
    found[:, 0:8], found[:, 11:16] = 5, 6  # IoU 0.8 and 0.5
    at_half, at_three_quarters = match(found, truth, (0.5, 0.75))
    assert (at_half.true_positives, at_half.false_positives, at_half.false_negatives) == (2, 0, 1)
    assert at_half.average_precision == pytest.approx(2 / 3)
    assert at_half.f1 == pytest.approx(4 / 5)
    assert at_half.mean_matched_iou == pytest.approx(0.65)
    assert (at_three_quarters.true_positives, at_three_quarters.false_positives) == (1, 1)
    assert at_three_quarters.average_precision == pytest.approx(1 / 4)


def test_as_many_as_possible_are_matched_and_none_twice() -> None:
    # the pair that fits best would leave both others alone, and a larger sum of IoU with it
    truth = np.repeat([1, 2], [10, 2])[None]
    found = np.array([[2] * 2 + [1] * 8 + [1] * 2])
    iou = iou_table(found, truth)
    assert iou[0, 0] > iou[0, 1] + iou[1, 0]
    assert iou[1, 1] == 0
    (matching,) = match(found, truth, (0.1,))
    assert matching.true_positives == 2


@given(labels, labels)
def test_the_table_counts_pixels(a: np.ndarray, b: np.ndarray) -> None:
    table = iou_table(a, b)
    first, second = ([n for n in np.unique(x) if n] for x in (a, b))
    assert table.shape == (len(first), len(second))
    for i, m in enumerate(first):
        for j, n in enumerate(second):
            assert table[i, j] == pytest.approx(((a == m) & (b == n)).sum() / ((a == m) | (b == n)).sum())


@given(labels, labels)
def test_counts_add_up_and_stricter_is_never_more(a: np.ndarray, b: np.ndarray) -> None:
    matchings = match(a, b)
    for m in matchings:
        assert m.true_positives + m.false_positives == len(set(np.unique(a)) - {0})
        assert m.true_positives + m.false_negatives == len(set(np.unique(b)) - {0})
    counts = [m.true_positives for m in matchings]
    assert counts == sorted(counts, reverse=True)
    swapped = match(b, a)
    assert [m.true_positives for m in swapped] == counts


def test_images_add_up() -> None:
    assert Matching(0.5, 1, 2, 3, 0.7) + Matching(0.5, 4, 0, 1, 3.0) == Matching(0.5, 5, 2, 4, 3.7)
    with pytest.raises(ValueError, match="cannot be added"):
        Matching(0.5, 1, 2, 3, 0.7) + Matching(0.6, 1, 2, 3, 0.7)


def test_nothing_to_match() -> None:
    for matching in match(np.zeros((3, 3), int), np.zeros((3, 3), int)):
        assert np.isnan([matching.average_precision, matching.f1, matching.mean_matched_iou]).all()
    assert len(THRESHOLDS) == 10


def test_shapes_that_differ_are_named() -> None:
    with pytest.raises(LabelsError, match=r"\(3, 3\) and \(3, 4\)"):
        match(np.zeros((3, 3), int), np.zeros((3, 4), int))
