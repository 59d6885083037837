"""Many images to work on: files, folders, patterns, stacks, OME-Zarr, plates; each read plane by plane."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from napari_fastsam.core.image.channels import ChannelLike, colour_plane, find_channels
from napari_fastsam.core.image.intensity import check_plane
from napari_fastsam.errors import ImageError, ParameterError
from napari_fastsam.io.images.images import named, open_file, plane_index
from napari_fastsam.io.images.layout import ImageFile, Layout, absent
from napari_fastsam.io.images.ome_zarr import ZarrImage, images_in, is_zarr
from napari_fastsam.io.results.results import stem_of

__all__ = ["Input", "Layout", "open_plane"]

T = TypeVar("T")


@dataclass(frozen=True)
class Input:
    """One image: a file, or an image within a file or an OME-Zarr.

    Attributes
    ----------
    path
        File or folder.
    where
        Place of the image within an OME-Zarr plate; "" elsewhere.
    problem
        Why it cannot be read, if that was found when it was looked for.
    channels
        Which of its channels are seen, together as colours, by position or by name; empty = each is a plane of its own.
    channel_limits
        The intensities of each that are shown as black and as full colour; empty = what suits each.
    scene
        Which image of a file that holds several; None = the first.
    pixel_size
        Of rows and columns in micrometers; None = as the file says.
    """

    path: Path
    where: str = ""
    problem: str = ""
    channels: tuple[int | str, ...] = ()
    channel_limits: tuple[tuple[float, float], ...] = ()
    scene: int | None = None
    pixel_size: float | None = None

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

    def open(self) -> ImageFile:
        """Open it; what it gives knows nothing of channels that are seen together, nor of a pixel size that is said.

        Raises
        ------
        ImageError
            If it cannot be read.
        ParameterError
            If it has not the scene.
        """
        if self.problem:
            raise ImageError(self.problem)
        if not is_zarr(self.path):
            return open_file(self.path, self.scene)
        return ZarrImage(self.path, self.where or _series(self.path, self.scene))

    def describe(self) -> Layout:
        """Return its axes, without reading its pixels; where channels are seen together, without theirs.

        Raises
        ------
        ImageError
            If it cannot be read.
        ParameterError
            If it has not the channels.
        """
        with self.open() as image:
            lengths, plane, scale = image.layout
            axis = self._chosen_channels(image)[0] if self.channels else None
        if axis is not None:
            scale = scale.subset([a for a in range(len(scale.axes)) if a != axis])
            lengths = (*lengths[:axis], *lengths[axis + 1 :])
        return Layout(lengths, plane, scale if self.pixel_size is None else scale.with_pixel_size(self.pixel_size))

    def check_whole(self) -> None:
        """Make sure that the file holds all planes that it promises.

        Raises
        ------
        ImageError
            If it does not; the message names those that are missing.
        """
        with self.open() as image:
            missing, (lengths, _, scale) = image.missing, image.layout
        if missing:
            raise ImageError(f"{self}: {absent(missing, scale.axes, math.prod(lengths))}")

    def remarks(self) -> list[str]:
        """Return what should be known of the file: that it holds other images too.

        Raises
        ------
        ImageError
            If it cannot be read.
        """
        with self.open() as image:
            others = image.alike
        if self.scene is not None or others < 2:
            return []
        return [f"the first of {others} images in this file; choose another with --scene"]

    def read(self, index: tuple[int, ...]) -> NDArray[np.generic]:
        """Read one plane, (Y, X) or (Y, X, 3 | 4).

        Raises
        ------
        ImageError
            If it cannot be read.
        ParameterError
            If it has not the channels.
        """
        if self.channels:
            return np.asarray(self.lazy(index)[:, :])
        found: NDArray[np.generic] = self._get(lambda image: check_plane(image.read(index)))
        return found

    def lazy(self, index: tuple[int, ...]) -> Any:
        """Return one plane to be read by rectangles, without reading it where the format allows.

        Several channels come as one `core.image.channels.ColourPlane`.
        """
        return self._get(partial(self._lazy, index=index))

    def plane(self, plane: tuple[int, ...] | None = None) -> Any:
        """Return one plane to be read by rectangles; `plane` as in `images.read_plane`, channels seen aside."""
        lengths, _, scale = self.describe()
        try:
            return self.lazy(plane_index(plane, lengths, scale.axes[: len(lengths)]))
        except ImageError as error:
            raise named(self, error) from error

    def _get(self, what: Callable[[ImageFile], T]) -> T:
        """Return something of the open file; whatever goes wrong names it."""
        with self.open() as image:
            try:
                return what(image)
            except Exception as error:  # a decoder may raise anything on a damaged file
                raise named(self, error) from error

    def _lazy(self, image: ImageFile, index: tuple[int, ...]) -> Any:
        if not self.channels:
            found = image.lazy(index)
            return check_plane(found) if isinstance(found, np.ndarray) else found
        axis, channels = self._chosen_channels(image)
        if axis is None:
            whole = image.lazy(index)
            planes: list[ChannelLike] = [_Sample(whole, channel) for channel in channels]
        else:
            planes = [image.lazy((*index[:axis], channel, *index[axis:])) for channel in channels]
        return planes[0] if len(planes) == 1 else colour_plane(planes, limits=self.channel_limits or None)

    def _chosen_channels(self, image: ImageFile) -> tuple[int | None, tuple[int, ...]]:
        """Return the axis of the channels among those before a plane's own, and the positions of those that are seen.

        Without an axis they are the colours of its pixels.

        Raises
        ------
        ParameterError
            If there is no telling, or it has not the channels.
        """
        lengths = image.layout.lengths
        names = image.layout.scale.axes[: len(lengths)]
        axis = names.index("c") if "c" in names else 0 if len(names) == 1 and lengths[0] > 1 else None
        if axis is None and image.colours == 1:
            axes = ", ".join(f"{n} along {name}" for n, name in zip(lengths, names, strict=True)) or "one plane"
            raise ParameterError(f"{self} has no axis of channels ({axes}); leave the channels out")
        try:
            count = image.colours if axis is None else lengths[axis]
            return axis, find_channels(self.channels, image.channels, count)
        except ParameterError as error:
            raise ParameterError(f"{self}: {error}") from error


class _Sample:
    """One colour of a plane."""

    def __init__(self, plane: Any, sample: int) -> None:
        self._plane, self._sample = plane, sample
        self.shape = tuple(int(n) for n in plane.shape[:2])

    def __getitem__(self, window: tuple[slice, slice]) -> NDArray[Any]:
        return np.asarray(self._plane[window])[..., self._sample]


def open_plane(path: Path, plane: tuple[int, ...] | None = None, channels: tuple[int | str, ...] = ()) -> Any:
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
    return Input(path, channels=channels).plane(plane)


def _series(path: Path, scene: int | None) -> str:
    """Return which of the images of an OME-Zarr is meant."""
    images = images_in(path)
    if scene is None and len(images) == 1:
        return images[0]
    if scene is not None and 0 <= scene < len(images):
        return images[scene]
    what = "none of them is chosen" if scene is None else f"there is no scene {scene}"
    raise ParameterError(
        f"{path} holds {len(images)} images and {what}; choose one from 0 to {len(images) - 1} with --scene, or name "
        f"it, such as {path}/{images[0]}"
    )
