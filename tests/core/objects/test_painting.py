"""Who gets a pixel that several objects claim."""

from __future__ import annotations

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra.numpy import arrays

from napari_fastsam.core.objects.masks import CroppedMask
from napari_fastsam.core.objects.painting import paint
from napari_fastsam.errors import ParameterError

SHAPE = (14, 16)


def block(top: int, left: int, height: int, width: int) -> CroppedMask:
    return CroppedMask(top, left, np.ones((height, width), bool))


@st.composite
def crops(draw: st.DrawFn) -> CroppedMask:
    pixels = draw(arrays(bool, st.tuples(st.integers(1, 8), st.integers(1, 8))))
    top, left = (draw(st.integers(0, SHAPE[a] - pixels.shape[a])) for a in (0, 1))
    return CroppedMask(top, left, pixels)


objects = st.lists(st.none() | crops(), max_size=7)


@given(objects, st.data())
def test_each_pixel_goes_to_an_object_that_covers_it(masks: list[CroppedMask | None], data: st.DataObject) -> None:
    scores = data.draw(st.none() | st.lists(st.floats(0, 1), min_size=len(masks), max_size=len(masks)))
    like_size = data.draw(st.sampled_from([0.0, 1.0, 2.0, np.inf]))
    labels = paint(masks, SHAPE, scores=scores, like_size=like_size)
    covered = np.zeros(SHAPE, bool)
    for i, crop in enumerate(masks):
        mine = labels == i + 1
        full = np.zeros(SHAPE, bool) if crop is None else crop.full(SHAPE)
        assert not (mine & ~full).any(), "a label reaches out of its object"
        covered |= full
    assert ((labels > 0) == covered).all(), "an object's pixel went to nobody"


@given(st.lists(crops(), max_size=6), st.randoms(use_true_random=False))
def test_the_order_means_nothing_when_areas_and_scores_differ(masks: list[CroppedMask], random: object) -> None:
    masks = list({crop.area: crop for crop in masks}.values())
    scores = [(7 * crop.area % 31) / 31 + crop.area / 1e4 for crop in masks]
    order = list(range(len(masks)))
    random.shuffle(order)  # type: ignore[attr-defined]
    ids = [10 * (i + 1) for i in range(len(masks))]
    expected = paint(masks, SHAPE, ids, scores)
    shuffled = paint([masks[i] for i in order], SHAPE, [ids[i] for i in order], [scores[i] for i in order])
    np.testing.assert_array_equal(shuffled, expected)


@pytest.mark.parametrize("scores", [None, [0.1, 0.9], [0.9, 0.1]], ids=str)
def test_a_nested_object_stays_visible(scores: list[float] | None) -> None:
    nested, around = block(4, 4, 3, 3), block(2, 2, 9, 9)
    labels = paint([nested, around], SHAPE, scores=scores)
    assert (labels == 1).sum() == 9
    assert (labels == 2).sum() == 81 - 9


@pytest.mark.parametrize(("scores", "shared"), [([0.9, 0.3], 1), ([0.3, 0.9], 2)], ids=str)
def test_of_like_size_the_better_score_gets_the_pixel(scores: list[float], shared: int) -> None:
    left, right = block(2, 2, 6, 6), block(2, 6, 6, 5)
    labels = paint([left, right], SHAPE, scores=scores)
    assert (labels[2:8, 6:8] == shared).all()
    assert (labels[2:8, 2:6] == 1).all()
    assert (labels[2:8, 8:11] == 2).all()


def test_the_factor_decides_what_is_of_like_size() -> None:
    masks, scores = [block(0, 0, 6, 6), block(3, 3, 4, 4)], [0.9, 0.1]  # areas 36 and 16: a factor of 2.25
    assert paint(masks, SHAPE, scores=scores, like_size=2.0)[4, 4] == 2
    assert paint(masks, SHAPE, scores=scores, like_size=2.25)[4, 4] == 1


def test_without_scores_the_smaller_is_on_top_and_of_equals_the_first() -> None:
    assert paint([block(0, 0, 4, 4), block(2, 2, 3, 4)], SHAPE)[3, 3] == 2
    assert paint([block(0, 0, 4, 4), block(2, 2, 4, 4)], SHAPE)[3, 3] == 1
    assert paint([block(0, 0, 4, 4), block(2, 2, 4, 4)], SHAPE, scores=[0.5, 0.5])[3, 3] == 1


def test_a_third_object_contests_with_who_holds_the_pixel() -> None:
    # the large one has lost the pixel to the middle one, which the third beats though not the large one
    large, middle, small = block(0, 0, 8, 8), block(2, 2, 7, 7), block(4, 4, 6, 6)
    labels = paint([large, middle, small], SHAPE, scores=[0.5, 0.9, 0.7])
    assert labels[6, 6] == 2
    assert labels[9, 9] == 3
    assert labels[0, 0] == 1


def test_ids_are_painted_and_a_missing_object_leaves_its_id_unused() -> None:
    labels = paint([block(0, 0, 2, 2), None, block(5, 5, 2, 2)], SHAPE, ids=[7, 8, 300])
    assert set(np.unique(labels).tolist()) == {0, 7, 300}
    assert labels.dtype == np.int32
    assert set(np.unique(paint([block(0, 0, 2, 2), None, block(5, 5, 2, 2)], SHAPE)).tolist()) == {0, 1, 3}


@pytest.mark.parametrize("ids", [[1], [1, 2, 3], [0, 1], [-1, 2]], ids=str)
def test_ids_that_cannot_be_painted(ids: list[int]) -> None:
    with pytest.raises(ParameterError, match="expected 2 numbers from 1 on"):
        paint([block(0, 0, 2, 2), block(5, 5, 2, 2)], SHAPE, ids=ids)


def test_as_many_scores_as_masks() -> None:
    with pytest.raises(ParameterError, match="1 scores for 2 masks"):
        paint([block(0, 0, 2, 2), None], SHAPE, scores=[1.0])


@pytest.mark.parametrize("shape", [(3, 9), (9, 3), (9, 9, 3)])
def test_the_shape_of_another_plane_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ParameterError, match=r"beyond a plane of|expected \(H, W\)"):
        paint([block(2, 2, 4, 4)], shape)


def test_nothing_to_paint() -> None:
    assert not paint([], SHAPE).any()
    assert paint([], SHAPE).shape == SHAPE
