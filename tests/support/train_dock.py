"""The dock *Train* while it works."""

from __future__ import annotations

from pathlib import Path

from napari_fastsam.widgets.train.dock import TrainWidget

FAKE = Path(__file__).parent / "fake_training.py"


def wait(qtbot, dock: TrainWidget) -> None:
    qtbot.waitUntil(lambda: not dock.busy)


def wait_for_epoch(qtbot, dock: TrainWidget) -> None:
    qtbot.waitUntil(lambda: len(dock.run_view.loss.series) == 4)
