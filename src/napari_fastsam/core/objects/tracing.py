"""The outlines of masks along the edges of their pixels: polygons with holes that hold exactly these pixels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from napari_fastsam.core.objects.masks import CroppedMask, in_groups

Ring: TypeAlias = list[tuple[int, int]]
"""Rows and columns of corners, pixel edges at integers; the first is not repeated at the end."""

Polygon: TypeAlias = list[Ring]
"""An outline, and those of its holes."""


def trace(masks: Sequence[CroppedMask]) -> Iterator[list[Polygon]]:
    """Yield the polygons of each mask, one for each part whose pixels share edges.

    Outlines run so that the mask is on the same side of all: an outline goes right along its top, a hole left. No ring
    comes to a corner twice; rings may touch at corners, where pixels do.

    Notes
    -----
    The corners of a set of pixels, sorted along rows, are in pairs the ends of its horizontal edges, and sorted along
    columns those of its vertical ones. Where two pixels touch at a corner only, there are two corners, and each pixel
    keeps its own.
    """
    for group in in_groups(masks):
        owner, rows, columns, along_row, along_column = _corners(group)
        across = _partners(np.lexsort((along_row, columns, rows, owner)))
        down = _partners(np.lexsort((along_column, rows, columns, owner)))
        rings: list[list[Ring]] = [[] for _ in group]
        places = list(zip(rows.tolist(), columns.tolist(), strict=True))
        owners, seen = owner.tolist(), [False] * len(places)
        # in order of rows: the first corner of a ring is its top left
        for first in np.lexsort((columns, rows)).tolist():
            if not seen[first]:
                rings[owners[first]].append(_ring(first, across, down, places, seen))
        for mask, own in zip(group, rings, strict=True):
            yield _polygons(mask, own)


def _corners(masks: Sequence[CroppedMask]) -> NDArray[np.int64]:
    """Return (5, K): whose each corner is, its row and column, its place among those at that spot along both axes.

    The masks lie behind each other in one array, each with a pixel of background around it: thousands of small ones
    take as many steps as one.
    """
    frames = np.array([(mask.pixels.shape[0] + 2, mask.pixels.shape[1] + 2) for mask in masks])
    sizes = frames.prod(axis=1)
    ends = np.cumsum(sizes)
    begins = ends - sizes
    flat = np.zeros(int(ends[-1]) + 1, np.uint8)
    for mask, begin, end, frame in zip(masks, begins.tolist(), ends.tolist(), frames.tolist(), strict=True):
        flat[begin:end].reshape(frame)[1:-1, 1:-1] = mask.pixels
    # right of a frame's last column is the next row's first pixel, and below its last row anything: background all
    below = np.zeros_like(flat)
    for begin, end, width in zip(begins.tolist(), ends.tolist(), frames[:, 1].tolist(), strict=True):
        below[begin : end - width] = flat[begin + width : end]
    a, b, c, d = flat[:-1], flat[1:], below[:-1], below[1:]
    single = (a ^ b ^ c ^ d).astype(bool)
    double = ~single & (a == d) & (b == c) & (a != b)
    spots = np.flatnonzero(single)
    twice = np.flatnonzero(double)
    rising = a[twice] == 0  # the pixels at top right and bottom left
    nothing = np.zeros_like(twice)
    at = np.concatenate([spots, twice, twice])
    along_row = np.concatenate([np.zeros_like(spots), nothing, nothing + 1])
    along_column = np.concatenate([np.zeros_like(spots), np.where(rising, 1, 0), np.where(rising, 0, 1)])
    owner = np.searchsorted(ends, at, side="right")
    rows, columns = np.divmod(at - begins[owner], frames[owner, 1])
    corner = np.array([(mask.top, mask.left) for mask in masks])[owner]
    return np.stack([owner, rows + corner[:, 0], columns + corner[:, 1], along_row, along_column])


def _partners(order: NDArray[np.intp]) -> list[int]:
    """Return for each corner the other end of its edge."""
    partner = np.empty_like(order)
    partner[order[::2]], partner[order[1::2]] = order[1::2], order[::2]
    result: list[int] = partner.tolist()
    return result


def _ring(first: int, across: list[int], down: list[int], places: list[tuple[int, int]], seen: list[bool]) -> Ring:
    ring: Ring = []
    at = first
    while not seen[at]:
        seen[at] = True
        ring.append(places[at])
        at = across[at]
        seen[at] = True
        ring.append(places[at])
        at = down[at]
    return ring


def _polygons(mask: CroppedMask, rings: Sequence[Ring]) -> list[Polygon]:
    """Sort rings that begin at their top left and go right into outlines and their holes."""
    # every part has an outline and every hole a ring of its own: a single one is the outline, of one part without holes
    if len(rings) == 1 and len(set(rings[0])) == len(rings[0]):
        return [[rings[0]]]
    outer: list[Ring] = []
    holes: list[Ring] = []
    for ring in rings:
        row, column = ring[0][0] - mask.top, ring[0][1] - mask.left
        filled = row < mask.pixels.shape[0] and column < mask.pixels.shape[1] and bool(mask.pixels[row, column])
        oriented = ring if filled else ring[::-1]
        for simple in _split(oriented):
            (outer if _is_outline(simple) else holes).append(simple)
    if len(outer) == 1:
        return [[outer[0], *holes]]
    if not holes:
        return [[ring] for ring in outer]
    return _matched(mask, outer, holes)


def _split(ring: Ring) -> list[Ring]:
    """Cut a ring into rings that come to no corner twice."""
    if len(set(ring)) == len(ring):
        return [ring]
    simple: list[Ring] = []
    path: Ring = []
    at: dict[tuple[int, int], int] = {}
    for corner in ring:
        if corner in at:
            start = at[corner]
            simple.append(path[start:])
            for left in path[start + 1 :]:
                del at[left]
            del path[start + 1 :]
        else:
            at[corner] = len(path)
            path.append(corner)
    return [*simple, path]


def _is_outline(ring: Ring) -> bool:
    """Whether a ring goes right along its top."""
    top = min(range(len(ring)), key=ring.__getitem__)
    following = ring[(top + 1) % len(ring)]
    return following[0] == ring[top][0]


def _matched(mask: CroppedMask, outer: Sequence[Ring], holes: Sequence[Ring]) -> list[Polygon]:
    """Put each hole to the outline of the part that it is in."""
    from scipy import ndimage

    parts, _ = ndimage.label(mask.pixels)
    polygons: dict[int, Polygon] = {}
    for ring in outer:
        row, column = min(ring)
        polygons[int(parts[row - mask.top, column - mask.left])] = [ring]
    for ring in holes:
        row, column = min(ring)
        polygons[int(parts[row - 1 - mask.top, column - mask.left])].append(ring)
    return list(polygons.values())
