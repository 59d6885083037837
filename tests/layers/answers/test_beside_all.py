"""After everything: what prompts correct, add and take away."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from napari_fastsam.core.objects.masks import CroppedMask
from napari_fastsam.layers.answers.beside_all import changes


def square(top, left, side=10):
    return CroppedMask(top, left, np.ones((side, side), bool))


EVERYTHING = [square(0, 0), square(0, 20), square(2, 22, 4)]
NONE = np.zeros((0, 2))


def test_an_object_of_a_prompt_is_the_one_that_it_started_from():
    corrected = square(0, 0, 3)  # too little of it is left to know it by
    assert changes(EVERYTHING, [[corrected]], NONE).same == (None,)
    assert changes(EVERYTHING, [[corrected, EVERYTHING[0]]], NONE).same == (0,)


def test_two_prompts_are_not_one_object_of_all():
    assert changes(EVERYTHING, [[EVERYTHING[0]], [EVERYTHING[0]]], NONE).same == (0, None)


def test_a_negative_point_takes_the_smallest_object_there():
    did = changes(EVERYTHING, [], np.array([[3.0, 23.0], [8.0, 28.0], [50.0, 50.0]]))
    assert did.removed == (2, 1, None)


def test_a_negative_point_in_an_object_of_a_prompt_takes_nothing_away():
    assert changes(EVERYTHING, [[EVERYTHING[0]]], np.array([[5.0, 5.0]])).removed == (None,)


def test_what_clicks_extended_an_object_over_is_a_part_of_it():
    started, extended = EVERYTHING[0], CroppedMask(0, 0, np.ones((10, 27), bool))
    did = changes(EVERYTHING, [[extended, started]], NONE)
    assert did.same == (0,)
    assert did.joined == (1, 2)
    assert changes(EVERYTHING, [[extended]], NONE).joined == (), "nothing was extended"
    assert changes(EVERYTHING, [[extended, extended]], NONE).joined == (), "nor what lay in it before"
    assert changes(EVERYTHING, [[extended, started], [EVERYTHING[1]]], NONE).joined == (2,), "nor that of a prompt"


def test_a_negative_point_takes_the_same_object_away_whatever_else_is_found_there():
    point = np.array([[3.0, 23.0]])
    assert changes(EVERYTHING, [], point, [False, True, False]).removed == (1,)
    assert changes(EVERYTHING, [], point, [True, False, False]).removed == (2,)


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), max_size=5))
def test_without_a_point_in_it_an_object_stays(points):
    did = changes(EVERYTHING, [], np.array(points, float).reshape(-1, 2))
    for i, mask in enumerate(EVERYTHING):
        if i in did.removed:
            assert mask.covers(np.array(points, float)).any()


masks = st.builds(square, st.integers(0, 40), st.integers(0, 40), st.integers(0, 12))


@given(
    st.lists(masks, max_size=8),
    st.lists(st.lists(masks, min_size=1, max_size=2), max_size=4),
    st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), max_size=4),
)
def test_what_lies_far_away_changes_nothing(everything, drawn, points):
    """Objects at the places where nothing is drawn are not looked at: they only move the positions of the others."""
    points, far = np.array(points, float).reshape(-1, 2), [square(100 + 10 * i, 100) for i in range(3)]
    alone, among = changes(everything, drawn, points), changes([*far, *everything, *far], drawn, points)
    moved = [tuple(None if i is None else i + len(far) for i in part) for part in (alone.same, alone.removed)]
    assert [among.same, among.removed] == moved
    assert among.joined == tuple(i + len(far) for i in alone.joined)


@given(st.lists(masks, min_size=1, max_size=8), st.lists(masks, max_size=4))
def test_an_object_of_a_prompt_is_the_one_of_all_that_is_most_like_it(everything, drawn):
    taken = set()
    for mask, same in zip(drawn, changes(everything, [[mask] for mask in drawn], NONE).same, strict=True):
        alike = [mask.iou(other) for other in everything]
        best = alike.index(max(alike))
        assert same == (best if alike[best] > 0.5 and best not in taken else None)
        taken.add(same)
