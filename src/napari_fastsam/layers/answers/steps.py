"""What long work says between its steps: what comes next, and how far it has come."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from napari_fastsam.layers.answers.kept import Kept
    from napari_fastsam.model.asking.tiled import TiledRun


class Step(str):
    """A few words about what is done, which may know how much there is to do.

    Parameters
    ----------
    text
        The words.
    done, total
        Of tiles, planes or objects; a total of 0 = not known.
    """

    done: int
    total: int

    __slots__ = ("done", "total")

    def __new__(cls, text: str, done: int = 0, total: int = 0) -> Step:
        """Make a text that knows more."""
        step = super().__new__(cls, text)
        step.done, step.total = done, total
        return step


def through(kept: Kept, run: TiledRun) -> Iterator[str]:
    """Look at the tiles of a run that are left; yields what comes next."""
    start = time.perf_counter()
    for progress in run:
        kept.network_seconds = time.perf_counter() - start
        message = f"tile {progress.done} of {progress.total}, {progress.objects} objects so far"
        yield Step(message, progress.done, progress.total)
