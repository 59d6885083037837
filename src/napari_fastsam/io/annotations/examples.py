"""An annotated image on disk, and a set of them: read when they are asked for."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from napari_fastsam.errors import DatasetError, FastSAMError, ImageError, ParameterError
from napari_fastsam.io.formats.registry import read_labels
from napari_fastsam.io.formats.remarks import Remark, summed_up
from napari_fastsam.io.images.images import read_plane
from napari_fastsam.io.results.results import names_for


class Truth(Protocol):
    """Where the objects of one image are drawn: a label image, a list of outlines, …"""

    @property
    def file(self) -> Path:
        """The file that holds them."""

    def labels(self, shape: tuple[int, int]) -> NDArray[np.int32]:
        """Return (H, W) of `shape`, 0 = background, or raise DatasetError naming the file."""

    def remarks(self) -> Sequence[Remark]:
        """Return what is slightly off, and was clipped or left out."""


@dataclass(frozen=True)
class Example:
    """One annotated image on disk.

    Attributes
    ----------
    name
        Stem of its file, with its folder in front where stems repeat; unique in the dataset.
    group
        Kind of image; "" = not known.
    path
        The image's file.
    truth
        What its objects are read from.
    complete
        Whether all objects are drawn; if not, what is not drawn may be objects too.
    ignored_file
        An image that is other than 0 where nothing is known; None = there is none.
    """

    name: str
    group: str
    path: Path
    truth: Truth = field(repr=False)
    complete: bool = True
    ignored_file: Path | None = None

    def ignored(self) -> NDArray[np.bool_] | None:
        """Return (Y, X), true where nothing is known; None where all is decided.

        Raises
        ------
        ImageError
            If the file is missing or damaged.
        DatasetError
            If it has another shape than the labels.
        """
        if self.ignored_file is None:
            return None
        found = read_plane(self.ignored_file)
        marked = found.any(axis=-1) if found.ndim == 3 else found != 0
        expected = self.labels().shape
        if marked.shape != expected:
            raise DatasetError(
                f"{self.ignored_file} has shape {marked.shape} and the labels {expected}; both must have the same rows "
                "and columns"
            )
        return np.asarray(marked, np.bool_)

    def image(self) -> NDArray[np.generic]:
        """Return (Y, X) or (Y, X, 3 | 4), RGB(A), in the file's own dtype.

        Raises
        ------
        ImageError
            If the file is missing or damaged.
        DatasetError
            If it is a stack.
        """
        try:
            return read_plane(self.path)
        except ImageError as error:
            if _is_stack(self.path):
                raise DatasetError(
                    f"{self.path} is a stack, and an annotated image is one plane, (Y, X) or RGB; "
                    "save each plane as a file of its own"
                ) from error
            raise

    def labels(self) -> NDArray[np.int32]:
        """Return the objects as drawn: (Y, X) like the image, 0 = background.

        Raises
        ------
        DatasetError
            If they cannot be read, or have another shape than the image.
        ImageError
            If the image cannot be read.
        """
        shape = self.image().shape[:2]
        try:
            return self.truth.labels((shape[0], shape[1]))
        except FastSAMError:
            raise
        except Exception as error:  # whatever a damaged file leads to is said of this file
            raise DatasetError(
                f"the objects of {self.path} cannot be read from {self.truth.file}: {type(error).__name__}, {error}"
            ) from error


@dataclass(frozen=True)
class Dataset:
    """Annotated images.

    Attributes
    ----------
    name
        For a person.
    path
        What was named: a folder or a file.
    examples
        In the order of their names, or of the file that lists them.
    yaml
        The YOLO data.yaml, if it is such a dataset.
    split
        The part that `examples` are; "" = the dataset has no parts.
    splits
        The parts that there are.
    """

    name: str
    path: Path
    examples: tuple[Example, ...]
    yaml: Path | None = None
    split: str = ""
    splits: tuple[str, ...] = ()

    def __iter__(self) -> Iterator[Example]:
        """Go through the examples."""
        return iter(self.examples)

    def __len__(self) -> int:
        """Return how many examples there are."""
        return len(self.examples)

    def remarks(self) -> list[str]:
        """Return what is slightly off in its annotations; see `remarks_of`."""
        return remarks_of(self.examples)

    @property
    def files(self) -> list[Path]:
        """All files that are read for it."""
        named = [self.path / "index.csv"] if self.path.is_dir() else [self.path]
        return [*named, *(file for e in self.examples for file in (e.path, e.truth.file))]


def remarks_of(examples: Iterable[Example]) -> list[str]:
    """Return what is slightly off in annotations, counted and named.

    Raises
    ------
    DatasetError
        If they cannot be read.
    """
    return summed_up(remark for example in examples for remark in example.truth.remarks())


@dataclass(frozen=True)
class LabelImage:
    """Objects of one plane, in any format that labels are read from (`io.formats`): one number an object.

    Attributes
    ----------
    file
        The label image, or the file of objects.
    """

    file: Path

    def labels(self, shape: tuple[int, int]) -> NDArray[np.int32]:
        """Return the label image, or raise DatasetError if it is none, or not of `shape`."""
        try:
            result = read_labels(self.file, shape)
            if (count := math.prod(result.shape[:-2])) != 1:
                raise DatasetError(
                    f"{self.file}: a stack of {count} planes, and an annotated image is one plane; save each plane as "
                    "a file of its own"
                )
            ((_, plane),) = result.labels.planes()
            found: NDArray[np.generic] = np.asarray(plane)
        except FastSAMError as error:
            raise DatasetError(f"labels: {error}") from error
        _check_no_mask(self.file, found)
        if found.shape != shape:
            raise DatasetError(
                f"the label image {self.file} is {_size(found.shape)} pixels and its image {_size(shape)}; "
                "both must have the same rows and columns"
            )
        return _as_int32(found)

    def remarks(self) -> Sequence[Remark]:
        """Return nothing: numbers are right or they are refused."""
        return ()


@dataclass(frozen=True)
class Entry:
    """What an ``index.csv`` says of an image.

    Attributes
    ----------
    group
        Its kind; "" = not known.
    complete
        As in `Example`.
    """

    group: str = ""
    complete: bool = True


def index_of(folder: Path) -> dict[str, Entry]:
    """Return what ``index.csv`` in `folder` says of each image, by its stem; empty if there is no such file.

    Raises
    ------
    DatasetError
        If the file cannot be read, has no columns ``id`` and ``kind``, or says neither true nor false in its column
        ``complete``.
    """
    index = folder / "index.csv"
    if not index.is_file():
        return {}
    try:
        with index.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            rows = list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DatasetError(f"{index} cannot be read ({error}); correct it, or take it away") from error
    if not {"id", "kind"} <= set(reader.fieldnames or ()):
        raise DatasetError(
            f"{index} has the columns {', '.join(reader.fieldnames or ()) or 'of an empty file'}; "
            "expected id (an image's name without suffix) and kind among them"
        )
    return {row["id"]: Entry(row["kind"] or "", _is_complete(index, row)) for row in rows}


def _is_complete(index: Path, row: dict[str, str]) -> bool:
    text = (row.get("complete") or "true").strip().casefold()
    if text not in ("true", "false"):
        raise DatasetError(f"{index} says {text!r} in the column complete of {row['id']}; expected true or false")
    return text == "true"


def unique_names(images: Sequence[Path]) -> list[str]:
    """Return a name for each image: its stem, with folder and suffix where stems repeat.

    Raises
    ------
    DatasetError
        If two still have the same.
    """
    try:
        return names_for(images)
    except ParameterError as error:
        raise DatasetError(f"two images cannot be told apart by name and folder ({error})") from error


def _check_no_mask(file: Path, found: NDArray[np.generic]) -> None:
    high = int(found.max())
    if (found.dtype.kind == "b" or high == np.iinfo(np.uint8).max) and len(np.unique(found)) == 2:
        from skimage.measure import label

        pieces = int(label(found != 0).max())  # type: ignore[no-untyped-call]
        if pieces > 1:
            raise DatasetError(
                f"{file} is a mask: {pieces} separate pieces all have the value {high}; expected a number of its own "
                "for each object, as skimage.measure.label gives"
            )


def _as_int32(found: NDArray[Any]) -> NDArray[np.int32]:
    """Return a label image in 32 bits; numbers that need more are counted anew, in their order, 0 stays 0."""
    if int(found.max()) > np.iinfo(np.int32).max:
        numbers, places = np.unique(found, return_inverse=True)
        found = places.reshape(found.shape) + (numbers[0] != 0)
    labels: NDArray[np.int32] = found.astype(np.int32)
    return labels


def _is_stack(path: Path) -> bool:
    try:
        read_plane(path, (0,))
    except FastSAMError:
        return False
    return True


def _size(shape: Sequence[int]) -> str:
    return " × ".join(map(str, shape))
