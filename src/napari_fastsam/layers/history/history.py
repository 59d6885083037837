"""One stack of steps that can be taken back and done again."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

from psygnal import Signal

MOST_STEPS = 500
MOST_BYTES = 64 << 20
"""What steps may keep, in bytes; the oldest go first, the newest stays whatever its size."""


class UndoStep(Protocol):
    """Something that was done, and can be taken back.

    Attributes
    ----------
    name
        What was done, in a few words: *a click*, *Add to labels*.
    nbytes
        What is kept for it.
    """

    @property
    def name(self) -> str: ...  # noqa: D102

    @property
    def nbytes(self) -> int: ...  # noqa: D102

    def undo(self) -> None:
        """Put things back as they were before."""

    def redo(self) -> None:
        """Do it again, after `undo`."""


class History:
    """Steps that were done, newest last, and those that were taken back.

    Parameters
    ----------
    most_steps, most_bytes
        What is kept; the oldest steps go first.

    Notes
    -----
    What happens while a step is taken back or done again makes no step.
    """

    changed = Signal()
    """There are other steps than before."""

    replayed = Signal()
    """A step was taken back, or done again."""

    def __init__(self, most_steps: int = MOST_STEPS, most_bytes: int = MOST_BYTES) -> None:
        self._most_steps, self._most_bytes = most_steps, most_bytes
        self._done: deque[UndoStep] = deque()
        self._undone: list[UndoStep] = []
        self._replaying = 0

    @property
    def is_replaying(self) -> bool:
        """Whether a step is taken back or done again right now."""
        return self._replaying > 0

    @property
    def done(self) -> UndoStep | None:
        """The newest step; None = there is none."""
        return self._done[-1] if self._done else None

    @property
    def undone(self) -> UndoStep | None:
        """The step that `redo` does again; None = there is none."""
        return self._undone[-1] if self._undone else None

    @property
    def nbytes(self) -> int:
        """What all steps keep."""
        return sum(step.nbytes for step in (*self._done, *self._undone))

    def __len__(self) -> int:
        return len(self._done)

    def push(self, step: UndoStep) -> None:
        """Take a step that was just done; what was taken back before cannot be done again any more."""
        if self.is_replaying:
            return
        self._undone.clear()
        self._done.append(step)
        self._forget_oldest()
        self.changed.emit()

    def undo(self) -> UndoStep | None:
        """Take the newest step back; returns it, or None if there is none."""
        if not self._done or self.is_replaying:
            return None
        step = self._done[-1]
        with self._replay():
            step.undo()
        self._undone.append(self._done.pop())
        self._tell()
        return step

    def redo(self) -> UndoStep | None:
        """Do again what was taken back last; returns it, or None if there is nothing."""
        if not self._undone or self.is_replaying:
            return None
        step = self._undone[-1]
        with self._replay():
            step.redo()
        self._done.append(self._undone.pop())
        self._tell()
        return step

    def discard(self, is_gone: Callable[[UndoStep], bool]) -> None:
        """Forget steps that mean nothing any more, as those of a layer that was removed."""
        self._done = deque(step for step in self._done if not is_gone(step))
        self._undone = [step for step in self._undone if not is_gone(step)]
        self.changed.emit()

    def clear(self) -> None:
        """Forget all steps."""
        self.discard(lambda step: True)

    @contextmanager
    def _replay(self) -> Iterator[None]:
        self._replaying += 1
        try:
            yield
        finally:
            self._replaying -= 1

    def _tell(self) -> None:
        self.changed.emit()
        self.replayed.emit()

    def _forget_oldest(self) -> None:
        kept = sum(step.nbytes for step in self._done)
        while len(self._done) > 1 and (len(self._done) > self._most_steps or kept > self._most_bytes):
            kept -= self._done.popleft().nbytes
