"""Objects of neighbouring planes become one."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_fastsam.core.objects.masks import CroppedMask
from napari_fastsam.core.planes.linking import Linking, PlaneOverlaps, between, bridged, follow, link
from napari_fastsam.errors import FastSAMError


def square(top, left, side=10):
    return CroppedMask(top, left, np.ones((side, side), bool))


def ids(planes, **parameters):
    return [i.tolist() for i in link(planes, Linking(**parameters)).ids]


def test_an_object_has_one_number_through_the_stack_whatever_its_place_in_the_list():
    assert ids([[square(0, 0), square(30, 30)], [square(31, 30), square(1, 0)], [square(1, 1)]]) == [
        [1, 2],
        [2, 1],
        [1],
    ]


def test_what_does_not_overlap_enough_is_another_object():
    planes = [[square(0, 0)], [square(0, 6)]]  # IoU 0.25, share 0.4
    assert ids(planes, min_overlap=0.3) == [[1], [1]]
    assert ids(planes, min_overlap=0.4) == [[1], [2]]


def test_a_plane_where_it_was_missed_is_bridged_up_to_the_gap():
    planes = [[square(0, 0)], [], [square(0, 1)], [], [], [square(0, 1)]]
    assert ids(planes, max_gap=1) == [[1], [], [1], [], [], [2]]
    assert ids(planes, max_gap=2) == [[1], [], [1], [], [], [1]]
    assert ids(planes, max_gap=0) == [[1], [], [2], [], [], [3]]


def test_a_division_has_two_daughters_only_where_that_is_asked_for():
    mother, left, right = CroppedMask(0, 0, np.ones((10, 30), bool)), square(0, 0, 10), square(0, 19, 10)
    planes = [[mother], [mother], [left, right], [left, right]]
    divided = link(planes, Linking(divisions=True, min_overlap=0.5))
    assert [i.tolist() for i in divided.ids] == [[1], [1], [2, 3], [2, 3]]
    assert dict(divided.parents) == {2: 1, 3: 1}
    data, graph = divided.tracks([np.array([[c.top, c.left] for c in masks]) for masks in planes])
    assert data.shape == (6, 4)
    assert graph == {2: [1], 3: [1]}
    whole = link(planes, Linking(min_overlap=0.5))
    assert not whole.parents
    assert whole.count == 2


def test_the_thin_end_of_a_round_object_belongs_to_it():
    y, x = np.mgrid[-20:21, -20:21]
    planes = [[CroppedMask(0, 0, y**2 + x**2 <= 18**2 - z**2)] for z in range(-17, 18)]
    assert link(planes).count == 1


def test_no_planes_one_plane_and_empty_planes():
    assert link([]).count == 0
    assert ids([[]]) == [[]]
    assert ids([[square(0, 0), square(20, 0)]]) == [[1, 2]]
    assert ids([[], [square(0, 0)], []]) == [[], [1], []]


def test_parameters_change_without_measuring_again():
    planes = [[square(0, 0)], [], [square(0, 2)]]
    known = PlaneOverlaps.of(planes, max_gap=1)
    assert link(known, Linking(1, 0.3)).count == 1
    assert link(known, Linking(1, 0.9)).count == 2
    assert link(known, Linking(2, 0.3)).count == 1, "a wider gap measures what is missing"


@given(
    st.lists(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40), st.integers(1, 15)), max_size=5), max_size=5)
)
def test_numbers_are_there_once_a_plane_and_without_gaps(drawn):
    planes = [[square(*each) for each in plane] for plane in drawn]
    links = link(planes, Linking(divisions=True))
    assert all(len(set(i.tolist())) == len(i) for i in links.ids)
    assert {n for i in links.ids for n in i.tolist()} == set(range(1, links.count + 1))
    assert all(child > parent for child, parent in links.parents.items())


def test_a_missed_plane_gets_the_shape_between():
    planes = [[square(0, 0, 20)], [], [square(0, 6, 20)]]
    (number, crop), *more = bridged(planes, link(planes, Linking(1, 0.2)))[1]
    assert (number, more) == (1, [])
    assert crop.iou(square(0, 3, 20)) > 0.8


def test_between_two_shapes():
    small, large = square(8, 8, 10), square(0, 0, 26)
    areas = [between(small, large, share).area for share in (0, 0.5, 1)]
    assert areas[0] == small.area
    assert areas[2] == large.area
    assert areas[0] < areas[1] < areas[2]


def following(planes, anchors, **parameters):
    asked = []

    def candidates(plane):
        asked.append(plane)
        return planes[plane]

    masks, needed = follow(candidates, anchors, len(planes), Linking(**parameters))
    return masks, needed, asked


def test_an_object_is_followed_both_ways_until_it_ends():
    planes = [[], [square(2, 0), square(40, 0)], [square(1, 0)], [square(0, 0)], [], [], [square(0, 0)]]
    masks, needed, _ = following(planes, {2: planes[2][0]})
    assert sorted(masks) == [1, 2, 3]
    assert masks[1] is planes[1][0]
    assert not needed


def test_a_gap_is_bridged_with_the_shape_between():
    planes = [[square(0, 0)], [], [square(0, 1)]]
    masks, *_ = following(planes, {0: planes[0][0]}, max_gap=1)
    assert sorted(masks) == [0, 1, 2]
    assert masks[1].iou(square(0, 1)) > 0.7


def test_a_correction_is_followed_anew_and_the_nearer_one_decides():
    one, other = square(0, 0), square(0, 3)
    planes = [[one, other]] * 9
    masks, *_ = following(planes, {0: one, 8: other})
    assert [masks[p] is one for p in range(9)] == [True] * 5 + [False] * 4


def test_planes_that_are_not_known_yet_are_asked_for():
    planes = [[square(0, 0)], None, [square(0, 0)]]
    masks, needed, _ = following(planes, {0: planes[0][0]})
    assert sorted(masks) == [0]
    assert needed == {1}


def test_a_whole_number_may_be_a_float():
    planes = [[square(0, 0)], [], [square(0, 1)]]
    assert ids(planes, max_gap=1.0) == [[1], [], [1]]


@pytest.mark.parametrize(
    "wrong",
    [
        {"max_gap": -1}, {"max_gap": 0.5}, {"max_gap": float("nan")}, {"max_gap": float("inf")}, {"max_gap": "1"},
        {"min_overlap": 0}, {"min_overlap": 1.5},
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_refused(wrong):
    with pytest.raises(FastSAMError, match="expected"):
        Linking(**wrong)
