"""One image plane out of a file."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_fastsam.core.image.intensity import check_plane
from napari_fastsam.errors import FastSAMError, ImageError
from napari_fastsam.io.images.layout import ImageFile, every_index, plane_index, unreadable
from napari_fastsam.io.images.pictures import PICTURE_SUFFIXES, PictureImage
from napari_fastsam.io.images.tiff import TIFF_SUFFIXES, TiffImage
from napari_fastsam.io.images.vendors import is_vendor_file, open_vendor_file

__all__ = [
    "PICTURE_SUFFIXES", "TIFF_SUFFIXES", "every_index", "lazy_plane", "open_file", "plane_index", "read_plane",
    "unreadable",
]  # fmt: skip


def open_file(path: Path, scene: int | None = None, as_labels: bool = False) -> ImageFile:
    """Open an image file of any format but OME-Zarr.

    Parameters
    ----------
    path
        TIFF and what is made of it (through tifffile), PNG, JPEG and what else Pillow reads, files of makers.
    scene
        Which image of a file that holds several; None = the first.
    as_labels
        Whether its pixels are numbers of objects: a palette's places are not turned into colours then.

    Raises
    ------
    ImageError
        If the file is missing, unreadable or damaged.
    ParameterError
        If there is no such scene.
    """
    _check_file(path)
    try:
        if is_vendor_file(path):
            return open_vendor_file(path, scene)
        kind = TiffImage if path.suffix.casefold() in TIFF_SUFFIXES else PictureImage
        return kind(path, scene, as_labels)
    except Exception as error:  # a decoder may raise anything on a damaged file
        raise named(path, error) from error


def read_plane(
    path: Path, plane: tuple[int, ...] | None = None, scene: int | None = None, as_labels: bool = False
) -> NDArray[np.generic]:
    """Read one plane of an image file.

    Parameters
    ----------
    path, scene, as_labels
        As in `open_file`.
    plane
        Which plane of a stack: one index for each axis before Y and X, or one number that counts all planes,
        the last of those axes fastest. None = the file has only one.

    Returns
    -------
    numpy.ndarray
        (Y, X) or (Y, X, 3 | 4), RGB(A), in the file's own dtype.

    Raises
    ------
    ImageError
        If the file is missing, unreadable or damaged, or is a stack and `plane` does not say which plane.
    ParameterError
        If there is no such plane or scene.
    """
    with open_file(path, scene, as_labels) as image:
        try:
            return check_plane(image.read(_index(image, plane)))
        except Exception as error:  # a decoder may raise anything on a damaged file
            raise named(path, error) from error


def lazy_plane(path: Path, plane: tuple[int, ...] | None = None, scene: int | None = None) -> Any:
    """Return one plane of an image file, to be read by rectangles.

    Of a large plane only what a rectangle needs is read, if the file allows: if it is stored as it is, in tiles or in
    strips. Anything else is read here and now.

    Parameters, errors
        As in `read_plane`.
    """
    with open_file(path, scene) as image:
        try:
            found = image.lazy(_index(image, plane))
            return check_plane(found) if isinstance(found, np.ndarray) else found
        except Exception as error:  # a decoder may raise anything on a damaged file
            raise named(path, error) from error


def named(path: object, error: Exception) -> FastSAMError:
    """Return what was raised of an image as an error that names its file."""
    if isinstance(error, ImageError):
        return error if str(path) in str(error) else ImageError(f"{path}: {error}")
    return error if isinstance(error, FastSAMError) else unreadable(path, error)


def _index(image: ImageFile, plane: tuple[int, ...] | None) -> tuple[int, ...]:
    return plane_index(plane, image.layout.lengths, image.layout.scale.axes[: len(image.layout.lengths)])


def _check_file(path: Path) -> None:
    try:
        mode = path.stat().st_mode
    except FileNotFoundError as error:
        raise ImageError(f"there is no file {path}") from error
    except (OSError, ValueError) as error:  # no right to look, a name that is too long, a link to itself
        raise unreadable(path, error) from error
    if stat.S_ISDIR(mode):
        raise ImageError(f"{path} is a folder; name the images in it, such as {path / '*.tif'}")
    if not stat.S_ISREG(mode):  # reading a pipe might never end
        raise ImageError(f"{path} is no file with an image in it; name one that is")
