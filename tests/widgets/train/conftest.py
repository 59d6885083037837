"""The dock *Train* beside a stand-in for the training, which writes down what it was told."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from napari_fastsam.model.weights import own_models
from napari_fastsam.widgets.train import process as train_process
from napari_fastsam.widgets.train.dock import TrainWidget
from train_dock import FAKE


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of own models."""
    there = tmp_path / "models"
    monkeypatch.setenv(own_models.FOLDER_VARIABLE, str(there))
    return there


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Makes every training a fake one; the file that it writes how it was called to."""
    file = tmp_path / "called.json"
    monkeypatch.setenv("FAKE_TRAINING_LOG", str(file))
    monkeypatch.setattr(train_process, "program", lambda: [sys.executable, str(FAKE)])
    return file


@pytest.fixture
def open_dock(make_napari_viewer, plugin_settings, folder, qtbot, cells, truth):
    """Opens a viewer with an image, its labels and the dock."""
    docks: list[TrainWidget] = []

    def open_(layers: bool = True, **viewer_options: Any) -> TrainWidget:
        viewer = make_napari_viewer(**viewer_options)
        if layers:
            viewer.add_image(cells, name="cells", contrast_limits=(0, 80))
            viewer.add_labels(truth.copy(), name="nuclei by hand")
        dock = TrainWidget(viewer)
        viewer.window.add_dock_widget(dock, name="Train")
        docks.append(dock)
        return dock

    yield open_
    for dock in docks:
        process = dock._process
        dock.disconnect_all()
        if process is not None:
            process.finish(1)


@pytest.fixture
def ready(open_dock, qtbot):
    """A dock with one pair, counted, and a fast fake training in sight."""

    def make(**options: Any) -> TrainWidget:
        dock = open_dock(**options)
        dock.add_pair()
        qtbot.waitUntil(lambda: not dock.pairs.busy)
        return dock

    return make
