"""Outlines and scribbles as pixels and points."""

from __future__ import annotations

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from napari_fastsam.core.prompts.drawing import along, rasterize

SHAPE = (20, 24)


def test_an_outline_takes_the_pixels_whose_centre_lies_inside() -> None:
    drawn = rasterize(np.array([[1.5, 2.5], [1.5, 6.5], [4.5, 6.5], [4.5, 2.5]]), SHAPE)
    assert drawn is not None
    expected = np.zeros(SHAPE, bool)
    expected[2:5, 3:7] = True
    assert (drawn.full(SHAPE) == expected).all()


def test_what_lies_outside_the_image_is_left_out() -> None:
    drawn = rasterize(np.array([[-50.0, -50.0], [-50.0, 5.5], [3.5, 5.5], [3.5, -50.0]]), SHAPE)
    assert drawn is not None
    expected = np.zeros(SHAPE, bool)
    expected[:4, :6] = True
    assert (drawn.full(SHAPE) == expected).all()


@pytest.mark.parametrize(
    "outline",
    [
        [[-9.0, -9.0], [-9.0, -5.0], [-5.0, -5.0]],
        [[30.0, 30.0], [30.0, 40.0], [40.0, 30.0]],
        [[2.2, 2.2], [2.2, 2.4], [2.4, 2.3]],
    ],
    ids=["above", "below", "between the centres"],
)
def test_an_outline_without_a_pixel_of_the_image(outline: list[list[float]]) -> None:
    assert rasterize(np.array(outline), SHAPE) is None


@given(st.integers(3, 16), st.integers(4, 15), st.integers(3, 8))
def test_a_circle_has_the_area_of_a_circle(row: int, column: int, radius: int) -> None:
    angle = np.linspace(0, 2 * np.pi, 60, endpoint=False)
    drawn = rasterize(np.stack([row + radius * np.sin(angle), column + radius * np.cos(angle)], axis=1), (60, 60))
    y, x = np.mgrid[:60, :60]
    inside = np.hypot(y - row, x - column)
    assert drawn is not None
    mask = drawn.full((60, 60))
    assert mask[inside < radius - 0.6].all()
    assert not mask[inside > radius + 0.6].any()


paths = st.lists(st.tuples(st.floats(-50, 50), st.floats(-50, 50)), min_size=1, max_size=6)


@given(paths)
def test_points_along_a_path_are_about_a_pixel_apart_and_hold_its_ends(path: list[tuple[float, float]]) -> None:
    vertices = np.array(path)
    points = along(vertices)
    np.testing.assert_allclose(points[0], vertices[0], atol=1e-9)
    np.testing.assert_allclose(points[-1], vertices[-1], atol=1e-9)
    steps = np.hypot(*np.diff(points, axis=0).T)
    assert (steps <= 1 + 1e-6).all()


def test_a_path_that_leads_to_the_stars_takes_no_memory() -> None:
    assert len(along(np.array([[0.0, 0.0], [1e12, 0.0]]))) == 10_000


def test_the_same_vertex_twice() -> None:
    assert (along(np.array([[3.0, 4.0], [3.0, 4.0]])) == [3, 4]).all()
