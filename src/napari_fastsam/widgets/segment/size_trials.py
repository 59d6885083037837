"""Other object sizes tried behind the dock, while nobody waits for anything, where little was found."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING

from napari_fastsam.layers.answers.other_sizes import found_little, other_sizes, trial_of, try_sizes
from napari_fastsam.layers.answers.remedies import Remedy
from napari_fastsam.widgets.common.runner import Runner

if TYPE_CHECKING:
    from napari_fastsam.layers.answers.results import Result
    from napari_fastsam.layers.answers.session import Session

IDLE_MS = 300
"""A trial begins once nothing else was asked for this long."""


class SizeTrials:
    """Tries other object sizes, and remembers what the last trial came to.

    Parameters
    ----------
    session
        Answers, and keeps what the network says.
    on_end
        Called when a trial came to an end.
    """

    def __init__(self, session: Session, on_end: Callable[[], object]) -> None:
        self._session = session
        self._on_end = on_end
        self._runner = Runner(lambda step: None, self._ended)
        self._trial: Hashable = None
        self._found: list[Remedy] = []
        self._complete = False

    @property
    def busy(self) -> bool:
        """Whether sizes are being tried."""
        return self._runner.busy

    def remedy(self, result: Result | None) -> Remedy | None:
        """Return the size that gives clearly more than a result has, once that was tried; begin to try it."""
        if result is None or not found_little(result):
            self.give_way()
            return None
        trial = trial_of(result.request)
        if trial == self._trial and self._complete:
            return self._found[0] if self._found else None
        if trial != self._trial or not self.busy:
            self._begin(result, trial)
        return None

    def give_way(self) -> None:
        """End what is under way: the user waits for something, or has what was wanted."""
        if self._runner.busy:
            self._runner.cancel()
            self._trial = None

    def close(self) -> None:
        """End, for good."""
        self._runner.close()

    def _begin(self, result: Result, trial: Hashable) -> None:
        if self._runner.busy:
            self.give_way()
            return  # the next answer, or the end of this one, begins another
        session = self._session
        others = other_sizes(session, result.request)
        found: list[Remedy] = []
        self._trial, self._found, self._complete = trial, found, not others
        if others:
            self._runner.start(lambda: try_sizes(session, result, others, found), None, after_ms=IDLE_MS)

    def _ended(self, error: Exception | None, cancelled: bool) -> None:
        self._complete = not cancelled
        if cancelled:
            self._trial = None
        self._on_end()
