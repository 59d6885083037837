"""From a folder to an annotated experiment, as a person does it: clicks, classes, a crash, review, files, a table."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import tifffile
from qtpy.QtCore import QEvent, QPointF, Qt
from qtpy.QtGui import QMouseEvent
from qtpy.QtWidgets import QApplication

from napari_fastsam.io.formats.registry import read_labels
from napari_fastsam.widgets.classes import ClassesWidget
from napari_fastsam.widgets.project import AnnotateFolderWidget
from napari_fastsam.widgets.review import ReviewWidget

NUCLEI = ((126, 94), (147, 244))


class Window:
    """A window with all docks on a folder, and a person's mouse and keys."""

    def __init__(self, bench: Any, folder: Path) -> None:
        self.bench = bench(None, show=True)
        self.viewer, self.qtbot = self.bench.viewer, self.bench.qtbot
        self.folder = AnnotateFolderWidget(self.viewer)
        self.classes, self.review = ClassesWidget(self.viewer), ReviewWidget(self.viewer)
        for dock, name in ((self.folder, "Annotate a folder"), (self.classes, "Classes"), (self.review, "Review")):
            self.viewer.window.add_dock_widget(dock, name=name, tabify=True)
        self.folder.open_folder(folder)
        self.settle()

    @property
    def labels(self) -> Any:
        return self.folder.annotating.opened.labels

    def settle(self) -> None:
        self.bench.settle()
        self.qtbot.waitUntil(lambda: not self.folder._keep_soon.isActive() and not self.review._work.busy)
        self.qtbot.wait(50)

    def key_at(self, yx: tuple[int, int], key: Any) -> None:
        native, at, none = self.bench.canvas.native, self.bench.at(yx), Qt.MouseButton.NoButton
        where = QPointF(at), QPointF(native.mapToGlobal(at))
        QApplication.sendEvent(
            native, QMouseEvent(QEvent.Type.MouseMove, *where, none, none, Qt.KeyboardModifier.NoModifier)
        )
        QApplication.processEvents()
        self.qtbot.keyClick(native, key)
        self.settle()

    def key(self, key: Any, modifier: Any = Qt.KeyboardModifier.NoModifier) -> None:
        self.qtbot.keyClick(self.bench.canvas.native, key, modifier)
        self.qtbot.keyRelease(self.bench.canvas.native, Qt.Key.Key_Shift)
        self.settle()

    def close(self) -> None:
        for dock in (self.review, self.classes, self.folder):
            dock.disconnect_all()


@pytest.fixture
def window(bench):
    made: list[Window] = []

    def make(folder: Path) -> Window:
        made.append(Window(bench, folder))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def folder(cells, tmp_path):
    """Three images."""
    there = tmp_path / "experiment"
    there.mkdir()
    for i in range(3):
        tifffile.imwrite(there / f"field {i}.tif", np.roll(cells, 20 * i, 1))
    return there


def test_a_folder_is_annotated_killed_restored_reviewed_and_exported(window, folder, cells, tmp_path):
    # two objects by clicks, with classes by keys
    w = window(folder)
    w.classes.add_class("round")
    w.classes.add_class("long")
    points, _ = w.bench.prompts()
    w.viewer.layers.selection.active, points.mode = points, "add"
    for place in NUCLEI:
        w.bench.mouse_click(place)
    w.key(Qt.Key.Key_Return, Qt.KeyboardModifier.ShiftModifier)
    numbers = [int(w.labels.data[place]) for place in NUCLEI]
    assert all(numbers)
    assert len(set(numbers)) == 2
    w.key_at(NUCLEI[0], Qt.Key.Key_1)
    w.key_at(NUCLEI[1], Qt.Key.Key_2)
    expected = w.labels.data.copy()

    # killed: the disk is as it is now
    crashed = tmp_path / "crashed"
    shutil.copytree(folder, crashed)
    w.close()
    again = window(crashed)
    assert "restored" in again.folder.message
    np.testing.assert_array_equal(again.labels.data, expected)
    table = again.labels.features.set_index("index")
    assert table.loc[numbers, "class"].tolist() == ["round", "long"]
    assert [one.name for one in again.classes.classing.classes.classes] == ["round", "long"], "and the list of classes"

    # reviewed: one is right, one is wrong
    again.review.labels_layer.value = again.labels
    again.settle()
    again.viewer.layers.selection.active = again.labels
    first = again.review.current.label
    again.key(Qt.Key.Key_R)
    again.key(Qt.Key.Key_W)
    answers = again.labels.features.set_index("index")["review"]
    assert answers[first] == "right"
    assert sorted(answers) == ["right", "wrong"]

    # done, exported, counted
    again.bench.dock.written.format.value = "geojson"
    exported = again.bench.dock.export(tmp_path / "field 0.geojson")
    kinds = {found.class_name for found in read_labels(exported, cells.shape).objects}
    again.folder.done()
    assert again.folder.annotating.current == 1
    assert again.folder.annotating.project.about["classes"], "the next image has the classes"
    again.qtbot.waitUntil(lambda: again.folder.annotating.collect() == [] and not again.folder.annotating.is_saving)
    effort = again.folder.save_effort(tmp_path / "effort.csv")
    again.close()
    assert kinds == {"round", "long"}
    there = crashed / "annotations" / "field 0.tif"
    saved = pd.read_csv(there / "features.csv").set_index("index")
    assert saved.loc[numbers, "class"].tolist() == ["round", "long"]
    np.testing.assert_array_equal(tifffile.imread(there / "labels.tif"), expected)
    row = pd.read_csv(effort).set_index("name").loc["field 0.tif"]
    assert (row["objects"], row["checked"], row["right_share"], row["untouched_share"]) == (2, 2, 0.5, 1)
    assert row["clicks"] >= 5
