"""Many images to work on: files, folders, patterns, stacks, OME-Zarr, plates; each read plane by plane."""

from __future__ import annotations

import glob
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from napari_fastsam.core.image.channels import ChannelLike, check_channels, colour_plane
from napari_fastsam.core.image.scale import Scale
from napari_fastsam.errors import ImageError, ParameterError
from napari_fastsam.io.images.images import (
    PICTURE_SUFFIXES,
    TIFF_SUFFIXES,
    lazy_plane,
    pixel_sizes,
    plane_index,
    planes_of,
    read_plane,
    unreadable,
)
from napari_fastsam.io.images.ome_zarr import images_in, is_zarr, open_image
from napari_fastsam.io.results.results import stem_of

T = TypeVar("T")

SUFFIXES = frozenset([*TIFF_SUFFIXES, *PICTURE_SUFFIXES])


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
    problem
        Why it cannot be read, if that was found when it was looked for.
    channels
        Which of its channels are seen, together as colours; empty = each is a plane of its own.
    channel_limits
        The intensities of each that are shown as black and as full colour; empty = what suits each.
    """

    path: Path
    where: str = ""
    problem: str = ""
    channels: tuple[int, ...] = ()
    channel_limits: tuple[tuple[float, float], ...] = ()

    def __str__(self) -> str:
        return f"{self.path}/{self.where}" if self.where else str(self.path)

    @property
    def name(self) -> str:
        """What its results are called."""
        return "_".join([stem_of(self.path), *filter(None, self.where.split("/"))])

    def absolute(self) -> Input:
        """Return it under a path that is the same from every folder."""
        return replace(self, path=self.path.absolute())

    def fingerprint(self) -> str:
        """Return what changes when the input does: size and time of its files.

        Raises
        ------
        ImageError
            If that was found when it was looked for.
        OSError
            If one of its files cannot be looked at.
        """
        if self.problem:
            raise ImageError(self.problem)
        folder = self.path / self.where if self.where else self.path
        files = [folder] if folder.is_file() else sorted(p for p in folder.rglob("*") if p.is_file())
        stats = [p.stat() for p in files]
        newest = max((s.st_mtime_ns for s in stats), default=0)
        return f"{len(files)}-{sum(s.st_size for s in stats)}-{newest}"

    def describe(self) -> Layout:
        """Return its axes, without reading its pixels; where channels are seen together, without theirs.

        Raises
        ------
        ImageError
            If it cannot be read.
        ParameterError
            If it has not the channels.
        """
        layout = self._stored()
        if not self.channels:
            return layout
        axis = self._channel_axis(layout)
        if axis is None:
            check_channels(self.channels, self._samples(layout))
            return layout
        check_channels(self.channels, layout.lengths[axis])
        stored = layout.scale
        scale = Scale(_without(stored.axes, axis), _without(stored.scale, axis), _without(stored.units, axis))
        return Layout(_without(layout.lengths, axis), layout.plane, scale)

    def _stored(self) -> Layout:
        """Return all axes that its pixels have."""
        if self.problem:
            raise ImageError(self.problem)
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
        ParameterError
            If it has not the channels.
        """
        if self.channels or is_zarr(self.path):
            return np.asarray(self.lazy(index)[:, :])
        return read_plane(self.path, index if index else None)

    def lazy(self, index: tuple[int, ...]) -> Any:
        """Return one plane to be read by rectangles, without reading it where the format allows.

        Several channels come as one `core.image.channels.ColourPlane`.
        """
        if not self.channels:
            return self._plane(index)
        layout = self._stored()
        axis = self._channel_axis(layout)
        if axis is None:
            check_channels(self.channels, self._samples(layout))
            whole = self._plane(index)
            planes: list[ChannelLike] = [_Sample(whole, channel) for channel in self.channels]
        else:
            check_channels(self.channels, layout.lengths[axis])
            planes = [self._plane((*index[:axis], channel, *index[axis:])) for channel in self.channels]
        return planes[0] if len(planes) == 1 else colour_plane(planes, limits=self.channel_limits or None)

    def _plane(self, index: tuple[int, ...]) -> Any:
        if not is_zarr(self.path):
            return lazy_plane(self.path, index if index else None)
        array, _ = open_image(self.path, self.where)
        return _ZarrPlane(array, index)

    def _channel_axis(self, layout: Layout) -> int | None:
        """Return the axis of the channels among those before a plane's own; None = they are the colours of its pixels.

        Raises
        ------
        ParameterError
            If there is no telling.
        """
        names = layout.scale.axes[: len(layout.lengths)]
        if "c" in names:
            return names.index("c")
        if len(names) == 1 and layout.lengths[0] > 1:
            return 0
        if self._samples(layout) > 1:
            return None
        axes = ", ".join(f"{n} along {name}" for n, name in zip(layout.lengths, names, strict=True)) or "one plane"
        raise ParameterError(f"{self} has no axis of channels ({axes}); leave the channels out")

    def _samples(self, layout: Layout) -> int:
        """Return how many colours a pixel has."""
        shape = self._plane((0,) * len(layout.lengths)).shape
        return int(shape[2]) if len(shape) > 2 else 1


def _without(values: tuple[T, ...], axis: int) -> tuple[T, ...]:
    return values[:axis] + values[axis + 1 :]


class _Sample:
    """One colour of a plane."""

    def __init__(self, plane: Any, sample: int) -> None:
        self._plane, self._sample = plane, sample
        self.shape = tuple(int(n) for n in plane.shape[:2])

    def __getitem__(self, window: tuple[slice, slice]) -> NDArray[Any]:
        return np.asarray(self._plane[window])[..., self._sample]


class _ZarrPlane:
    """One plane of a zarr array."""

    def __init__(self, array: Any, index: tuple[int, ...]) -> None:
        self._array, self._index = array, index
        self.shape = tuple(int(n) for n in array.shape[len(index) :])
        self.dtype = array.dtype

    def __getitem__(self, window: tuple[slice, slice]) -> NDArray[Any]:
        return np.asarray(self._array[(*self._index, *window)])


def open_plane(path: Path, plane: tuple[int, ...] | None = None, channels: tuple[int, ...] = ()) -> Any:
    """Return one plane of an image file, to be read by rectangles, with some of its channels seen together.

    Parameters
    ----------
    path
        An image file.
    plane
        As in `images.read_plane`; where channels are named, among the axes beside theirs.
    channels
        As in `Input`.

    Raises
    ------
    ImageError
        If it cannot be read, or is a stack and `plane` does not say which plane.
    ParameterError
        If there is no such plane or channel.
    """
    if not channels:
        return lazy_plane(path, plane)
    image = Input(path, channels=channels)
    layout = image.describe()
    return image.lazy(plane_index(plane, layout.lengths, "".join(axis[0] for axis in layout.scale.axes[:-2])))


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
            found.setdefault((os.path.realpath(image.path), image.where), image)
    if found and all(image.problem for image in found.values()):
        raise ImageError(next(iter(found.values())).problem)
    return list(found.values())


def _paths(pattern: str) -> list[Path]:
    """Return the files and folders that a text means, sorted where it is a pattern."""
    path = Path(pattern)
    if os.path.lexists(path):
        return [path]
    if not glob.has_magic(pattern):
        return []
    # of pathlib, because glob follows links to folders round and round
    plain = next(place for place, part in enumerate(path.parts) if glob.has_magic(part))
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


def _unique(names: str) -> list[str]:
    """Return names of axes in lower case, those that come twice numbered."""
    axes: list[str] = []
    for name in names.lower():
        axes.append(name if name not in axes else f"{name}{len(axes)}")
    return axes
