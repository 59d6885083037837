"""What long work says between its steps: what comes next, and how far it has come."""

from __future__ import annotations


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
