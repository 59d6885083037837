"""What goes wrong while a folder is annotated: full disks, windows side by side, files that others change."""

from __future__ import annotations

import json
import os
import shutil
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import tifffile

from annotating_folders import labels_of, names, settle
from napari_fastsam.io.results.results import OutputError
from napari_fastsam.layers.projects import annotating
from napari_fastsam.layers.prompts.new import new_points
from napari_fastsam.widgets.project import AnnotateFolderWidget

FIRST = "field 0.tif"


def saved(dock: AnnotateFolderWidget, qtbot: Any) -> None:
    qtbot.waitUntil(lambda: dock.annotating.collect() == [] and not dock.annotating.is_saving)


def full(*_: Any) -> None:
    raise OutputError("journal.bin cannot be written: No space left on device; make room there")


def write_labels(folder: Path, labels: np.ndarray) -> None:
    """Write labels of the first image, as another program does."""
    there = folder / "annotations" / FIRST
    there.mkdir(parents=True)
    tifffile.imwrite(there / "labels.tif", labels, photometric="minisblack")


# -------------------------------------------------------------------- full disks


def test_an_image_whose_last_step_cannot_be_written_is_not_left(open_dock, folder, qtbot, monkeypatch):
    dock = open_dock(folder)
    dock.note.value = "of the first"
    dock.note.native.editingFinished.emit()
    with monkeypatch.context() as patch:
        patch.setattr(dock.annotating.opened._folder, "append", full)
        labels_of(dock).paint((50, 60), 3)
        settle(dock, qtbot)
        dock.next_image()
        assert dock.message.startswith(f"{FIRST} stays in the viewer")
        assert dock.annotating.current == 0
        assert labels_of(dock).data[50, 60] == 3
    dock.next_image()
    assert (dock.annotating.current, dock.note.value) == (1, "")
    dock.next_image()
    assert [state.note for state in dock.annotating.states] == ["of the first", "", ""]
    dock.open_image(0)
    assert labels_of(dock).data[50, 60] == 3


def test_layers_of_what_cannot_be_written_stay_in_the_viewer_when_the_dock_closes(
    open_dock, folder, qtbot, monkeypatch
):
    dock = open_dock(folder)
    monkeypatch.setattr(dock.annotating.opened._folder, "append", full)
    labels = labels_of(dock)
    labels.paint((50, 60), 3)
    settle(dock, qtbot)
    dock.disconnect_all()
    assert labels in dock._viewer.layers


def test_a_list_of_classes_that_cannot_be_written_leaves_no_layers_behind(open_dock, folder, qtbot, monkeypatch):
    dock = open_dock(folder)
    labels_of(dock).paint((50, 60), 3)
    labels_of(dock).metadata = {**labels_of(dock).metadata, "napari-fastsam classes": [{"name": "round"}]}
    settle(dock, qtbot)
    monkeypatch.setattr(dock.annotating.project, "write", full)
    dock.next_image()
    assert (dock.annotating.current, names(dock)) == (1, ["field 1.tif", "labels"])
    assert any("make room" in str(error) for error in dock.annotating.collect())
    dock.previous_image()
    assert labels_of(dock).data[50, 60] == 3


# -------------------------------------------------------------------- from image to image


def test_what_is_read_ahead_and_not_wanted_any_more_waits_for_nothing(open_dock, folder, cells, qtbot, monkeypatch):
    for i in range(3, 6):
        tifffile.imwrite(folder / f"field {i}.tif", cells)
    dock = open_dock(folder)
    dock._look_ahead.stop()
    go, read, main = threading.Event(), annotating.read_image, threading.current_thread()

    def slow(*arguments: Any) -> Any:
        if threading.current_thread() is not main:
            go.wait()
        return read(*arguments)

    monkeypatch.setattr(annotating, "read_image", slow)
    for place in (1, 3, 2):  # the first is read slowly, and the second would be read once it was left
        dock.annotating.read_ahead(place)
    dock.open_image(3)
    dock._look_ahead.stop()
    labels_of(dock).paint((50, 60), 3)
    dock._keep()
    dock.open_image(4)
    dock._look_ahead.stop()
    go.set()
    saved(dock, qtbot)
    assert tifffile.imread(folder / "annotations" / "field 3.tif" / "labels.tif")[50, 60] == 3


def test_what_was_saved_of_an_image_does_not_hide_how_far_it_is_by_now(open_dock, folder, qtbot):
    dock = open_dock(folder)
    labels_of(dock).paint((50, 60), 3)
    dock.next_image()
    dock._collect_soon.stop()
    dock.previous_image()
    dock._collect_soon.stop()
    labels_of(dock).paint((150, 60), 4)
    dock._keep()
    saved(dock, qtbot)
    assert dock.annotating.states[0].objects == 2


