"""Which small rectangles of a label image an event touched, and which changed."""

from __future__ import annotations

import hashlib
import itertools
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from napari_fastsam.core.objects.pixel_sums import numbers_in
from napari_fastsam.io.projects.steps import LabelTile

SIDE = 128
"""Pixels along rows and columns: one takes about a kilobyte of a journal."""

Corner = tuple[int, ...]
"""Index of a tile's first pixel along every axis of the label image."""

Digest = bytes


def corners_in(shape: Sequence[int], index: Sequence[int | None] = ()) -> Iterator[Corner]:
    """Yield the corners of all tiles, or of those on a plane.

    Parameters
    ----------
    shape
        Of the label image.
    index
        Which plane: an index for each axis before rows and columns; None = all along that axis.
    """
    places = [range(n) if at is None else [at] for n, at in itertools.zip_longest(shape[:-2], index)]
    yield from itertools.product(*places, *(range(0, n, SIDE) for n in shape[-2:]))


def tile_at(labels: Any, corner: Corner) -> LabelTile:
    """Return the tile of a label image that begins at a corner, as a copy."""
    y, x = corner[-2:]
    part = labels[(*corner[:-2], slice(y, y + SIDE), slice(x, x + SIDE))]
    return LabelTile(corner, np.array(part))


def digest(tile: LabelTile) -> Digest:
    """Return what is equal for equal labels; empty for a tile without any."""
    if not tile.values.any():
        return b""
    return hashlib.blake2b(tile.values.tobytes(), digest_size=12).digest()


def digests_of(labels: Any) -> dict[Corner, Digest]:
    """Return the digests of all tiles that have a label."""
    found = ((corner, digest(tile_at(labels, corner))) for corner in corners_in(labels.shape))
    return {corner: one for corner, one in found if one}


class ObjectCounter:
    """How many labels there are, tile by tile: after each stroke only the tiles are looked at that it touched.

    Parameters
    ----------
    labels
        The label image.
    corners
        Of the tiles that have labels.
    """

    def __init__(self, labels: Any, corners: Iterable[Corner]) -> None:
        self._numbers: dict[Corner, frozenset[int]] = {}
        self._tiles: Counter[int] = Counter()
        for corner in corners:
            self.put(tile_at(labels, corner))

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self._tiles)

    def put(self, tile: LabelTile) -> None:
        """Take a tile as it is now."""
        before, now = self._numbers.get(tile.corner, frozenset()), frozenset(numbers_in(tile.values).tolist())
        self._numbers[tile.corner] = now
        self._tiles.update(now - before)
        for number in before - now:
            self._tiles[number] -= 1
            if not self._tiles[number]:
                del self._tiles[number]


def corners_of(atoms: Iterable[Any], shape: Sequence[int]) -> set[Corner] | None:
    """Return the corners of the tiles that an event of painting touched; None if it does not say which.

    Parameters
    ----------
    atoms
        What napari's event `paint` brings: triples that begin with indices, and rectangles with a mask.
    shape
        Of the label image.
    """
    found: set[Corner] = set()
    for atom in atoms:
        if isinstance(key := getattr(atom, "slice_key", None), tuple):
            found |= _of_slices(key, shape)
        elif isinstance(atom, tuple):
            found |= _of_indices(atom[0], shape)
        else:
            return None
    return found


def _of_indices(indices: Sequence[Any], shape: Sequence[int]) -> set[Corner]:
    if not len(indices[0]):
        return set()
    axes = [np.asarray(axis) for axis in indices]
    axes[-2:] = [axis // SIDE for axis in axes[-2:]]
    sizes = (*shape[:-2], *(-(-n // SIDE) for n in shape[-2:]))
    cells = np.unique(np.ravel_multi_index(tuple(axes), sizes))
    columns = [axis.tolist() for axis in np.unravel_index(cells, sizes)]
    return {(*place[:-2], place[-2] * SIDE, place[-1] * SIDE) for place in zip(*columns, strict=True)}


def _of_slices(key: Sequence[Any], shape: Sequence[int]) -> set[Corner]:
    places: list[Iterable[int]] = []
    for axis, (one, n) in enumerate(zip(key, shape, strict=True)):
        start, stop, _ = one.indices(n) if isinstance(one, slice) else (int(one), int(one) + 1, 1)
        in_plane = axis >= len(shape) - 2
        places.append(range(start // SIDE * SIDE, stop, SIDE) if in_plane else range(start, stop))
    return set(itertools.product(*places))
