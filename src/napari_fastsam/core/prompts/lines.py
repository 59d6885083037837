"""What is drawn with a line: outlines around an object, and scribbles along its inside."""

from __future__ import annotations

from abc import ABC
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from napari_fastsam.core.objects.masks import CroppedMask
from napari_fastsam.core.prompts.drawing import along, rasterize
from napari_fastsam.core.prompts.queries import Query, register
from napari_fastsam.core.prompts.ranking import SCRIBBLE_FLOOR, Pool, Ranking, outside, outside_reason
from napari_fastsam.core.prompts.values import as_items, as_polyline

_CLICKS_ALONG = 24
"""A scribble counts as at most so many clicks."""


class LineQuery(Query, ABC):
    """A line of (V, 2) vertices, rows and columns with pixel centres at integers."""

    least: ClassVar[int]
    """How many vertices it needs."""

    @classmethod
    def parse(cls, given: Any) -> tuple[NDArray[np.float64], ...]:
        """Return the vertices of each."""
        lines = as_items(cls.field, given, "(V, 2) vertices")
        return tuple(as_polyline(cls.field, i, line, cls.least) for i, line in enumerate(lines))

    def extent(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the pixels of its vertices."""
        return self.geometry.min(axis=0) - 0.5, self.geometry.max(axis=0) + 0.5

    def shifted_geometry(self, offset: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the line moved."""
        shifted: NDArray[np.float64] = self.geometry + offset
        return shifted


@register
class OutlineQuery(LineQuery):
    """A polygon whose inside is the object."""

    kind = "outline"
    field = "outlines"
    json_key = "outlines_yx"
    order = 2
    tells_size = True
    least = 3

    def own_mask(self, shape: tuple[int, int]) -> CroppedMask | None:
        """Return its inside."""
        return rasterize(self.geometry, shape)

    def rank(self, pool: Pool) -> Ranking:
        """Rank the objects by the overlap of their masks with its inside."""
        drawn = rasterize(self.geometry, pool.shape)
        if drawn is None:
            return Ranking("holds no pixel of the image")
        window = np.array([drawn.top, drawn.left, drawn.window[0].stop, drawn.window[1].stop], np.float64)
        fits = np.zeros(len(pool.instances))
        for i in np.flatnonzero(pool.box_iou(window)).tolist():
            fits[i] = pool.instances.masks[i].iou(drawn)
        return pool.rank_by_overlap(fits, self.positive, self.negative, "the outline")


@register
class ScribbleQuery(LineQuery):
    """A path along the inside of the object."""

    kind = "scribble"
    field = "scribbles"
    json_key = "scribbles_yx"
    order = 3
    least = 1

    @property
    def held(self) -> NDArray[np.float64]:
        """Its points, and some along it."""
        path = along(self.geometry)
        some = np.unique(np.linspace(0, len(path) - 1, min(len(path), _CLICKS_ALONG)).round().astype(int))
        held: NDArray[np.float64] = np.concatenate([self.positive, path[some]])
        return held

    def rank(self, pool: Pool) -> Ranking:
        """Rank the objects by the share of the path that they hold, in tenths; of equals as for points."""
        points = along(self.geometry)
        if outside(points, pool.shape).all():
            return Ranking(outside_reason(pool.shape))
        held = np.zeros(len(pool.instances))
        low, high = points.min(axis=0), points.max(axis=0)
        y0, x0, y1, x1 = pool.instances.boxes.T
        near = (y0 <= high[0] + 1) & (y1 >= low[0]) & (x0 <= high[1] + 1) & (x1 >= low[1])
        for i in np.flatnonzero(near).tolist():
            held[i] = np.count_nonzero(pool.instances.masks[i].covers(points)) / len(points)
        enough = held >= SCRIBBLE_FLOOR
        required = enough & pool.holding_all(self.positive)
        index = np.flatnonzero(required & ~pool.holding_any(self.negative))
        if not len(index):
            if required.any():
                return Ranking("every object along it holds a negative point")
            if enough.any():
                return Ranking("no object along it holds the points of its object number")
            return Ranking(f"no object holds {SCRIBBLE_FLOOR:.0%} of it: at most {held.max(initial=0.0):.0%}")
        within, rank = pool.smallest_within_reach(index)
        index = index[np.lexsort((rank, ~within, -np.round(held[index], 1)))]
        return Ranking(f"holds {held[index[0]]:.0%} of the scribble", pool.candidates(index, held[index]))
