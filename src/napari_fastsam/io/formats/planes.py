"""Label images that lie in image files, a plane at a time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_fastsam.core.image.scale import Scale
from napari_fastsam.core.results.result import ArrayLabels, Index
from napari_fastsam.errors import DatasetError
from napari_fastsam.io.images.images import every_index, read_plane
from napari_fastsam.io.images.inputs import Input


class FilePlanes:
    """The planes of an image file, read as they are asked for.

    Parameters
    ----------
    path
        What `io.images.images.read_plane` reads.

    Attributes
    ----------
    shape
        Of all of it, rows and columns last.
    scale
        Of its axes.

    Raises
    ------
    ImageError
        If it cannot be read.
    """

    shape: tuple[int, ...]
    scale: Scale

    def __init__(self, path: Path) -> None:
        lengths, plane, self.scale = Input(path).describe()
        self.shape = (*lengths, *plane)
        check_fits(path, self.shape)
        self._path = path

    def planes(self, onto: Any = None) -> Iterator[tuple[Index, NDArray[np.generic]]]:
        """Yield each plane's index and its pixels, in order; nothing is painted onto `onto`."""
        for index in every_index(self.shape[:-2]):
            yield index, check_label_plane(self._path, read_plane(self._path, index or None, as_labels=True))


class CheckedLabels(ArrayLabels):
    """A label image that an array of a file holds, checked as its planes are asked for.

    Parameters
    ----------
    file
        For messages.
    array
        As in `ArrayLabels`.
    """

    def __init__(self, file: Path, array: Any) -> None:
        super().__init__(array)
        self._file = file
        check_fits(file, self.shape)

    def planes(self, onto: Any = None) -> Iterator[tuple[Index, Any]]:
        """Yield as `ArrayLabels` does. Raises DatasetError as `check_label_plane`, or if one cannot be read."""
        planes = super().planes(onto)
        while True:
            try:
                index, plane = next(planes)
            except StopIteration:
                return
            except Exception as error:  # a decoder may raise anything on a damaged file
                raise DatasetError(f"{self._file} cannot be read: {error}; get the file again") from error
            yield index, check_label_plane(self._file, plane)


def check_fits(file: Path, shape: tuple[int, ...]) -> None:
    """Make sure that there is memory for a plane of labels: a damaged file may claim any size.

    Raises
    ------
    DatasetError
        If there is none.
    """
    height, width = shape[-2:]
    try:
        np.empty((height, width), np.int32)  # nothing is written into it, so that this takes no time
    except (MemoryError, ValueError) as error:
        raise DatasetError(
            f"{file} claims labels of {height} × {width} pixels, which do not fit into memory; get the file again"
        ) from error


def check_label_plane(file: Path, plane: NDArray[np.generic]) -> NDArray[np.generic]:
    """Return a plane if it is one of a label image.

    Raises
    ------
    DatasetError
        If it is a picture in colour, or holds anything else than whole numbers from 0 on.
    """
    if plane.ndim != 2:
        raise DatasetError(
            f"{file} is a picture in colour, {plane.shape}; expected a label image, one whole number a pixel"
        )
    if plane.dtype.kind not in ("b", "u", "i"):
        raise DatasetError(
            f"{file} holds {plane.dtype}; expected a label image of whole numbers: convert it, for instance to uint16"
        )
    if plane.dtype.kind == "i" and plane.min(initial=0) < 0:
        raise DatasetError(
            f"{file} holds numbers from {plane.min()} to {plane.max()}; expected 0 = background, objects from 1 on"
        )
    return plane
