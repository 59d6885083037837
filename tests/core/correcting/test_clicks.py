"""Clicks as the user made them become pixels, each once, in an order of their own."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_fastsam.core.correcting.clicks import joined, read_clicks
from napari_fastsam.errors import PromptError

PLACES = st.tuples(st.integers(0, 19), st.integers(0, 29))


def test_a_click_belongs_to_the_pixel_whose_centre_is_nearest():
    clicks, notes = read_clicks([(3.4, 7.6), (-0.5, 0.0)], [1, 0], (20, 30))
    assert clicks.pixels.tolist() == [[0, 0], [3, 8]]
    assert clicks.positive.tolist() == [False, True]
    assert notes == ()


def test_clicks_outside_are_left_out_and_told():
    clicks, notes = read_clicks([(3, 4), (20, 0), (0, -1)], None, (20, 30))
    assert clicks.inside.tolist() == [[3, 4]]
    assert notes == ("2 clicks lie outside the image and are ignored",)


def test_of_two_signs_on_one_pixel_the_later_counts_and_that_is_told():
    clicks, notes = read_clicks([(3, 4), (3.2, 4.1)], [1, 0], (20, 30))
    assert clicks.outside.tolist() == [[3, 4]]
    assert not len(clicks.inside)
    assert notes == ("1 pixel was clicked with both signs; the last click counts",)


@given(st.dictionaries(PLACES, st.booleans(), max_size=12), st.randoms())
def test_the_order_of_clicks_does_not_matter(made, random):
    places = list(made.items())
    random.shuffle(places)
    first, _ = read_clicks(list(made), list(made.values()), (20, 30))
    second, _ = read_clicks([place for place, _ in places], [sign for _, sign in places], (20, 30))
    assert np.array_equal(first.pixels, second.pixels)
    assert np.array_equal(first.positive, second.positive)


def test_no_clicks_are_clicks_too():
    clicks, notes = read_clicks([], [], (20, 30))
    assert len(clicks) == 0
    assert clicks.inside.shape == (0, 2)
    assert notes == ()


@pytest.mark.parametrize(
    ("points", "labels", "said"),
    [
        ([(1, 2, 3)], None, r"shape \(1, 3\)"),
        ([(np.nan, 2)], None, "finite"),
        ([(1, 2)], [1, 0], "1 clicks and 2 labels"),
    ],
)
def test_clicks_that_are_none_are_refused(points, labels, said):
    with pytest.raises(PromptError, match=said):
        read_clicks(points, labels, (20, 30))


def test_of_joined_clicks_the_later_part_counts():
    first, _ = read_clicks([(1, 1), (2, 2)], [1, 1], (20, 30))
    second, _ = read_clicks([(2, 2)], [0], (20, 30))
    both = joined([first, second])
    assert both.inside.tolist() == [[1, 1]]
    assert both.outside.tolist() == [[2, 2]]
    assert len(joined([])) == 0
