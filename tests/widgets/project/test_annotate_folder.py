"""A folder is annotated in a real window: from image to image, closed, killed and opened again."""

from __future__ import annotations

import shutil
from typing import Any

import numpy as np
import pandas as pd
import tifffile
from qtpy.QtCore import Qt

from annotating_folders import labels_of, names, settle
from napari_fastsam.io.results.results import OutputError
from napari_fastsam.layers.prompts.new import new_points
from napari_fastsam.widgets import FastSAMWidget
from napari_fastsam.widgets.compare import CompareWidget


def test_the_labels_of_an_image_are_back_when_one_returns(open_dock, folder, qtbot):
    dock = open_dock(folder)
    assert names(dock) == ["field 0.tif", "labels"]
    labels_of(dock).paint((50, 60), 3)
    points = dock._viewer.add_layer(new_points(dock._viewer.layers[0]))
    points.add([(20, 30)])
    settle(dock, qtbot)
    assert dock.annotating.states[0].objects == 1

    dock.next_image()
    assert names(dock) == ["field 1.tif", "labels", "FastSAM points"]
    assert not labels_of(dock).data.any()
    assert not len(dock._viewer.layers[-1].data)
    dock.previous_image()
    assert names(dock) == ["field 0.tif", "labels", "FastSAM points"]
    assert labels_of(dock).data[50, 60] == 3
    np.testing.assert_array_equal(dock._viewer.layers[-1].data, [(20, 30)])


def test_objects_are_counted_as_they_come_and_a_note_does_not_forget_them(open_dock, folder, qtbot):
    dock = open_dock(folder)
    assert dock.status.value == "field 0.tif: nothing is annotated yet."
    labels_of(dock).paint((50, 60), 3)
    settle(dock, qtbot)
    assert dock.status.value == "field 0.tif: 1 object."

    dock.note.value = "out of focus"
    dock.note.native.editingFinished.emit()
    assert (dock.annotating.states[0].objects, dock.annotating.states[0].note) == (1, "out of focus")


def test_other_programs_read_what_was_left(open_dock, folder, qtbot):
    dock = open_dock(folder)
    labels_of(dock).paint((50, 60), 3)
    labels_of(dock).features = {"index": [3], "class": ["round"]}
    dock.next_image()
    qtbot.waitUntil(lambda: not dock.annotating.is_saving)
    there = folder / "annotations" / "field 0.tif"
    assert tifffile.imread(there / "labels.tif")[50, 60] == 3
    assert (there / "features.csv").read_text() == "index,class\n3,round\n"


def test_what_was_done_before_a_crash_is_restored_and_said(open_dock, folder, qtbot, tmp_path_factory):
    dock = open_dock(folder)
    labels_of(dock).paint((50, 60), 3)
    settle(dock, qtbot)
    labels_of(dock).paint((150, 60), 4)
    settle(dock, qtbot)
    labels_of(dock).undo()
    settle(dock, qtbot)
    expected = labels_of(dock).data.copy()
    crashed = tmp_path_factory.mktemp("crashed") / "copy"  # as the disk is when the process is killed now
    shutil.copytree(folder, crashed)

    again = open_dock(crashed)
    np.testing.assert_array_equal(labels_of(again).data, expected)
    assert "1 object, 3 steps of them restored" in again.message
    again.next_image()
    qtbot.waitUntil(lambda: not again.annotating.is_saving)
    assert tifffile.imread(crashed / "annotations" / "field 0.tif" / "labels.tif")[50, 60] == 3


def test_states_and_notes_are_kept_and_the_next_undone_is_found(open_dock, folder, qtbot):
    dock = open_dock(folder)
    dock.note.value = "out of focus"
    dock.note.native.editingFinished.emit()
    dock.done()
    assert dock.annotating.current == 1
    dock.skip()
    assert dock.annotating.current == 2
    dock.done()
    assert dock.message == "All images are done or skipped."
    dock._close_folder()
    dock.open_folder(folder)
    assert [state.state for state in dock.annotating.states] == ["done", "skipped", "done"]
    assert dock.note.value == "out of focus"
    model = dock.images.images
    assert "● done" in model.data(model.index(0, 0), Qt.ItemDataRole.DisplayRole)


def test_keys_on_the_canvas_go_from_image_to_image(open_dock, folder, qtbot):
    dock = open_dock(folder, show=True)
    canvas = dock._viewer.window._qt_viewer.canvas.native
    shift, alt = Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.AltModifier
    for key, modifier, place in (
        (Qt.Key.Key_Right, shift, 1),
        (Qt.Key.Key_Right, alt, 2),
        (Qt.Key.Key_Left, shift, 1),
        (Qt.Key.Key_Return, alt, 2),
    ):
        qtbot.keyClick(canvas, key, modifier)
        assert dock.annotating.current == place, key
    assert dock.annotating.states[1].state == "done"


