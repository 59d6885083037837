"""A label parted between two places where the image shows an edge: the correcting stage looks at the label's pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_fastsam.core.image.channels import COLOURED
from napari_fastsam.core.image.intensity import to_rgb8, window_of
from napari_fastsam.core.objects import editing
from napari_fastsam.core.objects.masks import CroppedMask
from napari_fastsam.errors import FastSAMError
from napari_fastsam.layers.labels.target import Target, find_target
from napari_fastsam.layers.planes.channels import lazy_together, limits_of
from napari_fastsam.layers.planes.read import plane_shown
from napari_fastsam.layers.planes.transforms import units_apply

if TYPE_CHECKING:
    from napari.components import ViewerModel

    from napari_fastsam.layers.answers.request import Controls
    from napari_fastsam.layers.labels.editing import Correction
    from napari_fastsam.layers.labels.layer_plane import LayerPlane

_SAMPLED = 512
"""Pixels along each side of what the window of intensities is taken from, where the image has no contrast limits."""


def split_by_image(
    viewer: ViewerModel, controls: Controls | None, plane: LayerPlane, points: NDArray[np.float64], number: int
) -> Correction:
    """Return what parts a label between two places: by the image, and by the label's form where it shows no edge.

    Parameters
    ----------
    viewer, controls
        The viewer, and what is set in the dock: the image and its channels. None = there is no image.
    plane
        Of the Labels layer; one whose pixels are not the image's is parted by its form.
    points
        (2, 2) rows and columns of the plane.
    number
        For the smaller part.
    """
    seen = None if controls is None else _seen(viewer, controls, plane)

    def correction(window: NDArray[np.integer], label: int, corner: tuple[int, int]) -> NDArray[np.integer]:
        by_form = editing.split_between(window, label, points - corner, [number])
        parts = None if seen is None else _parted(seen, window == label, points, corner, by_form == number)
        return by_form if parts is None else editing.split_by_mask(window, label, parts == 1, number)

    return correction


class _LabelGrid:
    """An image in the pixels of a Labels layer: `core.correcting.windows.RGBPlane`."""

    def __init__(self, pixels: Any, target: Target, limits: tuple[float, float]) -> None:
        self._pixels, self._target, self._limits = pixels, target, limits
        rows, columns = target.sources
        self.shape: tuple[int, ...] = (len(rows), len(columns), 3)

    @property
    def start(self) -> tuple[int, int]:
        """First row and column in the layer."""
        return self._target.start

    def __getitem__(self, index: tuple[slice, slice]) -> NDArray[np.uint8]:
        """Return (h, w, 3) pixels of rows and columns."""
        rows, columns = (own[wanted] for own, wanted in zip(self._target.sources, index, strict=True))
        if not len(rows) or not len(columns):
            return np.zeros((len(rows), len(columns), 3), np.uint8)
        read = self._pixels[slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)]
        return to_rgb8(np.asarray(read)[np.ix_(rows - rows[0], columns - columns[0])], self._limits)


def _seen(viewer: ViewerModel, controls: Controls, plane: LayerPlane) -> _LabelGrid | None:
    """Return the image below a plane of labels; None if it has another shape or place, or cannot be read."""
    image = controls.image
    try:
        shown = plane_shown(viewer, image)
        target = find_target(plane.layer, image, shown, use_units=units_apply(viewer))
        others = [axis for axis in range(len(plane.index)) if axis not in plane.axes]
        if target.axes != plane.axes or any(target.index[axis] != plane.index[axis] for axis in others):
            return None
        pixels = lazy_together(image, shown, controls.channels)
        limits = COLOURED if controls.channels else limits_of(image)
        if limits is None:
            height, width = pixels.shape[:2]
            steps = (max(1, n // _SAMPLED) for n in (height, width))
            sample = pixels[tuple(slice(None, None, step) for step in steps)]  # type: ignore[index]
            limits = window_of(np.asarray(sample), "percentiles")
    except FastSAMError:
        return None
    return _LabelGrid(pixels, target, limits)


def _parted(
    seen: _LabelGrid,
    mask: NDArray[np.bool_],
    points: NDArray[np.float64],
    corner: tuple[int, int],
    smaller: NDArray[np.bool_],
) -> NDArray[np.intp] | None:
    """Return the parts, 1 and 2, of a mask in a window that begins at a corner of the layer's plane.

    `smaller` is the smaller part by the mask's form.
    """
    from napari_fastsam.model.correcting.splitting import part_mask
    from napari_fastsam.model.correcting.weights import default_corrector
    from napari_fastsam.model.network.torch_ import import_torch_beside_a_viewer

    import_torch_beside_a_viewer()
    top, left = corner[0] - seen.start[0], corner[1] - seen.start[1]
    row, column = (int(value) for value in np.floor(points[0] + 0.5) - corner)
    first = smaller if smaller[row, column] else ~smaller
    by_form = np.where(mask, np.where(first, 1, 2), 0)
    return part_mask(default_corrector(), seen, CroppedMask(top, left, mask), points - seen.start, by_form)
