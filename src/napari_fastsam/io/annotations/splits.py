"""Which part of a dataset is meant, and which files of a folder are images."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from napari_fastsam.errors import DatasetError
from napari_fastsam.io.images.finding import IMAGE_SUFFIXES


def choose_split(path: Path, split: str | None, splits: Iterable[str]) -> str:
    """Return the split that is meant.

    Raises
    ------
    DatasetError
        If there is none of that name.
    """
    there = tuple(splits)
    if split is None:
        return next((s for s in ("val", "test", "train") if s in there), "")
    if split not in there:
        raise no_such_split(path, split, there)
    return split


def image_files(folder: Path) -> list[Path]:
    """Return the images in a folder, by name; hidden files and other kinds are left out."""
    return sorted(
        p for p in folder.iterdir()
        if p.is_file() and p.suffix.casefold() in IMAGE_SUFFIXES and not p.name.startswith(".")
    )  # fmt: skip


def no_such_split(path: Path, split: str, there: tuple[str, ...]) -> DatasetError:
    """Return the error for a split that is not there."""
    parts = f"its parts are {', '.join(there)}" if there else "it has no parts: leave the split out"
    return DatasetError(f"{path} has no split {split!r}; {parts}")


def names_in(file: Path) -> set[str]:
    """Return the names of images that a text file has, one a line, without folders in front.

    Raises
    ------
    DatasetError
        If it cannot be read.
    """
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(f"{file} cannot be read ({error}); expected the names of images, one a line") from error
    return {line.strip().rsplit("/", 1)[-1] for line in lines if line.strip()}
