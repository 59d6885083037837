"""Labels are corrected without harm to their neighbours."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from napari_fastsam.core.objects import editing
from napari_fastsam.errors import LabelsError


def disks(*centres_yx: tuple[float, float], radius: float = 8.0) -> np.ndarray:
    """(40, 60) label image of one label: disks that may overlap."""
    rows, columns = np.mgrid[:40, :60]
    within = [np.hypot(rows - y, columns - x) <= radius for y, x in centres_yx]
    return np.where(np.any(within, axis=0), 5, 0).astype(np.uint16)


@pytest.fixture
def dumbbell() -> np.ndarray:
    """Two disks under one number, the left one larger; a neighbour 9 below touches the right one."""
    labels = np.maximum(disks((18, 18), radius=10), disks((18, 34)))
    labels[27:33, 28:40] = 9
    return labels


WHATEVER: list[Callable[[np.ndarray], np.ndarray]] = [
    lambda labels: editing.fill_holes(labels, 1),
    lambda labels: editing.smooth(labels, 1),
    lambda labels: editing.grow(labels, 1, 2),
    lambda labels: editing.keep_largest(labels, 1),
    lambda labels: editing.delete(labels, 1),
]


@pytest.mark.parametrize("edit", WHATEVER)
@given(labels=arrays(np.int32, (7, 9), elements=st.integers(0, 3)))
def test_neighbours_keep_every_pixel_and_the_window_stays(
    edit: Callable[[np.ndarray], np.ndarray], labels: np.ndarray
) -> None:
    before = labels.copy()
    after = edit(labels)
    np.testing.assert_array_equal(labels, before)
    assert after.dtype == labels.dtype
    np.testing.assert_array_equal(after[before > 1], before[before > 1])
    assert set(np.unique(after)) <= {0, *np.unique(before)}


def test_growing_then_shrinking_a_free_label_is_the_label() -> None:
    labels = disks((20, 30))
    grown = editing.grow(labels, 5, 2)
    assert np.count_nonzero(grown) > np.count_nonzero(labels)
    np.testing.assert_array_equal(editing.shrink(grown, 5, 2), labels)


def test_shrinking_does_not_eat_from_the_edge_of_the_image() -> None:
    labels = np.full((6, 6), 5, np.int32)
    np.testing.assert_array_equal(editing.shrink(labels, 5), labels)


def test_what_would_vanish_is_refused() -> None:
    labels = np.zeros((9, 9), np.int32)
    labels[4, 4] = 5
    with pytest.raises(LabelsError, match="Nothing would be left of label 5"):
        editing.shrink(labels, 5)
    np.testing.assert_array_equal(editing.smooth(labels, 5), labels)


def test_holes_are_filled_but_for_labels_in_them() -> None:
    labels = disks((20, 30), radius=10)
    labels[18:23, 28:33] = 0
    labels[20, 30] = 7
    filled = editing.fill_holes(labels, 5)
    assert filled[18, 28] == 5
    assert filled[20, 30] == 7


def test_smoothing_takes_a_spike_and_keeps_the_area() -> None:
    labels = disks((20, 20), radius=10)
    spiky = labels.copy()
    spiky[20, 30:45] = 5
    smooth = editing.smooth(spiky, 5)
    assert not smooth[20, 40]
    assert abs(int((smooth > 0).sum()) - int((labels > 0).sum())) < 0.05 * (labels > 0).sum()


def test_only_the_largest_piece_is_kept() -> None:
    labels = np.maximum(disks((12, 12)), disks((30, 45), radius=3))
    kept = editing.keep_largest(labels, 5)
    np.testing.assert_array_equal(kept, disks((12, 12)))


def test_a_gap_of_a_pixel_is_cut_to_the_neighbour(dumbbell: np.ndarray) -> None:
    touching = editing.grow(dumbbell, 5, 3)
    cut = editing.cut_at_neighbours(touching, 5)
    assert (cut == 9).sum() == (touching == 9).sum()
    rows, columns = np.nonzero(cut == 9)
    around = np.pad(cut, 1)
    for dy in (0, 1, 2):
        for dx in (0, 1, 2):
            assert not (around[rows + dy, columns + dx] == 5).any()


def test_merging_takes_the_number_of_the_first() -> None:
    labels = np.array([[1, 2, 0, 3]], np.uint8)
    np.testing.assert_array_equal(editing.merge(labels, 2, [3, 1]), [[2, 2, 0, 2]])


def test_a_line_parts_a_label_though_it_stops_short_of_the_edge(dumbbell: np.ndarray) -> None:
    parted = editing.split_by_line(dumbbell, 5, [[14, 27], [22, 27]], [10, 11])
    assert parted[18, 18] == 5  # the larger part keeps its number
    assert parted[18, 36] == 10
    np.testing.assert_array_equal(np.isin(parted, [5, 10]), dumbbell == 5)
    assert 11 not in parted


def test_a_line_beside_a_label_parts_nothing(dumbbell: np.ndarray) -> None:
    with pytest.raises(LabelsError, match="does not part label 5"):
        editing.split_by_line(dumbbell, 5, [[2, 50], [30, 50]], [10])


def test_a_piece_elsewhere_stays_with_the_number_when_a_line_parts_another() -> None:
    labels = np.maximum(disks((12, 12), (12, 24)), disks((32, 50), radius=5))
    parted = editing.split_by_line(labels, 5, [[4, 18], [20, 18]], [10])
    assert parted[32, 50] == 5
    assert {parted[12, 10], parted[12, 26]} == {5, 10}


@pytest.mark.parametrize("line", [[[0, 15], [29, 15]], [[0, 8], [29, 20]], [[4, 25], [25, 4]]])
def test_a_pixel_that_hangs_on_by_its_corner_is_no_part_of_its_own(line: list[list[int]]) -> None:
    labels = np.zeros((30, 30), np.uint16)
    labels[5:25, 5:25] = labels[4, 4] = labels[25, 25] = 5
    parted = editing.split_by_line(labels, 5, line, [10])
    assert {parted[5, 5], parted[24, 24]} == {5, 10}
    assert (parted[4, 4], parted[25, 25]) == (parted[5, 5], parted[24, 24])
    np.testing.assert_array_equal(parted > 0, labels > 0)


def test_two_clicks_part_a_label_at_its_waist(dumbbell: np.ndarray) -> None:
    parted = editing.split_between(dumbbell, 5, [[18, 40], [18, 12]], [10])
    assert (parted[18, 12], parted[18, 40]) == (5, 10)
    assert parted[18, 26] in (5, 10)
    assert abs(int((parted == 10).sum()) - int((disks((18, 34)) > 0).sum())) < 40


def test_two_clicks_part_a_label_without_a_waist_half_way() -> None:
    parted = editing.split_between(disks((20, 30), radius=12), 5, [[20, 22], [20, 38]], [10])
    assert (parted[20, 20], parted[20, 40]) in {(5, 10), (10, 5)}
    assert abs(int((parted == 5).sum()) - int((parted == 10).sum())) < 40


def test_a_label_is_parted_at_its_waist_without_a_click(dumbbell: np.ndarray) -> None:
    parted = editing.split_in_two(dumbbell, 5, 10)
    assert (parted[18, 14], parted[18, 38]) == (5, 10)
    with pytest.raises(LabelsError, match="no waist"):
        editing.split_in_two(disks((20, 30)), 5, 10)


def test_a_mask_parts_a_label(dumbbell: np.ndarray) -> None:
    right = np.zeros(dumbbell.shape, bool)
    right[:, 28:] = True
    parted = editing.split_by_mask(dumbbell, 5, right, 10)
    assert (parted[18, 12], parted[18, 36], parted[30, 30]) == (5, 10, 9)
    with pytest.raises(LabelsError, match="no two parts"):
        editing.split_by_mask(dumbbell, 5, np.ones(dumbbell.shape, bool), 10)
