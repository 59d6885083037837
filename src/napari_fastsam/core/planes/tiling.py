"""Large planes in tiles: where the tiles lie, who owns an object at a seam, and one label image of all.

Each tile is seen with a halo around its *core*. The cores cover the plane without overlap, and an object belongs to the
tile in whose core its centre lies: with a halo of half an object's size or more it is seen whole there, however the
seams run. Two tiles see an object a little differently, so that a centre close to a seam may lie in neither core or in
both; so cores are taken a little wider, and what is there already is not added again.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from napari_fastsam.core.image.geometry import STRIDE_NETWORK
from napari_fastsam.core.objects.masks import CroppedMask
from napari_fastsam.core.objects.painting import LIKE_SIZE, require_room
from napari_fastsam.errors import ParameterError

SIZE = 1024
"""Longest side of a tile with its halo, in the network's input pixels: larger ones take more memory and save little."""

HALO = 96
"""Input pixels around a tile's core: objects up to twice as large are seen whole, 4.6 times the usual nucleus."""

SEAM = 4.0
"""Input pixels by which two tiles may disagree about where the centre of an object is."""

SAME = 0.5
"""IoU, or share of the smaller of two objects of like size, from which on two tiles saw one object."""

CUT = 1.5
"""Objects whose box comes this close to the edge of what was seen, in plane pixels, may go on behind it."""

Box = tuple[int, int, int, int]
"""``y0, x0, y1, x1`` in pixels of the plane, half-open."""


class LabelArray(Protocol):
    """A label image that is read and written by rectangles: numpy, or zarr."""

    @property
    def shape(self) -> tuple[int, ...]:
        """``(H, W)``."""

    def __getitem__(self, window: tuple[slice, slice], /) -> Any:
        """Return the labels of some rows and columns."""

    def __setitem__(self, window: tuple[slice, slice], labels: Any, /) -> None:
        """Replace them."""


@dataclass(frozen=True)
class Tiling:
    """At which scale a large plane is shown to the network, and in which pieces.

    Attributes
    ----------
    diameter
        What objects are usually across, in pixels of the plane; None = measured in a first look.
    scale
        Input pixels per pixel of the plane; None = what brings objects of `diameter` to the size that the model knows.
    size, halo
        See `SIZE` and `HALO`.

    Raises
    ------
    ParameterError
        If a length is not above 0, both `diameter` and `scale` are given, or the halos leave nothing of a tile.
    """

    diameter: float | None = None
    scale: float | None = None
    size: int = SIZE
    halo: int = HALO

    def __post_init__(self) -> None:
        for name in ("diameter", "scale"):
            value = getattr(self, name)
            if value is not None and not (math.isfinite(value) and value > 0):
                raise ParameterError(f"{name} is {value!r}; expected a number above 0")
        if self.diameter is not None and self.scale is not None:
            raise ParameterError(f"diameter is {self.diameter:g} and scale {self.scale:g}; give one of them")
        if self.size < 64 or self.size % 32 or not 0 <= self.halo <= self.size // 4:
            raise ParameterError(
                f"tiles of {self.size} pixels with a halo of {self.halo}; expected a multiple of 32 from 64 on, and a "
                f"halo of a quarter of it at most"
            )


