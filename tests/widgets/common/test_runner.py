"""Work in a thread: steps, failure, cancelling, closing; reports come on the main thread, one piece after the other."""

from __future__ import annotations

import subprocess
import sys
import threading
import time

import pytest
from napari.utils.progress import progress

import napari_fastsam.widgets.common.runner as runner_module
from napari_fastsam.layers.answers.steps import Step
from napari_fastsam.widgets.common.runner import Runner


class Record:
    def __init__(self) -> None:
        self.steps: list[str] = []
        self.ends: list[tuple[Exception | None, bool]] = []
        self.threads: set[threading.Thread] = set()
        self.runner = Runner(self.step, self.done)

    def step(self, said: str) -> None:
        self.threads.add(threading.current_thread())
        self.steps.append(said)

    def done(self, error: Exception | None, cancelled: bool) -> None:
        self.threads.add(threading.current_thread())
        assert not self.runner.busy, "more work may be started from here on"
        self.ends.append((error, cancelled))


@pytest.fixture
def record(qapp):
    record = Record()
    yield record
    record.runner.close()
    assert not progress._all_instances, "a progress bar is left"


def endless():
    while True:
        time.sleep(0.005)
        yield "step"


def test_steps_and_end_are_reported_on_the_main_thread(record, qtbot):
    where = []

    def work():
        where.append(threading.current_thread())
        yield "one"
        yield "two"

    record.runner.start(work, "test")
    assert record.runner.busy
    qtbot.waitUntil(lambda: bool(record.ends))

    assert record.steps == ["one", "two"]
    assert record.ends == [(None, False)]
    assert record.threads == {threading.main_thread()}
    assert where != [threading.main_thread()]


@pytest.mark.parametrize("error", [ValueError("bad"), RuntimeError("worse"), MemoryError()])
def test_what_fails_is_handed_on(record, qtbot, error):
    def work():
        yield "one"
        raise error

    record.runner.start(work, "test")
    qtbot.waitUntil(lambda: bool(record.ends))
    assert record.ends == [(error, False)]


def test_cancel(record, qtbot):
    record.runner.start(endless, "test")
    qtbot.waitUntil(lambda: bool(record.steps))
    assert not record.runner.cancelled
    record.runner.cancel()
    assert record.runner.cancelled
    qtbot.waitUntil(lambda: bool(record.ends))
    assert record.ends == [(None, True)]
    assert not record.runner.busy


def test_cancel_in_the_activity_dock(record, qtbot):
    record.runner.start(endless, "test")
    qtbot.waitUntil(lambda: bool(progress._all_instances))
    (bar,) = progress._all_instances
    bar.cancel()
    qtbot.waitUntil(lambda: bool(record.ends))
    assert record.ends == [(None, True)]


def test_what_is_done_soon_is_not_shown_there(record, qtbot, monkeypatch):
    shown = []
    monkeypatch.setattr(runner_module, "cancelable_progress", lambda **options: shown.append(options))
    monkeypatch.setattr(runner_module, "SHOWN_AFTER_MS", 2000)  # soon is late on a machine that is busy

    def work():
        yield "one"

    record.runner.start(work, "test")
    qtbot.waitUntil(lambda: bool(record.ends))
    qtbot.wait(runner_module.SHOWN_AFTER_MS + 100)
    assert not shown


def test_work_that_ends_while_napari_draws_it_leaves_no_bar(record, qtbot, monkeypatch):
    """napari handles events while it draws progress."""
    drawn = runner_module.cancelable_progress

    def draw(**options):
        bar = drawn(**options)
        record.runner.cancel()
        qtbot.waitUntil(lambda: bool(record.ends))
        return bar

    monkeypatch.setattr(runner_module, "cancelable_progress", draw)
    record.runner.start(endless, "test")
    qtbot.waitUntil(lambda: bool(record.ends))
    qtbot.waitUntil(lambda: not progress._all_instances)
    assert record.ends == [(None, True)]


def test_new_work_from_the_end_of_the_old(record, qtbot):
    def first():
        yield "first"

    def second():
        yield "second"

    def done(error, cancelled):
        record.ends.append((error, cancelled))
        if len(record.ends) == 1:
            runner.start(second, "second")

    runner = Runner(record.step, done)
    runner.start(first, "first")
    qtbot.waitUntil(lambda: len(record.ends) == 2)
    assert record.steps == ["first", "second"]
    assert not runner.busy


def test_closing_waits_for_the_step_under_way_and_reports_nothing(record, qtbot):
    begun, ended = threading.Event(), threading.Event()

    def work():
        yield "begin"
        begun.set()
        time.sleep(0.3)
        ended.set()
        yield "late"
        pytest.fail("it went on")

    record.runner.start(work, "test")
    qtbot.waitUntil(begun.is_set)
    record.runner.close()
    assert ended.is_set()
    said = list(record.steps)
    qtbot.wait(50)
    assert record.steps == said
    assert record.ends == []


def test_closing_at_once_and_starting_after_closing(record, qtbot):
    ran = []

    def work():
        ran.append(1)
        yield "one"

    record.runner.start(work, "test")
    record.runner.close()
    record.runner.start(work, "test")
    qtbot.wait(100)
    assert not record.runner.busy
    assert record.ends == []
    assert len(ran) <= 1


def test_the_bar_shows_how_far_work_has_come_where_it_is_known(record, qtbot):
    seen = []
    go_on = threading.Event()

    def work():
        yield Step("loading")
        for done in (1, 2, 3):
            yield Step(f"tile {done}", done, 3)
        go_on.wait(120)

    record.runner.start(work, "test")
    qtbot.waitUntil(lambda: bool(progress._all_instances))
    (bar,) = progress._all_instances
    qtbot.waitUntil(lambda: bar.n == 3)
    seen.append((bar.n, bar.total))
    go_on.set()
    qtbot.waitUntil(lambda: bool(record.ends))
    assert seen == [(3, 3)]
    assert record.steps[-1] == "tile 3"


ENDING = """
import atexit, time
from qtpy.QtWidgets import QApplication
atexit.register(print, "Qt is taken apart", flush=True)  # comes before PyQt does it, which registered above
from napari_fastsam.widgets.common.runner import Runner
app = QApplication([])
begun = []
def work():
    begun.append(True)
    time.sleep(0.5)
    print("done", flush=True)
    yield "a step"
    print("not asked for any more", flush=True)
runner = Runner(lambda step: None, lambda error, cancelled: None)
runner.start(work, None)
while not begun:
    app.processEvents()
print("the end of the script", flush=True)
"""


def test_a_process_that_ends_without_an_event_loop_lets_work_end_first():
    done = subprocess.run([sys.executable, "-c", ENDING], capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stdout.splitlines()) == (
        0,
        ["the end of the script", "done", "Qt is taken apart"],
    ), done.stderr
