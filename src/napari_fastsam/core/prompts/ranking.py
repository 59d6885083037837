"""What the rules of stage two share: candidates with masks of their own, and the objects they are chosen from."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from napari_fastsam.core.image.geometry import pairwise_iou
from napari_fastsam.core.objects.instances import Instances
from napari_fastsam.core.objects.masks import CroppedMask

SCORE_REACH = 0.25
"""A click takes the smallest object around it whose score is at most this far below the best one's."""

OVERLAP_FLOOR = 0.4
"""A box or an outline that no object overlaps by this IoU has found nothing."""

SCRIBBLE_FLOOR = 0.7
"""The least share of a scribble that must lie in the object it means."""

CORRECTED = ("corrected", "drawn")
"""Sources of candidates that clicks made of others, or drew."""


@dataclass(frozen=True, eq=False)
class Candidate:
    """An object that a prompt may mean.

    Attributes
    ----------
    crop
        Its mask, cropped, in pixels of the plane.
    score
        Its confidence, 0 … 1.
    fit
        How well it fits the prompt, 0 … 1: score for points, IoU for boxes and outlines, covered share for scribbles;
        similarity to a text, likeness to the examples.
    index
        Its position in the instances that were chosen from; None = it is none of them.
    source
        Where it comes from, in a word or two.
    """

    crop: CroppedMask
    score: float
    fit: float
    index: int | None = None
    source: str = "proposal"

    def moved(self, rows: int, columns: int) -> Candidate:
        """Return the same object, shifted by whole pixels into another frame."""
        return replace(self, crop=self.crop.moved(rows, columns), index=None)


@dataclass(frozen=True, eq=False)
class Ranking:
    """The objects that fit a prompt.

    Attributes
    ----------
    reason
        In a few words why the first one, or why none.
    candidates
        Best first; empty if nothing fits.
    """

    reason: str
    candidates: tuple[Candidate, ...] = ()


class Pool:
    """The objects of a plane to choose among, with what is known of the points they hold.

    Parameters
    ----------
    instances
        N objects.
    score_reach
        See `SCORE_REACH`.
    """

    def __init__(self, instances: Instances, score_reach: float = SCORE_REACH) -> None:
        self.instances = instances
        self.score_reach = score_reach
        self._holding_any: dict[bytes, NDArray[np.bool_]] = {}

    @property
    def shape(self) -> tuple[int, int]:
        """``(H, W)`` of the plane."""
        return self.instances.shape

    def holding_all(self, points: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Tell which objects hold all of (P, 2) points: (N,); all do if there are none."""
        every: NDArray[np.bool_] = np.logical_and.reduce(covering(self.instances, points), axis=0)
        return every

    def holding_any(self, points: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Tell which objects hold one of (P, 2) points: (N,). Remembered: most prompts share their negative points."""
        key = points.tobytes()
        if key not in self._holding_any:
            self._holding_any[key] = np.logical_or.reduce(covering(self.instances, points), axis=0)
        return self._holding_any[key]

    def candidates(self, index: NDArray[np.intp], fits: NDArray[np.float64]) -> tuple[Candidate, ...]:
        """Return the objects at some positions as candidates that fit so well."""
        masks, scores = self.instances.masks, self.instances.scores
        pairs = zip(index.tolist(), fits.tolist(), strict=True)
        return tuple(Candidate(masks[i], float(scores[i]), fit, i) for i, fit in pairs)

    def smallest_within_reach(self, index: NDArray[np.intp]) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
        """Tell which objects are within reach of the best score, and rank these by area, the others by score."""
        scores = self.instances.scores[index].astype(np.float64)
        areas = np.array([self.instances.masks[i].area for i in index.tolist()])
        within = scores >= scores.max() - self.score_reach
        return within, np.where(within, areas, -scores)

    def box_iou(self, box: NDArray[np.float64]) -> NDArray[np.float64]:
        """(N,): IoU of the objects' boxes with one, measured only where they meet: few of thousands do."""
        boxes = self.instances.boxes
        y0, x0, y1, x1 = boxes.T
        meet = np.flatnonzero((y0 < box[2]) & (x0 < box[3]) & (y1 > box[0]) & (x1 > box[1]))
        fits = np.zeros(len(boxes))
        fits[meet] = pairwise_iou(boxes[meet], box[None])[:, 0]
        return fits

    def rank_by_overlap(
        self, fits: NDArray[np.float64], positive: NDArray[np.float64], negative: NDArray[np.float64], name: str
    ) -> Ranking:
        """Rank the objects by (N,) IoU, among those that hold all positive points and no negative one.

        `name` is what they overlap, in messages.
        """
        close, required, forbidden = fits >= OVERLAP_FLOOR, self.holding_all(positive), self.holding_any(negative)
        index = np.flatnonzero(close & required & ~forbidden)
        if not len(index):
            return Ranking(_why_no_overlap(fits, close, required, name))
        index = index[[self.instances.masks[i].area > 0 for i in index.tolist()]]
        if not len(index):
            return Ranking(f"what overlaps {name} is empty")
        index = index[np.argsort(-fits[index], kind="stable")]
        return Ranking(f"overlaps {name} by {fits[index[0]]:.2f}", self.candidates(index, fits[index]))


def covering(instances: Instances, points: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Tell which instances contain which of (P, 2) points: (P, N). Only masks near a point are decoded."""
    table = np.zeros((len(points), len(instances)), bool)
    edges = points + 0.5
    y0, x0, y1, x1 = instances.boxes.T
    for p, (row, column) in enumerate(edges):
        # a mask reaches at most to the pixel that its box's end falls in
        near = (y0 <= row + 1) & (row - 1 <= y1) & (x0 <= column + 1) & (column - 1 <= x1)
        for i in np.flatnonzero(near).tolist():
            table[p, i] = instances.masks[i].covers(points[p : p + 1])[0]
    return table


def outside(points: NDArray[np.float64], shape: tuple[int, int]) -> NDArray[np.bool_]:
    """(P,): which points lie on no pixel of the plane."""
    beyond: NDArray[np.bool_] = np.logical_or.reduce((points < -0.5) | (points >= np.array(shape) - 0.5), axis=1)
    return beyond


def outside_reason(shape: tuple[int, int]) -> str:
    """Say that a prompt does not lie on a plane of ``(H, W)``."""
    height, width = shape
    return f"outside the image of {height} × {width} pixels"


def _why_no_overlap(fits: NDArray[np.float64], close: NDArray[np.bool_], required: NDArray[np.bool_], name: str) -> str:
    if not close.any():
        best = f"the closest by {fits.max():.2f}" if fits.any() else "none at all"
        return f"no object overlaps {name} by {OVERLAP_FLOOR}: {best}"
    if not (close & required).any():
        return f"no object that overlaps {name} holds the points inside it"
    return f"every object that overlaps {name} holds a negative point"
