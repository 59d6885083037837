"""Cropped masks behave as the full ones do."""

from __future__ import annotations

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra.numpy import arrays

from napari_fastsam.core.objects.masks import CroppedMask, LazyMasks, MaskWindows, masks_at

SHAPE = (9, 11)


@st.composite
def crops(draw: st.DrawFn) -> CroppedMask:
    pixels = draw(arrays(bool, st.tuples(st.integers(0, 6), st.integers(0, 6))))
    top = draw(st.integers(0, SHAPE[0] - pixels.shape[0]))
    left = draw(st.integers(0, SHAPE[1] - pixels.shape[1]))
    return CroppedMask(top, left, pixels)


@given(crops(), crops())
def test_intersection_and_iou_are_those_of_the_full_masks(a: CroppedMask, b: CroppedMask) -> None:
    both, either = a.full(SHAPE) & b.full(SHAPE), a.full(SHAPE) | b.full(SHAPE)
    assert a.area == a.full(SHAPE).sum()
    assert a.intersection(b) == b.intersection(a) == both.sum()
    assert a.iou(b) == (both.sum() / either.sum() if either.any() else 0.0)


@given(crops(), st.lists(st.tuples(st.floats(-3, 13), st.floats(-3, 13)), max_size=8))
def test_a_point_belongs_to_the_pixel_whose_centre_is_nearest(
    crop: CroppedMask, points: list[tuple[float, float]]
) -> None:
    table = np.array(points, float).reshape(-1, 2)
    padded = np.pad(crop.full(SHAPE), 5)
    expected = [bool(padded[int(np.floor(y + 0.5)) + 5, int(np.floor(x + 0.5)) + 5]) for y, x in points]
    assert crop.covers(table).tolist() == expected


@given(st.lists(crops(), max_size=4), st.lists(st.tuples(st.floats(-3, 13), st.floats(-3, 13)), max_size=4))
def test_masks_at_a_point_are_those_that_cover_it(masks: list[CroppedMask], points: list[tuple[float, float]]) -> None:
    table = np.array(points, float).reshape(-1, 2)
    expected = [[i for i, mask in enumerate(masks) if mask.covers(point[None])[0]] for point in table]
    assert masks_at(masks, table) == expected


@given(st.lists(crops(), max_size=5), crops())
def test_masks_that_share_pixels_have_windows_that_overlap(masks: list[CroppedMask], mask: CroppedMask) -> None:
    near = MaskWindows(masks).overlapping(mask)
    assert {i for i, other in enumerate(masks) if mask.intersection(other)} <= {*near}
    for other in (masks[i] for i in near):
        assert all(a.start < b.stop and b.start < a.stop for a, b in zip(mask.window, other.window, strict=True))


@pytest.mark.parametrize(("at", "inside"), [(-0.51, False), (-0.5, True), (2.49, True), (2.5, False)])
def test_a_pixel_reaches_half_a_pixel_around_its_centre(at: float, inside: bool) -> None:
    crop = CroppedMask(0, 0, np.ones((3, 3), bool))
    assert crop.covers(np.array([[at, 1.0], [1.0, at]])).tolist() == [inside, inside]


def test_a_point_astronomically_far_away_is_not_covered() -> None:
    crop = CroppedMask(0, 0, np.ones((3, 3), bool))
    assert crop.covers(np.array([[1e300, 1], [-1e300, 1], [1, 1]])).tolist() == [False, False, True]


@given(crops(), st.integers(-2, 2), st.integers(-2, 2))
def test_moved_keeps_the_pixels(crop: CroppedMask, rows: int, columns: int) -> None:
    moved = crop.moved(rows, columns)
    assert (moved.top - crop.top, moved.left - crop.left) == (rows, columns)
    assert (moved.pixels == crop.pixels).all()


def test_lazy_masks_make_only_what_is_asked_for() -> None:
    made: list[int] = []

    def make(i: int) -> CroppedMask:
        made.append(i)
        return CroppedMask(i, 0, np.ones((1, 1), bool))

    masks = LazyMasks(make, np.array([4, 2, 7]))
    assert len(masks) == 3
    fewer = masks.take(np.array([2, 0]))
    part = masks[1:]
    assert made == []
    assert [m.top for m in fewer] == [7, 4]
    assert [m.top for m in part] == [2, 7]
    assert masks[-1].top == 7
    assert made == [7, 4, 2, 7, 7]
