"""Logits follow clicks, near them and where the picture is alike."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_fastsam.core.correcting.gaussian_process import ALONE, ENFORCING, condition, draw_alone

CELLS = 48
GREY = np.full((3, CELLS, CELLS), 0.5, np.float32)
NOTHING = np.full((CELLS, CELLS), -3.0, np.float32)


def disk():
    rows, columns = np.mgrid[:CELLS, :CELLS]
    return (rows - 24) ** 2 + (columns - 24) ** 2 <= 10**2


def test_a_click_changes_its_neighbourhood_and_leaves_the_rest():
    logits = condition(NOTHING, GREY, np.array([[10.0, 12.0]]), np.array([True]), ENFORCING)
    assert logits[10, 12] > 0
    assert logits[10, 40] == pytest.approx(-3.0, abs=0.01)


def test_a_satisfied_click_changes_nothing():
    logits = condition(NOTHING, GREY, np.array([[10.0, 12.0]]), np.array([False]), ENFORCING)
    assert np.array_equal(logits, NOTHING)


def test_a_satisfied_click_stays_satisfied_beside_another():
    clicks, signs = np.array([[10.0, 12.0], [10.0, 15.0]]), np.array([True, False])
    logits = condition(NOTHING, GREY, clicks, signs, ENFORCING)
    assert logits[10, 12] > 0 > logits[10, 15]


@given(
    st.dictionaries(st.tuples(st.integers(0, 11), st.integers(0, 11)), st.booleans(), min_size=1, max_size=8),
    st.randoms(),
)
def test_clicks_apart_are_honoured_in_any_order(made, random):
    places = [((4.0 * row, 4.0 * column), sign) for (row, column), sign in made.items()]
    answers = []
    for _ in range(2):
        clicks, signs = np.array([place for place, _ in places]), np.array([sign for _, sign in places])
        logits = condition(NOTHING, GREY, clicks, signs, ENFORCING)
        assert ((logits[tuple(clicks.astype(int).T)] > 0) == signs).all()
        answers.append(logits)
        random.shuffle(places)
    assert answers[0] == pytest.approx(answers[1], abs=1e-3)


def test_alone_it_draws_what_looks_like_the_clicked():
    picture = np.where(disk(), 0.8, 0.2).astype(np.float32)[None].repeat(3, 0)
    mask = draw_alone(picture, None, np.array([[24.0, 24.0], [5.0, 5.0]]), np.array([True, False])) > 0
    assert np.count_nonzero(mask & disk()) / np.count_nonzero(mask | disk()) > 0.8


def test_alone_it_keeps_a_first_mask():
    mask = draw_alone(GREY, disk().astype(np.float32), np.zeros((0, 2)), np.zeros(0, bool)) > 0
    assert np.count_nonzero(mask & disk()) / np.count_nonzero(mask | disk()) > 0.95


def test_clicks_outside_the_window_are_none():
    logits = condition(NOTHING, GREY, np.array([[-9.0, 200.0]]), np.array([True]), ALONE)
    assert np.array_equal(logits, NOTHING)
