"""Long work off the main thread, one piece at a time, with progress and Cancel in napari's activity dock."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from napari.qt.threading import GeneratorWorker, create_worker
from napari.utils import cancelable_progress
from qtpy.QtCore import QThreadPool

Work = Callable[[], Iterator[str]]

LONGEST_STEP_MS = 60_000
"""How long a closing viewer waits for a step of work at most: a pass of the largest network on a slow processor."""


class Runner:
    """Runs a generator in a thread and reports on the main thread.

    Parameters
    ----------
    on_step
        Called with what the work says that it does next.
    on_done
        Called when the work has ended: with the exception that ended it, or None; and whether it was cancelled.
    """

    def __init__(self, on_step: Callable[[str], None], on_done: Callable[[Exception | None, bool], None]) -> None:
        self._on_step = on_step
        self._on_done = on_done
        self._worker: GeneratorWorker | None = None
        self._progress: cancelable_progress | None = None
        self._cancelled = False
        self._failure: Exception | None = None

    @property
    def busy(self) -> bool:
        """Whether work is under way."""
        return self._worker is not None

    @property
    def cancelled(self) -> bool:
        """Whether the work under way was asked to end."""
        progress = self._progress
        return self._cancelled or (progress is not None and bool(progress.is_canceled))

    def start(self, work: Work, title: str) -> None:
        """Start work; nothing may be under way."""
        self._cancelled = False
        self._failure = None
        self._worker = worker = create_worker(
            _guarded,
            work,
            _start_thread=False,
            _ignore_errors=True,
            _connect={"yielded": self._yielded, "finished": self._finished},
        )
        # napari handles events while it draws progress: from here on, whoever asks finds us busy
        self._progress = cancelable_progress(desc=title, total=0)
        worker.start()

    def cancel(self) -> None:
        """Ask the work to end after its present step."""
        if self._worker is not None:
            self._cancelled = True
            self._worker.quit()

    def close(self) -> None:
        """Cancel, wait for the present step and report nothing any more: whoever wanted to know is gone."""
        self._on_step = lambda _: None
        self._on_done = lambda _, __: None
        self.cancel()
        pool = QThreadPool.globalInstance()
        if self._worker is not None and pool is not None:
            # a thread that outlives the application's objects crashes it when it reports to them
            pool.waitForDone(LONGEST_STEP_MS)
        self._close_progress()

    def _yielded(self, said: str | Exception) -> None:
        if isinstance(said, Exception):
            self._failure = said
            return
        progress = self._progress
        if progress is None:
            return
        if progress.is_canceled:
            self.cancel()
            return
        self._on_step(said)
        progress.set_description(said)  # handles events: the work may have ended when this returns

    def _finished(self) -> None:
        self._worker = None
        self._close_progress()
        self._on_done(self._failure, self._cancelled)

    def _close_progress(self) -> None:
        if self._progress is not None:
            self._progress.close()
            self._progress = None


def _guarded(work: Work) -> Iterator[str | Exception]:
    """Hand an exception on as the last thing said: the thread's own machinery drops a RuntimeError."""
    try:
        yield from work()
    except Exception as error:  # noqa: BLE001 - raised again on the main thread
        yield error
