"""Comparing layers without keeping the person waiting: at once if that takes milliseconds, else in a thread."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from math import prod
from typing import TYPE_CHECKING, Any

from napari_fastsam.layers.comparison.compare import Compared, ComparedPlane, comparing
from napari_fastsam.layers.planes.alignment import Alignment, full_data
from napari_fastsam.widgets.common.runner import Runner

if TYPE_CHECKING:
    from napari.layers import Labels

AT_ONCE_PIXELS = 1_500_000
"""So many pixels are compared within some ten milliseconds."""


@dataclass(frozen=True, eq=False)
class ComparisonOutcome:
    """What came of comparing two layers.

    Attributes
    ----------
    predicted, truth
        The layers.
    compared
        None if it failed or was cancelled.
    error
        What it failed with.
    stale
        Whether something else was asked for meanwhile.
    """

    predicted: Labels
    truth: Labels
    compared: Compared | None = None
    error: Exception | None = None
    stale: bool = False


class ComparisonWork:
    """Compares two layers at a time.

    Parameters
    ----------
    on_step
        Called with what it is at, while a thread compares.
    on_done
        Called with the outcome, on the main thread; more may be started from there.
    """

    def __init__(self, on_step: Callable[[str], None], on_done: Callable[[ComparisonOutcome], None]) -> None:
        self._on_done = on_done
        self._runner = Runner(on_step, self._ended)
        self._asked: tuple[ComparisonOutcome, Alignment] | None = None
        self._parts: list[ComparedPlane] = []

    @property
    def busy(self) -> bool:
        """Whether layers are being compared."""
        return self._asked is not None

    def start(self, predicted: Labels, truth: Labels, alignment: Alignment) -> None:
        """Compare two layers. While others are being compared, their outcome will be stale, and that is all."""
        if self._asked is not None:
            self.outdate()
            return
        self._asked, self._parts = (ComparisonOutcome(predicted, truth), alignment), []
        # data are taken here: in a thread no layer is touched
        parts = comparing(alignment, full_data(predicted), full_data(truth))
        if prod(alignment.shape) > AT_ONCE_PIXELS:
            self._runner.start(lambda: self._steps(parts), "Compare")
            return
        error: Exception | None = None
        try:
            self._parts.extend(parts)
        except Exception as caught:  # noqa: BLE001 - told by whoever asked, as what fails in a thread is
            error = caught
        self._ended(error, cancelled=False)

    def outdate(self) -> None:
        """Have the outcome of what is under way say that it is not wanted any more."""
        if self._asked is not None:
            outcome, alignment = self._asked
            self._asked = replace(outcome, stale=True), alignment

    def close(self) -> None:
        """Wait for the step under way and report nothing any more."""
        self._runner.close()
        self._asked, self._parts = None, []

    def _steps(self, parts: Iterator[ComparedPlane]) -> Iterator[str]:
        yield "comparing …"
        for count, part in enumerate(parts, 1):
            self._parts.append(part)
            yield f"comparing … plane {count}"

    def _ended(self, error: Exception | None, cancelled: bool) -> None:
        if self._asked is None:
            return
        (outcome, alignment), self._asked = self._asked, None
        parts: tuple[Any, ...] = tuple(self._parts)
        compared = None if error is not None or cancelled else Compared(alignment, parts)
        self._on_done(replace(outcome, compared=compared, error=error))
