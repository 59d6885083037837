"""Long work off the main thread, one piece at a time, with progress and Cancel in napari's activity dock."""

from __future__ import annotations

import atexit
import threading
import time
from collections.abc import Callable, Iterator

from napari.qt.threading import GeneratorWorker, create_worker
from napari.utils import cancelable_progress
from qtpy.compat import isalive
from qtpy.QtCore import QTimer

from napari_fastsam.layers.answers.steps import Step
from napari_fastsam.model.network.interruption import Interrupted, interruptible

Work = Callable[[], Iterator[str]]

SHOWN_AFTER_MS = 300
"""Work that takes longer is shown in the activity dock. What is done sooner would only flicker there, and showing it
takes napari a tenth of a second of the main thread."""

LONGEST_END = 0.5
"""Seconds that a closing viewer waits at most for work to notice that it is unwanted: a layer of the network, a tile.

What takes longer, such as loading torch or the pass of an exported model, ends by itself and tells nobody.
"""


class Runner:
    """Runs a generator in a thread and reports on the main thread.

    Parameters
    ----------
    on_step
        Called with what the work says that it does next.
    on_done
        Called when the work has ended: with the exception that ended it, or None; and whether it was cancelled. More
        work may be started from here on.
    """

    def __init__(self, on_step: Callable[[str], object], on_done: Callable[[Exception | None, bool], None]) -> None:
        self._on_step = on_step
        self._on_done = on_done
        self._job: _Job | None = None
        self._closed = False

    @property
    def busy(self) -> bool:
        """Whether work is under way."""
        return self._job is not None

    @property
    def cancelled(self) -> bool:
        """Whether the work under way was asked to end. For any thread."""
        job = self._job
        return job is not None and job.cancelled

    def start(self, work: Work, title: str | None, after_ms: int = 0) -> None:
        """Start work; nothing may be under way. Without a title it is not shown in the activity dock.

        With `after_ms` it begins once the event loop has run for so long, and counts as under way until then.
        """
        if self._closed:
            return
        job = self._job = _Job(work, self)
        if after_ms:
            # what waits in the event loop now, such as a dock that is drawn for the first time, may take longer
            QTimer.singleShot(0, lambda: QTimer.singleShot(after_ms, lambda: self._begin(job, title)))
        else:
            self._begin(job, title)

    def _begin(self, job: _Job, title: str | None) -> None:
        if job is not self._job:
            return
        job.worker = worker = create_worker(
            job.steps,
            _start_thread=False,
            _worker_class=_Worker,
            _ignore_errors=True,
            _connect={"yielded": job.yielded, "finished": job.finished},
        )
        worker.start()
        if title is not None:
            QTimer.singleShot(SHOWN_AFTER_MS, lambda: job.has_taken_long(title))

    def show(self, job: _Job, title: str) -> None:
        """Show in the activity dock work that has not ended."""
        if job is not self._job:
            return
        progress = cancelable_progress(desc=title, total=0)
        if job is not self._job:  # napari handles events while it draws: the work has ended, or a viewer was closed
            progress.close()
            return
        job.progress = progress
        if job.step is not None:
            _draw(job, job.step)

    def cancel(self) -> None:
        """Ask the work to end after its present step."""
        if self._job is not None:
            self._job.cancel()

    def close(self) -> None:
        """Abandon what is under way and report nothing any more: whoever wanted to know is gone."""
        self._closed = True
        job, self._job = self._job, None
        if job is not None:
            job.cancel()
            job.wait(LONGEST_END)
            job.close_progress()
            job.let_go()

    def tell(self, job: _Job, step: str) -> None:
        """Report what a job does next, unless it is not the one under way."""
        if job is not self._job:
            return
        if job.cancelled:
            job.cancel()
            return
        job.step = step
        self._on_step(step)
        _draw(job, step)

    def end(self, job: _Job) -> None:
        """Report that a job has ended, unless it is not the one under way."""
        if job is not self._job:
            return
        job.close_progress()  # handles events: busy until it is done, or new work would be taken for this
        if job is self._job:
            self._job = None
            failure, cancelled = job.failure, job.cancelled
            job.let_go()
            self._on_done(failure, cancelled)


