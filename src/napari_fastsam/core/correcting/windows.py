"""The square of a plane that the correcting network sees, and the way there and back.

A window has as many cells along each side as the network sees, of whatever size in plane pixels. Everything is along
the axes, so that resampling is two products with small matrices. They are sparse: each cell depends on a few pixels,
and dense products would be shared among threads, which takes many times as long where another program is at work.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import scipy
from numpy.typing import NDArray

from napari_fastsam.core.objects.masks import CroppedMask

SMALLEST_SIDE = 14.0
"""Plane pixels: objects of three pixels are still seen with something around them."""

OBJECT_SHARE = 0.55
"""Share of the window's side that an object fills, about as in training."""

_SAMPLES = 4
"""Pixels along an axis of a cell that are read at most; of larger cells every so many pixels are read."""


class RGBPlane(Protocol):
    """A plane as the network sees it, of which rectangles are read: an array, or something that computes them."""

    @property
    def shape(self) -> tuple[int, ...]:
        """``(H, W, 3)``."""

    def __getitem__(self, index: tuple[slice, slice], /) -> NDArray[np.uint8]:
        """Return (h, w, 3) uint8 of rows and columns, which may have steps."""


@dataclass(frozen=True)
class CorrectionWindow:
    """A square of the plane, which may reach beyond it.

    Attributes
    ----------
    row, column
        Its centre, pixel centres at integers.
    side
        Its length in plane pixels.
    """

    row: float
    column: float
    side: float

    def to_cells(self, points: NDArray[np.generic], cells: int) -> NDArray[np.float64]:
        """Turn (N, 2) rows and columns of the plane into those of a window of `cells` × `cells`."""
        offset = np.asarray(points, np.float64) - (self.row, self.column)
        return offset * (cells / self.side) + (cells - 1) / 2

    def to_plane(self, points: NDArray[np.generic], cells: int) -> NDArray[np.float64]:
        """Turn (N, 2) rows and columns of a window of `cells` × `cells` into those of the plane."""
        offset = np.asarray(points, np.float64) - (cells - 1) / 2
        return offset * (self.side / cells) + (self.row, self.column)

    def on(self, shape: tuple[int, int]) -> tuple[slice, slice]:
        """Rows and columns of the plane whose pixel centres lie in the window."""
        ranges = []
        for centre, length in zip((self.row, self.column), shape, strict=True):
            start = min(max(int(np.ceil(centre - self.side / 2)), 0), length)
            stop = min(max(int(np.floor(centre + self.side / 2)) + 1, start), length)
            ranges.append(slice(start, stop))
        return ranges[0], ranges[1]

    def centres(self, cells: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Rows and columns of the plane at which the cells' centres lie."""
        steps = (np.arange(cells, dtype=np.float64) - (cells - 1) / 2) * (self.side / cells)
        return np.add(steps, self.row), np.add(steps, self.column)


def window_around(low: NDArray[np.floating], high: NDArray[np.floating], shape: tuple[int, int]) -> CorrectionWindow:
    """Return the window in which something between two corners fills `OBJECT_SHARE`.

    Parameters
    ----------
    low, high
        First and last row and column, pixel centres at integers.
    shape
        ``(H, W)`` of the plane, which bounds how large a window may be.
    """
    span = float((np.asarray(high) - np.asarray(low)).max()) + 1
    row, column = ((np.asarray(low) + np.asarray(high)) / 2).tolist()
    return CorrectionWindow(row, column, min(max(span / OBJECT_SHARE, SMALLEST_SIDE), largest_side(shape)))


def largest_side(shape: tuple[int, int]) -> float:
    """Return the side of a window in which an object that fills the plane is seen with something around it."""
    return max(2.0 * max(shape), SMALLEST_SIDE)


def read_picture(
    plane: RGBPlane, window: CorrectionWindow, cells: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Read what the network sees of the plane.

    Returns
    -------
    picture
        (3, cells, cells) 0 … 1, averaged where cells are larger than pixels; beyond the plane its edge goes on.
    inside
        (cells, cells) 1 where a cell's centre lies on the plane, else 0.
    """
    shape = (plane.shape[0], plane.shape[1])
    per_cell = window.side / cells
    step = max(1, int(per_cell // _SAMPLES))
    weights, ranges, within = [], [], []
    for centres, length in zip(window.centres(cells), shape, strict=True):
        reach = max(per_cell, 1.0) + step
        start = int(min(max(np.floor(centres[0] - reach), 0), length - 1))
        stop = int(max(min(np.ceil(centres[-1] + reach) + 1, length), start + 1))
        count = len(range(start, stop, step))
        weights.append(_weights((centres - start) / step, per_cell / step, count))
        ranges.append(slice(start, stop, step))
        within.append((centres >= -0.5) & (centres < length - 0.5))
    pixels = np.asarray(plane[ranges[0], ranges[1]], np.float32)
    rows = (weights[0] @ pixels.reshape(len(pixels), -1)).reshape(cells, -1, 3)
    columns = weights[1] @ rows.transpose(1, 2, 0).reshape(rows.shape[1], -1)
    picture = np.ascontiguousarray(columns.reshape(cells, 3, cells).transpose(1, 2, 0))
    picture /= 255
    return picture, (within[0][:, None] & within[1]).astype(np.float32)


def read_mask(mask: CroppedMask, window: CorrectionWindow, cells: int) -> NDArray[np.float32]:
    """Return how much of each cell a mask covers: (cells, cells) 0 … 1."""
    per_cell = window.side / cells
    step = max(1, int(per_cell // _SAMPLES))
    pixels = mask.pixels[::step, ::step].astype(np.float32)
    if not pixels.size:
        return np.zeros((cells, cells), np.float32)
    weights = [
        _weights((centres - start) / step, per_cell / step, count, beyond=False)
        for centres, start, count in zip(window.centres(cells), (mask.top, mask.left), pixels.shape, strict=True)
    ]
    return np.clip(_resampled(pixels, weights[0], weights[1]), 0, 1)


def carry_over(values: NDArray[np.float32], source: CorrectionWindow, target: CorrectionWindow) -> NDArray[np.float32]:
    """Resample the values of one window's cells at those of another, 0 where it does not reach."""
    cells = len(values)
    per_cell = target.side / source.side
    weights = [
        _weights((centres - own[0]) / (source.side / cells), per_cell, cells, beyond=False)
        for centres, own in zip(target.centres(cells), source.centres(cells), strict=True)
    ]
    return _resampled(values, weights[0], weights[1])


def to_pixels(
    values: NDArray[np.float32], window: CorrectionWindow, shape: tuple[int, int]
) -> tuple[slice, slice, NDArray[np.float32]]:
    """Interpolate values of a window's cells at the plane's pixels.

    Returns
    -------
    rows, columns
        Where on the plane.
    pixels
        (h, w) the values there.
    """
    cells = len(values)
    rows, columns = window.on(shape)
    weights = [
        _weights((np.arange(where.start, where.stop) - own[0]) / (window.side / cells), cells / window.side, cells)
        for where, own in zip((rows, columns), window.centres(cells), strict=True)
    ]
    return rows, columns, _resampled(values, weights[0], weights[1])


def _resampled(
    values: NDArray[np.float32], rows: scipy.sparse.csr_array, columns: scipy.sparse.csr_array
) -> NDArray[np.float32]:
    """Return (M, N) values of an (h, w) array, by (M, h) and (N, w) weights along its axes."""
    return np.ascontiguousarray((columns @ (rows @ values).T).T)


def _weights(places: NDArray[np.float64], spacing: float, length: int, beyond: bool = True) -> scipy.sparse.csr_array:
    """Return (N, length) float32 weights that interpolate at places, or average where these lie far apart.

    Parameters
    ----------
    places
        (N,) in units of the source, whose first value lies at 0.
    spacing
        Distance between two places.
    length
        Number of source values.
    beyond
        Whether the outermost values go on beyond the source, else 0 does.
    """
    reach = max(spacing, 1.0)
    if beyond:
        places = np.clip(places, 0, length - 1)
    first = np.floor(places - reach).astype(np.intp) + 1
    near = first[:, None] + np.arange(int(np.ceil(2 * reach)))
    weights = np.clip(1 - np.abs(places[:, None] - near) / reach, 0, None) * ((near >= 0) & (near < length))
    weights /= weights.sum(axis=1, keepdims=True) if beyond else reach
    ends = np.arange(len(places) + 1) * near.shape[1]
    content = weights.ravel().astype(np.float32), np.clip(near, 0, length - 1).ravel(), ends
    return scipy.sparse.csr_array(content, shape=(len(places), length))
