"""Labels are corrected with real keys on the label under the mouse, and with buttons on what is selected."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from napari.layers import Labels
from qtpy.QtCore import Qt

from napari_fastsam.widgets.segment.parts.correct import VERBS
from napari_fastsam.widgets.segment.shortcuts import SHORTCUTS

ROWS, COLUMNS = np.mgrid[:256, :320]


def disk(y: float, x: float, radius: float) -> np.ndarray:
    return np.hypot(ROWS - y, COLUMNS - x) <= radius


def some_labels() -> Labels:
    """1: two disks that overlap. 2: a disk that touches a square, 3. 4: a ring. 5: a disk and a speck."""
    data = np.zeros((256, 320), np.uint16)
    data[disk(60, 60, 30) | disk(60, 105, 26)] = 1
    data[disk(60, 220, 30)] = 2
    data[91:120, 190:250] = 3
    data[disk(190, 60, 30) & ~disk(190, 60, 8)] = 4
    data[disk(190, 160, 30) | disk(190, 230, 5)] = 5
    table = pd.DataFrame({"index": [1, 2, 3, 4, 5], "class": list("abcde")})
    return Labels(data, features=table, name="mine")


@pytest.fixture
def b(bench):
    one = bench(show=True)
    layer = some_labels()
    one.viewer.add_layer(layer)
    one.dock.labels.value = layer
    one.mine = layer
    one.settle()
    one.viewer.reset_view()
    return one


KEYS = {method: key for key, (method, _) in SHORTCUTS.items()}


def press(b, method: str, *places: tuple[float, float]) -> None:
    """Press the key of a verb with the mouse at places, one after the other."""
    letter = KEYS[method].removeprefix("Shift-")
    for place in places:
        b.qtbot.mouseMove(b.canvas.native, b.at(place))
        b.qtbot.wait(50)
        b.key(getattr(Qt.Key, f"Key_{letter}"))
        b.settle()


def undo(b) -> None:
    b.viewer.layers.selection.active = b.mine
    b.qtbot.keyClick(b.canvas.native, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)


def test_the_buttons_and_the_keys_are_the_same(b):
    assert {method: key for method, (key, *_) in VERBS.items()}.items() <= KEYS.items()


def test_a_key_deletes_the_label_under_the_mouse_and_napari_takes_it_back(b):
    before = b.mine.data.copy()
    press(b, "delete_label", (60, 220))
    assert set(np.unique(b.mine.data)) == {0, 1, 3, 4, 5}
    assert 2 not in set(b.mine.features["index"])
    assert "2" in b.status
    undo(b)
    np.testing.assert_array_equal(b.mine.data, before)


def test_keys_on_two_labels_merge_them(b):
    press(b, "merge_labels", (105, 220), (60, 220))
    assert b.mine.data[60, 220] == 3
    rows = dict(zip(b.mine.features["index"], b.mine.features["class"], strict=True))
    assert rows == {1: "a", 3: "c", 4: "d", 5: "e"}
    press(b, "merge_labels", (190, 40))  # and a third
    assert b.mine.data[190, 40] == 3


def test_keys_on_two_places_split_a_label(b):
    press(b, "split_label", (60, 50), (60, 115))
    left, right = int(b.mine.data[60, 45]), int(b.mine.data[60, 120])
    assert {left, right} == {1, 6}
    rows = dict(zip(b.mine.features["index"], b.mine.features["class"], strict=True))
    assert rows[6] == "a"


def test_a_key_twice_on_one_place_splits_at_the_waist(b):
    press(b, "split_label", (60, 60), (60, 60))
    assert {int(b.mine.data[60, 45]), int(b.mine.data[60, 120])} == {1, 6}


def test_the_other_keys_do_what_they_say(b):
    data = b.mine.data
    press(b, "fill_label", (190, 40))
    assert data[190, 60] == 4
    press(b, "keep_largest", (190, 160))
    assert data[190, 230] == 0
    press(b, "cut_at_neighbours", (105, 220))
    assert not data[91, 219:222].any()
    area = np.count_nonzero(data == 1)
    press(b, "grow_label", (60, 60))
    wider = np.count_nonzero(data == 1)
    press(b, "shrink_label", (60, 60))
    assert area <= np.count_nonzero(data == 1) < wider
    press(b, "smooth_label", (105, 220))
    assert data[92, 190] == 0
    assert data[105, 220] == 3


def test_a_key_beside_labels_says_so_and_changes_nothing(b):
    before = b.mine.data.copy()
    press(b, "delete_label", (140, 300))
    assert "no label of “mine” under the cursor" in b.status
    np.testing.assert_array_equal(b.mine.data, before)


def test_a_button_corrects_what_lies_in_a_drawn_region(b):
    shapes = b.viewer.add_shapes(name="regions")
    b.viewer.layers.selection.active = shapes
    shapes.mode = "add_rectangle"
    b.mouse_drag((130, 10), (240, 200))
    assert len(shapes.data) == 1
    assert len(shapes.selected_data) == 1
    panel = b.dock._panels.correct
    panel.expand(animate=False)
    assert not panel.planes.native.isVisible(), "there is one plane"
    b.qtbot.mouseClick(panel.buttons["delete_label"], Qt.MouseButton.LeftButton)
    b.settle()
    assert set(np.unique(b.mine.data)) == {0, 1, 2, 3}


def test_a_drawn_line_splits(b):
    shapes = b.viewer.add_shapes(name="regions")
    b.viewer.layers.selection.active = shapes
    shapes.mode = "add_line"
    b.mouse_drag((30, 84), (92, 84))
    panel = b.dock._panels.correct
    panel.expand(animate=False)
    b.qtbot.mouseClick(panel.buttons["split_label"], Qt.MouseButton.LeftButton)
    b.settle()
    assert {int(b.mine.data[60, 45]), int(b.mine.data[60, 120])} == {1, 6}


@pytest.mark.parametrize("form", ["line", "region"])
def test_several_labels_that_are_split_at_once_are_one_step(b, form):
    b.mine.data[disk(190, 60, 30) | disk(190, 105, 26)] = 4
    before, rows = b.mine.data.copy(), b.mine.features.copy()
    _, shapes = b.dock.make_prompt_layers()
    if form == "line":
        shapes.add_paths([[[20, 62], [240, 62]]])
    else:  # 5 has no waist, and stays
        shapes.add_polygons([[[20, 20], [20, 140], [150, 140], [150, 195], [240, 195], [240, 20]]])
    shapes.selected_data = {len(shapes.data) - 1}
    b.viewer.layers.selection.active = shapes
    b.dock.correct_selected("split_label")
    assert {1, 4, 6, 7} <= set(np.unique(b.mine.data))
    b.dock.undo()
    np.testing.assert_array_equal(b.mine.data, before)
    pd.testing.assert_frame_equal(b.mine.features, rows)
    b.dock.redo()
    assert {1, 4, 6, 7} <= set(np.unique(b.mine.data))
    undo(b)
    np.testing.assert_array_equal(b.mine.data, before)


def test_a_button_corrects_the_selected_label_where_nothing_is_drawn(b):
    b.mine.selected_label = 4
    panel = b.dock._panels.correct
    panel.expand(animate=False)
    b.qtbot.mouseClick(panel.buttons["fill_label"], Qt.MouseButton.LeftButton)
    assert b.mine.data[190, 60] == 4


def test_the_docks_undo_brings_back_pixels_and_features_of_a_correction(b):
    before, rows = b.mine.data.copy(), b.mine.features.copy()
    press(b, "delete_label", (60, 220))
    b.dock.undo()
    np.testing.assert_array_equal(b.mine.data, before)
    assert set(b.mine.features["index"]) == set(rows["index"])
    b.dock.redo()
    assert not (b.mine.data == 2).any()
    assert 2 not in set(b.mine.features["index"])


def test_labels_of_a_stack_are_corrected_on_this_plane_or_on_all_as_one_step(bench, cells):
    one = bench(np.stack([cells] * 3), contrast_limits=(0, 80), show=True)
    flat = some_labels()
    layer = Labels(np.stack([flat.data] * 3), features=flat.features, name="mine")
    one.viewer.add_layer(layer)
    one.dock.labels.value = one.mine = layer
    one.settle()
    one.viewer.reset_view()
    one.viewer.dims.set_point(0, 1)
    panel, before = one.dock._panels.correct, layer.data.copy()
    panel.expand(animate=False)
    assert not panel.planes.native.isHidden()
    press(one, "delete_label", (60, 220))
    assert [(layer.data[z] == 2).any() for z in range(3)] == [True, False, True]
    one.dock.undo()
    np.testing.assert_array_equal(layer.data, before)
    one.qtbot.mouseClick(panel.planes.buttons["all"].native, Qt.MouseButton.LeftButton)
    press(one, "delete_label", (60, 220))
    assert not (layer.data == 2).any()
    assert 2 not in set(layer.features["index"])
    press(one, "split_label", (60, 50), (60, 115))
    assert [{int(layer.data[z, 60, 45]), int(layer.data[z, 60, 120])} for z in range(3)] == [{1, 6}] * 3
    one.dock.undo()
    one.dock.undo()
    np.testing.assert_array_equal(layer.data, before)
    one.dock.labels.value = None
    one.dock.image.value.data = cells
    one.settle()
    assert panel.planes.native.isHidden(), "one plane is left"


def test_keys_on_two_places_split_a_label_where_the_image_shows_an_edge(bench):
    """A large round object and a small bright one that touch: the waist is elsewhere."""
    truth = np.zeros((256, 320), np.uint16)
    truth[100:160, 60:240] = 1
    truth[100:160, 200:240] = 2
    picture = np.random.default_rng(0).normal(20, 4, truth.shape) + np.select([truth == 1, truth == 2], [60, 190])
    one = bench(np.clip(picture, 0, 255).astype(np.uint8), contrast_limits=(0, 255), show=True)
    layer = one.viewer.add_labels((truth > 0).astype(np.uint16), name="mine")
    one.dock.labels.value = one.mine = layer
    one.settle()
    one.viewer.reset_view()
    press(one, "split_label", (130, 130), (130, 222))
    parts = [layer.data == layer.data[130, 130], layer.data == layer.data[130, 222]]
    for part, number in zip(parts, (1, 2), strict=True):
        own = truth == number
        assert np.count_nonzero(part & own) / np.count_nonzero(part | own) > 0.85
