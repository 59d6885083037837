"""The program asks what objects are, the one whose answer teaches most first; answers are yes, no, or a class."""

from __future__ import annotations

from napari_fastsam.layers.classes.classing import Classing
from napari_fastsam.layers.classes.guessing import Guessing

ROUND = 10
"""Answers after which the program stops asking by itself."""


class Interview:
    """Which object is asked about, and what becomes of the answer.

    Parameters
    ----------
    classing, guessing
        What gives classes, and what guesses them.

    Attributes
    ----------
    label
        The object that is asked about; None = none is.
    answers
        How many were given.
    """

    def __init__(self, classing: Classing, guessing: Guessing) -> None:
        self._classing, self._guessing = classing, guessing
        self.label: int | None = None
        self.answers = 0
        self._not: list[str] = []
        self._skipped: set[int] = set()

    @property
    def suggestion(self) -> str:
        """The class that is asked for: the most probable of those that were not denied; "" = none is left."""
        if self.label is None:
            return ""
        return next((name for name in self._guessing.ranked(self.label) if name not in self._not), "")

    def begin(self) -> None:
        """Ask about the first object."""
        self.answers = 0
        self._skipped.clear()
        self._ask_next()

    def end(self) -> None:
        """Ask nothing more."""
        self.label, self._not = None, []

    def yes(self) -> None:
        """Say that the suggestion is right."""
        self.answer(self.suggestion)

    def no(self) -> None:
        """Say that the suggestion is wrong: the next class is asked for, and the last one that is left is given."""
        if self.label is None:
            return
        self._not.append(self.suggestion)
        left = [name for name in self._guessing.ranked(self.label) if name not in self._not]
        if len(left) == 1:
            self.answer(left[0])
        elif not left:
            self.skip()

    def answer(self, name: str) -> None:
        """Give the object a class, learn from it, and ask about the next."""
        if self.label is None or not name:
            return
        self._classing.give({self.label: name}, "an answer")
        self.answers += 1
        self._guessing.guess()
        self._ask_next()

    def skip(self) -> None:
        """Leave the object without a class, and ask about the next."""
        if self.label is not None:
            self._skipped.add(self.label)
            self._ask_next()

    def _ask_next(self) -> None:
        self._not = []
        self.label = None if self.answers >= ROUND else self._guessing.to_ask(self._skipped)