class _Worker(GeneratorWorker):  # type: ignore[misc]
    """A worker that ends in silence where Qt has gone before it: what loads torch cannot be interrupted.

    PyQt ends the process where an exception leaves `run`.
    """

    def run(self) -> None:
        """Work, and tell who is still there."""
        try:
            super().run()
        except RuntimeError:
            if isalive(self.signals):
                raise


# napari does so as its event loop ends. A script that closes its viewer has none, and Qt is taken apart while a worker
# still has something to tell, which ended 2 of 42 such processes with a signal.
atexit.register(_Worker.await_workers)


def _draw(job: _Job, step: str) -> None:
    """Show what is done, and how far it has come where that is known, if the job is shown in the activity dock."""
    if job.progress is None or job.drawing:
        return
    done, total = (step.done, step.total) if isinstance(step, Step) else (0, 0)
    job.drawing = True  # drawing handles events: the next step may come, or the work end, before it returns
    try:
        if job.progress.total != total:
            job.progress.total = total
        if job.progress is not None and total:
            job.progress.update(done - job.progress.n)
        if job.progress is not None:
            job.progress.set_description(step)
    finally:
        job.drawing = False


class _Job:
    """One piece of work, and how it went.

    napari keeps every worker that there ever was, and the worker what it is connected with: this, which therefore lets
    go of everything else when it is over.
    """

    def __init__(self, work: Work, runner: Runner) -> None:
        self._work: Work | None = work
        self._runner: Runner | None = runner
        self.worker: GeneratorWorker | None = None
        self.progress: cancelable_progress | None = None
        self.step: str | None = None
        self.drawing = False
        self.failure: Exception | None = None
        self._cancelled = False
        self._begun = threading.Event()
        self._ended = threading.Event()

    @property
    def cancelled(self) -> bool:
        """Whether it was asked to end, here or with the button in the activity dock."""
        progress = self.progress
        return self._cancelled or (progress is not None and bool(progress.is_canceled))

    def steps(self) -> Iterator[str]:
        """Do the work. Keeps its exception: the thread's own machinery drops a RuntimeError."""
        self._begun.set()
        work = self._work
        try:
            with interruptible(lambda: self.cancelled):
                for step in () if work is None else work():
                    if self.cancelled:
                        return
                    yield step
        except Interrupted:
            return
        except Exception as error:  # noqa: BLE001 - raised again, or shown, on the main thread
            self.failure = error
        finally:
            self._ended.set()

    def has_taken_long(self, title: str) -> None:
        """Have the runner show it, if it still wants to know."""
        if self._runner is not None:
            self._runner.show(self, title)

    def yielded(self, step: str) -> None:
        """Tell the runner, if it still wants to know."""
        if self._runner is not None:
            self._runner.tell(self, step)

    def finished(self) -> None:
        """Tell the runner, if it still wants to know."""
        if self._runner is not None:
            self._runner.end(self)

    def let_go(self) -> None:
        """Keep nothing alive: nobody wants to know any more."""
        self._work = self._runner = self.failure = self.worker = None

    def cancel(self) -> None:
        self._cancelled = True
        if self.worker is not None:
            self.worker.quit()

    def wait(self, seconds: float) -> None:
        """Wait until the work has ended, if it has begun."""
        deadline = time.monotonic() + seconds
        if self._begun.is_set():
            self._ended.wait(seconds)
        while self.worker is not None and self.worker.is_running and time.monotonic() < deadline:
            time.sleep(0.001)

    def close_progress(self) -> None:
        progress, self.progress = self.progress, None
        if progress is not None:
            self._cancelled = self._cancelled or bool(progress.is_canceled)
            progress.close()
