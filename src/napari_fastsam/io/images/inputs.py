"""Many images to work on: files, folders, patterns, stacks, OME-Zarr, plates; each read plane by plane."""

from __future__ import annotations

import glob
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from napari_fastsam.errors import ImageError
from napari_fastsam.io.images.images import lazy_plane, pixel_sizes, planes_of, read_plane
from napari_fastsam.io.images.ome_zarr import Scale, images_in, is_zarr, open_image
from napari_fastsam.io.results.results import stem_of

SUFFIXES = frozenset(
    [".tif", ".tiff", ".btf", ".tf8", ".lsm", ".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp"]  # what read_plane knows
)


class Layout(NamedTuple):
    """The axes of an image.

    Attributes
    ----------
    lengths
        Of the axes before a plane's own.
    plane
        ``(H, W)``.
    scale
        Of all axes.
    """

    lengths: tuple[int, ...]
    plane: tuple[int, int]
    scale: Scale


@dataclass(frozen=True)
class Input:
    """One image: a file, or an image within an OME-Zarr.

    Attributes
    ----------
    path
        File or folder.
    where
        Place of the image within an OME-Zarr plate; "" elsewhere.
    """

    path: Path
    where: str = ""

    def __str__(self) -> str:
        return f"{self.path}/{self.where}" if self.where else str(self.path)

    @property
    def name(self) -> str:
        """What its results are called."""
        return "_".join([stem_of(self.path), *filter(None, self.where.split("/"))])

    def fingerprint(self) -> str:
        """Return what changes when the input does: size and time of its files."""
        folder = self.path / self.where if self.where else self.path
        files = [folder] if folder.is_file() else sorted(p for p in folder.rglob("*") if p.is_file())
        stats = [p.stat() for p in files]
        newest = max((s.st_mtime_ns for s in stats), default=0)
        return f"{len(files)}-{sum(s.st_size for s in stats)}-{newest}"

    def describe(self) -> Layout:
        """Return its axes, without reading its pixels.

        Raises
        ------
        ImageError
            If it cannot be read.
        """
        if is_zarr(self.path):
            array, scale = open_image(self.path, self.where)
            *lengths, height, width = (int(n) for n in array.shape)
            return Layout(tuple(lengths), (height, width), scale)
        leading, names, plane = planes_of(self.path)
        axes = (*_unique(names), "y", "x")
        sizes = pixel_sizes(self.path)
        steps, units = zip(*(sizes.get(axis, (1.0, "")) for axis in axes), strict=True)
        return Layout(leading, plane, Scale(axes, steps, units))

    def read(self, index: tuple[int, ...]) -> NDArray[np.generic]:
        """Read one plane, (Y, X) or (Y, X, 3 | 4).

        Raises
        ------
        ImageError
            If it cannot be read.
        """
        if is_zarr(self.path):
            return np.asarray(self.lazy(index)[:, :])
        return read_plane(self.path, index if index else None)

    def lazy(self, index: tuple[int, ...]) -> Any:
        """Return one plane to be read by rectangles, without reading it where the format allows."""
        if not is_zarr(self.path):
            return lazy_plane(self.path, index if index else None)
        array, _ = open_image(self.path, self.where)
        return _Plane(array, index)


class _Plane:
    """One plane of a zarr array."""

    def __init__(self, array: Any, index: tuple[int, ...]) -> None:
        self._array, self._index = array, index
        self.shape = tuple(int(n) for n in array.shape[len(index) :])
        self.dtype = array.dtype

    def __getitem__(self, window: tuple[slice, slice]) -> NDArray[Any]:
        return np.asarray(self._array[(*self._index, *window)])


def find_inputs(patterns: Sequence[str]) -> list[Input]:
    """Return the images that are meant, each once, in the order of the arguments, folders sorted by name.

    Parameters
    ----------
    patterns
        Files, folders (whose images are meant, not those in folders in them), OME-Zarr images and plates, and patterns
        such as ``"plate/*.tif"`` or ``"**/*.png"``.

    Raises
    ------
    ImageError
        If one of them means no image.
    """
    found: dict[Input, None] = {}
    for pattern in patterns:
        paths = (
            [Path(pattern)] if Path(pattern).exists() else [Path(p) for p in sorted(glob.glob(pattern, recursive=True))]
        )
        images = [one for path in paths for one in _images_at(path)]
        if not images:
            what = (
                "has no image in it"
                if Path(pattern).is_dir()
                else "is neither a file, a folder, nor a pattern of files"
            )
            raise ImageError(f"{pattern} {what}; expected {', '.join(sorted(SUFFIXES))} or OME-Zarr")
        found |= dict.fromkeys(images)
    return list(found)


def _images_at(path: Path) -> list[Input]:
    if is_zarr(path):
        return [Input(path, where) for where in images_in(path)]
    if path.is_dir():
        inside = sorted(p for p in path.iterdir() if not p.name.startswith("."))
        return [one for p in inside for one in (_images_at(p) if is_zarr(p) or p.suffix.casefold() in SUFFIXES else [])]
    return [Input(path)]


def _unique(names: str) -> list[str]:
    """Return names of axes in lower case, those that come twice numbered."""
    axes: list[str] = []
    for name in names.lower():
        axes.append(name if name not in axes else f"{name}{len(axes)}")
    return axes
