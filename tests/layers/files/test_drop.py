"""Files dropped on the window of napari: the events of a real drop, with the readers of napari itself beside ours."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from napari._qt.dialogs.qt_reader_dialog import QtReaderDialog
from napari.layers import Labels
from qtpy.QtCore import QMimeData, QPointF, Qt, QTimer, QUrl
from qtpy.QtGui import QDragEnterEvent, QDropEvent
from qtpy.QtWidgets import QApplication, QRadioButton

from napari_fastsam.core.results.result import ArrayLabels, ResultObject, SegmentationResult
from napari_fastsam.io.formats import registry

NAME = "napari-fastsam"
LABELS = np.zeros((40, 50), np.int32)
LABELS[5:20, 5:20], LABELS[10:14, 10:14], LABELS[22:30, 30:49] = 1, 0, 2


@pytest.fixture
def plugins(npe2pm) -> Iterator[None]:
    with npe2pm.tmp_plugin(package="napari"), npe2pm.tmp_plugin(package=NAME):
        yield


@pytest.fixture
def choose_ours(qapp) -> Iterator[list[str]]:
    """Choose this plugin wherever napari asks with which to open a file; the list tells what it offered."""
    offered: list[str] = []

    def answer() -> None:
        for dialog in QApplication.topLevelWidgets():
            if isinstance(dialog, QtReaderDialog) and dialog.isVisible():
                buttons = dialog.findChildren(QRadioButton)
                offered[:] = [button.text() for button in buttons]
                next(button for button in buttons if button.text() == NAME).setChecked(True)
                dialog.accept()

    timer = QTimer()
    timer.timeout.connect(answer)
    timer.start(20)
    yield offered
    timer.stop()


@pytest.fixture
def viewer(make_napari_viewer: Callable[..., Any], plugins: None) -> Any:
    viewer = make_napari_viewer(show=True)
    viewer.add_image(np.zeros(LABELS.shape), name="cells", scale=(0.5, 0.5), translate=(3, 4), units=("um", "um"))
    viewer.add_image(np.zeros((5, 5)), name="another", units=("um", "um"))
    return viewer


def drop(viewer: Any, path: Path) -> None:
    view = viewer.window._qt_viewer
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(path))])
    middle = QPointF(view.width() / 2, view.height() / 2)
    how = (Qt.DropAction.CopyAction, mime, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier)
    entering = QDragEnterEvent(middle.toPoint(), *how)
    QApplication.sendEvent(view, entering)
    assert entering.isAccepted()
    QApplication.sendEvent(view, QDropEvent(middle, *how))


@pytest.mark.parametrize("name", sorted(f.name for f in registry.writers() if "labels" in f.holds or f.name == "yolo"))
def test_what_is_dropped_lies_on_its_image(name: str, viewer: Any, tmp_path: Path, choose_ours: list[str]) -> None:
    path = tmp_path / f"cells{registry.FORMATS[name].ending}"
    result = SegmentationResult(ArrayLabels(LABELS), [ResultObject(1, 0.5, "a"), ResultObject(2)], image="cells.png")
    registry.writer(name).write(result, path)
    drop(viewer, path)
    assert len(viewer.layers) == 3
    layer = viewer.layers[-1]
    assert isinstance(layer, Labels)
    np.testing.assert_array_equal(layer.data, LABELS)
    np.testing.assert_array_equal(layer.extent.world, viewer.layers["cells"].extent.world)
    # of all others napari's own reader says that it reads them too, and then the user is asked
    assert bool(choose_ours) == (name not in ("coco", "coco-polygons", "geojson", "imagej"))


def test_the_data_yaml_is_dropped_as_well(viewer: Any, tmp_path: Path, choose_ours: list[str]) -> None:
    registry.writer("yolo").write(SegmentationResult(ArrayLabels(LABELS), image="cells.png"), tmp_path / "set")
    drop(viewer, tmp_path / "set" / "data.yaml")
    np.testing.assert_array_equal(viewer.layers[-1].data, LABELS)
    assert not choose_ours
