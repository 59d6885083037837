"""A picture of the image with the outline of every object."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_fastsam.core.image.intensity import to_rgb8
from napari_fastsam.core.results.result import SegmentationResult
from napari_fastsam.errors import ParameterError
from napari_fastsam.io.formats.registry import Format, register
from napari_fastsam.io.results.results import write_whole

CONTOUR_COLOURS = np.array(
    [(255, 210, 0), (0, 200, 255), (255, 90, 160), (120, 255, 90), (255, 140, 40), (180, 130, 255)], np.uint8
)
"""An object's outline takes the colour at its number; neighbours rarely have the same."""


@register
class Overlay(Format):
    """A PNG to look at; of single planes."""

    name = "overlay"
    ending = "_overlay.png"
    description = "picture of a plane with outlines, PNG"

    def write(self, result: SegmentationResult, path: Path) -> None:
        """Draw the outlines on the image's own pixels, in the intensity window that the network saw."""
        if result.pixels is None or len(result.shape) != 2:
            raise ParameterError(
                "an overlay is drawn on one plane of an image whose pixels are there; choose another format"
            )
        ((_, labels),) = result.labels.planes()
        write_overlay(path, result.pixels(()), np.asarray(labels[:, :]))


def write_overlay(path: Path, image: NDArray[np.generic], labels: NDArray[np.integer]) -> None:
    """Write a PNG of the image with the outline of every object, in one step.

    Parameters
    ----------
    path
        Replaced if it exists.
    image
        (Y, X) or (Y, X, 3 | 4); drawn with the intensity window that the network saw.
    labels
        (Y, X), 0 = background. An outline is the object's own outermost pixels, so touching objects have
        one each.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    import imageio.v3 as iio
    from skimage.segmentation import find_boundaries

    picture = to_rgb8(image).copy()
    rows, columns = np.nonzero(find_boundaries(labels, mode="inner"))  # type: ignore[no-untyped-call]
    picture[rows, columns] = CONTOUR_COLOURS[labels[rows, columns] % len(CONTOUR_COLOURS)]
    png = iio.imwrite("<bytes>", picture, extension=".png", plugin="pillow")
    write_whole(path, lambda file: file.write_bytes(png))
