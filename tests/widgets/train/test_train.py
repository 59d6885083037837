"""From layers to a model in the list; settings, mistakes and failures."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
from napari.utils.notifications import notification_manager
from qtpy.QtCore import QTimer

from napari_fastsam.model.weights import own_models
from napari_fastsam.widgets import FastSAMWidget
from napari_fastsam.widgets.train import process as train_process
from napari_fastsam.widgets.train.controls import FROM_SCRATCH, Plan
from napari_fastsam.widgets.train.dock import TrainWidget
from train_dock import wait, wait_for_epoch

# -------------------------------------------------------------------- training, faked


def test_from_layers_to_a_model_in_the_list(ready, log, folder, qtbot):
    dock = ready()
    fastsam = FastSAMWidget(dock._viewer)
    dock._viewer.window.add_dock_widget(fastsam, name="FastSAM")
    dock.actions.train_button.native.click()
    assert not dock.image.enabled
    assert dock.actions.train_button.text == "Cancel"
    wait(qtbot, dock)

    argv = json.loads(log.read_text())["argv"]
    assert argv[0] == "train"
    assert not Path(argv[1]).exists(), "the images are only there while they are needed"
    assert argv[2:] == [
        *("-o", str(folder / "cells.pt"), "--base", "auto"),
        *("--device", "auto", "--seed", "0", "--progress", "json"),
    ]
    assert json.loads(log.read_text())["nice"] >= min(os.getpriority(os.PRIO_PROCESS, 0) + 1, 19)
    assert "“cells” is trained: AP50 0.80, mean AP 0.50 on its own training images" in dock.message
    assert "as ever" in dock.status.value
    assert "as ever" in dock.reasons.text()
    assert [s.name for s in dock.run_view.loss.series] == ["box", "mask", "class", "dfl"]
    assert [s.points for s in dock.run_view.ap.series] == [((1, 0.6), (3, 0.8)), ((1, 0.3), (3, 0.5))]
    assert dock.image.enabled
    assert dock.actions.train_button.text == "Train"
    assert dock.model_name.value == "cells-2", "the next one gets a name of its own"
    assert "cells" in dock.base.choices

    assert "cells" in fastsam.model.choices
    assert fastsam.model.value == "nuclei", "what somebody works with is not changed"
    asked = notification_manager.records[-1]
    assert "Use it now?" in asked.message
    assert [text for text, _ in asked.actions] == ["Use it now", "Not now"]
    asked.actions[0][1](None)
    assert fastsam.model.value == "cells"
    assert fastsam.conf.value == 0.45
    qtbot.waitUntil(lambda: not fastsam._engine.runner.busy)
    fastsam.image.value = dock._viewer.layers["cells"]
    fastsam.task.value = "everything"
    assert fastsam.run(wait=True).found > 3
    fastsam.disconnect_all()


def test_use_it_now_opens_the_dock_that_is_not_open(make_napari_viewer, npe2pm, folder, log, qtbot, cells, truth):
    viewer = make_napari_viewer()
    viewer.add_image(cells, name="cells")
    viewer.add_labels(truth.copy())
    with npe2pm.tmp_plugin(package="napari-fastsam"):
        _, dock = viewer.window.add_plugin_dock_widget("napari-fastsam", "Train")
        dock.train()
        wait(qtbot, dock)
        dock.use()
        (fastsam,) = dock._docks_with_models()
        assert fastsam.model.value == "cells"
        qtbot.waitUntil(lambda: not fastsam._engine.runner.busy)
        dock.disconnect_all()
        fastsam.disconnect_all()


def test_settings_go_to_the_command(ready, log, qtbot):
    dock = ready()
    dock.base.value = FROM_SCRATCH
    dock.model_name.value = " mine "
    dock.advanced.epochs.value = 1
    dock.advanced.imgsz.value = 128
    dock.advanced.device.value = "cpu"
    dock.advanced.seed.value = 7
    dock.train()
    wait(qtbot, dock)
    argv = json.loads(log.read_text())["argv"]
    given = dict(zip(argv[2::2], argv[3::2], strict=True))
    assert given == {
        "-o": str(own_models.folder() / "mine.pt"),
        "--base": "yolov8n-seg.yaml",
        "--epochs": "1",
        "--imgsz": "128",
        "--device": "cpu",
        "--seed": "7",
        "--progress": "json",
    }


def test_the_arguments_are_those_of_the_real_command():
    """The words that the dock says are options of the command line."""
    from typer.main import get_command

    from napari_fastsam.cli import app

    options = {flag for option in get_command(app).commands["train"].params for flag in option.opts}
    said = Plan(Path("x.pt"), "nuclei", 1, 2).arguments(Path("data"))
    assert {word for word in said if word.startswith("-")} <= options


@pytest.mark.parametrize(
    ("name", "base", "said"),
    [
        ("nuclei", "nuclei", "is the name of a model of the plugin"),
        ("a/b", "nuclei", "cannot be the name of a file"),
        ("", "nuclei", "no name"),
        ("x", "FastSAM-s", "has not been downloaded"),
        ("x", "/nowhere/y.pt", "there is no file"),
    ],
)
def test_what_will_not_do_is_said_before_anything_is_written(ready, log, name, base, said):
    dock = ready()
    dock.model_name.value = name
    dock.base.value = base
    with notification_manager:
        dock.train()
    assert said in dock.message
    assert not dock.busy
    assert not log.exists()


def test_labels_without_an_object_are_said(open_dock, log, qtbot, cells):
    dock = open_dock()
    dock._viewer.layers["nuclei by hand"].data[:] = 0
    with notification_manager:
        dock.train()
        wait(qtbot, dock)
    assert "no annotated image" in dock.message
    assert not log.exists()
    assert dock.actions.train_button.text == "Train"


@pytest.mark.parametrize(
    ("does", "said"),
    [
        ("refuses", "these images will not do; draw more"),
        ("crashes", "crashed (signal 6): RuntimeError: out of memory"),
        ("crashes hard", "crashed (signal 9)"),
        ("silent", "ended with status 3 and without a model: a warning of some library"),
    ],
)
def test_a_failure_is_said_and_the_dock_goes_on(ready, log, folder, qtbot, monkeypatch, does, said):
    monkeypatch.setenv("FAKE_TRAINING", does)
    dock = ready()
    with notification_manager:
        dock.train()
        wait(qtbot, dock)
    assert said in dock.message
    assert not dock.actions.use_button.enabled
    assert own_models.files() == {}
    monkeypatch.setenv("FAKE_TRAINING", "")
    dock.train()
    wait(qtbot, dock)
    assert "is trained" in dock.message


def test_a_python_that_is_not_there_is_said(ready, qtbot, monkeypatch):
    monkeypatch.setattr(train_process, "program", lambda: ["/nowhere/python"])
    dock = ready()
    with notification_manager:
        dock.train()
        wait(qtbot, dock)
    assert "cannot be started with /nowhere/python" in dock.message


def test_the_window_answers_while_training_goes_on(ready, log, qtbot, monkeypatch):
    monkeypatch.setenv("FAKE_TRAINING", "endless")
    dock = ready()
    ticks: list[int] = []
    timer = QTimer()
    timer.timeout.connect(lambda: ticks.append(1))
    dock.train()
    wait_for_epoch(qtbot, dock)
    timer.start(10)
    qtbot.waitUntil(lambda: len(ticks) >= 20)
    timer.stop()
    assert dock.busy


# -------------------------------------------------------------------- training, for real


def test_a_real_training_beside_a_window_that_has_drawn(
    make_napari_viewer, plugin_settings, folder, qtbot, cells, truth
):
    """One epoch from the bundled model on two planes of a stack: shorter than of use, long enough to meet it all."""
    viewer = make_napari_viewer(show=True)  # the trainer's imports would crash a process that has drawn
    corners = [(slice(90, 218), slice(60, 188)), (slice(90, 218), slice(180, 308))]
    viewer.add_image(np.stack([cells[c] for c in corners]), name="small", contrast_limits=(0, 80))
    viewer.add_labels(np.stack([truth[c] for c in corners]), name="by hand")
    fastsam = FastSAMWidget(viewer)
    viewer.window.add_dock_widget(fastsam, name="FastSAM")
    dock = TrainWidget(viewer)
    viewer.window.add_dock_widget(dock, name="Train")
    dock.base.value = "nuclei"
    dock.advanced.epochs.value, dock.advanced.imgsz.value, dock.advanced.device.value = 1, 64, "cpu"
    ticks: list[int] = []
    timer = QTimer()
    timer.timeout.connect(lambda: ticks.append(1))
    timer.start(20)
    dock.train()
    qtbot.waitUntil(lambda: not dock.busy, timeout=600_000)
    timer.stop()

    assert "“small” is trained" in dock.message
    assert len(ticks) > 20, "the window did not answer while it was trained"
    assert [len(s.points) for s in dock.run_view.loss.series] == [1] * len(dock.run_view.loss.series)
    assert len(dock.run_view.loss.series) == 4
    assert all(0 < s.points[0][1] <= 1 for s in dock.run_view.ap.series)
    (model,) = own_models.own_models()
    assert (model.name, model.problem) == ("small", "")
    assert model.card.base == "nuclei"
    assert model.card.object_diameter == pytest.approx(26, abs=6)

    qtbot.waitUntil(lambda: not fastsam._engine.runner.busy)
    dock.use()
    assert "by hand" not in fastsam.about.card.text()
    assert "nuclei" in fastsam.about.card.text()
    fastsam.task.value = "everything"
    summary = fastsam.run(wait=True)
    drawn = len(np.unique(viewer.layers["by hand"].data[viewer.dims.current_step[0]])) - 1
    assert summary.found == pytest.approx(drawn, abs=1)
    dock.disconnect_all()
    fastsam.disconnect_all()
