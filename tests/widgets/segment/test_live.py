"""The preview follows what a person does, without being asked to."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from napari_fastsam.layers.answers.kept import Kept
from napari_fastsam.layers.answers.session import Session
from napari_fastsam.widgets.segment.output import Output

NUCLEI = np.array([[126, 94], [147, 244]], float)
EMPTY = (133.0, 159.0)


@pytest.fixture
def passes(monkeypatch):
    """How often the network was asked to look at a plane."""
    seen = []
    real = Kept.prediction

    def prediction(self, request, predict):
        seen.append(request)
        return real(self, request, predict)

    monkeypatch.setattr(Kept, "prediction", prediction)
    return seen


def test_a_point_is_answered_without_run(bench, passes):
    b = bench()
    b.click(NUCLEI[0])
    assert b.shown[126, 94] == 1
    b.click(NUCLEI[1])
    assert b.shown[147, 244] == 2
    assert len(passes) == 1, "the second point is answered from what is kept"
    assert "The image was seen before" in b.dock.status.value


def test_the_first_answer_says_how_long_the_network_took(bench):
    b = bench()
    b.click(NUCLEI[0])
    assert "The network took 0." in b.dock.status.value
    assert b.status == "1 object · click further ones, or Add to labels"


def test_the_confidence_slider(bench, passes):
    b = bench()
    b.dock.task.value = "everything"
    b.settle()
    many = len(b.dock.controller.shown.objects)
    b.dock.conf.value = 0.8
    b.settle()
    few = len(b.dock.controller.shown.objects)

    assert 0 < few < many
    assert len(np.unique(b.shown)) - 1 <= few
    assert len(passes) == 1


def test_the_overlap_slider(bench, passes):
    b = bench()
    b.dock.task.value = "everything"
    b.dock.iou.value = 0.95
    b.settle()
    many = len(b.dock.controller.shown.objects)
    b.dock.iou.value = 0.1
    b.settle()

    assert 0 < len(b.dock.controller.shown.objects) < many
    assert len(passes) == 1


def test_the_areas(bench, passes):
    b = bench()
    b.dock.task.value = "everything"
    b.settle()
    b.dock.areas.min_area.value, b.dock.areas.max_area.value = 400, 1000
    b.settle()
    areas = [o.crop.area for o in b.dock.controller.shown.objects]
    assert areas
    assert all(400 <= area <= 1000 for area in areas)

    b.dock.areas.max_area.value = 100
    b.settle()
    assert b.status.startswith("The smallest area, 400 px, is above the largest, 100 px"), b.status
    assert not b.shown.any(), "what is shown is not what is asked for"
    b.dock.areas.min_area.value = 0
    b.dock.areas.max_area.value = 1
    b.settle()
    assert b.status == (
        "0 objects. Nothing found: widen the areas, lower the confidence, or check the contrast limits."
    )
    assert not b.shown.any()
    assert len(passes) == 1


def test_other_contrast_limits_are_another_picture(bench, passes):
    b = bench()
    b.click(NUCLEI[0])
    b.image.contrast_limits = (0, 120)
    b.settle()
    assert [r.contrast_limits for r in passes] == [(0, 80), (0, 120)]
    b.image.contrast_limits = (0, 80)
    b.settle()
    assert len(passes) == 2, "the first is still kept"


def test_another_size_is_another_pass(bench, passes):
    b = bench()
    b.click(NUCLEI[0])
    b.dock.imgsz.value = 640
    b.settle()
    assert len(passes) == 2
    assert b.dock.controller.shown.request.controls.imgsz == 640


def test_the_preview_follows_the_slice(bench, cells):
    b = bench(np.stack([cells, cells[::-1]]), contrast_limits=(0, 80))
    b.dock.task.value = "everything"
    b.settle()
    here = b.shown.copy()
    b.viewer.dims.set_current_step(0, 1 - b.viewer.dims.current_step[0])
    b.settle()

    assert b.shown.any()
    assert not np.array_equal(b.shown, here)
    assert b.preview.translate[0] == b.viewer.dims.current_step[0]


def test_replaced_data_are_looked_at_again(bench, cells, passes):
    b = bench()
    b.click(NUCLEI[0])
    assert b.shown[126, 94] == 1
    b.image.data = np.roll(cells, 60, axis=1)
    b.settle()
    assert len(passes) == 2
    assert len(b.dock._engine.session.cache) == 1, "what was kept of the old pixels is gone"


def test_replaced_data_of_another_shape(bench, cells):
    b = bench()
    b.click(NUCLEI[0])
    b.image.data = cells[:200, :150]
    b.settle()
    assert b.shown.shape == (200, 150)
    assert b.shown[126, 94] == 1


def test_edited_polarity(bench):
    b = bench()
    points = b.click(*NUCLEI)
    features = points.features.copy()
    features.loc[0, "polarity"] = "negative"
    points.features = features
    b.settle()
    assert b.shown[126, 94] == 0
    assert b.shown[147, 244] > 0


def test_moved_layers(bench):
    b = bench()
    points = b.click(NUCLEI[0])
    points.translate = NUCLEI[1] - NUCLEI[0]
    b.settle()
    assert b.shown[126, 94] == 0
    assert b.shown[147, 244] == 1

    b.image.translate = NUCLEI[1] - NUCLEI[0]
    b.settle()
    assert b.shown[126, 94] == 1
    np.testing.assert_allclose(b.preview.translate, b.image.translate)


def test_off_nothing_follows_until_run(bench, qtbot):
    b = bench()
    b.dock.live.value = False
    points = b.click(NUCLEI[0])
    qtbot.wait(100)
    assert not b.shown.any()
    assert "Run (Shift-R)" in b.status

    b.dock.run()
    b.settle()
    assert b.shown[126, 94] == 1
    points.add([NUCLEI[1]])
    b.dock.conf.value = 0.9
    b.settle()
    qtbot.wait(100)
    assert b.shown[147, 244] == 0
    assert b.dock.run(wait=True).found == len(b.dock.controller.shown.objects) > 0

    b.dock.conf.value = 0.25
    b.dock.live.value = True
    b.settle()
    assert b.shown[147, 244] == 2


def test_run_here_returns_what_was_done(bench):
    b = bench()
    b.dock.live.value = False
    b.click(NUCLEI[0], EMPTY)
    summary = b.dock.run(wait=True)

    assert summary.found == 2, "where nothing is proposed, the click draws an object"
    assert summary.message == b.status
    assert not summary.unanswered
    assert summary.seconds["network"] > summary.seconds["selection"] > 0
    again = b.dock.run(wait=True)
    assert again.found == 2
    assert again.seconds["network"] < 0.1 * summary.seconds["network"], "it was kept"
    assert "The image was seen before" in b.dock.status.value


def test_run_while_the_model_is_being_loaded_runs_afterwards(make_napari_viewer, plugin_settings, qtbot, cells):
    from napari_fastsam.widgets import FastSAMWidget

    viewer = make_napari_viewer()
    viewer.add_image(cells, contrast_limits=(0, 80))
    dock = FastSAMWidget(viewer)
    viewer.window.add_dock_widget(dock)
    dock.live.value = False
    dock.task.value = "everything"
    assert dock.controller.work.kind == "warm up"
    dock.run()
    qtbot.waitUntil(lambda: dock.controller.shown is not None)
    assert "objects" in dock.status.value
    dock.disconnect_all()


def test_a_storm_of_events_is_answered_once_in_a_while_and_at_last(bench, qtbot, monkeypatch):
    b = bench()
    b.dock.task.value = "everything"
    b.settle()
    answers = []
    real = Session.result
    monkeypatch.setattr(Session, "result", lambda self, request: answers.append(request) or real(self, request))
    for step in range(60):  # faster than the event loop turns
        b.dock.conf.value = 0.3 + step / 100
    b.settle()
    assert 2 <= len(answers) <= 4, "the first, and the last"
    assert answers[-1].controls.thresholds.conf == pytest.approx(0.89, abs=1e-3)

    answers.clear()
    steps = itertools.count()

    def move() -> bool:
        b.dock.conf.value = 0.3 + next(steps) % 60 / 100
        return len(answers) >= 5

    qtbot.waitUntil(move)  # as long as it goes on: not starved
    b.dock.conf.value = 0.89
    b.settle()
    assert answers[-1].controls.thresholds.conf == pytest.approx(0.89, abs=1e-3)


def test_a_stale_answer_is_never_shown(bench, passes, monkeypatch):
    b = bench()
    shown = []
    real = Output.show
    monkeypatch.setattr(Output, "show", lambda self, result: shown.append(result.request) or real(self, result))
    b.prompts()
    b.dock.points.value.add([NUCLEI[0]])
    b.qtbot.waitUntil(lambda: b.dock.controller.work is not None)
    b.image.contrast_limits = (0, 100)  # while the network looks at (0, 80)
    b.settle()

    assert [r.contrast_limits for r in passes] == [(0, 80), (0, 100)]
    assert {r.contrast_limits for r in shown} == {(0, 100)}


def test_the_preview_thrown_away_stays_away_until_something_is_asked_for(bench, qtbot):
    b = bench()
    b.click(NUCLEI[0])
    b.viewer.layers.remove(b.preview)
    qtbot.wait(100)
    assert "FastSAM preview" not in b.viewer.layers
    assert b.dock.commit() is None
    b.click(NUCLEI[1])
    assert b.shown[126, 94] == 1


def test_a_hidden_preview_stays_hidden(bench):
    b = bench()
    b.click(NUCLEI[0])
    b.preview.visible = False
    b.click(NUCLEI[1])
    assert not b.preview.visible
    b.dock.clear_prompts()
    b.click(NUCLEI[0])
    assert not b.preview.visible


def test_the_selected_layer_and_its_mode_stay(bench):
    b = bench()
    points, _ = b.prompts()
    b.click(NUCLEI[0])
    assert b.viewer.layers.selection.active == points
    assert points.mode == "add"
    b.dock.commit()
    assert b.viewer.layers.selection.active == points


def test_a_real_click_and_a_real_drag(bench, truth):
    b = bench(show=True)
    b.viewer.reset_view()
    points, shapes = b.prompts()
    b.mouse_click(NUCLEI[0])
    assert len(points.data) == 1
    assert b.shown[126, 94] == 1

    b.viewer.layers.selection.active = shapes
    rows, columns = np.nonzero(truth == truth[147, 244])
    b.mouse_drag((rows.min() - 1, columns.min() - 1), (rows.max() + 1, columns.max() + 1))
    assert len(shapes.data) == 1
    assert b.shown[147, 244] == 2
    assert len(b.dock.controller.shown.objects) == 2


def test_half_drawn_shapes_are_not_asked_about(bench, monkeypatch):
    b = bench(show=True)
    b.viewer.reset_view()
    _, shapes = b.prompts()
    b.viewer.layers.selection.active = shapes
    shapes.mode = "add_polygon_lasso"
    asked = []
    real = Session.result
    monkeypatch.setattr(Session, "result", lambda self, request: asked.append(request) or real(self, request))
    turns = np.linspace(0, 2 * np.pi, 60)
    path = NUCLEI[0] + 14 * np.stack([np.sin(turns), np.cos(turns)], axis=1)
    from qtpy.QtCore import Qt

    native, left = b.canvas.native, Qt.MouseButton.LeftButton
    b.qtbot.mouseMove(native, b.at(path[0]))
    b.qtbot.mousePress(native, left, pos=b.at(path[0]))
    for place in path:
        b._move_pressed(b.at(place))
        b.qtbot.wait(5)
    b.qtbot.mouseRelease(native, left, pos=b.at(path[-1]))
    b.settle()

    assert len(shapes.data) == 1
    assert len(asked) <= 4
    assert b.shown[126, 94] == 1


def test_run_notices_pixels_that_were_changed_in_place(bench, passes, cells):
    b = bench(cells.copy())
    b.dock.task.value = "everything"
    before = b.dock.run(wait=True).found
    assert b.dock.run(wait=True).found == before > 0
    assert len(passes) == 1, "the same pixels are not looked at again"

    b.image.data[...] = 0
    assert b.dock.run(wait=True).found == 0
    assert len(passes) == 2
