"""One mask parted between clicks, where the picture shows an edge: the correcting stage says which pixels are whose."""

from __future__ import annotations

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray

from napari_fastsam.core.correcting.clicks import Clicks
from napari_fastsam.core.correcting.windows import RGBPlane
from napari_fastsam.core.objects.masks import CroppedMask
from napari_fastsam.model.correcting.corrector import CorrectionRequest, WindowPredictor, correct


def part_mask(
    predictor: WindowPredictor, plane: RGBPlane, mask: CroppedMask, points: ArrayLike
) -> NDArray[np.intp] | None:
    """Return which part each pixel of a mask belongs to.

    Each part is the mask corrected by its own click and by those of the others as negative ones. What only one of these
    corrections holds is that part's; all else of the mask goes to the nearest part.

    Parameters
    ----------
    predictor
        The correcting network, or what stands in for it.
    plane
        (H, W, 3) uint8 as the network sees it; only windows around the mask are read.
    mask
        The pixels to be parted, in those of the plane.
    points
        (N, 2) rows and columns of the plane, N ≥ 2, one a part.

    Returns
    -------
    numpy.ndarray or None
        (h, w) like `mask.pixels`: 1 … N, 0 beside the mask. None if the predictor tells the parts not apart.
    """
    pixels = np.floor(np.asarray(points, np.float64) + 0.5).astype(np.intp)
    own = np.eye(len(pixels), dtype=bool)
    found = correct(predictor, plane, [CorrectionRequest(Clicks(pixels, positive), mask) for positive in own])
    rows, columns = mask.window
    held = np.stack([_on(one.crop, rows, columns) for one in found]) & mask.pixels
    parts = np.where(held.sum(axis=0) == 1, 1 + np.argmax(held, axis=0), 0)
    for part, (row, column) in enumerate(pixels - (mask.top, mask.left), start=1):
        if 0 <= row < parts.shape[0] and 0 <= column < parts.shape[1] and mask.pixels[row, column]:
            parts[row, column] = part
    if len(np.unique(parts[parts > 0])) < len(pixels):
        return None
    nearest = scipy.ndimage.distance_transform_edt(parts == 0, return_distances=False, return_indices=True)
    return np.where(mask.pixels, parts[tuple(nearest)], 0)


def _on(crop: CroppedMask, rows: slice, columns: slice) -> NDArray[np.bool_]:
    """Return a mask on some rows and columns of the plane."""
    result = np.zeros((rows.stop - rows.start, columns.stop - columns.start), bool)
    top, left = max(crop.top, rows.start), max(crop.left, columns.start)
    bottom, right = min(crop.window[0].stop, rows.stop), min(crop.window[1].stop, columns.stop)
    if top < bottom and left < right:
        own = crop.pixels[top - crop.top : bottom - crop.top, left - crop.left : right - crop.left]
        result[top - rows.start : bottom - rows.start, left - columns.start : right - columns.start] = own
    return result
