"""The outline of one object on the canvas: a small Labels layer that holds its edge."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import scipy
from napari.layers import Labels
from napari.utils import DirectLabelColormap

from napari_fastsam.core.objects.masks import CroppedMask
from napari_fastsam.layers.labels.preview import make_preview, update_preview
from napari_fastsam.layers.planes.plane import Plane

if TYPE_CHECKING:
    from napari.layers import Image

CONTOUR_NAME = "FastSAM current object"

COLOUR = "#ffffff"
_WIDTH = 2
"""Of the edge, in pixels within the object."""


def make_contour(
    image: Image, plane: Plane, mask: CroppedMask, name: str = CONTOUR_NAME, colour: str = COLOUR
) -> Labels:
    """Make a Labels layer that outlines an object, lying exactly on the image.

    Parameters
    ----------
    image, plane
        The image, and the plane and region on which the object is.
    mask
        The object in pixels of the region.
    name, colour
        Of the layer.
    """
    around, labels = _around(plane, mask)
    layer = make_preview(image, around, labels, name=name)
    layer.opacity = 1.0
    layer.colormap = DirectLabelColormap(color_dict={None: "transparent", 0: "transparent", 1: colour})
    return layer


def move_contour(layer: Labels, image: Image, plane: Plane, mask: CroppedMask) -> None:
    """Outline another object with a layer from `make_contour`; parameters are as there."""
    around, labels = _around(plane, mask)
    update_preview(layer, image, around, labels)


def _around(plane: Plane, mask: CroppedMask) -> tuple[Plane, np.ndarray]:
    """Return the part of a plane that an object lies in, and its edge as 1 there.

    The edge is drawn here: napari's own contours are flat only, and it warns where a volume is shown.
    """
    rows, columns = mask.window
    within = scipy.ndimage.binary_erosion(mask.pixels, iterations=_WIDTH)
    top, left = plane.region[:2]
    box = (top + rows.start, left + columns.start, top + rows.stop, left + columns.stop)
    return replace(plane, region=box), (mask.pixels & ~within).astype(np.int32)
