"""Outlines of other programs as pixels: rings into masks, with pixel edges at whole numbers or as YOLO has them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from napari_fastsam.core.objects.masks import CroppedMask
from napari_fastsam.core.objects.painting import paint
from napari_fastsam.core.prompts.drawing import rasterize

Rings = Sequence[NDArray[np.float64]]
"""Each (V, 2) rows and columns, pixel edges at whole numbers."""

_MOST_PIXELS = 1 << 32

_ROUNDING = 0.01
"""Six decimals of the image's size, which is how outlines are written, are this close to a whole pixel or closer."""


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


def fill(outline_edges: NDArray[np.float64], shape: tuple[int, int]) -> CroppedMask | None:
    """Return the pixels of an outline, or None if it lies outside the image.

    Parameters
    ----------
    outline_edges
        (V, 2) rows and columns. Vertices that are all whole numbers are pixels of the object's border, as OpenCV finds
        contours and ultralytics writes them, and belong to the object. Otherwise they are positions with pixel edges
        at integers, as drawing programs and COCO have them.
    shape
        ``(H, W)``.

    Returns
    -------
    An outline that encloses no pixel's centre has the pixel in its middle: small objects stay.
    """
    whole = np.rint(outline_edges)
    if np.abs(outline_edges - whole).max() <= _ROUNDING:
        return _with_border(rasterize(whole, shape), whole.astype(np.intp), shape)
    return fill_edges(outline_edges, shape)


def fill_edges(outline_edges: NDArray[np.float64], shape: tuple[int, int]) -> CroppedMask | None:
    """Return the pixels whose centres an outline encloses; (V, 2) rows, columns, pixel edges at integers.

    If there is none, the pixel in its middle; None if that lies outside the image.
    """
    crop = rasterize(outline_edges - 0.5, shape)
    if crop is not None:
        return crop
    middle = np.floor(outline_edges.mean(axis=0)).astype(int)
    inside = bool((middle >= 0).all() and (middle < shape).all())
    return CroppedMask(int(middle[0]), int(middle[1]), np.ones((1, 1), bool)) if inside else None


def union(parts: Sequence[CroppedMask]) -> CroppedMask:
    """Return the mask of all pixels that any of one or more masks has."""
    top, left = min(c.top for c in parts), min(c.left for c in parts)
    bottom, right = max(c.window[0].stop for c in parts), max(c.window[1].stop for c in parts)
    pixels = np.zeros((bottom - top, right - left), bool)
    for crop in parts:
        pixels[crop.moved(-top, -left).window] |= crop.pixels
    return CroppedMask(top, left, pixels)


def painted(crops: Sequence[CroppedMask | None], shape: tuple[int, int]) -> NDArray[np.int32]:
    """Paint objects, the smaller on top, so that nested ones stay visible; i + 1 is the i-th."""
    return paint(crops, shape)


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


def _with_border(crop: CroppedMask | None, outline: NDArray[np.intp], shape: tuple[int, int]) -> CroppedMask | None:
    """Add the pixels under the outline itself: parts that are one pixel wide enclose nothing."""
    from skimage.draw import line

    ends = np.roll(outline, -1, axis=0)
    steps = [line(*a, *b) for a, b in zip(outline, ends, strict=True)]  # type: ignore[no-untyped-call]
    drawn = np.concatenate([np.stack(step, axis=1) for step in steps])
    drawn = drawn[((drawn >= 0) & (drawn < shape)).all(axis=1)]
    if not len(drawn):
        return crop
    low, high = drawn.min(axis=0), drawn.max(axis=0) + 1
    pixels = np.zeros(tuple(high - low), bool)
    pixels[tuple((drawn - low).T)] = True
    border = CroppedMask(int(low[0]), int(low[1]), pixels)
    return border if crop is None else union([crop, border])
