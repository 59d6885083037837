"""Outlines of other programs as pixels: rings with pixel edges at whole numbers into masks."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from napari_fastsam.core.objects.masks import CroppedMask
from napari_fastsam.core.prompts.drawing import rasterize

Rings = Sequence[NDArray[np.float64]]
"""Each (V, 2) rows and columns, pixel edges at whole numbers."""

_MOST_PIXELS = 1 << 32


def mask_of_polygons(polygons: Sequence[Rings], shape: tuple[int, int]) -> CroppedMask | None:
    """Return the pixels whose centres lie in a polygon: in its outline, its first ring, and in none of its holes.

    Of none the pixel in the middle of the outlines; None if that lies outside the plane of ``(H, W)``.
    """
    window = _window([polygon[0] for polygon in polygons], shape)
    if window is None:
        return None
    low, size = window
    whole = np.zeros(size, bool)
    for outline, *holes in polygons:
        filled = _filled(outline, low, size)
        for hole in holes:
            filled &= ~_filled(hole, low, size)
        whole |= filled
    return _or_middle(whole, [polygon[0] for polygon in polygons], low)


def mask_of_rings(rings: Rings, shape: tuple[int, int]) -> CroppedMask | None:
    """Return the pixels whose centres lie in an odd number of rings, whichever of them are holes.

    Of none the pixel in the middle, as `mask_of_polygons` has it.
    """
    window = _window(rings, shape)
    if window is None:
        return None
    low, size = window
    whole = np.zeros(size, bool)
    for ring in rings:
        whole ^= _filled(ring, low, size)
    return _or_middle(whole, rings, low)


def shape_of(said: Sequence[int] | None, rings: Iterable[NDArray[np.float64]]) -> tuple[int, int]:
    """Return ``(H, W)`` of the plane that outlines lie on: what is said, else where they end.

    Raises
    ------
    ValueError
        If that is more than any image has.
    """
    if said is None:
        ends = [ring.max(axis=0) for ring in rings]
        said = [math.ceil(end) for end in np.max(ends, axis=0)] if ends else (1, 1)
    height, width = (max(int(n), 1) for n in said)
    if height * width > _MOST_PIXELS:
        raise ValueError(f"{height} × {width} pixels; expected {_MOST_PIXELS} at most")
    return height, width


def ring_of(points: Sequence[Sequence[float]]) -> NDArray[np.float64]:
    """Return a ring of ``x, y`` pairs.

    Raises
    ------
    ValueError
        If it has fewer than three points, or one that is not finite.
    """
    ring = np.asarray(points, np.float64)
    if ring.ndim != 2 or len(ring) < 3 or ring.shape[1] < 2 or not np.isfinite(ring).all():
        raise ValueError("a polygon without an outline, of fewer than three points, or of one that is not finite")
    return ring[:, 1::-1]


def _window(rings: Rings, shape: tuple[int, int]) -> tuple[NDArray[np.int_], tuple[int, int]] | None:
    corners = np.concatenate(rings)
    low = np.clip(np.floor(corners.min(axis=0)), 0, shape).astype(int)
    high = np.clip(np.ceil(corners.max(axis=0)), 0, shape).astype(int)
    return None if (high <= low).any() else (low, (int(high[0] - low[0]), int(high[1] - low[1])))


def _or_middle(whole: NDArray[np.bool_], rings: Rings, low: NDArray[np.int_]) -> CroppedMask:
    if not whole.any():
        middle = np.floor(np.concatenate(rings).mean(axis=0)).astype(int)
        whole[tuple(np.clip(middle - low, 0, np.array(whole.shape) - 1))] = True
    return CroppedMask(int(low[0]), int(low[1]), whole)


def _filled(ring: NDArray[np.float64], low: NDArray[np.int_], size: tuple[int, int]) -> NDArray[np.bool_]:
    crop = rasterize(ring - low - 0.5, size)
    return np.zeros(size, bool) if crop is None else crop.full(size)
