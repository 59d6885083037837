"""Masks of single objects, kept as small as they are."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from napari_fastsam.deprecation import renamed

__getattr__ = renamed(__name__, {"Crop": "CroppedMask"})


@dataclass(frozen=True, eq=False)
class CroppedMask:
    """A mask, kept only where it can be true.

    Attributes
    ----------
    top, left
        Row and column of the plane where `pixels` begins.
    pixels
        (h, w) bool.
    """

    top: int
    left: int
    pixels: NDArray[np.bool_]

    def __repr__(self) -> str:
        """Say how large it is and where, in a line."""
        rows, columns = self.window
        return f"<CroppedMask: {self.area} px in [{rows.start}:{rows.stop}, {columns.start}:{columns.stop}]>"

    @property
    def window(self) -> tuple[slice, slice]:
        """Rows and columns of the plane that `pixels` covers."""
        height, width = self.pixels.shape
        return slice(self.top, self.top + height), slice(self.left, self.left + width)

    @cached_property
    def area(self) -> int:
        """Number of pixels that belong to the object."""
        return int(np.count_nonzero(self.pixels))

    @cached_property
    def key(self) -> Hashable:
        """What is equal for equal masks."""
        return self.top, self.left, self.pixels.shape, np.packbits(self.pixels).tobytes()

    def covers(self, points: NDArray[np.number[Any]]) -> NDArray[np.bool_]:
        """Tell for (P, 2) rows and columns (pixel centres at integers) which lie in the object."""
        index = np.floor(np.asarray(points) + 0.5) - (self.top, self.left)
        inside = ((index >= 0) & (index < self.pixels.shape)).all(axis=1)
        rows, columns = index[inside].astype(np.intp).T
        result = np.zeros(len(index), bool)
        result[inside] = self.pixels[rows, columns]
        return result

    def full(self, shape: tuple[int, int]) -> NDArray[np.bool_]:
        """Return the mask on the whole plane of `shape`."""
        plane = np.zeros(shape, bool)
        plane[self.window] = self.pixels
        return plane

    def on(self, rows: slice, columns: slice) -> NDArray[np.bool_]:
        """Return the mask on some rows and columns of the plane; where it does not reach, nothing is of it."""
        result = np.zeros((rows.stop - rows.start, columns.stop - columns.start), bool)
        top, left = max(self.top, rows.start), max(self.left, columns.start)
        bottom, right = min(self.window[0].stop, rows.stop), min(self.window[1].stop, columns.stop)
        if top < bottom and left < right:
            own = self.pixels[top - self.top : bottom - self.top, left - self.left : right - self.left]
            result[top - rows.start : bottom - rows.start, left - columns.start : right - columns.start] = own
        return result

    def within(self, rows: slice, columns: slice) -> CroppedMask:
        """Return what of the mask lies on some rows and columns of the plane, in the plane's own pixels."""
        top, left = max(self.top, rows.start), max(self.left, columns.start)
        bottom, right = min(self.window[0].stop, rows.stop), min(self.window[1].stop, columns.stop)
        height, width = max(bottom - top, 0), max(right - left, 0)
        y, x = top - self.top, left - self.left
        return CroppedMask(top, left, self.pixels[y : y + height, x : x + width])

    def moved(self, rows: int, columns: int) -> CroppedMask:
        """Return the same mask, shifted by whole pixels."""
        return CroppedMask(self.top + rows, self.left + columns, self.pixels)

    def intersection(self, other: CroppedMask) -> int:
        """Count the pixels that both have."""
        (height, width), (other_height, other_width) = self.pixels.shape, other.pixels.shape
        top, bottom = max(self.top, other.top), min(self.top + height, other.top + other_height)
        if top >= bottom:  # most of two objects of a plane
            return 0
        left, right = max(self.left, other.left), min(self.left + width, other.left + other_width)
        if left >= right:
            return 0
        mine = self.pixels[top - self.top : bottom - self.top, left - self.left : right - self.left]
        theirs = other.pixels[top - other.top : bottom - other.top, left - other.left : right - other.left]
        return int(np.count_nonzero(mine & theirs))

    def iou(self, other: CroppedMask) -> float:
        """Intersection over union of the two masks; 0 if both are empty."""
        both = self.intersection(other)
        union = self.area + other.area - both
        return both / union if union else 0.0


class MaskWindows:
    """The windows of masks: seen for thousands at once which masks may hold a point, or have pixels of another one.

    Parameters
    ----------
    masks
        N masks.
    """

    def __init__(self, masks: Iterable[CroppedMask]) -> None:
        windows = [(mask.top, mask.left, mask.window[0].stop, mask.window[1].stop) for mask in masks]
        self._first, self._last = np.hsplit(np.array(windows, np.intp).reshape(-1, 4), 2)

    def holding(self, pixel: NDArray[np.number[Any]]) -> list[int]:
        """Return the positions of the masks whose windows hold a row and column, which are whole numbers."""
        return np.flatnonzero(((pixel >= self._first) & (pixel < self._last)).all(axis=1)).tolist()

    def overlapping(self, mask: CroppedMask) -> list[int]:
        """Return the positions of the masks whose windows overlap that of another mask."""
        first, last = np.array([(edge.start, edge.stop) for edge in mask.window]).T
        return np.flatnonzero(((first < self._last) & (last > self._first)).all(axis=1)).tolist()


def masks_at(masks: Sequence[CroppedMask], points: NDArray[np.number[Any]]) -> list[list[int]]:
    """Return for each of (P, 2) rows and columns the positions of the masks that hold it."""
    windows = MaskWindows(masks)
    near = [windows.holding(np.floor(point + 0.5)) for point in np.asarray(points)]
    return [[i for i in there if masks[i].covers(point[None])[0]] for point, there in zip(points, near, strict=True)]


class LazyMasks(Sequence[CroppedMask]):
    """Masks that are made when they are asked for.

    Parameters
    ----------
    make
        Gives the mask of one index; may remember it.
    indices
        (N,) what `make` is asked for.
    """

    def __init__(self, make: Callable[[int], CroppedMask], indices: NDArray[np.intp]) -> None:
        self._make = make
        self._indices = indices

    def __len__(self) -> int:
        """Return the number of masks, made or not."""
        return len(self._indices)

    @overload
    def __getitem__(self, index: int) -> CroppedMask: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[CroppedMask]: ...
    def __getitem__(self, index: int | slice) -> CroppedMask | Sequence[CroppedMask]:
        if isinstance(index, slice):
            return LazyMasks(self._make, self._indices[index])
        return self._make(int(self._indices[index]))

    def take(self, positions: NDArray[np.intp]) -> LazyMasks:
        """Return the masks at `positions`, without making any."""
        return LazyMasks(self._make, self._indices[positions])


_GROUP_PIXELS = 1 << 22


def in_groups(masks: Sequence[CroppedMask], pixels: int = _GROUP_PIXELS) -> Iterator[list[CroppedMask]]:
    """Yield masks in groups that are worked on in one step: of some million `pixels` together, or of one mask."""
    group: list[CroppedMask] = []
    taken = 0
    for mask in masks:
        if group and taken + mask.pixels.size > pixels:
            yield group
            group, taken = [], 0
        group.append(mask)
        taken += mask.pixels.size
    if group:
        yield group
