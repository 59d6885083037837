"""Prompts on the canvas say by number, form and filling what the dock says of them."""

from __future__ import annotations

import numpy as np
import pytest

from napari_fastsam.layers.prompts.marks import SCREEN_PIXELS

NUCLEI = np.array([[126, 94], [147, 244]], float)
EMPTY = (133.0, 159.0)


def looks(points):
    """Of each point its number, its form, and whether it is filled."""
    texts = [str(text).strip() for text in points.text.values]
    return list(zip(texts, map(str, points.symbol), points.face_color[:, 3] > 0, strict=True))


@pytest.fixture
def clicked(bench):
    """A positive click on each of two nuclei, and a negative one between them."""
    b = bench()
    b.prompts()
    b.mouse_click(NUCLEI[0])
    b.mouse_click(NUCLEI[1])
    b.dock.toggle_polarity()
    b.mouse_click(EMPTY)
    return b


def test_clicks_get_the_numbers_that_the_dock_names(clicked):
    b = clicked
    points = b.dock.points.value
    assert looks(points) == [("1", "disc", True), ("2", "disc", True), ("3", "x", False)]
    assert "point 3 (−): no object there" in b.status
    b.dock.clear_prompts()
    b.settle()
    assert len(points.data) == 0


def test_what_has_no_object_is_hollow_until_it_has_one(bench):
    b = bench()
    points = b.click(NUCLEI[0], NUCLEI[1])
    b.dock.areas.min_area.value = 100_000
    b.settle()
    assert [filled for _, _, filled in looks(points)] == [False, False]
    assert len(b.dock.controller.shown.unanswered) == 2
    b.dock.areas.min_area.value = 0
    b.settle()
    assert [filled for _, _, filled in looks(points)] == [True, True]


def test_a_box_without_an_object_is_not_tinted(bench):
    b = bench()
    _, shapes = b.prompts()
    shapes.add_rectangles([[[110, 75], [143, 113]]])
    b.settle()
    assert list(shapes.text.values) == ["1"]
    assert shapes.face_color[0, 3] > 0
    b.dock.areas.min_area.value = 100_000
    b.settle()
    assert "Box 1" in " ".join(b.dock.controller.shown.unanswered)
    assert shapes.face_color[0, 3] == 0


def test_undo_takes_back_prompts_and_not_looks(clicked):
    b = clicked
    points = b.dock.points.value
    b.dock.undo()
    b.settle()
    assert looks(points) == [("1", "disc", True), ("2", "disc", True)]
    b.dock.redo()
    b.settle()
    assert looks(points) == [("1", "disc", True), ("2", "disc", True), ("3", "x", False)]


def test_marks_stay_as_large_on_the_screen_while_the_dock_is_open(clicked):
    b = clicked
    points = b.dock.points.value
    for zoom in (0.3, 5.0):
        points.scale_factor = 1 / zoom  # as the canvas does when it draws
        np.testing.assert_allclose(points.size * points.scale[-1] * zoom, SCREEN_PIXELS, rtol=0.1)
    before = points.size.copy()
    b.viewer.window.remove_dock_widget(b.dock.native)
    points.scale_factor = 100.0
    np.testing.assert_array_equal(points.size, before)


def test_marks_on_all_planes_of_a_stack_show_what_was_found_there(bench, cells):
    b = bench(np.stack([cells] * 3), contrast_limits=(0, 80))
    b.dock.region.value = "stack"
    points = b.click((0, *NUCLEI[0]), (2, *NUCLEI[1]))
    b.dock.toggle_polarity()
    b.click((2, *EMPTY), (1, *NUCLEI[0]))
    assert [filled for _, _, filled in looks(points)] == [True, True, False, True], "a negative one within lies in it"
    assert "point 3 (−): no object there" in b.status
    b.dock.areas.min_area.value = 100_000
    b.settle()
    assert [filled for _, _, filled in looks(points)] == [False] * 4


def test_marks_are_as_large_where_an_affine_scales_the_image(bench):
    b = bench(affine=np.diag([4.0, 4.0, 1.0]))
    points = b.click(NUCLEI[0])
    for zoom in (0.3, 5.0):
        points.scale_factor = 1 / zoom  # as the canvas does when it draws
        np.testing.assert_allclose(points.size * 4 * zoom, SCREEN_PIXELS, rtol=0.1)
