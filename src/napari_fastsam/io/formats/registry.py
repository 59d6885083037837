"""What the program asks of every format, and the list of formats.

A format is a class in a file of its own, with `register` above it. The command line, recipes, runs, the dock and
whoever takes labels from files ask the list.
"""

from __future__ import annotations

from abc import ABC
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import ClassVar, Literal, TypeVar

from napari_fastsam.core.results.result import SegmentationResult
from napari_fastsam.errors import DatasetError, ParameterError

Content = Literal["labels", "stacks", "scores", "classes", "prompts", "scale", "provenance"]
"""What a format may hold: pixels of objects, of stacks too; of each object how sure it is, what it is, what it answers;
the size of pixels; how all of it came about."""


class Format(ABC):
    """A format of files for results.

    Whoever makes one overrides `write`, `read` or both; what is not overridden cannot be done.
    """

    name: ClassVar[str]
    """What it is called on the command line and in recipes."""

    ending: ClassVar[str]
    """What follows the image's name in the name of a result, such as ``"_labels.tif"``."""

    suffixes: ClassVar[tuple[str, ...]] = ()
    """Endings of files that may be read, in lower case, with the dot."""

    description: ClassVar[str]
    """For a user, in a few words."""

    holds: ClassVar[frozenset[Content]] = frozenset()
    """What is not lost in it."""

    @property
    def writes(self) -> bool:
        """Whether results can be written."""
        return type(self).write is not Format.write

    @property
    def reads(self) -> bool:
        """Whether labels can be read."""
        return type(self).read is not Format.read

    @property
    def keeps_labels(self) -> bool:
        """Whether a label image that was written can be read again."""
        return self.writes and self.reads and "labels" in self.holds

    @property
    def gathers(self) -> bool:
        """Whether one file of it holds several images."""
        return type(self).write_together is not Format.write_together

    def takes(self, path: Path) -> bool:
        """Whether labels are read from a file of such a name, or a folder; cheap, as whole folders are asked."""
        return path.name.casefold().endswith(self.suffixes)

    def suits(self, result: SegmentationResult) -> bool:
        """Whether it can hold this result; what it cannot is left out of a run, not an error."""
        return "stacks" in self.holds or len(result.shape) == 2

    def write(self, result: SegmentationResult, path: Path) -> None:
        """Write a result, whole or not at all; a file of that name is replaced.

        Raises
        ------
        OutputError
            If it cannot be written.
        ParameterError
            If the format cannot hold it.
        """
        raise NotImplementedError

    def read(self, path: Path, shape: tuple[int, int] | None = None) -> SegmentationResult:
        """Read labels, and what is known of them.

        Parameters
        ----------
        path
            The file.
        shape
            ``(H, W)`` of the image that they belong to, for files that do not say it; None = not known.

        Raises
        ------
        ImageError, DatasetError
            If the file cannot be read, or holds something else.
        """
        raise NotImplementedError

    def write_together(self, results: Iterable[SegmentationResult], path: Path) -> None:
        """Write the results of several images into one file or folder; errors are those of `write`.

        The name of each image is in its result.
        """
        raise NotImplementedError

    def read_each(self, path: Path, shape: tuple[int, int] | None = None) -> Iterator[SegmentationResult]:
        """Yield the labels of each image that a file holds; parameters and errors are those of `read`."""
        yield self.read(path, shape)


FORMATS: dict[str, Format] = {}
"""All formats by name."""

F = TypeVar("F", bound=type[Format])


def register(kind: F) -> F:
    """Add a format to those that there are; a class decorator."""
    FORMATS[kind.name] = kind()
    return kind


def writers() -> list[Format]:
    """Return the formats that results can be written as, by name; those that keep labels come first."""
    return sorted((f for f in FORMATS.values() if f.writes), key=lambda f: (not f.keeps_labels, f.name))


def readers() -> list[Format]:
    """Return the formats that labels can be read from, by name."""
    return sorted((f for f in FORMATS.values() if f.reads), key=lambda f: f.name)


def writer(name: str) -> Format:
    """Return the format of a name.

    Raises
    ------
    ParameterError
        If there is none, or nothing is written as it.
    """
    return _named(name, writers())


def label_writer(name: str) -> Format:
    """Return the format of a name from which labels can be read again; errors are those of `writer`."""
    return _named(name, (f for f in writers() if f.keeps_labels))


def reader_for(path: Path) -> Format:
    """Return what reads a file, by its name.

    Raises
    ------
    DatasetError
        If no format has that ending.
    """
    name = path.name.casefold()
    suiting = [(len(suffix), f) for f in readers() for suffix in f.suffixes if name.endswith(suffix)]
    suiting += [(0, f) for f in readers() if f.takes(path)]
    if not suiting:
        raise DatasetError(
            f"{path} is of no format that labels are read from; expected a name that ends in {', '.join(suffixes())}"
        )
    return max(suiting, key=lambda pair: pair[0])[1]


def can_read(path: Path) -> bool:
    """Whether there is a format that labels are read from, for a file of such a name, or a folder."""
    return any(f.takes(path) for f in readers())


def suffixes() -> list[str]:
    """Return the endings of files that labels are read from."""
    return sorted({suffix for f in readers() for suffix in f.suffixes})


def read_labels(path: Path, shape: tuple[int, int] | None = None) -> SegmentationResult:
    """Read a label image, or objects in whichever format a file has.

    Parameters and errors are those of `Format.read`; DatasetError too if no format has the file's ending.
    """
    return reader_for(path).read(path, shape)


def writer_for(path: Path) -> Format:
    """Return what writes a file, by its name; of several formats with that ending the one that keeps labels.

    Raises
    ------
    ParameterError
        If no format has that ending.
    """
    name = path.name.casefold()
    endings = [(e, f) for f in writers() for e in (f.ending, *(f.suffixes or (Path(f.ending).suffix,))) if e]
    by_ending = [(len(e), f.keeps_labels, f) for e, f in endings if name.endswith(e.casefold())]
    if not by_ending:
        expected = ", ".join(sorted({Path(f.ending).suffix or f.ending for f in writers()}))
        raise ParameterError(f"{path} is of no format that is written; expected a name that ends in {expected}")
    return max(by_ending, key=lambda found: found[:2])[2]


def _named(name: str, among: Iterable[Format]) -> Format:
    known = {f.name: f for f in among}
    if name not in known:
        raise ParameterError(f"the format is {name!r}; expected one of {', '.join(map(repr, known))}")
    return known[name]
