"""What something remembers at one moment, as a value that it can go back to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True, eq=False)
class Memento:
    """What something remembers at one moment.

    Attributes
    ----------
    asked
        What the user asked for; where only this changes, that is a step.
    rest
        What follows from it, and comes back with it.
    """

    asked: Any
    rest: Any = None


class Remembers(Protocol):
    """What remembers something beside the layers, as numbers of prompts."""

    def memento(self) -> Memento:
        """Return what is remembered now, as a value."""

    def recall(self, memento: Memento) -> None:
        """Remember what a memento says."""