def test_a_note_that_is_being_typed_is_kept_when_the_dock_closes(open_dock, folder):
    dock = open_dock(folder)
    dock.note.value = "typed"
    dock.disconnect_all()
    assert json.loads((folder / "annotations" / FIRST / "state.json").read_text())["note"] == "typed"


def test_prompts_of_another_image_that_has_other_axes_are_left_alone(folder, make_napari_viewer, qtbot, cells):
    viewer = make_napari_viewer()
    points = viewer.add_layer(new_points(viewer.add_image(np.stack([cells] * 3), name="stack")))
    points.add([(1, 5, 5)])
    dock = AnnotateFolderWidget(viewer)
    viewer.window.add_dock_widget(dock, name="Annotate a folder")
    try:
        dock.open_folder(folder)
        labels_of(dock).paint((50, 60), 3)
        dock.next_image()
        saved(dock, qtbot)
        assert dock.annotating.current == 1
        assert points.data.tolist() == [[1, 5, 5]]
        assert json.loads((folder / "annotations" / FIRST / "prompts.json").read_text()) == {}
    finally:
        dock.disconnect_all()
    assert points in viewer.layers


def test_a_slider_beyond_the_planes_of_the_labels_ends_no_saving(open_dock, tmp_path, cells, qtbot):
    tifffile.imwrite(tmp_path / "stack.tif", np.stack([cells] * 3), photometric="minisblack")
    dock = open_dock(tmp_path)
    dock._viewer.add_image(np.zeros((9, 256, 320), np.uint8), name="longer")
    dock._viewer.dims.set_current_step(0, 7)
    labels_of(dock).data_setitem((np.array([1]), np.array([50]), np.array([60])), 3)
    labels_of(dock).refresh()
    settle(dock, qtbot)
    found = dock.annotating.project.images[0].annotations().load(writable=False)
    assert found.annotation.labels[1, 50, 60] == 3


def test_a_layer_that_is_hidden_stays_hidden_in_the_next_image(open_dock, folder):
    dock = open_dock(folder)
    image, labels = dock._viewer.layers
    image.visible = False
    dock.next_image()
    assert list(dock._viewer.layers) == [image, labels]
    assert (image.visible, labels.visible) == (False, True)


# -------------------------------------------------------------------- planes apart


@pytest.fixture
def stack(tmp_path_factory: pytest.TempPathFactory, cells: np.ndarray) -> Path:
    folder: Path = tmp_path_factory.mktemp("stack")
    tifffile.imwrite(folder / "stack.tif", np.stack([cells] * 3), photometric="minisblack")
    return folder


def test_planes_apart_of_one_folder_do_not_count_for_the_next(open_dock, folder, stack, tmp_path_factory):
    other = tmp_path_factory.mktemp("other") / "copy"
    shutil.copytree(stack, other)
    dock = open_dock(folder)
    dock.planes.value = True
    dock.open_folder(stack)
    assert len(dock.annotating.states) == 3
    dock.open_folder(other)
    assert len(dock.annotating.states) == 1
    assert not dock.planes.value
    dock.open_folder(stack)
    assert (len(dock.annotating.states), dock.planes.value) == (3, True)


def test_planes_that_are_apart_can_be_put_together_again(open_dock, folder, stack):
    dock = open_dock(folder)
    dock.planes.value = True
    dock.open_folder(stack)
    dock.planes.value = False
    dock.open_folder(stack)
    assert len(dock.annotating.states) == 1


# -------------------------------------------------------------------- files that others change


def test_what_is_restored_counts_as_begun(open_dock, folder, qtbot, tmp_path_factory):
    dock = open_dock(folder)
    labels_of(dock).paint((50, 60), 3)
    settle(dock, qtbot)
    killed = tmp_path_factory.mktemp("killed") / "copy"  # as the disk is when the process is killed now
    shutil.copytree(folder, killed)
    again = open_dock(killed)
    again.next_image()
    saved(again, qtbot)
    assert again.annotating.states[0].state == "in work"


def test_labels_of_another_program_are_counted_and_keep_their_numbers(open_dock, folder, cells):
    labels = np.zeros(cells.shape, np.uint32)
    labels[5:10, 5:10], labels[50:60, 50:60] = 3_000_000_000, 7
    write_labels(folder, labels)
    dock = open_dock(folder)
    np.testing.assert_array_equal(labels_of(dock).data, labels)
    assert dock.message == f"{FIRST}: 2 objects."
    assert (dock.annotating.states[0].state, dock.annotating.states[0].objects) == ("in work", 2)


