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


def annotated(w: Window) -> list[int]:
    """Make two objects by clicks, and give them classes by keys; returns their numbers."""
    w.classes.add_class("round")
    w.classes.add_class("long")
    points, _ = w.bench.prompts()
    w.viewer.layers.selection.active, points.mode = points, "add"
    for place in NUCLEI:
        w.bench.mouse_click(place)
    w.key(Qt.Key.Key_Return, Qt.KeyboardModifier.ShiftModifier)
    w.key_at(NUCLEI[0], Qt.Key.Key_1)
    w.key_at(NUCLEI[1], Qt.Key.Key_2)
    return [int(w.labels.data[place]) for place in NUCLEI]


def reviewed(w: Window) -> None:
    """Say by keys that the first object is right, and the other one wrong."""
    w.review.labels_layer.value = w.labels
    w.settle()
    w.viewer.layers.selection.active = w.labels
    first = w.review.current.label
    w.key(Qt.Key.Key_R)
    w.key(Qt.Key.Key_W)
    answers = w.labels.features.set_index("index")["review"]
    assert answers[first] == "right"
    assert sorted(answers) == ["right", "wrong"]


def classes_in(table: pd.DataFrame, numbers: list[int]) -> list[str]:
    return table.set_index("index").loc[numbers, "class"].tolist()


def test_a_folder_is_annotated_killed_restored_reviewed_and_exported(window, cells, tmp_path):
    folder, crashed = tmp_path / "experiment", tmp_path / "crashed"
    folder.mkdir()
    for i in range(3):
        tifffile.imwrite(folder / f"field {i}.tif", np.roll(cells, 20 * i, 1))
    w = window(folder)
    numbers = annotated(w)
    assert len(set(numbers) - {0}) == 2
    expected = w.labels.data.copy()

    shutil.copytree(folder, crashed)  # as the disk is if it is killed now
    w.close()
    w = window(crashed)
    assert "restored" in w.folder.message
    np.testing.assert_array_equal(w.labels.data, expected)
    assert classes_in(w.labels.features, numbers) == ["round", "long"]
    assert w.classes.classing.classes.names == ("round", "long"), "and the list of classes"

    reviewed(w)
    w.bench.dock.written.format.value = "geojson"
    exported = w.bench.dock.export(tmp_path / "field 0.geojson")
    assert {found.class_name for found in read_labels(exported, cells.shape).objects} == {"round", "long"}
    w.folder.done()
    assert w.folder.annotating.current == 1
    assert w.folder.annotating.project.about["classes"], "the next image has the classes"
    w.qtbot.waitUntil(lambda: w.folder.annotating.collect() == [] and not w.folder.annotating.is_saving)
    effort = w.folder.save_effort(tmp_path / "effort.csv")
    w.close()

    there = crashed / "annotations" / "field 0.tif"
    assert classes_in(pd.read_csv(there / "features.csv"), numbers) == ["round", "long"]
    np.testing.assert_array_equal(tifffile.imread(there / "labels.tif"), expected)
    row = pd.read_csv(effort).set_index("name").loc["field 0.tif"]
    assert (row["objects"], row["checked"], row["right_share"], row["untouched_share"]) == (2, 2, 0.5, 1)
    assert row["clicks"] >= 5
