"""A download as work for the runner."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator

from napari_fastsam.model.weights import weights


def downloading(name: str, cancelled: Callable[[], bool]) -> Iterator[str]:
    """Fetch a registry model, saying how far it is.

    Parameters
    ----------
    name
        Of the registry.
    cancelled
        Asked while bytes come.

    Raises
    ------
    DownloadError
        As `model.weights.weights.download`.
    """
    steps: queue.SimpleQueue[str | BaseException | None] = queue.SimpleQueue()
    stopped = threading.Event()
    last = ""

    def report(done: int, total: int) -> None:
        nonlocal last
        step = f"{name}: {done / 1e6:.0f} of {total / 1e6:.0f} MB"
        if step != last:  # thousands of chunks come; what is said changes once a megabyte
            last = step
            steps.put(step)

    def fetch() -> None:
        try:
            weights.download(
                name,
                progress=report,
                cancel=lambda: stopped.is_set() or cancelled(),
            )
            steps.put(None)
        except BaseException as error:  # noqa: BLE001 - raised again by whoever reads the queue
            steps.put(error)

    thread = threading.Thread(target=fetch, name="napari-fastsam download")
    thread.start()
    try:
        while (step := steps.get()) is not None:
            if isinstance(step, BaseException):
                raise step
            yield step
    finally:
        stopped.set()
        thread.join()
