"""What the labels of a layer cost their user, kept with the layer on this computer and told to nobody."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from napari_fastsam.core.review.effort import EFFORT_KEY, Effort

if TYPE_CHECKING:
    from napari.layers import Labels


def effort_of(layer: Labels) -> Effort:
    """Return what the labels of a layer have cost so far."""
    return Effort.from_json(layer.metadata.get(EFFORT_KEY))


class EffortMeter:
    """Counts steps, and the time between them.

    Parameters
    ----------
    clock
        Says the time in seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._last: float | None = None
        self._waiting = Effort()

    def step(self, layer: Labels | None) -> None:
        """Count a step; what happens before there is a layer counts for the first one."""
        now = self._clock()
        self._waiting = self._waiting.with_step(None if self._last is None else now - self._last)
        self._last = now
        if layer is not None:
            effort, self._waiting = effort_of(layer) + self._waiting, Effort()
            layer.metadata[EFFORT_KEY] = effort.to_json()
