"""A folder of annotated images, as `napari-fastsam train` and `evaluate` read it: written whole or not at all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from napari_fastsam.errors import DatasetError
from napari_fastsam.io.results.folders import folder_in_place_of
from napari_fastsam.io.results.names import plain_name
from napari_fastsam.io.results.results import OutputError


class ImageWithLabels(Protocol):
    """An image with its objects: what `layers.training.pairs` makes of layers.

    It may have an attribute ``ignored``, (Y, X) bool, where nothing is known; None = all is decided.
    """

    @property
    def name(self) -> str:
        """For the files; need not be unique or fit for one."""

    @property
    def picture(self) -> NDArray[np.uint8]:
        """(Y, X) or (Y, X, 3)."""

    @property
    def labels(self) -> NDArray[np.int32]:
        """(Y, X), 0 = background."""


def write_training_data(folder: Path, images: Iterable[ImageWithLabels | None]) -> Iterator[str]:
    """Write ``images/NAME.tif`` and ``labels/NAME.tif``, image by image, saying what was written.

    Where not all of an image is decided, ``ignored/NAME.tif`` is other than 0 where nothing is known.

    The folder appears under its name once it is complete. Whoever stops iterating, or fails, leaves nothing.

    Parameters
    ----------
    folder
        Must not be there yet, or be empty.
    images
        Asked for one after the other, so that they need not all be in memory; None is passed over.

    Raises
    ------
    DatasetError
        If there is no image, or an image and its labels are of unlike shape.
    OutputError
        If the folder holds something already or cannot be written.
    """
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise OutputError(f"{folder} is there already and not empty; choose another folder")
        with folder_in_place_of(folder) as whole:
            yield from _fill(whole, images)
    except OSError as error:
        raise _unwritable(folder, error) from error


def file_name(name: str, taken: set[str]) -> str:
    """Return a name for a file that every system takes, and that is not in `taken` in any case; adds it there."""
    plain = plain_name(name)
    chosen, number = plain, 1
    while chosen.casefold() in taken:
        number += 1
        chosen = f"{plain}_{number}"
    taken.add(chosen.casefold())
    return chosen


def _fill(folder: Path, images: Iterable[ImageWithLabels | None]) -> Iterator[str]:
    import tifffile

    pictures, drawn = folder / "images", folder / "labels"
    pictures.mkdir()
    drawn.mkdir()
    taken: set[str] = set()
    for image in images:
        if image is None:
            continue
        if image.picture.shape[:2] != image.labels.shape:
            raise DatasetError(
                f"the image {image.name!r} is {image.picture.shape[:2]} pixels and its labels {image.labels.shape}; "
                "both must have the same rows and columns"
            )
        file = f"{file_name(image.name, taken)}.tif"
        colour = "rgb" if image.picture.ndim == 3 else "minisblack"
        tifffile.imwrite(pictures / file, image.picture, compression="zlib", photometric=colour)
        small = int(image.labels.max(initial=0)) <= np.iinfo(np.uint16).max
        labels = image.labels.astype(np.uint16 if small else np.int32)
        tifffile.imwrite(drawn / file, labels, compression="zlib", photometric="minisblack")
        ignored: NDArray[np.bool_] | None = getattr(image, "ignored", None)
        if ignored is not None:
            (folder / "ignored").mkdir(exist_ok=True)
            unknown = ignored.astype(np.uint8) * 255
            tifffile.imwrite(folder / "ignored" / file, unknown, compression="zlib", photometric="minisblack")
        yield image.name
    if not taken:
        raise DatasetError("there is no annotated image to write; label the objects of one first")


def _unwritable(folder: Path, error: OSError) -> OutputError:
    return OutputError(
        f"the training images cannot be written to {folder} ({error.strerror or error}); make room there, or choose "
        "another folder"
    )
