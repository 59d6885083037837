"""Processes of this computer for tasks: nobody else can reach them, and one that dies is replaced."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import CancelledError, Executor, Future, ThreadPoolExecutor
from multiprocessing.connection import Connection
from queue import SimpleQueue
from typing import Any, ParamSpec, TypeVar

from napari_fastsam.errors import FastSAMError

RETRIES = 2
"""How often a task may take its process with it before it is given up."""

LOST = f"the worker was killed {RETRIES + 1} times while it worked on this image; is there enough memory for it?"

P = ParamSpec("P")
T = TypeVar("T")


class ProcessLostError(FastSAMError):
    """A task took every process with it that it was given to."""


class _Process:
    """One process, which does what it is told through a pipe: there is no port that another account could reach."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        # spawned: what torch and Qt have running in this process does not survive a fork
        context = multiprocessing.get_context("spawn")
        self._pipe, far_end = context.Pipe()
        self._process = context.Process(target=_serve, args=(far_end, dict(environment)), daemon=True)
        self._process.start()
        far_end.close()

    def ask(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[bool, Any]:
        """Return whether a function ended well there, and what it returned or raised; OSError if the process died."""
        try:
            self._pipe.send((function, args, kwargs))
            outcome: tuple[bool, Any] = self._pipe.recv()
        except EOFError as error:
            raise ConnectionError from error
        return outcome

    def kill(self) -> None:
        self._process.kill()
        self._process.join()


class Processes(Executor):
    """So many tasks at once, each in a process of its own.

    Parameters
    ----------
    count
        How many.
    environment
        Variables that the processes have besides those of this one.
    """

    def __init__(self, count: int, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self._threads = ThreadPoolExecutor(count, "process")
        self._idle: SimpleQueue[_Process | None] = SimpleQueue()
        self._lock, self._running, self._closed = threading.Lock(), set[_Process](), False
        for _ in range(count):
            self._idle.put(None)  # they start when they are needed

    def submit(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Give a task to the first process that is free."""
        return self._threads.submit(self._run, function, args, kwargs)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End all processes at once, with what they are at."""
        with self._lock:
            self._closed = True
            for process in self._running:
                process.kill()
            self._running.clear()
        self._threads.shutdown(wait=wait, cancel_futures=True)

    def _run(self, function: Callable[..., T], args: tuple[Any, ...], kwargs: dict[str, Any]) -> T:
        process = self._idle.get()
        try:
            for _ in range(RETRIES + 1):
                process = process or self._started()
                try:
                    well, result = process.ask(function, args, kwargs)
                except OSError:
                    self._forget(process)
                    process = None
                    continue
                if not well:
                    raise result
                found: T = result
                return found
            raise ProcessLostError(LOST)
        finally:
            self._idle.put(process)

    def _started(self) -> _Process:
        with self._lock:
            if self._closed:
                raise CancelledError
            process = _Process(self._environment)
            self._running.add(process)
            return process

    def _forget(self, process: _Process) -> None:
        with self._lock:
            if process in self._running:
                self._running.remove(process)
                process.kill()


def _serve(pipe: Connection, environment: Mapping[str, str]) -> None:
    """Do one task after the other until the process that asks for them is gone."""
    os.environ.update(environment)  # before torch is imported
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to all processes of a terminal: the first one decides
    threading.Thread(target=_end_with_parent, daemon=True).start()
    while True:
        try:
            task = pipe.recv()
        except EOFError:
            return
        except Exception as error:  # noqa: BLE001 - the task cannot be understood here: a module is missing
            outcome: tuple[bool, Any] = False, error
        else:
            outcome = _outcome(*task)
        try:
            pipe.send(outcome)
        except Exception as error:  # noqa: BLE001 - it cannot be pickled
            pipe.send((False, RuntimeError(f"{type(error).__name__}: {error}")))


def _outcome(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[bool, Any]:
    try:
        return True, function(*args, **kwargs)
    except BaseException as error:  # noqa: BLE001 - it is raised where the task was asked for
        return False, error


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
