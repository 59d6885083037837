"""What a person draws, as pixels and as points along it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_fastsam.core.objects.masks import CroppedMask

_SPACING = 1.0
"""Pixels between the points along a path."""

_MOST_POINTS = 10_000
"""A path that leads far out of the image is sampled more widely."""


def rasterize(outline: NDArray[np.float64], shape: tuple[int, int]) -> CroppedMask | None:
    """Return the pixels whose centre lies inside a polygon, or None if the plane has none of them.

    Parameters
    ----------
    outline
        (V, 2) rows and columns, pixel centres at integers.
    shape
        ``(H, W)`` of the plane.
    """
    from skimage.draw import polygon2mask  # here, and the dock opens without it

    low = np.clip(np.floor(outline.min(axis=0)), 0, shape).astype(int)
    high = np.clip(np.ceil(outline.max(axis=0)) + 1, 0, shape).astype(int)
    if (high <= low).any():
        return None
    pixels = polygon2mask(tuple(high - low), outline - low)  # type: ignore[no-untyped-call]  # scikit-image 0.26
    return CroppedMask(int(low[0]), int(low[1]), pixels) if pixels.any() else None


def along(path: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return points about a pixel apart along a path of (V, 2) vertices, its ends included."""
    if len(path) == 1:
        return path
    lengths = np.hypot(*np.diff(path, axis=0).T)
    at = np.concatenate([[0.0], np.cumsum(lengths)])
    count = int(min(np.ceil(at[-1] / _SPACING), _MOST_POINTS - 1)) + 1
    steps = np.linspace(0, at[-1], max(2, count))
    return np.stack([np.interp(steps, at, path[:, axis]) for axis in (0, 1)], axis=1)
