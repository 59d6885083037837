"""What the program asks of every kind of dataset, and the list of kinds.

A kind is a class in a file of its own, with `register` above it. Training, evaluation, conversion and the list of
formats on the command line ask the list. Files with the labels of single images are in `io.formats.registry`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import ClassVar, TypeVar

from napari_fastsam.errors import DatasetError
from napari_fastsam.io.annotations.examples import Dataset


class DatasetKind(ABC):
    """A way in which annotated images lie on disk."""

    name: ClassVar[str]
    """What it is called."""

    description: ClassVar[str]
    """For a user: what to name, in a few words that can follow *expected*."""

    @abstractmethod
    def takes(self, path: Path) -> bool:
        """Whether a path is of this kind, by its name or what lies in it; it is there."""

    @abstractmethod
    def read(self, path: Path, split: str | None, strict: bool) -> Dataset:
        """Find the annotated images; parameters and errors are those of `datasets.read_dataset`."""


KINDS: dict[str, DatasetKind] = {}
"""All kinds by name."""

K = TypeVar("K", bound=type[DatasetKind])


def register(kind: K) -> K:
    """Add a kind to those that there are; a class decorator."""
    KINDS[kind.name] = kind()
    return kind


def expected() -> str:
    """Return what may be named, for messages."""
    *others, last = (kind.description for kind in KINDS.values())
    return f"expected {', '.join(others)}, or {last}"


def kind_of(path: Path) -> DatasetKind:
    """Return the kind of a dataset.

    Raises
    ------
    DatasetError
        If it is not there, or of no kind.
    """
    if not path.exists():
        raise DatasetError(f"there is no {path}; {expected()}")
    for kind in KINDS.values():
        if kind.takes(path):
            return kind
    raise DatasetError(f"{path} is not a dataset; {expected()}")
