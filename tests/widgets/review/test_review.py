"""The dock *Review* in a real viewer, with real keys."""

from __future__ import annotations

from typing import Any

import dask.array as da
import numpy as np
import pytest
from napari.layers import Labels
from qtpy.QtCore import Qt
from skimage.draw import disk

from napari_fastsam.layers.classes.column import classes_of
from napari_fastsam.layers.napari_versions import camera as camera_of
from napari_fastsam.layers.review import objects
from napari_fastsam.layers.review.outline import NAME
from napari_fastsam.layers.review.record import answers_of
from napari_fastsam.widgets import FastSAMWidget
from napari_fastsam.widgets.classes import ClassesWidget
from napari_fastsam.widgets.common.controls import PREVIEW_KEY
from napari_fastsam.widgets.review import ReviewWidget, messages, work
from napari_fastsam.widgets.review.keys import KEYS


def discs() -> np.ndarray:
    labels = np.zeros((200, 200), np.int32)
    for i in range(25):
        labels[disk((40 * (i // 5) + 20, 40 * (i % 5) + 20), 7 + (i % 3) * 0.5)] = i + 1
    labels[labels == 13] = 0
    labels[disk((100, 100), 17)] = 13
    return labels


class Desk:
    """A viewer with labels and the dock, and what a test does with them."""

    def __init__(self, viewer: Any, qtbot: Any, data: np.ndarray | None) -> None:
        self.viewer, self.qtbot = viewer, qtbot
        self.layer = None if data is None else viewer.add_labels(data, name="discs")
        self.dock = ReviewWidget(viewer)
        viewer.window.add_dock_widget(self.dock, name="Review")
        self.settle()

    def settle(self) -> None:
        self.qtbot.waitUntil(lambda: not self.dock._work.busy and not self.dock._soon._hasPendingEmission)

    def key(self, key: Any, modifier: Any = Qt.KeyboardModifier.NoModifier) -> None:
        self.qtbot.keyClick(self.viewer.window._qt_viewer.canvas.native, key, modifier)
        self.settle()

    @property
    def label(self) -> int | None:
        return None if self.dock.current is None else self.dock.current.label

    @property
    def about(self) -> str:
        return str(self.dock.about.value)


@pytest.fixture
def desk(make_napari_viewer, qtbot):
    made = []

    def make(data: np.ndarray | None, show: bool = False) -> Desk:
        made.append(Desk(make_napari_viewer(show=show), qtbot, data))
        return made[-1]

    yield make
    for one in made:
        one.dock.disconnect_all()


def test_keys_answer_and_the_view_goes_to_the_next(desk):
    one = desk(discs())
    layer = one.layer
    assert one.label == layer.selected_label == 13
    assert "as large as the others" in one.about
    np.testing.assert_allclose(camera_of(one.viewer).center[-2:], 100, atol=1)
    assert layer.data.max() == 25
    assert NAME in one.viewer.layers
    assert PREVIEW_KEY in one.viewer.layers[NAME].metadata

    one.key(Qt.Key.Key_W)
    assert answers_of(layer) == {13: "wrong"}
    assert one.dock.message.startswith("1 of 25 objects checked, 1 wrong. No estimate yet.")
    second = one.label
    assert "picked at random" in one.about
    one.key(Qt.Key.Key_R)
    assert answers_of(layer) == {13: "wrong", second: "right"}
    assert one.dock.message.startswith("About 1 (1 to ")

    one.key(Qt.Key.Key_Backspace)
    assert answers_of(layer) == {13: "wrong"}
    assert one.label == second
    one.key(Qt.Key.Key_R)
    one.key(Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert answers_of(layer) == {13: "wrong"}
    assert one.label == second

    one.key(Qt.Key.Key_N)
    assert one.label not in (13, second)
    deleted = one.label
    one.key(Qt.Key.Key_D)
    assert not (layer.data == deleted).any()
    one.key(Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert (layer.data == deleted).any()

    one.dock.close()
    assert NAME not in one.viewer.layers
    assert not [key for key in one.viewer.keymap if str(key) in KEYS]


def test_what_is_corrected_by_hand_is_taken_back_stroke_by_stroke(desk):
    one = desk(discs())
    layer = one.layer
    one.key(Qt.Key.Key_C)
    assert one.dock.message == messages.BY_BRUSH.format(label=13)
    assert (layer.mode, layer.selected_label) == ("paint", 13)
    layer.paint((100, 100), 0)
    one.settle()
    assert one.label == 13, "a stroke does not end the correction"
    one.key(Qt.Key.Key_R)
    assert answers_of(layer) == {13: "corrected"}
    assert layer.mode == "pan_zoom"


def test_all_checked_is_said(desk):
    one = desk(np.pad(np.ones((6, 6), np.uint8), 10))
    one.key(Qt.Key.Key_R)

    assert one.label is None
    assert one.dock.message == "0 of 1 object is wrong: all are checked."
    for key in (Qt.Key.Key_R, Qt.Key.Key_W, Qt.Key.Key_D, Qt.Key.Key_C, Qt.Key.Key_N):
        one.key(key)
    assert answers_of(one.layer) == {1: "right"}


def test_layers_come_and_go_and_are_replaced(desk):
    one = desk(None)
    assert one.dock.message == messages.NO_LAYER

    one.viewer.add_labels(np.zeros((20, 20), np.uint8), name="empty")
    one.settle()
    assert one.dock.message == messages.NO_OBJECTS

    layer = one.viewer.add_labels(discs(), name="discs")
    one.dock.labels_layer.value = layer
    one.settle()
    assert one.label == 13

    layer.data = np.roll(discs(), 40, axis=1) * 2
    one.settle()
    assert one.label == 26 or "label" in one.about.lower()

    one.viewer.layers.remove(layer)
    one.settle()
    assert one.dock.message == messages.NO_OBJECTS
    assert one.label is None


def test_what_is_deleted_by_others_while_it_is_shown_is_left(desk):
    one = desk(discs())
    one.layer.data_setitem(np.nonzero(one.layer.data == 13), 0)
    one.key(Qt.Key.Key_R)

    assert 13 not in answers_of(one.layer)
    assert one.label not in (13, None)
    assert one.dock.review.estimate().found == 1


def test_the_plane_of_a_stack_is_gone_to(desk):
    data = np.zeros((6, 60, 60), np.int32)
    data[4, 20:30, 20:30] = 3
    one = desk(data)

    assert one.label == 3
    assert one.viewer.dims.current_step[0] == 4


def test_many_pixels_are_looked_at_in_a_thread(desk, monkeypatch):
    monkeypatch.setattr(work, "AT_ONCE_PIXELS", 10)
    assert desk(discs()).label == 13


def test_too_many_pixels_are_refused_with_what_to_do(desk, monkeypatch):
    monkeypatch.setattr(objects, "MOST_PIXELS", 100)
    one = desk(None)
    one.dock.fail = lambda error: one.dock.say(str(error))
    one.viewer.add_layer(Labels(discs(), name="discs"))
    one.settle()

    assert "review a part of it" in one.dock.message


def test_numbers_that_cannot_be_kept_are_refused(desk):
    one = desk(None)
    one.dock.fail = lambda error: one.dock.say(str(error))
    one.viewer.add_layer(Labels(np.where(discs() == 13, np.uint64(2**63), np.uint64(0)), name="discs"))
    one.settle()
    assert "9223372036854775808 is above" in one.dock.message
    assert one.dock.review is None


def test_an_answer_about_labels_of_dask_is_taken_back(desk):
    one = desk(None)
    layer = one.viewer.add_labels(da.from_array(discs(), chunks=50), name="discs")
    one.settle()
    first = one.label
    one.dock.wrong()
    assert answers_of(layer) == {first: "wrong"}
    one.dock.back()
    assert answers_of(layer) == {}
    assert one.label == first


def test_correct_it_shows_the_dock_in_which_clicks_correct(desk):
    one = desk(discs(), show=True)
    one.viewer.add_image(discs().astype(np.uint8))
    one.viewer.layers.selection.active = one.layer
    segment = FastSAMWidget(one.viewer)
    dock = one.viewer.window.add_dock_widget(segment, name="FastSAM", tabify=True)
    seen: list[bool] = []
    dock.visibilityChanged.connect(seen.append)
    one.dock.bring_forward()
    one.qtbot.waitUntil(lambda: seen[-1:] == [False])
    one.settle()
    one.key(Qt.Key.Key_C)
    assert one.dock.message == messages.BY_CLICKS.format(label=13)
    one.qtbot.waitUntil(lambda: seen[-1:] == [True])
    segment.disconnect_all()


def test_ctrl_z_takes_back_the_newest_also_where_the_dock_classes_has_the_layer_too(desk):
    one = desk(discs(), show=True)
    classes = ClassesWidget(one.viewer)
    one.viewer.window.add_dock_widget(classes, name="Classes")
    one.dock._look_anew()  # now Review has the key last
    one.settle()
    one.viewer.layers.selection.active = one.layer
    one.layer.paint((2, 2), 30)
    classes.add_class("round")
    classes.classing.give({5: "round"})
    one.settle()

    def ctrl_z() -> None:
        one.key(Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)

    ctrl_z()
    assert (classes_of(one.layer), one.layer.data[2, 2]) == ({}, 30)
    one.dock.right()
    ctrl_z()
    assert answers_of(one.layer) == {}
    classes.classing.give({5: "round"})
    one.dock.disconnect_all()
    ctrl_z()
    assert (classes_of(one.layer), one.layer.data[2, 2]) == ({}, 30)
    classes.disconnect_all()
    ctrl_z()
    assert one.layer.data[2, 2] == 0