@dataclass(frozen=True)
class Tile:
    """One piece of a plane.

    Attributes
    ----------
    core
        What it decides about.
    window
        What is seen of the plane for that: the core and the halo around it.
    """

    core: Box
    window: Box

    @property
    def slices(self) -> tuple[slice, slice]:
        """Rows and columns of the window."""
        y0, x0, y1, x1 = self.window
        return slice(y0, y1), slice(x0, x1)

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the window."""
        y0, x0, y1, x1 = self.window
        return y1 - y0, x1 - x0

    def owns(self, boxes: NDArray[np.floating], seam: float) -> NDArray[np.bool_]:
        """Tell which boxes (N, 4) of the window, in pixels of the plane, have their centre in the core.

        Parameters
        ----------
        boxes
            ``y0, x0, y1, x1``.
        seam
            How much wider the core is taken.
        """
        centres = (boxes[:, :2] + boxes[:, 2:]) / 2
        low, high = np.array(self.core[:2]) - seam, np.array(self.core[2:]) + seam
        return np.asarray(((centres >= low) & (centres < high)).all(axis=1))

    def cuts(self, boxes: NDArray[np.floating], plane: tuple[int, int]) -> NDArray[np.bool_]:
        """Tell which boxes (N, 4) end at the window's edge. The plane's own edge cuts nothing that could be seen."""
        y0, x0, y1, x1 = self.window
        low = np.array([-np.inf if edge == 0 else edge + CUT for edge in (y0, x0)])
        high = np.array([np.inf if edge == end else edge - CUT for edge, end in zip((y1, x1), plane, strict=True)])
        return np.asarray((boxes[:, :2] < low).any(axis=1) | (boxes[:, 2:] > high).any(axis=1))


@dataclass(frozen=True)
class TileGrid:
    """The tiles of a plane.

    Attributes
    ----------
    shape
        ``(H, W)`` of the plane.
    scale
        Input pixels per pixel of the plane.
    tiling
        Sides of tiles and halos.
    """

    shape: tuple[int, int]
    scale: float
    tiling: Tiling = field(default_factory=Tiling)

    @property
    def halo(self) -> float:
        """The least halo in pixels of the plane."""
        return self.tiling.halo / self.scale

    @property
    def counts(self) -> tuple[int, int]:
        """How many rows and columns of tiles there are."""
        rows, columns = (self._count(length) for length in self.shape)
        return rows, columns

    def __len__(self) -> int:
        """Return how many tiles there are."""
        rows, columns = self.counts
        return rows * columns

    def tile(self, row: int, column: int) -> Tile:
        """Return a tile by its place in the grid."""
        (top, bottom, y0, y1), (left, right, x0, x1) = self._span(0, row), self._span(1, column)
        return Tile((top, left, bottom, right), (y0, x0, y1, x1))

    def tile_at(self, y: float, x: float) -> Tile:
        """Return the tile whose core holds a point; of points beyond the plane the nearest."""
        places = [
            next((i for i in range(n) if v < self._span(axis, i)[1]), n - 1)
            for axis, (v, n) in enumerate(zip((y, x), self.counts, strict=True))
        ]
        return self.tile(*places)

    def tiles(self, first: tuple[float, float] | None = None) -> list[Tile]:
        """Return all tiles, row by row, or from the nearest to a point to the farthest."""
        rows, columns = self.counts
        every = [self.tile(row, column) for row in range(rows) for column in range(columns)]
        if first is None:
            return every

        def distance(tile: Tile) -> float:
            y0, x0, y1, x1 = tile.core
            return math.hypot((y0 + y1) / 2 - first[0], (x0 + x1) / 2 - first[1])

        return sorted(every, key=distance)

    def _count(self, length: int) -> int:
        shown, halo = length * self.scale, self.tiling.halo
        return 1 if shown <= self.tiling.size else max(2, math.ceil((shown - 2 * halo) / (self.tiling.size - 2 * halo)))

    def _side(self, length: int) -> int:
        """Return the side of the windows along an axis: no longer than it takes, so that time grows with the area."""
        count, halo = self._count(length), self.tiling.halo
        if count == 1:
            return length
        needed = (length * self.scale - 2 * halo) / count + 2 * halo
        return min(round(math.ceil(needed / STRIDE_NETWORK) * STRIDE_NETWORK / self.scale), length)

    def _span(self, axis: int, place: int) -> tuple[int, int, int, int]:
        """Return start and end of the core and of the window of a tile along an axis."""
        length, count, side = self.shape[axis], self._count(self.shape[axis]), self._side(self.shape[axis])
        # all windows have one size, so that all are shown at one scale; what is left over makes overlaps wider
        starts = [round(i * (length - side) / max(count - 1, 1)) for i in (place - 1, place, place + 1)]
        low = 0 if place == 0 else (starts[1] + starts[0] + side) // 2
        high = length if place == count - 1 else (starts[2] + starts[1] + side) // 2
        return low, high, starts[1], starts[1] + side


@dataclass(eq=False)
class Canvas:
    """A label image that grows tile by tile, in any order.

    One thread may add objects while others look at them.

    Attributes
    ----------
    labels
        (H, W) where objects are painted; 0 at first.
    scores, areas
        Of the objects so far, by number from 1; areas are those of the masks, also where others lie on top.
    boxes
        Of the same, in pixels of the plane.
    """

    labels: LabelArray
    scores: list[float] = field(default_factory=list)
    areas: list[int] = field(default_factory=list)
    boxes: list[tuple[float, float, float, float]] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def __len__(self) -> int:
        """Return how many objects there are."""
        return len(self.scores)

    def add(self, window: Box, masks: Sequence[CroppedMask], scores: Sequence[float]) -> list[int]:
        """Paint the objects of a tile, but for those that another tile has brought already.

        Who gets a pixel that several claim is as in `core.objects.painting`.

        Parameters
        ----------
        window
            Holds all masks.
        masks, scores
            (N,) in pixels of the plane.

        Returns
        -------
        list of int
            The number of each; 0 = it was there.
        """
        with self._lock:
            return self._add(window, masks, scores)

    def _add(self, window: Box, masks: Sequence[CroppedMask], scores: Sequence[float]) -> list[int]:
        y0, x0, y1, x1 = window
        where = slice(y0, y1), slice(x0, x1)
        view = np.array(self.labels[where])
        known, numbers = len(self), [0] * len(masks)
        for i in sorted(range(len(masks)), key=lambda i: (-masks[i].area, -i)):
            crop = masks[i].moved(-y0, -x0)
            part = view[crop.window]
            under = part[crop.pixels]
            rivals, counts = np.unique(under[under > 0], return_counts=True)
            found = zip(rivals.tolist(), counts.tolist(), strict=True)
            if any(n <= known and is_one_object(crop.area, self.areas[n - 1], shared) for n, shared in found):
                continue
            take = crop.pixels.copy()
            for number in rivals.tolist():
                if self._keeps(number, crop.area, scores[i]):
                    take &= part != number
            numbers[i] = self._register(masks[i], scores[i])
            part[take] = numbers[i]
        if len(self) > known:
            self.labels[where] = view
        return numbers

    def _register(self, crop: CroppedMask, score: float) -> int:
        require_room(self.labels, len(self) + 1)
        self.scores.append(float(score))
        self.areas.append(crop.area)
        rows, columns = crop.window
        self.boxes.append((rows.start, columns.start, rows.stop, columns.stop))
        return len(self)

    def _keeps(self, number: int, area: int, score: float) -> bool:
        """Whether an object keeps the pixels that a new one of `area` pixels claims too."""
        other = self.areas[number - 1]
        if LIKE_SIZE * other < area:
            return True
        return other <= LIKE_SIZE * area and self.scores[number - 1] > score


def is_one_object(area: int, other: int, shared: int) -> bool:
    """Whether masks of two areas that share some pixels are readings of one object."""
    small, large = min(area, other), max(area, other)
    return shared > SAME * (area + other - shared) or (shared > SAME * small and large <= LIKE_SIZE * small)


def spread(shape: tuple[int, int], side: int, count: int) -> Iterator[tuple[slice, slice]]:
    """Yield `count` × `count` windows of up to `side` pixels, spread over a plane; fewer where it is small."""
    starts = [
        np.unique(np.linspace(0, max(length - side, 0), 2 * count + 1)[1::2].round().astype(int)).tolist()
        for length in shape
    ]
    for y in starts[0]:
        for x in starts[1]:
            yield slice(y, min(y + side, shape[0])), slice(x, min(x + side, shape[1]))
