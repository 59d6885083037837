"""A training is cancelled, its dock is closed, or napari ends: the best so far is kept."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path
from typing import Any

import dask.array as da
import numpy as np
import pytest
from qtpy.QtCore import QCoreApplication

from napari_fastsam.model.weights import own_models
from napari_fastsam.widgets.train import process as train_process
from napari_fastsam.widgets.train.dock import TrainWidget
from train_dock import wait, wait_for_epoch


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def pid_in(log: Path) -> int:
    return int(json.loads(log.read_text())["pid"])


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


def stack_that_waits(held: threading.Event, go_on: threading.Event) -> da.Array:
    """A stack on a drive that stops answering at its fourth plane while ``held``."""

    def plane(block: np.ndarray, block_info: Any = None) -> np.ndarray:
        if held.is_set() and block_info[0]["chunk-location"][0] >= 3:
            go_on.wait(120)
        return block

    return da.zeros((20, 64, 64), chunks=(1, 64, 64), dtype=np.uint8).map_blocks(plane, dtype=np.uint8)


def test_cancel_while_images_are_written_leaves_nothing(open_dock, log, folder, qtbot):
    held, go_on = threading.Event(), threading.Event()
    dock = open_dock(layers=False)
    labels = np.zeros((20, 64, 64), np.int32)
    labels[:, 5:20, 5:20] = 1
    dock._viewer.add_image(stack_that_waits(held, go_on), name="stack", contrast_limits=(0, 1))
    dock._viewer.add_labels(labels)
    held.set()
    dock.train()
    where = Path(dock._folder.name)
    qtbot.waitUntil(lambda: dock.message.startswith("Writing stack"))
    dock.train()
    go_on.set()
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
