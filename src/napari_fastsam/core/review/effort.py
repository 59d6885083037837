"""What labels cost their user: steps, and seconds without the pauses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

EFFORT_KEY = "napari-fastsam effort"
"""Where the metadata of labels keep it, as `Effort.to_json` has it."""

LONGEST_PAUSE = 60.0
"""Seconds between two steps; a longer pause does not count at all, as nobody knows who did what meanwhile."""


@dataclass(frozen=True)
class Effort:
    """What was done, and how long that took.

    Attributes
    ----------
    clicks
        Steps: prompts, corrections, answers, what was added, and what was taken back.
    seconds
        Between one step and the next, without pauses longer than `LONGEST_PAUSE`.
    """

    clicks: int = 0
    seconds: float = 0.0

    def __add__(self, other: Effort) -> Effort:
        return Effort(self.clicks + other.clicks, self.seconds + other.seconds)

    def with_step(self, since_last: float | None) -> Effort:
        """Return it with a step more; `since_last` are the seconds since the one before, None = it is the first."""
        counts = since_last is not None and 0 <= since_last <= LONGEST_PAUSE
        return Effort(self.clicks + 1, self.seconds + (since_last if counts and since_last is not None else 0.0))

    def to_json(self) -> dict[str, float]:
        """Return it as plain values."""
        return {"clicks": self.clicks, "seconds": round(self.seconds, 3)}

    @classmethod
    def from_json(cls, values: Any) -> Effort:
        """Return an effort from `to_json`; one that is damaged counts as none."""
        if not isinstance(values, Mapping):
            return cls()
        clicks, seconds = values.get("clicks"), values.get("seconds")
        if not isinstance(clicks, int) or not isinstance(seconds, int | float):
            return cls()
        return cls(clicks, float(seconds))
