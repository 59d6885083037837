"""What is asked for is frozen whole; a view goes on from the one before."""

from __future__ import annotations

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image, Points

from napari_fastsam.layers.answers import freezing
from napari_fastsam.layers.answers.freezing import make_request
from napari_fastsam.layers.answers.request import Controls


@pytest.fixture
def viewer() -> ViewerModel:
    viewer = ViewerModel()
    viewer.add_layer(Image(np.zeros((600, 800)), contrast_limits=(0, 1)))
    viewer.add_layer(Points(ndim=2))
    return viewer


def look_at(image: Image, y0: int, x0: int, y1: int, x1: int) -> None:
    image.corner_pixels = np.array([[y0, x0], [y1 - 1, x1 - 1]])


def asked(viewer: ViewerModel, earlier=None, **controls):
    image, points = viewer.layers
    return make_request(viewer, Controls(image, points, **controls), earlier=earlier)


def test_equal_questions_have_equal_keys(viewer):
    assert asked(viewer).key == asked(viewer).key
    viewer.layers[1].add([[5, 5]])
    assert asked(viewer).key == asked(viewer).key, "prompts are no reason to run the network again"


@pytest.mark.parametrize(
    "change",
    [
        lambda v: asked(v, model="FastSAM-s"),
        lambda v: asked(v, device="cpu"),
        lambda v: asked(v, imgsz=640),
        lambda v: make_request(v, Controls(v.layers[0]), generation=1),
        lambda v: setattr(v.layers[0], "contrast_limits", (0, 0.5)) or asked(v),
    ],
    ids=["model", "device", "imgsz", "data", "contrast"],
)
def test_what_needs_another_pass_has_another_key(viewer, change):
    before = asked(viewer).key
    assert change(viewer).key != before


def test_contrast_limits_that_are_not_numbers_do_not_make_every_key_new(viewer):
    image = Image(np.full((20, 20), np.nan), contrast_limits=(0, 1))
    viewer.add_layer(image)
    image._contrast_limits = [np.nan, np.nan]  # what napari's own computation can leave there
    first, second = (make_request(viewer, Controls(image)) for _ in range(2))
    assert first.contrast_limits is None
    assert first.key == second.key


def test_nothing_is_asked_without_prompts(viewer):
    assert asked(viewer).is_empty
    assert not asked(viewer, task="everything").is_empty
    viewer.layers[1].add([[5, 5]])
    assert not asked(viewer).is_empty


@pytest.mark.parametrize("task", ["everything", "prompts"])
def test_all_planes_of_a_single_plane_are_that_plane(viewer, task):
    viewer.layers[1].add([[5, 5]])
    every = asked(viewer, task=task, region="stack")
    assert every.stack is None
    assert every.key == asked(viewer, task=task).key


def test_a_view_is_what_the_canvas_shows(viewer):
    look_at(viewer.layers[0], 100, 200, 300, 500)
    assert asked(viewer, region="view").plane.region == (100, 200, 300, 500)
    assert asked(viewer).plane.region == (0, 0, 600, 800)


def test_a_view_that_was_moved_changes_nothing_until_a_prompt_comes(viewer):
    image, points = viewer.layers
    look_at(image, 0, 0, 200, 200)
    points.add([[50, 50]])
    first = asked(viewer, region="view")
    look_at(image, 20, 20, 220, 220)
    second = asked(viewer, first, region="view")
    assert second.key == first.key

    points.add([[60, 60]])
    assert asked(viewer, second, region="view").plane.region == (20, 20, 220, 220), "it holds all prompts"


def test_views_apart_are_joined_so_that_all_prompts_are_answered(viewer):
    image, points = viewer.layers
    look_at(image, 0, 0, 200, 200)
    points.add([[50, 50]])
    first = asked(viewer, region="view")
    look_at(image, 300, 400, 500, 700)
    points.add([[400, 500]])
    second = asked(viewer, first, region="view")

    assert second.plane.region == (0, 0, 500, 700)
    assert len(second.read.prompts) == 2
    assert second.read.left_out == ()


def test_everything_in_another_view_is_asked_anew_by_hand_only(viewer):
    look_at(viewer.layers[0], 0, 0, 200, 200)
    first = asked(viewer, task="everything", region="view")
    look_at(viewer.layers[0], 100, 100, 300, 300)
    assert asked(viewer, first, task="everything", region="view").key == first.key
    assert asked(viewer, None, task="everything", region="view").plane.region == (100, 100, 300, 300)
    assert asked(viewer, asked(viewer, region="view"), task="everything", region="view").plane.region[0] == 100


def pyramid(viewer: ViewerModel) -> tuple[Image, Points]:
    full = np.zeros((600, 800), np.uint8)
    image = viewer.add_layer(Image([full, full[::4, ::4]], multiscale=True, contrast_limits=(0, 1)))
    return image, viewer.add_layer(Points(ndim=2))


@pytest.mark.parametrize("limit", [10**9, 1000])
def test_views_of_two_levels_are_joined_at_the_finer_where_that_is_not_too_much(viewer, monkeypatch, limit):
    monkeypatch.setattr(freezing, "MAX_VIEW_PIXELS", limit)
    image, points = pyramid(viewer)
    controls = Controls(image, points, region="view")
    image._data_level = 1
    look_at(image, 0, 0, 100, 100)
    points.add([[50, 50]])
    first = make_request(viewer, controls)
    image._data_level = 0
    look_at(image, 500, 600, 600, 800)
    points.add([[550, 700]])
    second = make_request(viewer, controls, earlier=first)

    fine = limit > 1000
    assert second.plane.level == (0 if fine else 1)
    assert second.plane.region == ((0, 0, 600, 800) if fine else (0, 0, 150, 200))
    assert len(second.read.prompts) == 2


def test_another_slice_is_another_view():
    viewer = ViewerModel()
    image = viewer.add_layer(Image(np.zeros((3, 60, 80)), contrast_limits=(0, 1)))
    controls = Controls(image, task="everything", region="view")
    viewer.dims.set_current_step(0, 0)
    image.corner_pixels = np.array([[0, 0, 0], [0, 29, 29]])
    first = make_request(viewer, controls)
    viewer.dims.set_current_step(0, 2)
    image.corner_pixels = np.array([[2, 10, 10], [2, 39, 39]])
    assert make_request(viewer, controls, earlier=first).plane.region == (10, 10, 40, 40)


def test_another_side_of_a_stack_is_another_view():
    viewer = ViewerModel()
    image = viewer.add_layer(Image(np.zeros((30, 30, 30)), contrast_limits=(0, 1)))
    viewer.dims.set_point([0, 1, 2], [0, 0, 0])
    controls = Controls(image, task="everything", region="view")
    before = make_request(viewer, controls)
    viewer.dims.roll()
    viewer.dims.set_point([0, 1, 2], [0, 0, 0])
    now = make_request(viewer, controls, earlier=before)
    assert (before.plane.axes, now.plane.axes) == ((1, 2), (0, 1))
