"""Images and prompts that make no sense: the dock says what is wrong and goes on."""

from __future__ import annotations

import numpy as np
import pytest
from napari.layers import Image, Shapes

from dock_faults import NUCLEI, works_again

# ---------------------------------------------------------------- images


def test_no_image(bench, cells):
    b = bench(None)
    assert b.status.startswith("No image yet: open one")
    for action in (
        "run",
        "commit",
        "make_prompt_layers",
        "toggle_polarity",
        "toggle_object",
        "clear_prompts",
        "larger",
    ):
        assert getattr(b.dock, action)() is None
        b.settle()
    summary = b.dock.run(wait=True)
    assert (summary.found, summary.message) == (0, b.status)
    assert "No image yet" in summary.message
    assert len(b.viewer.layers) == 0
    works_again(b, cells)


class Empty(Image):
    """An image without pixels: napari's thumbnail of one with no rows or columns fails, so this has none."""

    def _update_thumbnail(self):
        pass


@pytest.mark.filterwarnings("ignore:invalid value encountered in divide")  # napari's slider of no steps
@pytest.mark.parametrize("shape", [(0, 50), (50, 0), (3, 0, 20), (0, 50, 60), (0, 0, 0)], ids=str)
def test_a_zero_length_axis(bench, cells, shape):
    b = bench()
    points = b.click(NUCLEI[0])
    shown = b.shown.copy()
    empty = b.viewer.add_layer(Empty(np.zeros(shape, np.uint8), name="nothing", contrast_limits=(0, 1)))
    b.dock.image.value = empty
    b.settle()
    assert "has no pixels. Choose another image." in b.status
    summary = b.dock.run(wait=True)
    assert summary.found == 0
    assert "has no pixels" in summary.message
    assert len(points.data) == 1

    b.viewer.layers.remove(empty)
    b.dock.image.value = b.image
    b.settle()
    np.testing.assert_array_equal(b.shown, shown)


@pytest.mark.parametrize("task", ["prompts", "everything"])
@pytest.mark.filterwarnings("ignore:All-NaN slice encountered")
@pytest.mark.filterwarnings("ignore:invalid value encountered")
def test_all_nan(bench, cells, task):
    b = bench(np.full((64, 64), np.nan, np.float32), contrast_limits=(0, 1))
    b.dock.task.value = task
    if task == "prompts":
        b.click((30, 30))
    b.settle()
    assert not b.shown.any()
    assert "all NaN" in b.status, b.status
    assert not b.dock._engine.runner.busy
    works_again(b, cells)


@pytest.mark.parametrize("task", ["prompts", "everything"])
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_one_pixel(bench, cells, task, dtype):
    b = bench(np.ones((1, 1), dtype), contrast_limits=(0, 2))
    b.dock.task.value = task
    if task == "prompts":
        b.click((0, 0))
    b.settle()
    assert b.dock.controller.failure is None
    assert b.status.split(" ", 1)[0] in ("0", "1"), b.status
    assert b.preview.data.shape == (1, 1)
    works_again(b, cells)


@pytest.mark.filterwarnings("ignore:data shape .* exceeds GL_MAX_TEXTURE_SIZE")  # napari draws it coarser
def test_a_very_long_image(bench):
    rng = np.random.default_rng(0)
    b = bench(rng.integers(0, 60, (20, 20_000)).astype(np.uint8), contrast_limits=(0, 80))
    b.dock.imgsz.value = 1024
    b.dock.task.value = "everything"
    b.settle()
    assert b.dock.controller.failure is None
    assert "object" in b.status
    assert b.preview.data.shape == (20, 20_000)
    b.dock.task.value = "prompts"
    b.click((10, 19_990))
    assert b.dock.controller.failure is None
    assert "object" in b.status


def test_a_volume_display(bench, cells):
    b = bench(np.stack([cells] * 4), contrast_limits=(0, 80))
    b.viewer.dims.set_current_step(0, 1)
    b.click((1, *NUCLEI[0]))
    assert b.shown[126, 94] == 1
    b.viewer.dims.ndisplay = 3
    b.settle()
    assert "switch to 2D display" in b.status
    assert "switch to 2D display" in b.dock.run(wait=True).message
    b.viewer.dims.ndisplay = 2
    b.settle()
    assert b.shown[126, 94] == 1


# ---------------------------------------------------------------- prompts


def test_points_outside(bench):
    b = bench()
    b.click((-50, 20), (1000, 20), (20, -0.6), (20, 320.2), NUCLEI[0])
    assert "Points 1, 2, 3, 4 are outside the image." in b.dock.status.value
    assert len(b.dock.controller.shown.objects) == 1
    assert b.shown[126, 94] > 0


def test_only_a_point_outside(bench):
    b = bench()
    b.click((-50, 20))
    assert "Point 1 is outside the image." in b.dock.status.value
    assert b.dock.commit() is None


BOXES = {
    "outside": ([[-90, -90], [-90, -60], [-60, -60], [-60, -90]], "outside the image"),
    "zero area": ([[50, 50], [50, 50], [50, 50], [50, 50]], "no area"),
    "a line": ([[50, 50], [50, 90], [50, 90], [50, 50]], "no area"),
}


@pytest.mark.parametrize("kind", BOXES)
def test_a_box_that_cannot_be_used_is_named_beside_one_that_can(bench, kind):
    corners, said = BOXES[kind]
    b = bench()
    b.viewer.add_layer(Shapes(ndim=2))
    b.dock.shapes.value.add_rectangles([corners])
    b.dock.shapes.value.add_rectangles([[[110, 78], [110, 112], [143, 112], [143, 78]]])
    b.settle()
    assert said in b.dock.status.value
    assert "• Rectangle 1 " in b.dock.status.value
    assert b.shown[126, 94] > 0


def test_a_reversed_box_is_the_same_box(bench):
    corners = np.array([[110, 78], [110, 112], [143, 112], [143, 78]], float)
    b = bench()
    b.viewer.add_layer(Shapes(ndim=2))
    shapes = b.dock.shapes.value
    shapes.add_rectangles([corners])
    b.settle()
    forward = b.shown.copy()
    assert forward[126, 94] == 1
    shapes.data = []
    shapes.add_rectangles([corners[[2, 1, 0, 3]]])
    b.settle()
    np.testing.assert_array_equal(b.shown, forward)


def test_a_box_partly_outside_is_cut_at_the_edge(bench):
    b = bench()
    b.viewer.add_layer(Shapes(ndim=2))
    b.dock.shapes.value.add_rectangles([[[-40, -40], [-40, 400], [300, 400], [300, -40]]])
    b.settle()
    assert b.dock.controller.failure is None
    assert "object" in b.status
    assert b.shown.shape == (256, 320)


def test_contradictory_areas(bench):
    b = bench()
    b.click(NUCLEI[0])
    shown = b.shown.copy()
    b.dock.areas.min_area.value, b.dock.areas.max_area.value = 500, 100
    b.settle()
    assert "500" in b.status
    assert "100" in b.status
    assert "nothing passes" in b.status
    assert not b.shown.any(), "the old preview is no answer"
    assert b.dock.run(wait=True).found == 0
    assert len(b.dock.points.value.data) == 1
    b.dock.areas.min_area.value = b.dock.areas.max_area.value = 0
    b.settle()
    np.testing.assert_array_equal(b.shown, shown)
