"""The simulated user clicks where the mask is most wrong."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.ndimage import distance_transform_edt

from napari_fastsam.core.correcting.simulated_user import Click, deepest, first_click, next_click, one_click_of_each


def plane(*boxes):
    mask = np.zeros((40, 50), bool)
    for top, left, bottom, right in boxes:
        mask[top:bottom, left:right] = True
    return mask


@given(arrays(bool, (12, 14), elements=st.booleans()))
def test_the_deepest_pixel_is_as_deep_as_any(mask):
    row, column, depth = deepest(mask)
    depths = distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1]
    assert depth == depths.max()
    assert depths[row, column] == depth or not mask.any()


def test_the_image_ends_at_its_border():
    row, column, depth = deepest(np.ones((9, 9), bool))
    assert (row, column, depth) == (4, 4, 5.0)


def test_the_first_click_lies_in_the_middle():
    assert first_click(plane((10, 10, 21, 21))) == Click(15, 15, True)


def test_the_next_click_lies_in_the_largest_error():
    truth = plane((10, 10, 30, 30))
    assert next_click(plane((10, 10, 30, 21)), truth).positive
    surplus = next_click(plane((10, 10, 30, 45)), truth)
    assert not surplus.positive
    assert surplus.column >= 30
    assert next_click(truth, truth) is None


def test_a_round_has_a_click_of_either_sign_where_there_are_errors():
    truth = plane((10, 10, 30, 30))
    both = one_click_of_each(plane((10, 15, 30, 40)), truth)
    assert [click.positive for click in both] == [True, False]
    assert [click.positive for click in one_click_of_each(plane((10, 10, 30, 20)), truth)] == [True]
    assert one_click_of_each(truth, truth) == ()
