"""Clicks shape the current object, existing labels and everything that was found, in the real viewer."""

from __future__ import annotations

import numpy as np
import pytest
from napari.layers import Labels
from qtpy.QtCore import Qt
from scipy import ndimage

from napari_fastsam.layers.labels.contour import CONTOUR_NAME

NUCLEI = np.array([[126, 94], [147, 244]], float)
EMPTY = (133.0, 159.0)


def label_layer(b, truth, **features):
    """A layer of hand-drawn nuclei that is chosen under “add to”, with features of its own."""
    numbers = np.unique(truth)[1:]
    layer = Labels(truth.astype(np.uint16), name="by hand")
    layer.features = {"index": numbers, "class": [f"kind {n}" for n in numbers], **features}
    b.viewer.add_layer(layer)
    b.settle()
    b.dock.labels.value = layer
    return layer


def correct(b):
    """Prompt layers in the mode *this object*."""
    b.prompts()
    b.dock.toggle_object()
    b.settle()


def corrected_label(bench, truth):
    """A bench, its layer of hand-drawn nuclei, and the nucleus that is current there after a click."""
    b = bench()
    layer = label_layer(b, truth)
    correct(b)
    b.click(NUCLEI[0])
    return b, layer, int(truth[126, 94])


def contour(b):
    """(Y, X) mask of the outlined object on the image."""
    layer = b.viewer.layers[CONTOUR_NAME]
    full = np.zeros(b.image.data.shape[-2:], bool)
    top, left = np.round(layer.translate[-2:] / layer.scale[-2:]).astype(int)
    data = ndimage.binary_fill_holes(np.squeeze(np.asarray(layer.data)) > 0)
    full[top : top + data.shape[0], left : left + data.shape[1]] = data
    return full if layer.visible else np.zeros_like(full)


def test_further_clicks_change_the_current_object_and_the_status_says_how(bench):
    b = bench()
    points = b.click(NUCLEI[0])
    proposed = b.shown == 1
    b.dock.toggle_object()
    b.dock.toggle_polarity()
    inside = np.argwhere(proposed)
    edge = inside[inside[:, 1] > np.quantile(inside[:, 1], 0.9)].mean(axis=0).round()
    b.click(edge)

    assert points.features["object"].tolist() == [1, 1]
    assert len(b.dock.controller.shown.objects) == 1
    assert b.shown[126, 94] == 1
    assert b.shown[tuple(edge.astype(int))] == 0
    assert "cut" in b.status, b.status
    np.testing.assert_array_equal(contour(b), b.shown == 1)


def test_one_key_apart_a_click_finds_a_new_object(bench):
    b = bench()
    b.click(NUCLEI[0])
    b.dock.toggle_object()
    assert b.dock.next_point.object.text == "this object (1)"
    b.dock.toggle_object()
    assert b.dock.next_point.object.text == "new object"
    b.click(NUCLEI[1])

    assert len(b.dock.controller.shown.objects) == 2
    assert contour(b)[147, 244], "what was touched last is outlined"


def test_a_larger_candidate_stays_when_its_prompt_becomes_current(bench, cells):
    b = bench()
    b.click(NUCLEI[0])
    b.dock.smaller()
    b.dock.larger()
    b.dock.larger()
    before = b.shown.copy()
    b.dock.toggle_object()
    b.settle()
    np.testing.assert_array_equal(b.shown, before)


def test_a_negative_point_belongs_to_the_object_it_falls_in(bench):
    b = bench()
    points = b.click(*NUCLEI)
    second = b.shown == 2
    b.dock.toggle_object()  # the second
    b.dock.toggle_polarity()
    b.click(NUCLEI[0] + 5)

    assert points.features["object"].tolist() == [0, 2 - 1, 0]
    np.testing.assert_array_equal(b.shown == 2, second)
    assert b.shown[131, 99] == 0


@pytest.mark.parametrize("task", ["everything", "prompts"])
def test_a_negative_point_in_no_object_is_named(bench, task):
    b = bench()
    b.click(NUCLEI[0])
    b.dock.task.value = task
    b.dock.toggle_polarity()
    b.click(EMPTY)
    assert "Point 2 is negative and lies in no object: move it" in " ".join(b.dock.controller.shown.unanswered)
    assert "point 2 (−): no object there" in b.status, b.status


def test_points_that_were_drawn_are_joined_to_the_current_object(bench):
    b = bench()
    points = b.click(NUCLEI[0], NUCLEI[1])
    points.mode = "select"
    points.selected_data = {0}
    b.dock.join()
    b.settle()

    assert points.features["object"].tolist() == [1, 1]
    assert len(b.dock.controller.shown.objects) == 1
    assert (b.shown[126, 94], b.shown[147, 244]) == (2, 2)
    assert "Joined 1 prompt" in b.status
    assert b.dock.next_point.object.text == "new object", "joining changes no mode"


