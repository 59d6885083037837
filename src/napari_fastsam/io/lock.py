"""One writer at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import filelock

from napari_fastsam.io.results.results import OutputError, unwritable


@contextmanager
def locked(file: Path, taken: str) -> Iterator[None]:
    """Hold a lock for as long as the block takes.

    The operating system lets go of it when the process ends, however it does: a lock that is left behind stops nobody.
    Where a file system knows no locks there is none.

    Parameters
    ----------
    file
        Stays there, empty.
    taken
        What is told if another process holds it.

    Raises
    ------
    OutputError
        If it is held, or the file cannot be made.
    """
    lock = filelock.FileLock(file, timeout=0)
    try:
        lock.acquire()
    except filelock.Timeout as error:
        raise OutputError(taken) from error
    except NotImplementedError:
        yield
        return
    except OSError as error:
        raise unwritable(file, error) from error
    try:
        yield
    finally:
        lock.release()
