"""One mask parted between clicks, where the picture shows an edge: the correcting stage says which pixels are whose.

Three say to which part a pixel belongs, and what two of them say is done: the mask corrected by a click on one part and
by those on the others; what these clicks alone draw; and the form of the mask. Of two labels of touching objects that
were made one, parted again between their middles, the parts have a mean IoU of .85 by form alone, .92 with the picture
(ovule_3d, 46 pairs), and .95 and .95 (c2c12_timeseries, 6 pairs); the network has learnt from neither.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray

from napari_fastsam.core.correcting.clicks import Clicks
from napari_fastsam.core.correcting.windows import RGBPlane
from napari_fastsam.core.objects.masks import CroppedMask
from napari_fastsam.model.correcting.corrector import CorrectedMask, CorrectionRequest, WindowPredictor, correct


def part_mask(
    predictor: WindowPredictor, plane: RGBPlane, mask: CroppedMask, points: ArrayLike, by_form: NDArray[np.integer]
) -> NDArray[np.intp] | None:
    """Return which part each pixel of a mask belongs to.

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
    by_form
        (h, w) like `mask.pixels`: the parts 1 … N by the mask's form, such as between its narrow places.

    Returns
    -------
    numpy.ndarray or None
        (h, w) like `mask.pixels`: 1 … N, 0 beside the mask. None if the parts cannot be told apart.
    """
    pixels = np.floor(np.asarray(points, np.float64) + 0.5).astype(np.intp)
    clicks = [Clicks(pixels, positive) for positive in np.eye(len(pixels), dtype=bool)]
    usual = 2 * float(np.sqrt(mask.area / (np.pi * len(pixels))))
    corrected = [CorrectionRequest(one, mask) for one in clicks]
    drawn = [CorrectionRequest(one, diameter=usual) for one in clicks]
    found = correct(predictor, plane, [*corrected, *drawn])
    local = pixels - (mask.top, mask.left)
    each = [_parts(found[: len(pixels)], mask, local), _parts(found[len(pixels) :], mask, local), by_form]
    votes = np.stack([np.sum([one == part for one in each], axis=0) for part in range(1, len(pixels) + 1)])
    agreed = np.where(votes.max(axis=0) > 1, 1 + np.argmax(votes, axis=0), by_form)
    parts = _pieces_with(np.where(mask.pixels, agreed, 0), local)
    return _filled(parts, mask) if len(np.unique(parts[parts > 0])) == len(pixels) else None


def _parts(found: Sequence[CorrectedMask], mask: CroppedMask, local: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return the parts that masks stand for: what only one of them holds; all else goes to the nearest."""
    held = np.stack([one.crop.on(*mask.window) for one in found]) & mask.pixels
    parts = np.where(held.sum(axis=0) == 1, 1 + np.argmax(held, axis=0), 0)
    for part, (row, column) in enumerate(local.tolist(), start=1):
        if 0 <= row < parts.shape[0] and 0 <= column < parts.shape[1] and mask.pixels[row, column]:
            parts[row, column] = part
    return _filled(parts, mask)


def _filled(parts: NDArray[np.intp], mask: CroppedMask) -> NDArray[np.intp]:
    """Return parts in which each pixel of a mask that is in none goes to the nearest."""
    nearest = scipy.ndimage.distance_transform_edt(parts == 0, return_distances=False, return_indices=True)
    return np.where(mask.pixels, parts[tuple(nearest)], 0)


def _pieces_with(parts: NDArray[np.intp], local: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return of each part the piece with its click, or else the largest."""
    kept = np.zeros_like(parts)
    for part, (row, column) in enumerate(local.tolist(), start=1):
        pieces, count = scipy.ndimage.label(parts == part, np.ones((3, 3), bool))
        if count:
            inside = 0 <= row < parts.shape[0] and 0 <= column < parts.shape[1]
            piece = int(pieces[row, column]) if inside else 0
            kept[pieces == (piece or 1 + int(np.argmax(np.bincount(pieces.ravel())[1:])))] = part
    return kept
