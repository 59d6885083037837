"""The dock *Train*: from layers to a model in the list, with a fake training process where time matters.

The fake (`fake_training.py`) speaks the words of the real one. One test at the end trains for real.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from napari.utils.notifications import notification_manager
from qtpy.QtCore import QCoreApplication, QTimer

from napari_fastsam.io.annotations.datasets import read_dataset
from napari_fastsam.model.weights import own_models
from napari_fastsam.widgets import FastSAMWidget
from napari_fastsam.widgets.train import process as train_process
from napari_fastsam.widgets.train.controls import FROM_SCRATCH, Plan
from napari_fastsam.widgets.train.dock import TrainWidget

FAKE = Path(__file__).parent / "fake_training.py"


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


def wait(qtbot, dock: TrainWidget) -> None:
    qtbot.waitUntil(lambda: not dock.busy)


def wait_for_epoch(qtbot, dock: TrainWidget) -> None:
    qtbot.waitUntil(lambda: len(dock.run_view.loss.series) == 4)


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def pid_in(log: Path) -> int:
    return int(json.loads(log.read_text())["pid"])


# -------------------------------------------------------------------- pairs


def test_an_empty_viewer_is_told_what_to_do(open_dock):
    dock = open_dock(layers=False)
    assert "Open an image" in dock.message
    dock.train()
    assert "Open an image" in dock.message
    dock._viewer.add_image(np.zeros((8, 8)))
    dock.add_pair()
    assert "no Labels layer yet" in dock.message
    dock.save_data()
    assert "No pairs yet" in dock.message
    assert "No pairs yet" in dock.pairs.summary.text()


def test_every_control_says_what_it_is_for(open_dock):
    dock = open_dock()
    controls = [*dock, *dock.pair_buttons, *dock.advanced, *dock.actions]
    without = [c.name for c in controls if not c.tooltip and c.name != "pair_buttons"]
    assert without == []
    for widget in (dock.pairs.table, dock.run_view.loss, dock.run_view.ap, dock.run_view.bar):
        assert widget.toolTip()


def test_a_pair_is_counted_and_gives_the_model_its_name(ready, truth):
    dock = ready()
    table = dock.pairs.table
    texts = [table.rows.data(table.rows.index(0, column)) for column in range(3)]
    objects = len(np.unique(truth)) - 1
    assert texts == ["cells", "nuclei by hand", f"1 image · {objects} objects"]
    assert dock.model_name.value == "cells"
    dock.add_pair()
    assert table.rows.rowCount() == 1
    assert "in the list already" in dock.message


def test_numbers_follow_what_is_painted(ready, qtbot):
    dock = ready()
    layer = dock._viewer.layers["nuclei by hand"]
    before = dock.pairs.rows[0].counted
    layer.data_setitem((np.array([0, 0]), np.array([0, 1])), 9999)
    qtbot.waitUntil(lambda: dock.pairs.busy)
    qtbot.waitUntil(lambda: not dock.pairs.busy)
    assert dock.pairs.rows[0].counted.objects == before.objects + 1
    layer.translate = (1000, 1000)
    qtbot.waitUntil(lambda: "does not lie on" in dock.pairs.summary.text())
    layer.translate = (0, 0)
    qtbot.waitUntil(lambda: "In all: 1 image" in dock.pairs.summary.text())


def test_pairs_go_when_they_are_removed_or_their_layer_is(ready, qtbot):
    dock = ready()
    dock.pairs.table.selectRow(0)
    dock.pair_buttons.remove_button.native.click()
    assert dock.pairs.rows == []
    dock.add_pair()
    dock._viewer.layers.remove("nuclei by hand")
    assert dock.pairs.rows == []
    assert dock.truth.value is None
    assert [layer.name for layer in dock._viewer.layers] == ["cells"]


def test_the_layers_that_are_selected_are_chosen(open_dock):
    dock = open_dock()
    viewer = dock._viewer
    viewer.add_image(np.zeros((8, 8)), name="other")
    assert dock.image.value.name == "other"
    assert dock.truth.value.name == "nuclei by hand"
    viewer.layers.selection.active = viewer.layers["cells"]
    assert dock.image.value.name == "cells"
    viewer.layers.selection.active = viewer.add_shapes(name="shapes")
    assert (dock.image.value.name, dock.regions.value) == ("cells", None)


def test_layers_that_do_not_fit_are_not_added(open_dock):
    dock = open_dock()
    dock._viewer.add_labels(np.ones((5, 5), int), name="elsewhere", translate=(900, 900))
    dock.truth.value = dock._viewer.layers["elsewhere"]
    with notification_manager:
        dock.add_pair()
    assert "does not lie on" in dock.message
    assert dock.pairs.rows == []


def test_regions_are_part_of_a_pair(ready, qtbot):
    dock = ready()
    shapes = dock._viewer.add_shapes([np.array([[0, 0], [0, 99], [99, 99], [99, 0]])], name="done")
    dock.regions.value = shapes
    dock.add_pair()
    qtbot.waitUntil(lambda: not dock.pairs.busy)
    assert dock.pairs.table.rows.data(dock.pairs.table.rows.index(1, 1)) == "nuclei by hand in done"
    whole, part = (row.counted.objects for row in dock.pairs.rows)
    assert 0 < part < whole
    shapes.add_rectangles(np.array([[100, 100], [100, 199], [199, 199], [199, 100]]))
    qtbot.waitUntil(lambda: dock.pairs.rows[1].counted is not None and dock.pairs.rows[1].counted.images == 2)


def test_the_data_can_be_saved_for_another_computer(ready, qtbot, tmp_path, cells, truth):
    dock = ready()
    dock.save_data(tmp_path / "for the cluster")
    wait(qtbot, dock)
    (example,) = read_dataset(tmp_path / "for the cluster").examples
    assert len(np.unique(example.labels())) == len(np.unique(truth))
    np.testing.assert_array_equal(example.image() > 0, np.asarray(cells) * (255 / 80) > 0.5)
    assert "for the cluster" in dock.message
    with notification_manager:
        dock.save_data(tmp_path / "for the cluster")
        wait(qtbot, dock)
    assert "not empty" in dock.message


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


def test_cancel_keeps_the_best_so_far(ready, log, folder, qtbot, monkeypatch):
    monkeypatch.setenv("FAKE_TRAINING", "endless")
    dock = ready()
    dock.train()
    wait_for_epoch(qtbot, dock)
    dock.actions.train_button.native.click()
    assert dock.actions.train_button.text == "Stop now"
    assert "Stopping" in dock.message
    wait(qtbot, dock)
    assert "Stopped; the best so far is “cells”: AP50 0.60" in dock.message
    assert list(own_models.files()) == ["cells"]
    assert not alive(pid_in(log))


def test_cancel_before_there_is_anything_says_so(ready, log, qtbot, monkeypatch):
    dock = ready()
    dock.train()
    qtbot.waitUntil(lambda: dock._process is not None)
    dock._process.stop()
    wait(qtbot, dock)
    assert "before there was a model to keep" in dock.message


def test_who_does_not_listen_is_ended_by_force(ready, log, folder, qtbot, monkeypatch):
    monkeypatch.setenv("FAKE_TRAINING", "endless deaf")
    dock = ready()
    dock.train()
    wait_for_epoch(qtbot, dock)
    dock.train()
    qtbot.wait(100)
    assert dock.busy
    dock.train()
    wait(qtbot, dock)
    assert "by force; no model was kept" in dock.message
    assert not alive(pid_in(log))
    assert own_models.files() == {}


def test_who_does_not_end_in_time_is_ended_by_force(log, qtbot, monkeypatch, tmp_path, folder, ready):
    monkeypatch.setenv("FAKE_TRAINING", "endless deaf")
    dock = ready()
    dock.train()
    wait_for_epoch(qtbot, dock)
    dock._process.stop(grace=0.1)
    wait(qtbot, dock)
    assert "by force" in dock.message


def test_cancel_while_images_are_written_leaves_nothing(open_dock, log, folder, qtbot):
    dock = open_dock(layers=False)
    labels = np.zeros((200, 64, 64), np.int32)
    labels[:, 5:20, 5:20] = 1
    dock._viewer.add_image(np.zeros((200, 64, 64), np.uint8), name="stack")
    dock._viewer.add_labels(labels)
    dock.train()
    where = Path(dock._folder.name)
    qtbot.waitUntil(lambda: dock.message.startswith("Writing stack"))
    dock.train()
    wait(qtbot, dock)
    assert "Cancelled" in dock.message
    assert not log.exists()
    assert not where.exists()


# -------------------------------------------------------------------- closing


def by_close(viewer: Any, dock: TrainWidget) -> None:
    dock.close()


def by_napari(viewer: Any, dock: TrainWidget) -> None:
    viewer.window.remove_dock_widget(dock.native)


def by_the_window(viewer: Any, dock: TrainWidget) -> None:
    viewer.close()


@pytest.mark.parametrize("way", [by_close, by_napari, by_the_window], ids=lambda way: way.__name__)
def test_a_dock_that_is_closed_lets_training_end_and_keeps_the_best(ready, log, folder, qtbot, monkeypatch, way):
    monkeypatch.setenv("FAKE_TRAINING", "endless lingers")
    dock = ready()
    viewer = dock._viewer
    dock.train()
    wait_for_epoch(qtbot, dock)
    where, pid = Path(dock._folder.name), pid_in(log)
    way(viewer, dock)
    assert alive(pid), "nobody waits for the training"
    log.with_name("go").touch()
    qtbot.waitUntil(lambda: not train_process._alive)
    assert not alive(pid)
    assert list(own_models.files()) == ["cells"]
    assert not where.exists()


def test_a_closed_dock_leaves_no_connection(ready, qtbot):
    dock = ready()
    listed = dock._viewer.layers.events
    labels = dock._viewer.layers["nuclei by hand"].events
    dock.disconnect_all()
    for emitter in (listed.inserted, listed.removed, listed.renamed, labels.paint, labels.data, labels.labels_update):
        for callback in emitter.callbacks:
            owner = callback[0]() if isinstance(callback, tuple) else callback
            module = getattr(owner, "__module__", None) or type(owner).__module__
            assert not module.startswith("napari_fastsam")
    dock.disconnect_all()  # twice does no harm


def test_when_napari_ends_the_training_is_waited_for(ready, log, folder, qtbot, monkeypatch):
    monkeypatch.setenv("FAKE_TRAINING", "endless")
    dock = ready()
    dock.train()
    wait_for_epoch(qtbot, dock)
    QCoreApplication.instance().aboutToQuit.emit()
    assert not alive(pid_in(log))
    assert list(own_models.files()) == ["cells"]


def test_the_child_ends_when_napari_is_killed(ready, log, folder, qtbot, monkeypatch):
    """What a kill -9 of napari does: the pipe ends, and nobody said stop."""
    monkeypatch.setenv("FAKE_TRAINING", "endless")
    dock = ready()
    dock.train()
    wait_for_epoch(qtbot, dock)
    dock._process._process.closeWriteChannel()
    wait(qtbot, dock)
    assert list(own_models.files()) == ["cells"]


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