@pytest.mark.parametrize("shape", [(3, 256, 320), (100, 100), (2, 3, 256, 320)])
def test_labels_of_other_axes_are_shown_and_the_next_image_follows(open_dock, folder, shape):
    labels = np.zeros(shape, np.uint16)
    labels[..., 5:10] = 3
    write_labels(folder, labels)
    dock = open_dock(folder)
    assert labels_of(dock).data.shape == shape
    dock.next_image()
    assert names(dock) == ["field 1.tif", "labels"]


def test_an_image_that_is_replaced_while_it_is_open_is_said(open_dock, folder, qtbot):
    dock = open_dock(folder)
    labels_of(dock).paint((50, 60), 3)
    settle(dock, qtbot)
    tifffile.imwrite(folder / FIRST, np.zeros((64, 64), np.uint8))
    dock.next_image()
    saved(dock, qtbot)
    dock.previous_image()
    assert "changed or replaced" in dock.status.value


def test_an_annotated_image_that_was_removed_is_said(open_dock, folder, qtbot):
    dock = open_dock(folder)
    labels_of(dock).paint((50, 60), 3)
    dock.next_image()
    saved(dock, qtbot)
    (folder / FIRST).unlink()
    dock.open_folder(folder)
    assert f"not in {folder.name} any more: {FIRST}" in dock.status.value


def test_names_that_are_no_text_and_long_ones_are_annotated_listed_and_written(open_dock, tmp_path, cells, qtbot):
    for name in (b"f\xe9.tif", "größe 日本.tif".encode(), b"x" * 251 + b".tif"):
        tifffile.imwrite(tmp_path / "plain.tif", cells)
        try:
            os.rename(tmp_path / "plain.tif", os.fsencode(tmp_path) + b"/" + name)
        except OSError:
            pytest.skip("a file system of other names")
    dock = open_dock(tmp_path)
    for _ in range(3):
        labels_of(dock).paint((50, 60), 3)
        settle(dock, qtbot)
        dock.next_image()
    saved(dock, qtbot)
    assert [state.objects for state in dock.annotating.states] == [1, 1, 1]
    table = pd.read_csv(dock.save_effort(tmp_path / "effort.csv"))
    assert table["name"].tolist()[0] == "f\\udce9.tif"
    dock.replay.panel.expand()
    dock.replay.panel.again.click()
    qtbot.waitUntil(lambda: not dock.replay._runner.busy)
    assert dock.message.startswith("Made again: 3 images.")


def test_layers_that_were_removed_by_hand_come_back_when_the_image_is_chosen_again(open_dock, folder, qtbot):
    dock = open_dock(folder)
    labels_of(dock).paint((50, 60), 3)
    dock._viewer.layers.remove(labels_of(dock))
    dock.open_image(0)
    assert names(dock) == [FIRST, "labels"]
    assert labels_of(dock).data[50, 60] == 3
    labels_of(dock).paint((150, 60), 4)
    settle(dock, qtbot)
    saved(dock, qtbot)
    dock.next_image()
    dock.previous_image()
    assert set(np.unique(labels_of(dock).data)) == {0, 3, 4}


def test_an_image_that_cannot_be_read_when_it_is_chosen_again_leaves_no_layers_behind(open_dock, folder, qtbot):
    dock = open_dock(folder)
    labels_of(dock).paint((50, 60), 3)
    dock._viewer.layers.remove(labels_of(dock))
    (folder / FIRST).unlink()
    dock.open_image(0)
    assert FIRST in dock.message
    dock.next_image()
    assert names(dock) == ["field 1.tif", "labels"]
    saved(dock, qtbot)
    assert tifffile.imread(folder / "annotations" / FIRST / "labels.tif")[50, 60] == 3


def test_the_keys_get_past_images_that_cannot_be_read(open_dock, folder):
    for name in (FIRST, "field 1.tif"):
        (folder / name).write_bytes(b"nothing")
    dock = open_dock(folder)
    assert dock.annotating.current is None
    dock.next_image()
    assert "field 1.tif" in dock.message
    dock.next_image()
    assert dock.annotating.current == 2
    dock.previous_image()
    assert (dock.annotating.current, "field 1.tif" in dock.message) == (2, True)
    dock.next_image()
    assert (dock.annotating.current, dock.message) == (2, "This is the last image.")
    dock.previous_image()
    assert FIRST in dock.message
