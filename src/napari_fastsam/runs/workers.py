"""Who does the work of a run: processes of this computer, or the workers of a dask cluster."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from napari_fastsam.errors import FastSAMError
from napari_fastsam.runs.processes import RETRIES, Processes
from napari_fastsam.runs.report import sentence

WORKER_BYTES = 2_000_000_000
"""What a worker needs: torch, a model, and planes of a few million pixels."""

_HERE = "127.0.0.1:0"


class RunError(FastSAMError):
    """A run cannot begin."""


@contextmanager
def workers_of(scheduler: str | None, workers: int | None, tasks: int) -> Iterator[Any]:
    """Give a client of dask's: of a scheduler that is there, or of workers that live as long as the block.

    Whoever reaches a dask scheduler can have code run by its workers. That of this computer therefore lies within this
    process, and its workers are at the other end of pipes: nothing listens but the pages that show how it is going.

    Parameters
    ----------
    scheduler
        Address; None = workers on this computer.
    workers
        How many of these; None = what processors and memory allow, and as there are tasks.
    tasks
        How many may be done at once.

    Raises
    ------
    RunError
        If no scheduler answers.
    """
    import dask
    import distributed

    typed: Any = distributed  # it is not
    settings = {
        "distributed.scheduler.allowed-failures": RETRIES,
        # a worker's memory is torch's, which dask cannot spill
        "distributed.worker.memory.target": False,
        "distributed.worker.memory.spill": False,
        "distributed.worker.memory.pause": False,
        "distributed.worker.memory.terminate": False,
    }
    with dask.config.set(settings):
        if scheduler is not None:
            try:
                client = typed.Client(scheduler, timeout="10s")
            except (OSError, ValueError, TypeError, TimeoutError) as error:
                raise RunError(
                    f"no dask scheduler answers at {scheduler} ({sentence(error)}); start one with `dask scheduler`, "
                    "or leave --scheduler out"
                ) from error
            with client:
                yield client
            return
        processors = os.cpu_count() or 1
        count = workers or max(1, min(processors, tasks, _memory() // WORKER_BYTES))
        threads = str(max(1, processors // count))
        environment = {"OMP_NUM_THREADS": threads, "MKL_NUM_THREADS": threads, "OPENBLAS_NUM_THREADS": threads}
        processes = Processes(count, environment)
        _ask_nobody_for_an_address()
        # a scheduler without an address would have its pages at one of this computer's others
        link = dask.config.get("distributed.dashboard.link").replace("{host}", _HERE.partition(":")[0])
        with (
            dask.config.set({"distributed.dashboard.link": link}),
            typed.LocalCluster(
                protocol="inproc://",
                processes=False,
                n_workers=1,
                threads_per_worker=count,
                executor=processes,
                memory_limit=0,
                dashboard_address=_HERE,
                worker_dashboard_address=_HERE,
                silence_logs=50,
            ) as cluster,
            typed.Client(cluster) as client,
        ):
            try:
                yield client
            finally:
                processes.shutdown()


def _ask_nobody_for_an_address() -> None:
    """Say which address this process has, before distributed finds out by one of the internet and the name server.

    It has no option for that (`distributed.comm.inproc.Manager.ip`); the address names a place in this process only.
    """
    from distributed.comm.inproc import global_manager

    global_manager._ip = _HERE.partition(":")[0]  # noqa: SLF001


def _memory() -> int:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_AVPHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # not everywhere
        return 8_000_000_000
