"""Large layers are compared in a thread: what changes meanwhile, cancelling, failing."""

from __future__ import annotations

import threading
from typing import Any

import dask.array as da
import numpy as np
import pytest
from napari.utils.notifications import notification_manager

from napari_fastsam.core.judging.metrics import match
from napari_fastsam.widgets.common import errors
from napari_fastsam.widgets.compare import messages as compare_messages
from napari_fastsam.widgets.compare import work as compare_work
from napari_fastsam.widgets.compare.output import RESULT_NAME

# -------------------------------------------------------------------- in a thread


@pytest.fixture
def in_a_thread(monkeypatch) -> None:
    monkeypatch.setattr(compare_work, "AT_ONCE_PIXELS", 0)


def test_large_layers_are_compared_in_a_thread(opened, found, truth, in_a_thread, monkeypatch) -> None:
    threads = []
    whole = compare_work.comparing

    def watched(*args: Any) -> Any:
        for part in whole(*args):
            threads.append(threading.current_thread())
            yield part

    monkeypatch.setattr(compare_work, "comparing", watched)
    bench = opened(found=found, truth=truth)
    (expected,) = match(found, truth, (0.5,))
    assert bench.counts[0] == expected.true_positives
    assert threading.main_thread() not in threads
    assert threads


class Held:
    """Lets a thread compare a plane only when it is told to."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.reached, self.go_on = threading.Event(), threading.Event()
        self._whole = compare_work.comparing
        monkeypatch.setattr(compare_work, "comparing", self._slow)

    def _slow(self, *args: Any) -> Any:
        for part in self._whole(*args):
            self.reached.set()
            self.go_on.wait(120)
            yield part


def test_what_changes_meanwhile_is_compared_next(opened, stacks, in_a_thread, monkeypatch) -> None:
    bench, held = opened(**stacks), Held(monkeypatch)
    bench.dock.scope.value = "planes"
    bench.qtbot.waitUntil(held.reached.is_set)
    layer = bench.viewer.layers["truth"]
    layer.data = np.zeros_like(layer.data)
    bench.qtbot.wait(200)
    held.go_on.set()
    bench.settle()
    assert bench.counts == (0, 0, 4)


def test_what_cannot_be_compared_any_more_is_not_shown(opened, stacks, in_a_thread, monkeypatch) -> None:
    bench, held = opened(**stacks), Held(monkeypatch)
    bench.dock.scope.value = "planes"
    bench.qtbot.waitUntil(held.reached.is_set)
    bench.viewer.layers["truth"].translate = (0, 9, 0)
    bench.qtbot.wait(200)
    held.go_on.set()
    bench.settle()
    assert "9 pixels off" in bench.status
    assert bench.dock.compared is None


def test_cancelled(opened, stacks, in_a_thread, monkeypatch) -> None:
    bench, held = opened(**stacks), Held(monkeypatch)
    bench.dock.scope.value = "planes"
    bench.qtbot.waitUntil(held.reached.is_set)
    bench.dock._work._runner.cancel()  # what the button in the activity dock leads to
    held.go_on.set()
    bench.settle()
    assert bench.status == compare_messages.CANCELLED
    bench.dock.actions.again.changed.emit(True)
    bench.settle()
    assert bench.counts == (3, 2, 1)


def test_closed_while_a_thread_compares(opened, stacks, in_a_thread, monkeypatch) -> None:
    bench, held = opened(**stacks), Held(monkeypatch)
    bench.dock.scope.value = "planes"
    bench.qtbot.waitUntil(held.reached.is_set)
    threading.Timer(0.2, held.go_on.set).start()
    bench.dock.close()
    bench.qtbot.wait(300)
    assert RESULT_NAME not in bench.viewer.layers


def test_what_fails_in_a_thread_is_said(opened, found, truth, in_a_thread, monkeypatch) -> None:
    def broken(*args: Any) -> Any:
        raise OSError("the drive is gone")
        yield

    monkeypatch.setattr(compare_work, "comparing", broken)
    shown = []
    monkeypatch.setattr(errors.notification_manager, "dispatch", shown.append)
    bench = opened(found=found, truth=truth)
    assert bench.status == "the drive is gone"
    assert len(shown) == 1
    assert bench.dock.compared is None


def test_what_fails_at_once_is_said_and_compared_again_when_it_can_be(opened, found, truth) -> None:
    there = True

    def block(block_info: Any = None) -> np.ndarray:
        if not there:
            raise OSError("the drive is gone")
        return found

    lazy = da.map_blocks(block, dtype=found.dtype, chunks=tuple((n,) for n in found.shape))
    bench = opened(found=lazy, truth=truth)
    before = bench.counts
    there = False
    with notification_manager:
        bench.dock.update_now()
    assert bench.status == "the drive is gone"
    there = True
    bench.dock.update_now()
    bench.settle()
    assert bench.counts == before
