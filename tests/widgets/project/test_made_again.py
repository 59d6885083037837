"""*Labels made again* in the dock: what may be taken, what is kept, and what can be taken back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from qtpy.QtCore import Qt

from napari_fastsam.io.projects.replays import read_replay

NUCLEUS = (126, 94)


@pytest.fixture
def folder(annotated: Any, cells: np.ndarray, tmp_path: Path) -> Any:
    for i in range(2):
        tifffile.imwrite(tmp_path / f"field {i}.tif", cells)
    return annotated(tmp_path)


def stored(folder: Any, place: int) -> Any:
    return read_replay(folder.dock.annotating.project.images[place].folder)


def test_nothing_is_taken_or_forgotten_where_another_window_writes(folder, open_dock):
    folder.accept(NUCLEUS)
    folder.go_on()
    folder.accept(NUCLEUS)
    folder.make_again(0.1)
    second = open_dock(folder.dock.annotating.project.folder)
    second.replay.panel.expand()
    for button in (second.replay.panel.take_all, second.replay.panel.take, second.replay.panel.discard):
        button.click()
        assert "another window" in second.message
        assert stored(folder, 0) is not None
        assert stored(folder, 1) is not None


def test_all_others_are_taken_where_the_open_one_was_changed(folder):
    folder.accept(NUCLEUS)
    folder.go_on()
    folder.accept(NUCLEUS)
    folder.make_again(0.1)
    folder.labels.paint((5, 5), 99)
    folder.dock.replay.panel.take_all.click()
    assert folder.dock.message.startswith("Taken in 1 image. field 1.tif: its labels were changed")
    assert stored(folder, 0) is None
    assert folder.labels.data[5, 5] == 99


def test_what_is_said_of_objects_meanwhile_is_not_lost(folder):
    folder.accept(NUCLEUS)
    folder.make_again(0.1)
    folder.labels.features = folder.labels.features.assign(mine="round")
    folder.dock.replay.panel.take.click()
    assert "changed since" in folder.dock.message
    assert folder.labels.features["mine"].tolist() == ["round"]
    folder.make_again(0.1)
    classes = [{"name": "round"}]
    folder.labels.metadata = {**folder.labels.metadata, "napari-fastsam classes": classes}
    folder.dock.replay.panel.take.click()
    assert stored(folder, 0) is None
    assert folder.labels.features["mine"].tolist() == ["round"]
    assert folder.labels.metadata["napari-fastsam classes"] == classes


def test_what_is_taken_can_be_taken_back(folder):
    folder.accept(NUCLEUS)
    before, features = folder.labels.data.copy(), folder.labels.features.copy()
    folder.make_again(0.99)
    folder.dock.replay.panel.take.click()
    after = folder.labels.data.copy()
    assert (after != before).any()
    folder.fastsam.undo()
    np.testing.assert_array_equal(folder.labels.data, before)
    assert folder.labels.features.equals(features)
    folder.fastsam.redo()
    np.testing.assert_array_equal(folder.labels.data, after)
    folder.labels.undo()
    np.testing.assert_array_equal(folder.labels.data, before)


def test_channels_of_one_name_are_told_apart(annotated, cells, tmp_path):
    upside_down = np.ascontiguousarray(cells[::-1])
    stack = np.stack([cells, upside_down]).astype(np.uint16)
    tifffile.imwrite(tmp_path / "two.tif", stack, imagej=True, metadata={"axes": "CYX"})
    folder = annotated(tmp_path)
    first = folder.viewer.layers[0]
    assert [layer.name for layer in folder.viewer.layers] == ["two.tif", "two.tif [1]", "labels"]
    folder.fastsam.image.value, folder.fastsam.labels.value = first, folder.labels
    folder.bench.settle()
    folder.accept(NUCLEUS)
    before = folder.labels.data.copy()
    folder.make_again(-0.05)
    np.testing.assert_array_equal(stored(folder, 0).annotation.labels, before)


def test_a_model_that_was_made_meanwhile_is_offered(open_dock, tmp_path, cells, monkeypatch, tmp_path_factory, qtbot):
    models = tmp_path_factory.mktemp("models")
    monkeypatch.setenv("NAPARI_FASTSAM_MODELS", str(models))
    tifffile.imwrite(tmp_path / "field.tif", cells)
    panel = open_dock(tmp_path).replay.panel
    panel.expand()
    box = panel.model.native
    box.setCurrentText("nuclei")
    (models / "mine.pt").touch()
    qtbot.mousePress(box, Qt.MouseButton.LeftButton)
    assert box.findText("mine") > 0
    assert panel.asked.model == "nuclei"
    box.hidePopup()
