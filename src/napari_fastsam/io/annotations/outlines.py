"""Outlines as pixels: polygons from files into masks and label images."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from napari_fastsam.core.objects.masks import CroppedMask
from napari_fastsam.core.objects.painting import paint
from napari_fastsam.core.prompts.drawing import rasterize

_ROUNDING = 0.01
"""Six decimals of the image's size, which is how outlines are written, are this close to a whole pixel or closer."""


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
