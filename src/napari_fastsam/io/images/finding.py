"""Which images are meant by files, folders, patterns, OME-Zarr images and plates."""

from __future__ import annotations

import glob
import os
from collections.abc import Sequence
from pathlib import Path

from napari_fastsam.errors import ImageError
from napari_fastsam.io.images.images import PICTURE_SUFFIXES, TIFF_SUFFIXES, unreadable
from napari_fastsam.io.images.inputs import Input
from napari_fastsam.io.images.ome_zarr import images_in, is_zarr
from napari_fastsam.io.images.vendors import READ_SUFFIXES

SUFFIXES = frozenset([*TIFF_SUFFIXES, *PICTURE_SUFFIXES, *READ_SUFFIXES])
"""Of the files of a folder that are taken for images."""

IMAGE_SUFFIXES = {".tif", ".tiff", ".btf", ".tf8", ".lsm", ".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".jp2"}
"""Of the files of a dataset that are taken for images; others beside them are left out."""


def find_inputs(patterns: Sequence[str]) -> list[Input]:
    """Return the images that are meant, each once, in the order of the arguments, folders sorted by name.

    Parameters
    ----------
    patterns
        Files, folders (whose images are meant, not those in folders in them), OME-Zarr images and plates, and patterns
        such as ``"plate/*.tif"`` or ``"**/*.png"``, which do not follow links to folders.

    Returns
    -------
    list of Input
        One that cannot be read is among them, and says so when it is described.

    Raises
    ------
    ImageError
        If one of the patterns means no image, or none of the images can be looked into.
    """
    found: dict[tuple[str, str], Input] = {}
    real_path = _RealPaths()
    for pattern in patterns:
        images = [one for path in _paths(pattern) for one in _images_at(path)]
        if not images:
            what = (
                "has no image in it"
                if os.path.isdir(pattern)
                else "is neither a file, a folder, nor a pattern of files"
            )
            raise ImageError(f"{pattern} {what}; expected {', '.join(sorted(SUFFIXES))} or OME-Zarr")
        for image in images:
            found.setdefault((real_path(image.path), image.where), image)
    if found and all(image.problem for image in found.values()):
        raise ImageError(next(iter(found.values())).problem)
    return list(found.values())


class _RealPaths:
    """Paths without links; those of a folder are looked up once for all that is in it."""

    def __init__(self) -> None:
        self._folders: dict[Path, str] = {}

    def __call__(self, path: Path) -> str:
        folder = path.parent
        if folder not in self._folders:
            self._folders[folder] = os.path.realpath(folder)
        there = os.path.join(self._folders[folder], path.name)
        return os.path.realpath(there) if path.name in ("", "..") or os.path.islink(there) else there


def _paths(pattern: str) -> list[Path]:
    """Return the files and folders that a text means, sorted where it is a pattern."""
    path = Path(pattern)
    if os.path.lexists(path):
        return [path]
    if not glob.has_magic(pattern):
        return []
    # folders whose names have brackets are what they are called
    plain = next(n for n in range(len(path.parts), -1, -1) if not n or os.path.lexists(Path(*path.parts[:n])))
    plain += next((n for n, part in enumerate(path.parts[plain:]) if glob.has_magic(part)), len(path.parts) - plain)
    if plain == len(path.parts):
        return []
    # of pathlib, because glob follows links to folders round and round
    root = Path(*path.parts[:plain])
    try:
        matching = list(root.glob(str(Path(*path.parts[plain:]))))
    except ValueError as error:
        raise ImageError(f"{pattern} is no pattern of files: {error}") from error
    return sorted(p for p in matching if not any(part.startswith(".") for part in p.relative_to(root).parts))


def _images_at(path: Path, inside: bool = False) -> list[Input]:
    """Return the images of a file or folder; what cannot be looked into is one that says so.

    Of what lies inside a folder only zarr is looked into, and only what is called like an image is one.
    """
    called = not inside or path.suffix.casefold() in (*SUFFIXES, ".zarr")
    try:
        if is_zarr(path):
            return [Input(path, where) for where in images_in(path)]
        if inside or not path.is_dir():
            return [Input(path)] if called else []
        within = sorted(p for p in path.iterdir() if not p.name.startswith("."))
    except Exception as error:  # noqa: BLE001 - whatever it is, it is told of this input alone
        reason = str(error if isinstance(error, ImageError) else unreadable(path, error))
        return [Input(path, problem=reason)] if called else []
    return [one for p in within for one in _images_at(p, inside=True)]
