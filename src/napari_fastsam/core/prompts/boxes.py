"""Boxes around an object."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_fastsam.core.prompts.queries import Query, register
from napari_fastsam.core.prompts.ranking import Pool, Ranking, outside_reason
from napari_fastsam.core.prompts.values import as_boxes


@register
class BoxQuery(Query):
    """A box around the object; `geometry` is ``y0, x0, y1, x1`` with pixel edges at integers."""

    kind = "box"
    field = "boxes"
    json_key = "boxes_yxyx"
    order = 1
    tells_size = True
    restricts_searches = True

    @classmethod
    def parse(cls, given: Any) -> NDArray[np.float64]:
        """Return (B, 4) boxes with their corners in order."""
        return as_boxes("boxes", given)

    @classmethod
    def from_vertices(cls, vertices: NDArray[np.float64], shape: tuple[int, int]) -> NDArray[np.float64]:
        """Return the box around vertices, within the plane."""
        # + 0.5: from pixel centres at integers to pixel edges at integers
        return np.clip(np.stack([vertices.min(axis=0), vertices.max(axis=0)]) + 0.5, 0, shape).ravel()

    def extent(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return its corners, on the scale of pixel centres."""
        return self.geometry[:2] - 0.5, self.geometry[2:] - 0.5

    def claims(self, points: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Tell which positive points lie inside: they refine its object."""
        low, high = self.extent()
        inside: NDArray[np.bool_] = np.logical_and.reduce((points >= low) & (points <= high), axis=1)
        return inside

    def own_box(self, shape: tuple[int, int]) -> tuple[float, float, float, float] | None:
        """Return the part of it that lies on the plane."""
        y0, x0, y1, x1 = np.clip(self.geometry, 0, [*shape, *shape]).tolist()
        return (y0, x0, y1, x1) if y0 < y1 and x0 < x1 else None

    def shifted_geometry(self, offset: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the box moved."""
        shifted: NDArray[np.float64] = self.geometry + np.tile(offset, 2)
        return shifted

    def rank(self, pool: Pool) -> Ranking:
        """Rank the objects by the overlap of their boxes with it; what lies outside the plane does not count."""
        clipped = np.clip(self.geometry, 0, [*pool.shape, *pool.shape])
        if (clipped[2:] <= clipped[:2]).any():
            empty = (self.geometry[2:] <= self.geometry[:2]).any()
            return Ranking("has no area" if empty else outside_reason(pool.shape))
        return pool.rank_by_overlap(pool.box_iou(clipped), self.positive, self.negative, "the box")