def test_an_image_that_cannot_be_read_is_said_and_the_one_open_stays(open_dock, folder):
    dock = open_dock(folder)
    (folder / "field 1.tif").write_bytes(b"nothing")
    dock.next_image()
    assert "field 1.tif" in dock.message
    assert dock.annotating.current == 0
    assert names(dock) == ["field 0.tif", "labels"]


def test_an_image_that_was_replaced_keeps_its_labels_and_is_said(open_dock, folder, qtbot):
    dock = open_dock(folder)
    labels_of(dock).paint((50, 60), 3)
    dock.next_image()
    qtbot.waitUntil(lambda: dock.annotating.collect() == [] and not dock.annotating.is_saving)
    tifffile.imwrite(folder / "field 0.tif", np.zeros((64, 64), np.uint8))
    dock.previous_image()
    assert "changed or replaced" in dock.status.value
    assert labels_of(dock).data[50, 60] == 3


def test_a_second_window_is_told_and_does_not_overwrite(open_dock, folder, qtbot):
    first = open_dock(folder)
    labels_of(first).paint((50, 60), 3)
    settle(first, qtbot)
    second = open_dock(folder)
    assert "open in another window" in second.status.value
    labels_of(second).paint((150, 60), 9)
    settle(second, qtbot)
    second.next_image()
    second.previous_image()
    assert 9 not in labels_of(second).data
    assert labels_of(second).data[50, 60] == 3


def test_a_full_disk_is_said_and_what_is_in_memory_is_saved_later(open_dock, folder, qtbot, monkeypatch):
    dock = open_dock(folder)
    kept = dock.annotating.opened._folder
    append = kept.append

    def full(step: Any) -> None:
        raise OutputError("journal.bin cannot be written: No space left on device; make room there")

    monkeypatch.setattr(kept, "append", full)
    labels_of(dock).paint((50, 60), 3)
    qtbot.waitUntil(lambda: "make room" in dock.message)
    monkeypatch.setattr(kept, "append", append)
    labels_of(dock).paint((150, 60), 4)
    settle(dock, qtbot)
    found = dock.annotating.project.images[0].annotations().load()
    assert set(np.unique(found.annotation.labels)) == {0, 3, 4}


def test_labels_are_made_again_shown_compared_and_taken(open_dock, folder, qtbot):
    dock = open_dock(folder)
    viewer = dock._viewer
    segment = FastSAMWidget(viewer)
    viewer.window.add_dock_widget(segment, name="FastSAM")
    compare = CompareWidget(viewer)
    viewer.window.add_dock_widget(compare, name="Compare")
    segment.work_on(viewer.layers[0], labels_of(dock))
    segment.task.value, segment.conf.value = "everything", 0.05
    segment.run()
    qtbot.waitUntil(
        lambda: segment.controller.shown is not None and segment.controller.shown.count > 10, timeout=60_000
    )
    segment.commit()
    layer = labels_of(dock)
    scores = layer.features.set_index("index")["score"]
    by_hand = int(scores.index[scores < 0.8][0])
    drawn = np.argwhere(layer.data == 0)[-1]
    layer.data_setitem(tuple(np.array([i]) for i in drawn), by_hand)
    before = layer.data.copy()
    settle(dock, qtbot)

    dock.replay.panel.expand()
    dock.replay.panel.conf.setValue(0.8)
    dock.replay.panel.again.click()
    qtbot.waitUntil(lambda: dock.replay.layer is not None, timeout=60_000)
    assert " gone" in dock.message
    assert "1 kept as corrected" in dock.message
    np.testing.assert_array_equal(layer.data, before)
    assert {compare.predicted.value, compare.truth.value} == {dock.replay.layer, layer}
    table = pd.read_csv(folder / "annotations" / "replay.csv")
    gone = (table["outcome"] == "gone").sum()
    qtbot.waitUntil(lambda: compare.compared is not None, timeout=20_000)
    matching = compare.compared.matching(0.5)
    assert matching.false_negatives + matching.false_positives == gone > 0

    dock.replay.panel.take.click()
    assert dock.replay.layer is None
    assert len(np.unique(layer.data)) == len(np.unique(before)) - gone
    np.testing.assert_array_equal(layer.data == by_hand, before == by_hand)
    settle(dock, qtbot)
    dock.next_image()
    dock.previous_image()
    assert len(labels_of(dock).features) == len(table) - gone


