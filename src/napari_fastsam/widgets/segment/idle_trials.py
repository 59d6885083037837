"""What would help is tried behind the dock, while nobody waits for anything."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Generic, TypeVar

from napari_fastsam.layers.answers.other_models import doubted_image, other_model, try_model
from napari_fastsam.layers.answers.other_sizes import found_little, other_sizes, trial_of, try_sizes
from napari_fastsam.widgets.common.runner import Runner

if TYPE_CHECKING:
    from napari_fastsam.layers.answers.remedies import Remedy
    from napari_fastsam.layers.answers.results import Result
    from napari_fastsam.layers.answers.session import Session

IDLE_MS = 300
"""A trial begins once nothing else was asked for this long."""

OutcomeT = TypeVar("OutcomeT")

Steps = Callable[[], Iterator[str]]
"""Tries, and says what comes next."""


class IdleTrial(Generic[OutcomeT]):
    """Tries one thing at a time, and remembers what the last trial came to.

    Parameters
    ----------
    key_of
        Tells one trial from another; None where there is nothing to be tried.
    steps_of
        Returns what tries, given an answer and a list for the outcome; None if that cannot be.
    on_end
        Called when a trial came to an end.
    """

    def __init__(
        self,
        key_of: Callable[[Result], Hashable | None],
        steps_of: Callable[[Result, list[OutcomeT]], Steps | None],
        on_end: Callable[[], object],
    ) -> None:
        self._key_of, self._steps_of, self._on_end = key_of, steps_of, on_end
        self._runner = Runner(lambda step: None, self._ended)
        self._key: Hashable = None
        self._found: list[OutcomeT] = []
        self._complete = False

    @property
    def busy(self) -> bool:
        """Whether something is being tried."""
        return self._runner.busy

    def outcome(self, result: Result | None, may_begin: bool = True) -> OutcomeT | None:
        """Return what a trial for an answer came to, once that was tried; begin it, if it may begin."""
        key = None if result is None else self._key_of(result)
        if result is None or key is None:
            self.give_way()
            return None
        if key == self._key and self._complete:
            return self._found[0] if self._found else None
        if may_begin and (key != self._key or not self.busy):
            self._begin(result, key)
        return None

    def give_way(self) -> None:
        """End what is under way: the user waits for something, or has what was wanted."""
        if self._runner.busy:
            self._runner.cancel()
            self._key = None

    def close(self) -> None:
        """End, for good."""
        self._runner.close()

    def _begin(self, result: Result, key: Hashable) -> None:
        if self._runner.busy:
            self.give_way()
            return  # the next answer, or the end of this one, begins another
        found: list[OutcomeT] = []
        steps = self._steps_of(result, found)
        self._key, self._found, self._complete = key, found, steps is None
        if steps is not None:
            self._runner.start(steps, None, after_ms=IDLE_MS)

    def _ended(self, error: Exception | None, cancelled: bool) -> None:
        self._complete = not cancelled
        if cancelled:
            self._key = None
        self._on_end()


def size_trial(session: Session, on_end: Callable[[], object]) -> IdleTrial[Remedy]:
    """Return what tries other object sizes where little was found."""

    def steps_of(result: Result, found: list[Remedy]) -> Steps | None:
        others = other_sizes(session, result.request)
        return partial(try_sizes, session, result, others, found) if others else None

    return IdleTrial(lambda result: trial_of(result.request) if found_little(result) else None, steps_of, on_end)


def model_trial(session: Session, on_end: Callable[[], object]) -> IdleTrial[bool]:
    """Return what tries the other bundled model on each image that the model for nuclei is not sure of."""

    def steps_of(result: Result, found: list[bool]) -> Steps | None:
        other = other_model(session, result)
        return None if other is None else partial(try_model, session, result, other, found)

    return IdleTrial(partial(doubted_image, session), steps_of, on_end)