def test_a_box_is_corrected_by_clicks(bench, truth):
    b = bench()
    _, shapes = b.prompts()
    rows, columns = np.nonzero(truth == truth[126, 94])
    y0, x0, y1, x1 = rows.min(), columns.min(), rows.max(), columns.max()
    shapes.add_rectangles([[[y0, x0], [y0, x1], [y1, x1], [y1, x0]]])
    b.settle()
    b.dock.toggle_object()
    b.dock.toggle_polarity()
    b.click(NUCLEI[0] + [0, 6])

    assert shapes.features["object"].tolist() == [1]
    assert len(b.dock.controller.shown.objects) == 1
    assert b.shown[126, 100] == 0
    assert "cut" in b.status


@pytest.mark.parametrize("sign", ["positive", "negative"])
def test_scribbles_count_as_clicks_on_the_current_object(bench, sign):
    b = bench()
    b.click(NUCLEI[0])
    before = b.shown > 0
    b.dock.toggle_object()
    if sign == "negative":
        b.dock.toggle_polarity()
    rows, columns = np.nonzero(before)
    across = np.array([[rows.min() + 4, columns.max() - 3], [rows.max() - 4, columns.max() - 3.0]])
    across[:, 1] += 6 if sign == "positive" else -3
    b.dock.shapes.value.add_paths(across)
    b.settle()

    assert len(b.dock.controller.shown.objects) == 1, b.dock.status.value
    middle = across.mean(axis=0).round().astype(int)
    assert bool(b.shown[tuple(middle)]) == (sign == "positive")


def test_a_label_is_made_current_corrected_and_replaced_as_one_undo_step(bench, truth):
    b = bench()
    layer = label_layer(b, truth, area=[int((truth == n).sum()) for n in np.unique(truth)[1:]])
    number, before, table = int(truth[126, 94]), layer.data.copy(), layer.features.copy()
    correct(b)
    b.click(NUCLEI[0])
    assert f"Label {number}" in b.status
    np.testing.assert_array_equal(b.shown > 0, before == number)
    b.dock.toggle_polarity()
    b.click(NUCLEI[0] + [0, 8])
    assert "cut" in b.status
    corrected = b.shown > 0
    np.testing.assert_array_equal(layer.data, before)  # not before it is added
    b.dock.commit()

    np.testing.assert_array_equal(layer.data == number, corrected)
    rest = (before != number) & ~corrected
    np.testing.assert_array_equal(layer.data[rest], before[rest])
    assert layer.data.max() == before.max()
    assert layer.features["class"].tolist() == table["class"].tolist()
    assert len(layer.features) == len(table)
    row = layer.features.set_index("index").loc[number]
    assert row["area"] == corrected.sum()
    assert f"Replaced label {number}" in b.status
    layer.undo()
    np.testing.assert_array_equal(layer.data, before)


def test_a_label_in_a_stack_is_corrected_on_the_plane_shown(bench, cells, truth):
    b = bench(np.stack([cells, cells, cells]), contrast_limits=(0, 80))
    layer = label_layer(b, np.stack([truth] * 3))
    before, number = layer.data.copy(), int(truth[126, 94])
    b.viewer.dims.set_current_step(0, 1)
    correct(b)
    b.click((1, 126, 94))
    b.dock.toggle_polarity()
    b.click((1, 126, 102))
    corrected = b.shown > 0
    b.dock.commit()

    np.testing.assert_array_equal(layer.data[1] == number, corrected)
    np.testing.assert_array_equal(layer.data[[0, 2]], before[[0, 2]])


def test_a_label_that_is_gone_is_added_as_a_new_object_and_said(bench, truth):
    b, layer, number = corrected_label(bench, truth)
    layer.fill((126, 94), 0)
    b.settle()
    assert "is gone" in b.dock.status.value
    assert (b.shown > 0).sum() == (truth == number).sum()
    b.dock.commit()
    assert layer.data[126, 94] == truth.max() + 1


def test_a_layer_that_is_deleted_while_its_label_is_current_loses_nothing(bench, truth):
    b, layer, _ = corrected_label(bench, truth)
    b.viewer.layers.remove(layer)
    b.settle()
    assert "is gone" in b.dock.status.value
    added = b.dock.commit()
    assert (added.data > 0).sum() == (truth == truth[126, 94]).sum()


def test_what_was_painted_by_hand_meanwhile_counts(bench, truth):
    b, layer, number = corrected_label(bench, truth)
    where = np.argwhere(layer.data == number)[:20]
    layer.data_setitem(tuple(where.T), np.zeros(20, int))
    b.settle()
    assert (b.shown > 0).sum() == (truth == number).sum() - 20


