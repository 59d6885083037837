"""The outline of one object on the canvas: a small Labels layer that shows edges only."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from napari.layers import Labels
from napari.utils import DirectLabelColormap

from napari_fastsam.core.objects.masks import CroppedMask
from napari_fastsam.layers.labels.preview import make_preview, update_preview
from napari_fastsam.layers.planes.plane import Plane

if TYPE_CHECKING:
    from napari.layers import Image

CONTOUR_NAME = "FastSAM current object"

_COLOUR = "#ffffff"
_WIDTH = 2
_MARGIN = 3
"""Pixels around the object: an edge is where values differ, so some background belongs to it."""


def make_contour(image: Image, plane: Plane, mask: CroppedMask) -> Labels:
    """Make a Labels layer that outlines an object, lying exactly on the image.

    Parameters
    ----------
    image, plane
        The image, and the plane and region on which the object is.
    mask
        The object in pixels of the region.
    """
    around, labels = _around(plane, mask)
    layer = make_preview(image, around, labels, name=CONTOUR_NAME)
    layer.contour = _WIDTH
    layer.opacity = 1.0
    layer.colormap = DirectLabelColormap(color_dict={None: "transparent", 0: "transparent", 1: _COLOUR})
    return layer


def move_contour(layer: Labels, image: Image, plane: Plane, mask: CroppedMask) -> None:
    """Outline another object with a layer from `make_contour`; parameters are as there."""
    around, labels = _around(plane, mask)
    update_preview(layer, image, around, labels)


def _around(plane: Plane, mask: CroppedMask) -> tuple[Plane, np.ndarray]:
    """Return the part of a plane that an object lies in, and the object as 1 there."""
    height, width = plane.shape
    rows, columns = mask.window
    box = (
        max(rows.start - _MARGIN, 0),
        max(columns.start - _MARGIN, 0),
        min(rows.stop + _MARGIN, height),
        min(columns.stop + _MARGIN, width),
    )
    labels = np.zeros((box[2] - box[0], box[3] - box[1]), np.int32)
    labels[rows.start - box[0] : rows.stop - box[0], columns.start - box[1] : columns.stop - box[1]] = mask.pixels
    top, left = plane.region[:2]
    return replace(plane, region=(top + box[0], left + box[1], top + box[2], left + box[3])), labels
