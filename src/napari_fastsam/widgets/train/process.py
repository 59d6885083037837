"""Training in a process of its own, watched and stopped from the dock.

A process of its own, because the trainer imports what crashes a process that has drawn OpenGL, and because the window
has to stay responsive. The child is asked to stop in words, through its stdin, so that it can keep the best so far; it
also stops when its stdin ends, which is what happens when this process dies.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from qtpy.QtCore import QCoreApplication, QObject, QProcess, QProcessEnvironment, QTimer, Signal  # type: ignore[attr-defined]

from napari_fastsam.widgets.train.events import Done, Failed, parse

GRACE = 300.0
"""Seconds that a child has to end after it was asked to: a batch on a slow processor, measuring on many images,
writing. Who does not want to wait ends it by hand."""

GRACE_AT_EXIT = 60.0
"""The same when napari itself ends, and somebody waits for it."""

_NICENESS = 10
"""The child gives way to the viewer."""

_TAIL = 40
"""Lines of the child's stderr that are kept, for a failure without a message."""

_alive: set[TrainingProcess] = set()
"""Processes from their start to their end: what nobody refers to is destroyed, and the child killed. That must not
happen within one of the process's own signals either."""


@dataclass(frozen=True)
class TrainingOutcome:
    """How training ended.

    Attributes
    ----------
    done
        What was written, or None.
    failure
        What went wrong, or nothing.
    stopped
        Whether it was asked to stop.
    killed
        Whether it had to be ended by force.
    """

    done: Done | None = None
    failure: str = ""
    stopped: bool = False
    killed: bool = False


def program() -> list[str]:
    """Return what runs the package's command line: this Python."""
    return [sys.executable, "-m", "napari_fastsam"]


class TrainingProcess(QObject):
    """One run of ``napari-fastsam train --progress json``.

    Parameters
    ----------
    arguments
        Of the program, after its name.
    folder
        Working directory of the child.
    """

    heard = Signal(object)
    """An event of `train_events`, in the order in which they come."""

    ended = Signal(object)
    """The `TrainingOutcome`, once."""

    def __init__(self, arguments: Sequence[str], folder: str) -> None:
        super().__init__()
        first, *others = program()
        self._done: Done | None = None
        self._failure = ""
        self._stopped = self._killed = self._over = False
        self._half_line = b""
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._errors: deque[str] = deque(maxlen=_TAIL)
        self._process = process = QProcess(self)
        process.setProgram(first)
        process.setArguments([*others, *arguments])
        process.setWorkingDirectory(folder)
        environment = QProcessEnvironment.systemEnvironment()
        environment.insert("PYTHONUNBUFFERED", "1")
        environment.insert("PYTHONUTF8", "1")
        process.setProcessEnvironment(environment)
        process.started.connect(self._give_way)
        process.readyReadStandardOutput.connect(self._read)
        process.readyReadStandardError.connect(self._read_errors)
        process.errorOccurred.connect(self._error)
        process.finished.connect(self._finished)
        self._grace = QTimer(self)
        self._grace.setSingleShot(True)
        self._grace.timeout.connect(self.kill)

    @property
    def running(self) -> bool:
        """Whether the child has been started and has not ended."""
        return self._process.state() != QProcess.ProcessState.NotRunning

    @property
    def stopping(self) -> bool:
        """Whether the child was asked to stop."""
        return self._stopped

    @property
    def pid(self) -> int:
        """The child's process id; 0 where it does not run."""
        return int(self._process.processId())

    def start(self) -> None:
        """Start the child."""
        _alive.add(self)
        application = QCoreApplication.instance()
        if application is not None:
            application.aboutToQuit.connect(self.finish)
        self._process.start()

    def stop(self, grace: float = GRACE) -> None:
        """Ask the child to stop and to keep the best so far; after `grace` seconds it is killed."""
        if not self.running:
            return
        if not self._stopped:
            self._stopped = True
            self._process.write(b"stop\n")
            self._process.closeWriteChannel()
        self._grace.start(round(grace * 1000))

    def kill(self) -> None:
        """End the child by force; what it has not written is lost."""
        if self.running:
            self._stopped = self._killed = True
            self._process.kill()

    def leave(self, folder: tempfile.TemporaryDirectory[str] | None = None) -> None:
        """Ask the child to stop and let it end by itself: whoever watched it is gone. `folder` is removed then."""
        if not self.running:
            if folder is not None:
                folder.cleanup()
            return
        self._folder = folder
        self.stop()

    def finish(self, grace: float = GRACE_AT_EXIT) -> None:
        """Stop the child and wait until it has ended."""
        if not self.running:
            return
        self.stop(grace)
        if not self._process.waitForFinished(round(grace * 1000)):
            self.kill()
            self._process.waitForFinished(5000)

    # ---------------------------------------------------------------- what the child does

    def _give_way(self) -> None:
        if hasattr(os, "setpriority"):
            try:
                os.setpriority(os.PRIO_PROCESS, self.pid, os.getpriority(os.PRIO_PROCESS, 0) + _NICENESS)
            except OSError:  # it has ended already
                return

    def _read(self) -> None:
        *lines, self._half_line = (self._half_line + bytes(self._process.readAllStandardOutput().data())).split(b"\n")
        for line in lines:
            event = parse(line.decode("utf-8", "replace"))
            if isinstance(event, Done):
                self._done = event
            elif isinstance(event, Failed):
                self._failure = event.message
            if event is not None:
                self.heard.emit(event)

    def _read_errors(self) -> None:
        text = bytes(self._process.readAllStandardError().data()).decode("utf-8", "replace")
        self._errors.extend(line.strip() for line in text.replace("\r", "\n").splitlines() if line.strip())

    def _error(self, error: QProcess.ProcessError) -> None:
        if error == QProcess.ProcessError.FailedToStart:
            self._failure = (
                f"The training process cannot be started with {self._process.program()}: "
                f"{self._process.errorString()}. Train on the command line: napari-fastsam train"
            )
            self._end()

    def _finished(self, code: int, status: QProcess.ExitStatus) -> None:
        self._read()
        self._read_errors()
        if self._done is None and not self._failure and self._stopped:
            self._failure = "" if self._killed else "Training was stopped before there was a model to keep."
        elif self._done is None and not self._failure:
            crashed = status == QProcess.ExitStatus.CrashExit
            how = f"crashed (signal {code})" if crashed else f"ended with status {code} and without a model"
            last = f": {self._errors[-1]}" if self._errors else ""
            self._failure = f"The training process {how}{last}"
        self._end()

    def _end(self) -> None:
        if self._over:
            return
        self._over = True
        self._grace.stop()
        application = QCoreApplication.instance()
        if application is not None:
            application.aboutToQuit.disconnect(self.finish)
        if self._folder is not None:
            self._folder.cleanup()
        # whoever hears of the end lets go of this; in the middle of a signal of QProcess that would be too early
        QTimer.singleShot(0, self._tell)

    def _tell(self) -> None:
        self.ended.emit(TrainingOutcome(self._done, "" if self._done else self._failure, self._stopped, self._killed))
        QTimer.singleShot(0, partial(_alive.discard, self))
