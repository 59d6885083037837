"""What a hostile file is, and the list of all of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

Maker = Callable[[Path], Path]


@dataclass(frozen=True)
class Case:
    """A hostile file.

    Attributes
    ----------
    name
        What it does.
    doors
        Names of `watch.DOORS` that it is opened through.
    make
        Writes it into an empty folder, and returns what the door is given.
    refused
        A pattern that the refusal must match; empty = it may open, since nothing of the attack is in what is read.
    trips
        Whether torch's unrestricted loader does what the file says, which shows that the watch sees it.
    """

    name: str
    doors: tuple[str, ...]
    make: Maker
    refused: str = ""
    trips: bool = False


CASES: list[Case] = []


def hostile(*doors: str, refused: str = "", trips: bool = False, name: str | None = None) -> Callable[[Maker], Maker]:
    """Register a function that writes a hostile file; its name says what the file does."""

    def register(make: Maker) -> Maker:
        CASES.append(Case(name or make.__name__.removeprefix("_"), doors, make, refused, trips))
        return make

    return register
