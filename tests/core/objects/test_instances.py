"""Objects of a plane: what a person may rely on."""

from __future__ import annotations

import numpy as np
import pytest

from napari_fastsam.core.objects.instances import Instances, check_thresholds
from napari_fastsam.core.objects.masks import CroppedMask
from napari_fastsam.errors import ParameterError


@pytest.fixture
def four() -> Instances:
    """Areas 100, 81, 16 and 4; the second overlaps the first by 0.81."""
    masks = np.zeros((4, 20, 30), bool)
    masks[0, 0:10, 0:10] = True
    masks[1, 1:10, 1:10] = True
    masks[2, 12:16, 2:6] = True
    masks[3, 18:20, 28:30] = True
    return Instances.from_masks(masks, [0.9, 0.8, 0.5, 0.3])


def test_from_masks_crops_orders_and_leaves_out_the_empty() -> None:
    masks = np.zeros((3, 8, 9), np.uint8)
    masks[0, 2:4, 3:7] = 1
    masks[2, 7, 8] = 255
    found = Instances.from_masks(masks, [0.2, 0.9, 0.6])
    assert found.boxes.tolist() == [[7, 8, 8, 9], [2, 3, 4, 7]]
    assert found.scores.tolist() == pytest.approx([0.6, 0.2])
    assert found.shape == (8, 9)
    assert (found.mask(0) == (masks[2] != 0)).all()
    assert (found.mask(1) == (masks[0] != 0)).all()
    assert found.masks[1].pixels.shape == (2, 4)


def test_from_masks_does_not_keep_the_array() -> None:
    masks = np.ones((1, 3, 3), bool)
    found = Instances.from_masks(masks)
    masks[:] = False
    assert found.mask(0).all()


@pytest.mark.parametrize(
    ("masks", "scores", "words"),
    [
        (np.ones((3, 3)), None, "masks has shape"),
        ([np.ones((2, 2)), np.ones((3, 3))], None, "masks is no array"),
        (np.ones((2, 3, 3)), [1, 1, 1], "scores has shape"),
    ],
)
def test_from_masks_names_the_shape_that_is_wrong(masks: np.ndarray, scores: list[int] | None, words: str) -> None:
    with pytest.raises(ParameterError, match=words):
        Instances.from_masks(masks, scores)


def test_as_many_boxes_as_scores_as_masks() -> None:
    with pytest.raises(ParameterError, match="1 boxes, 2 scores and 0 masks"):
        Instances(np.zeros((1, 4)), np.zeros(2), (), (5, 5))


def test_no_objects() -> None:
    none = Instances.from_masks(np.zeros((0, 6, 7)))
    assert len(none) == 0
    assert none.boxes.shape == (0, 4)
    assert none.to_labels().shape == (6, 7)
    assert not none.to_labels().any()
    assert len(none.filter(conf=0.5, iou=0.5, min_area=1, max_area=2)) == 0


def test_conf_is_left_out_itself(four: Instances) -> None:
    assert four.filter(conf=0.5).scores.tolist() == pytest.approx([0.9, 0.8])
    assert len(four.filter(conf=0.0)) == 4
    assert len(four.filter(conf=1.0)) == 0


def test_areas_are_included(four: Instances) -> None:
    assert four.filter(min_area=16).areas.tolist() == [100, 81, 16]
    assert four.filter(max_area=16).areas.tolist() == [16, 4]
    assert four.filter(min_area=16, max_area=81).areas.tolist() == [81, 16]


@pytest.mark.parametrize(("iou", "left"), [(0.82, 4), (0.8, 3), (0.0, 3)])
def test_of_boxes_that_overlap_more_than_iou_the_better_stays(four: Instances, iou: float, left: int) -> None:
    kept = four.filter(iou=iou)
    assert len(kept) == left
    assert kept.scores[0] == pytest.approx(0.9)
    assert (np.diff(kept.scores) <= 0).all()


def test_suppression_comes_after_the_other_thresholds(four: Instances) -> None:
    # the best is too large, so that it cannot suppress the second
    assert four.filter(iou=0.5, max_area=90).areas.tolist() == [81, 16, 4]


def test_filter_keeps_the_order_they_have(four: Instances) -> None:
    backwards = four.subset([3, 2, 1, 0])
    assert backwards.filter(iou=0.5).areas.tolist() == [4, 16, 100]


def test_subset_takes_indices_masks_and_nothing(four: Instances) -> None:
    assert four.subset([3, 0]).areas.tolist() == [4, 100]
    assert four.subset([True, False, False, True]).areas.tolist() == [100, 4]
    assert len(four.subset([])) == 0
    assert four.subset([-1]).areas.tolist() == [4]


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"conf": -0.1}, "conf is -0.1"),
        ({"conf": 1.1}, "conf is 1.1"),
        ({"conf": float("nan")}, "conf is nan"),
        ({"iou": 70}, "iou is 70"),
        ({"min_area": -1}, "min_area is -1"),
        ({"max_area": float("nan")}, "max_area is nan"),
        ({"min_area": 10, "max_area": 5}, "nothing could pass"),
    ],
)
def test_a_threshold_out_of_range_is_named(four: Instances, values: dict[str, float], words: str) -> None:
    with pytest.raises(ParameterError, match=words):
        four.filter(**values)
    with pytest.raises(ParameterError, match=words):
        check_thresholds(**{"conf": None, "iou": None, **values})


def test_labels_number_the_objects_in_their_order(four: Instances) -> None:
    labels = four.subset([0, 2, 3]).to_labels()
    assert labels.dtype == np.int32
    assert labels[5, 5] == 1
    assert labels[13, 3] == 2
    assert labels[19, 29] == 3
    assert np.bincount(labels.ravel()).tolist() == [20 * 30 - 120, 100, 16, 4]


def test_of_two_readings_of_one_object_the_better_is_painted(four: Instances) -> None:
    labels = four.to_labels()
    assert set(np.unique(labels)) == {0, 1, 3, 4}, "the second lies within the first, and is of like size"


def test_mask_is_the_crop_on_the_plane() -> None:
    crop = CroppedMask(2, 3, np.array([[True, False], [True, True]]))
    one = Instances(np.array([[2, 3, 4, 5]]), np.array([1.0]), (crop,), (6, 7))
    expected = np.zeros((6, 7), bool)
    expected[2:4, 3:5] = crop.pixels
    assert (one.mask(0) == expected).all()