def test_after_everything_plus_adds_and_minus_removes(bench):
    b = bench()
    b.dock.task.value = "everything"
    b.settle()
    count, number = len(b.dock.controller.shown.objects), b.shown[126, 94]
    others = {n: (b.shown == n).sum() for n in np.unique(b.shown) if n not in (0, number)}
    b.prompts()
    b.dock.toggle_polarity()
    b.click(NUCLEI[0])
    assert len(b.dock.controller.shown.objects) == count - 1
    assert b.shown[126, 94] == 0
    assert "Point 1 took an object away." in b.dock.status.value
    assert {n: (b.shown == n).sum() for n in others} == others

    b.dock.toggle_polarity()
    b.click(EMPTY)
    there = b.shown[133, 159]
    assert there > count or "Point 2" in b.dock.status.value
    layer = b.dock.commit()
    assert layer.data[126, 94] == 0
    assert len(b.dock.points.value.data) == 0
    # all of it is in the layer: what is drawn now adds to that
    b.click(NUCLEI[0])
    assert len(b.dock.controller.shown.objects) == 1


def test_after_everything_an_object_is_corrected_under_its_number(bench):
    b = bench()
    b.dock.task.value = "everything"
    b.settle()
    count, number = len(b.dock.controller.shown.objects), b.shown[126, 94]
    b.click(NUCLEI[0])
    assert (len(b.dock.controller.shown.objects), b.shown[126, 94]) == (count, number)
    b.dock.toggle_object()
    b.dock.toggle_polarity()
    b.click(NUCLEI[0] + [0, 8])
    assert (len(b.dock.controller.shown.objects), b.shown[126, 94]) == (count, number)
    assert b.shown[126, 102] == 0
    assert "cut" in b.status


def test_after_everything_what_clicks_extend_an_object_over_is_no_object_of_its_own(bench):
    b = bench()
    b.dock.task.value = "everything"
    b.settle()
    count, number = len(b.dock.controller.shown.objects), b.shown[115, 256]
    b.click((115, 256))
    b.dock.toggle_object()
    other = b.shown == b.shown[147, 248]
    b.click((147, 248))
    assert b.shown[115, 256] == b.shown[147, 248] == number
    assert len(b.dock.controller.shown.objects) == count - 1
    assert set(np.unique(b.shown[other])) <= {0, number}, "no ragged rest of it"


def test_a_corrected_object_is_followed_through_a_stack(bench, cells):
    b = bench(np.stack([cells, cells, cells]), contrast_limits=(0, 80))
    b.dock.region.value = "stack"
    b.click((1, 126, 94))
    b.viewer.dims.set_current_step(0, 1)
    b.dock.toggle_object()
    b.dock.toggle_polarity()
    b.click((1, 126, 102))
    shown = np.asarray(b.preview.data)
    assert (shown[:, 126, 94] == 1).all()
    assert shown[1, 126, 102] == 0


def test_with_mouse_and_keys(bench, truth):
    b = bench(show=True)
    layer = label_layer(b, truth)
    number = int(truth[126, 94])
    b.prompts()
    b.key(Qt.Key.Key_O)
    assert b.dock.next_point.object.text.startswith("this object")
    b.mouse_click(NUCLEI[0])
    assert f"Label {number}" in b.status
    b.key(Qt.Key.Key_T)
    b.mouse_click(NUCLEI[0] + [0, 8])
    assert b.shown[126, 102] == 0
    b.key(Qt.Key.Key_Return)
    b.settle()
    assert layer.data[126, 94] == number
    assert layer.data[126, 102] == 0


def test_an_object_whose_only_point_is_deleted_takes_its_step_with_it(bench):
    b = bench()
    place = np.array([231.0, 47.0])  # there the network proposes several sizes
    points, _ = b.prompts()
    b.dock.conf.value, b.dock.iou.value = 0.05, 0.9
    b.dock.toggle_object()
    b.click(place)
    first = b.shown.copy()
    while "no larger" not in b.status:
        b.dock.larger()
        b.settle()
    assert (b.shown != first).any()
    stepped = b.shown.copy()
    points.selected_data = {0}
    points.remove_selected()
    b.settle()
    b.click(place)
    assert points.features["object"].tolist() == [1]
    np.testing.assert_array_equal(b.shown, first)
    for _ in range(2):
        b.dock.undo()
        b.settle()
    np.testing.assert_array_equal(b.shown, stepped)


def test_a_layer_that_comes_back_is_corrected_again(bench, truth):
    b, layer, number = corrected_label(bench, truth)
    b.viewer.layers.remove(layer)
    b.settle()
    assert "is gone" in b.dock.status.value
    layer.data[:120][layer.data[:120] == number] = 0
    b.viewer.add_layer(layer)
    b.settle()
    assert "is gone" not in b.dock.status.value
    assert (b.shown > 0).sum() == (layer.data == number).sum()
    b.dock.labels.value = layer
    b.dock.commit()
    assert layer.data[126, 94] == number