def test_a_list_that_is_drawn_once_more_after_the_dock_has_ended_makes_no_pictures(open_dock, folder):
    dock = open_dock(folder)
    model = dock.images.images
    dock.disconnect_all()
    assert not model.data(model.index(2, 0), Qt.ItemDataRole.DecorationRole).isNull()


def test_the_folder_that_is_open_can_be_opened_again(open_dock, folder, cells, qtbot):
    dock = open_dock(folder)
    labels_of(dock).paint((50, 60), 3)
    settle(dock, qtbot)
    tifffile.imwrite(folder / "field 3.tif", cells)  # a new image, while the folder is open
    dock.open_folder(folder)
    assert len(dock.annotating.states) == 4
    assert labels_of(dock).data[50, 60] == 3
    assert "another window" not in dock.status.value
    labels_of(dock).paint((150, 60), 4)
    settle(dock, qtbot)
    dock._close_folder()
    assert tifffile.imread(folder / "annotations" / "field 0.tif" / "labels.tif")[150, 60] == 4


def test_a_folder_that_cannot_be_opened_again_leaves_no_list(open_dock, folder):
    dock = open_dock(folder)
    for file in folder.glob("*.tif"):
        file.unlink()
    dock.open_folder(folder)
    assert "has no image in it" in dock.message
    assert dock.images.images.rowCount() == 0
    dock.next_image()
    assert dock.message.startswith("Open a folder")


def test_labels_being_made_again_end_with_their_folder_and_say_nothing_of_the_next(
    open_dock, folder, tmp_path_factory, qtbot
):
    other = tmp_path_factory.mktemp("other")
    shutil.copy(folder / "field 1.tif", other)
    dock = open_dock(folder)
    labels_of(dock).paint((50, 60), 3)
    settle(dock, qtbot)
    dock.replay.panel.expand()
    dock.replay.panel.again.click()
    dock.open_folder(other)
    qtbot.waitUntil(lambda: not dock.replay._runner.busy)
    assert dock.message == "field 1.tif: nothing is annotated yet."
    assert not (other / "annotations" / "replay.csv").exists()
    labels_of(dock).paint((50, 60), 3)
    settle(dock, qtbot)
    dock.replay.panel.again.click()
    qtbot.waitUntil(lambda: not dock.replay._runner.busy)
    assert dock.message.startswith("Made again: 1 image.")


def test_a_label_layer_that_was_removed_does_not_end_what_is_made_again_in_an_error(open_dock, folder, qtbot):
    dock = open_dock(folder)
    labels_of(dock).paint((50, 60), 3)
    settle(dock, qtbot)
    dock._viewer.layers.remove(labels_of(dock))
    dock.replay.panel.expand()
    dock.replay.panel.again.click()
    qtbot.waitUntil(lambda: not dock.replay._runner.busy)
    assert dock.message.startswith("Made again: 1 image.")


def test_keys_go_from_image_to_image_from_the_list_too_and_a_note_being_typed_is_kept(open_dock, folder, qtbot):
    dock = open_dock(folder, show=True)
    dock._viewer.window._qt_window.activateWindow()
    shift, alt = Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.AltModifier
    for widget in (dock.images, dock.note.native):
        dock.open_image(0)
        widget.setFocus()
        qtbot.waitUntil(widget.hasFocus)
        qtbot.keyClicks(widget, "x")
        qtbot.keyClick(widget, Qt.Key.Key_Right, alt)
        assert dock.annotating.current == 1, widget
    assert (dock.annotating.states[0].note, dock.note.value) == ("x", "")
    dock.images.setFocus()
    qtbot.keyClick(dock.images, Qt.Key.Key_Left, shift)
    assert (dock.annotating.current, dock.note.value) == (0, "x")


def test_objects_go_into_the_labels_of_the_folder_also_if_the_other_dock_is_opened_later(open_dock, folder, qtbot):
    dock = open_dock(folder)
    viewer = dock._viewer
    segment = FastSAMWidget(viewer)
    viewer.window.add_dock_widget(segment, name="FastSAM")
    assert segment.labels.value == labels_of(dock)
    channel = viewer.add_image(viewer.layers[0].data, name="another channel", metadata=viewer.layers[0].metadata)
    assert segment.image.value == channel
    assert segment.labels.value == labels_of(dock)
    viewer.add_image(viewer.layers[0].data, name="not of the folder")
    assert segment.labels.value is None
    segment.disconnect_all()
