"""Label images that lie in image files, a plane at a time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_fastsam.core.image.scale import Scale
from napari_fastsam.core.results.result import Index
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
        self._path = path

    def planes(self, onto: Any = None) -> Iterator[tuple[Index, NDArray[np.generic]]]:
        """Yield each plane's index and its pixels, in order; nothing is painted onto `onto`."""
        for index in every_index(self.shape[:-2]):
            yield index, read_plane(self._path, index or None, as_labels=True)
