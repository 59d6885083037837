"""Masks that a user has already: a drawing, another program's object, a label."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Hashable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_fastsam.core.objects.masks import CroppedMask
from napari_fastsam.core.prompts.drawing import rasterize
from napari_fastsam.core.prompts.queries import Query, register
from napari_fastsam.core.prompts.ranking import Candidate, Pool, Ranking, outside_reason
from napari_fastsam.core.prompts.values import as_items
from napari_fastsam.errors import PromptError

_MOST_PIXELS = 1 << 31
"""A file that says more than this of one mask is damaged."""


@register
class MaskQuery(Query):
    """A mask that is the object itself; `geometry` is the mask, cropped.

    Points with its object number belong to it and correct it, where something corrects masks.
    """

    kind = "mask"
    field = "masks"
    json_key = "masks"
    order = 4
    tells_size = True
    from_proposals = False

    @classmethod
    def parse(cls, given: Any) -> tuple[CroppedMask, ...]:
        """Return the masks, given as (Y, X) arrays of the whole plane (not 0 = object) or as `to_json` writes them."""
        return tuple(_crop(i, mask) for i, mask in enumerate(as_items(cls.field, given, "(Y, X) arrays")))

    @classmethod
    def from_vertices(cls, vertices: NDArray[np.float64], shape: tuple[int, int]) -> CroppedMask:
        """Return the pixels of the plane inside a polygon.

        Raises
        ------
        PromptError
            If there is none.
        """
        drawn = rasterize(vertices, shape)
        if drawn is None:
            raise PromptError("it holds no pixel of the image")
        return drawn

    @classmethod
    def to_json(cls, geometry: CroppedMask) -> dict[str, Any]:
        """Return where the mask begins, its size, and the lengths of runs of 0, 1, 0, … row after row."""
        flat = geometry.pixels.ravel()
        changes = np.flatnonzero(np.diff(flat, prepend=False))
        runs = np.diff(np.concatenate([[0], changes, [flat.size]]))
        return {"top": geometry.top, "left": geometry.left, "shape": [*geometry.pixels.shape], "runs": runs.tolist()}

    @classmethod
    def identity(cls, geometry: CroppedMask, place: Callable[[NDArray[np.float64]], NDArray[np.float64]]) -> Hashable:
        """Return where the mask lies, and a checksum of its pixels."""
        return super().identity(geometry, place), zlib.crc32(np.packbits(geometry.pixels).data)

    @classmethod
    def landmarks(cls, geometry: CroppedMask) -> NDArray[np.float64]:
        """Return the first and the last pixel of the cropped mask."""
        height, width = geometry.pixels.shape
        first = np.array([geometry.top, geometry.left], np.float64)
        return np.stack([first, first + np.array([height - 1, width - 1])])

    def extent(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the edges of the cropped mask."""
        first, last = self.landmarks(self.geometry)
        return first - 0.5, last + 0.5

    def shifted_geometry(self, offset: NDArray[np.float64]) -> CroppedMask:
        """Return the mask moved by whole pixels."""
        rows, columns = offset.astype(int).tolist()
        crop: CroppedMask = self.geometry
        return crop.moved(rows, columns)

    def rank(self, pool: Pool) -> Ranking:
        """Take the mask as it was given."""
        rows, columns = self.geometry.window
        if rows.start < 0 or columns.start < 0 or rows.stop > pool.shape[0] or columns.stop > pool.shape[1]:
            return Ranking(outside_reason(pool.shape))
        return Ranking("the mask as it was given", (Candidate(self.geometry, 1.0, 1.0, source="given"),))


def _crop(i: int, mask: Any) -> CroppedMask:
    if isinstance(mask, Mapping):
        pixels, top, left = _from_json(i, mask)
    elif isinstance(mask, CroppedMask):
        pixels, top, left = mask.pixels, mask.top, mask.left
    else:
        try:
            pixels, top, left = np.asarray(mask) != 0, 0, 0
        except ValueError as error:  # rows of unlike length
            raise PromptError(f"masks[{i}] is no array ({error}); expected (Y, X), the image's shape") from error
        if pixels.ndim != 2:
            raise PromptError(f"masks[{i}] has shape {pixels.shape}; expected (Y, X), the shape of the image's plane")
    rows, columns = np.flatnonzero(pixels.any(axis=1)), np.flatnonzero(pixels.any(axis=0))
    if not len(rows):
        raise PromptError(f"masks[{i}] has no pixel; expected the object's pixels to be True")
    window = slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)
    return CroppedMask(top + window[0].start, left + window[1].start, pixels[window].copy())


def _from_json(i: int, content: Mapping[str, Any]) -> tuple[NDArray[np.bool_], int, int]:
    expected = "expected top, left, shape and the lengths of its runs"
    try:
        top, left = int(content["top"]), int(content["left"])
        height, width = (int(n) for n in content["shape"])
        runs = np.array(content["runs"], np.int64)
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise PromptError(f"masks[{i}] cannot be read ({error!r}); {expected}") from error
    if min(height, width) < 0 or height * width > _MOST_PIXELS:
        raise PromptError(f"masks[{i}] has the shape {height} × {width}; {expected}")
    if runs.ndim != 1 or (runs < 0).any() or runs.sum() != height * width:
        raise PromptError(f"masks[{i}] has runs of {runs.sum()} pixels and the shape {height} × {width}; {expected}")
    return np.repeat(np.arange(len(runs)) % 2 == 1, runs).reshape(height, width), top, left
