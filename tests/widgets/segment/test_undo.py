"""Ctrl+Z takes back what the dock did, with real keys on the canvas, in the dock and on a Labels layer."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import Qt

from napari_fastsam.widgets.compare import CompareWidget
from napari_fastsam.widgets.compare.output import RESULT_NAME

NUCLEI = np.array([[126, 94], [147, 244]], float)
CTRL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier


def press(b, key=Qt.Key.Key_Z, modifier=CTRL, widget=None):
    widget = b.canvas.native if widget is None else widget
    widget.setFocus()
    b.qtbot.keyClick(widget, key, modifier)
    b.settle()


def numbers(b):
    return sorted(np.unique(b.shown[b.shown > 0]).tolist()) if b.preview.visible else []


def test_clicks_are_taken_back_and_done_again_from_the_canvas(bench):
    b = bench()
    b.prompts()
    b.mouse_click(NUCLEI[0])
    b.mouse_click(NUCLEI[1])
    both = b.shown.copy()
    assert numbers(b) == [1, 2]
    press(b)
    assert numbers(b) == [1]
    press(b)
    assert numbers(b) == []
    press(b, modifier=CTRL | SHIFT)
    press(b, modifier=CTRL | SHIFT)
    np.testing.assert_array_equal(b.shown, both)


@pytest.mark.parametrize("active", ["image", "preview", "points"])
def test_the_key_works_whichever_of_these_layers_is_active(bench, active):
    b = bench()
    points = b.click(NUCLEI[0])
    b.viewer.layers.selection.active = {"image": b.image, "preview": b.preview, "points": points}[active]
    press(b)
    assert not len(points.data)


def test_the_key_works_in_the_dock(bench):
    b = bench()
    points = b.click(NUCLEI[0])
    button = b.dock.actions.run_button.native
    b.viewer.window.activate()
    press(b, widget=button)
    b.qtbot.waitUntil(lambda: not len(points.data), timeout=2000)


def test_a_correction_is_taken_back_as_one_step(bench):
    b = bench()
    b.click(NUCLEI[0])
    before = b.shown.copy()
    b.dock.toggle_object()
    b.dock.toggle_polarity()
    inside = np.argwhere(before == 1)
    edge = inside[inside[:, 1] > np.quantile(inside[:, 1], 0.9)].mean(axis=0).round()
    b.click(edge)
    assert not np.array_equal(b.shown, before)
    press(b)
    np.testing.assert_array_equal(b.shown, before)


def test_add_is_taken_back_labels_leave_and_prompts_come_back(bench):
    b = bench()
    points = b.click(*NUCLEI)
    shown, rows = b.shown.copy(), points.data.copy()
    layer = b.dock.commit()
    b.settle()
    assert layer.data.any()
    assert not len(points.data)
    press(b)
    assert not layer.data.any()
    assert not len(layer.features)
    np.testing.assert_array_equal(points.data, rows)
    np.testing.assert_array_equal(b.shown, shown)
    press(b, modifier=CTRL | SHIFT)
    assert layer.data.any()
    assert layer.features["index"].tolist() == [1, 2]
    assert not len(points.data)


def test_on_the_labels_layer_painting_is_taken_back_first_and_then_add(bench):
    b = bench()
    points = b.click(NUCLEI[0])
    layer = b.dock.commit()
    b.viewer.layers.selection.active = layer
    layer.paint((10, 10), 9)
    press(b)
    assert layer.data[10, 10] == 0
    assert layer.data.any()
    assert not len(points.data)
    press(b)
    assert not layer.data.any()
    assert len(points.data) == 1, "the prompts come back with it"


def test_everything_that_was_added_is_offered_again(bench):
    b = bench()
    b.dock.task.value = "everything"
    b.settle()
    count = b.dock.controller.shown.count
    b.dock.commit()
    b.settle()
    assert b.dock.controller.shown is None
    b.dock.undo()
    b.settle()
    assert b.dock.controller.shown.count == count


def test_clear_join_and_larger_are_steps(bench):
    b = bench()
    points = b.click(*NUCLEI)
    b.dock.clear_prompts()
    b.settle()
    assert not len(points.data)
    b.dock.undo()
    b.settle()
    assert numbers(b) == [1, 2]
    points.mode = "select"
    points.selected_data = {0, 1}
    b.dock.join()
    b.settle()
    assert set(points.features["object"]) == {1}
    b.dock.undo()
    b.settle()
    assert points.features["object"].tolist() == [0, 0]


def test_a_smaller_candidate_is_a_step(bench):
    b = bench()
    b.dock.conf.value, b.dock.iou.value = 0.05, 0.9
    b.click((231.0, 47.0))
    before = b.shown.copy()
    b.dock.larger()
    b.settle()
    if np.array_equal(b.shown, before):
        b.dock.smaller()
        b.settle()
    assert not np.array_equal(b.shown, before)
    b.dock.undo()
    b.settle()
    np.testing.assert_array_equal(b.shown, before)
    assert len(b.dock.points.value.data) == 1


def test_a_corrected_label_comes_back(bench, truth):
    b = bench()
    layer = b.viewer.add_labels(truth.astype(np.uint16), name="by hand")
    b.dock.labels.value = layer
    b.prompts()
    b.dock.toggle_object()
    b.settle()
    b.click(NUCLEI[0])
    b.dock.toggle_polarity()
    own = truth[126, 94]
    inside = np.argwhere(truth == own)
    edge = inside[inside[:, 1] > np.quantile(inside[:, 1], 0.9)].mean(axis=0).round()
    b.click(edge)
    b.dock.commit()
    b.settle()
    assert not np.array_equal(layer.data, truth)
    for _ in range(10):
        b.dock.undo()
        b.settle()
    np.testing.assert_array_equal(layer.data, truth)
    assert not len(b.dock.points.value.data)


def test_there_is_nothing_to_take_back_at_first(bench):
    b = bench()
    b.dock.undo()
    assert "nothing to take back" in b.status


def test_the_key_says_nothing_on_the_layers_of_other_docks_once_this_one_is_closed(bench, truth):
    b = bench()
    compare = CompareWidget(b.viewer)
    b.viewer.window.add_dock_widget(compare, name="Compare")
    b.viewer.add_labels(truth, name="truth")
    b.viewer.add_labels(truth.copy(), name="found")
    b.qtbot.waitUntil(lambda: compare.compared is not None)
    layer = b.viewer.layers[RESULT_NAME]
    b.viewer.layers.selection.active = layer
    press(b)
    assert "nothing to take back" in b.status
    b.viewer.window.remove_dock_widget(b.dock.native)
    b.qtbot.keyClick(b.canvas.native, Qt.Key.Key_Z, CTRL)
    assert not layer.keymap
    compare.disconnect_all()
