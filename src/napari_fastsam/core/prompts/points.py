"""Points: positive ones of one object together."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_fastsam.core.prompts.queries import Query, register
from napari_fastsam.core.prompts.ranking import Pool, Ranking, covering, outside, outside_reason
from napari_fastsam.core.prompts.values import as_table


@register
class PointGroup(Query):
    """Positive points that one object holds; `geometry` is (P, 2) rows and columns, as `positive` is."""

    kind = "point"
    field = "points"
    json_key = "points_yx"

    @classmethod
    def parse(cls, given: Any) -> NDArray[np.float64]:
        """Return (P, 2) rows and columns."""
        return as_table("points", given, 2)

    def key(self, place: Hashable) -> Hashable:
        """Return its object number, which stays while its points come and go, or else its place."""
        return ("object", self.number) if self.number else place

    def extent(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the pixels of its points."""
        return self.geometry.min(axis=0) - 0.5, self.geometry.max(axis=0) + 0.5

    def may_lie_on(self, shape: tuple[int, int]) -> bool:
        """Whether all points lie on the plane, since one object has to hold them all."""
        low, high = self.extent()
        return bool((low >= -1).all() and (high < np.array(shape)).all())

    def start(self, shape: tuple[int, int]) -> Query:
        """Return what asks for the object that holds most of its points; those beyond the plane do not count."""
        on_plane = self.positive[~outside(self.positive, shape)]
        if not len(on_plane):
            return self
        return StartingPoints(self.ref, on_plane, self.number, on_plane)

    def shifted_geometry(self, offset: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return its points moved."""
        shifted: NDArray[np.float64] = self.geometry + offset
        return shifted

    def rank(self, pool: Pool) -> Ranking:
        """Rank the objects that hold all points: the smallest whose score is within reach of the best first."""
        if outside(self.positive, pool.shape).any():
            return Ranking(outside_reason(pool.shape))
        containing = pool.holding_all(self.positive)
        index = np.flatnonzero(containing & ~pool.holding_any(self.negative))
        if len(index):
            return smallest_likely(pool, index)
        if containing.any():
            return Ranking("every object there holds a negative point")
        return Ranking("no object there" if len(self.positive) == 1 else "no object holds all these points")


class StartingPoints(PointGroup):
    """Positive points that one object will hold once they have corrected it; no kind of its own."""

    def rank(self, pool: Pool) -> Ranking:
        """Rank the objects that hold most of the points, as `PointGroup` does."""
        held = covering(pool.instances, self.positive).sum(axis=0)
        if not held.any():
            return Ranking("no object there")
        return smallest_likely(pool, np.flatnonzero(held == held.max()))


def smallest_likely(pool: Pool, index: NDArray[np.intp]) -> Ranking:
    """Rank some objects: the smallest whose score is within reach of the best first."""
    within, rank = pool.smallest_within_reach(index)
    order = np.lexsort((rank, ~within))
    likely = int(within.sum())
    if len(index) == 1:
        reason = "only object there"
    elif likely == 1:
        reason = f"by far the likeliest of {len(index)} objects there"
    else:
        reason = f"smallest of {likely} likely objects there"
    scores = pool.instances.scores[index].astype(np.float64)
    return Ranking(reason, pool.candidates(index[order], scores[order]))
