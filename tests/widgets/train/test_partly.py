"""Partly labelled images in the dock *Train*: a tick, what is painted over, and what a session accepted."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import Qt

from napari_fastsam.io.annotations.datasets import read_dataset
from napari_fastsam.model.weights import own_models
from napari_fastsam.widgets.train.dock import TrainWidget


@pytest.fixture
def train_dock(bench, cells, tmp_path, monkeypatch):
    """The dock FastSAM on `cells`, and the dock Train beside it."""
    monkeypatch.setenv(own_models.FOLDER_VARIABLE, str(tmp_path / "models"))
    b = bench()
    dock = TrainWidget(b.viewer)
    b.viewer.window.add_dock_widget(dock, name="Train")
    yield b, dock
    dock.disconnect_all()


def written(b, dock, tmp_path):
    """The only example of what the dock writes."""
    b.qtbot.waitUntil(lambda: not dock.pairs.busy)
    dock.save_data(tmp_path / "data")
    b.qtbot.waitUntil(lambda: not dock.busy)
    (example,) = read_dataset(tmp_path / "data").examples
    return example


def test_a_tick_says_that_nothing_else_is_decided(train_dock, truth, tmp_path):
    b, dock = train_dock
    few = np.where(np.isin(truth, np.unique(truth)[1:4]), truth, 0)
    b.viewer.add_labels(few, name="few")
    dock.partial.partly.native.click()
    dock.add_pair()
    assert ", only these" in dock.pairs.rows[0].labels.name + dock.pairs._texts(dock.pairs.rows[0])[1]
    example = written(b, dock, tmp_path)
    np.testing.assert_array_equal(example.ignored(), few == 0)
    np.testing.assert_array_equal(example.labels() > 0, few > 0)


def test_what_is_painted_over_is_left_out(train_dock, truth, tmp_path):
    b, dock = train_dock
    b.viewer.add_labels(truth.copy(), name="truth")
    scribble = np.zeros_like(truth)
    scribble[:, 200:] = 1
    b.viewer.add_labels(scribble, name="unsure")
    dock.truth.value, dock.left_out.value = b.viewer.layers["truth"], b.viewer.layers["unsure"]
    dock.add_pair()
    np.testing.assert_array_equal(written(b, dock, tmp_path).ignored(), scribble > 0)


def test_what_is_painted_over_may_be_chosen_after_the_pair_was_added(train_dock, truth, tmp_path):
    b, dock = train_dock
    b.viewer.add_labels(truth.copy(), name="truth")
    dock.add_pair()
    scribble = np.zeros_like(truth)
    scribble[:, 200:] = 1
    b.viewer.add_labels(scribble, name="unsure")
    dock.truth.value, dock.left_out.value = b.viewer.layers["truth"], b.viewer.layers["unsure"]
    dock.add_pair()
    np.testing.assert_array_equal(written(b, dock, tmp_path).ignored(), scribble > 0)


def test_the_layer_that_is_painted_to_leave_out_does_not_become_the_labels(train_dock, truth, tmp_path):
    b, dock = train_dock
    labels = b.viewer.add_labels(truth.copy(), name="truth")
    unsure = b.viewer.add_labels(np.zeros_like(truth), name="unsure")
    dock.truth.value, dock.left_out.value = labels, unsure
    b.viewer.layers.selection.active = labels
    b.viewer.layers.selection.active = unsure  # to paint in it
    unsure.data_setitem((np.arange(20), np.arange(20)), 1)
    assert dock.truth.value == labels
    dock.add_pair()
    assert written(b, dock, tmp_path).labels().any()


def test_what_is_painted_over_has_the_shape_of_the_labels(train_dock, truth):
    b, dock = train_dock
    b.viewer.add_labels(truth.copy(), name="truth")
    b.viewer.add_labels(np.ones((10, 10), int), name="unsure")
    dock.truth.value, dock.left_out.value = b.viewer.layers["truth"], b.viewer.layers["unsure"]
    dock.add_pair()
    assert dock.pairs.rows == []
    assert "same shape and place as the labels" in dock.message


def test_what_is_painted_over_lies_where_the_labels_do_and_is_another_layer(train_dock, truth):
    b, dock = train_dock
    labels = b.viewer.add_labels(truth.copy(), name="truth")
    moved = b.viewer.add_labels(np.zeros_like(truth), name="moved", translate=(40, 0))
    dock.fail = lambda error: dock.say(str(error))
    for layer, told in ((moved, "lies elsewhere than “truth”"), (labels, "nothing would be learnt")):
        dock.truth.value, dock.left_out.value = labels, layer
        dock.add_pair()
        assert told in dock.message
        assert not dock.pairs.rows


def test_a_session_is_a_training_set_by_one_click(train_dock, tmp_path):
    b, dock = train_dock
    dock.partial.session_button.native.click()
    assert "Nothing was accepted" in dock.message
    b.dock.task.value = "everything"
    b.settle()
    found = b.shown.copy()
    first, second = (int(found[place]) for place in ((126, 94), (147, 244)))
    b.dock.make_prompt_layers()
    points = b.dock.points.value
    b.dock.toggle_polarity()
    points.add([[126, 94]])
    b.settle()
    layer = b.dock.commit()
    b.settle()
    assert not layer.data[126, 94]
    layer.data = np.where(layer.data == layer.data[147, 244], 0, layer.data)
    b.qtbot.mouseClick(dock.partial.session_button.native, Qt.MouseButton.LeftButton)
    assert "1 image was added" in dock.message
    example = written(b, dock, tmp_path)
    background = ~example.ignored() & (example.labels() == 0)
    np.testing.assert_array_equal(background, np.isin(found, [first, second]))
    np.testing.assert_array_equal(example.labels() > 0, layer.data > 0)


def test_a_pair_on_the_list_learns_what_the_session_rejected(train_dock, tmp_path):
    b, dock = train_dock
    b.dock.task.value = "everything"
    b.settle()
    layer = b.dock.commit()
    b.settle()
    dock.truth.value, dock.partial.partly.value = layer, True
    gone = layer.data == layer.data[147, 244]
    layer.data = np.where(gone, 0, layer.data)
    dock.add_pair()
    assert written(b, dock, tmp_path / "before").ignored()[gone].all()
    dock.add_session()
    assert len(dock.pairs.rows) == 1
    example = written(b, dock, tmp_path / "after")
    assert not example.ignored()[gone].any()
    assert not example.labels()[gone].any()
