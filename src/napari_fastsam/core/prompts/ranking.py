"""The rules of stage two: which instances fit one prompt, best first, or why none does."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from napari_fastsam.core.image.geometry import pairwise_iou
from napari_fastsam.core.objects.instances import Instances
from napari_fastsam.core.prompts.drawing import along, rasterize

SCORE_REACH = 0.25
"""A click takes the smallest object around it whose score is at most this far below the best one's."""

OVERLAP_FLOOR = 0.4
"""A box or an outline that no object overlaps by this IoU has found nothing."""

SCRIBBLE_FLOOR = 0.7
"""The least share of a scribble that must lie in the object it means."""


@dataclass(frozen=True, eq=False)
class Ranking:
    """The instances that fit a prompt.

    Attributes
    ----------
    reason
        In a few words why the first one, or why none.
    candidates
        (K,) indices of instances, best first. Empty if nothing fits.
    fits
        (K,) how well each fits, 0 … 1.
    """

    reason: str
    candidates: NDArray[np.intp] = field(default_factory=lambda: np.zeros(0, np.intp))
    fits: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))


def rank_by_points(
    instances: Instances, points: NDArray[np.float64], forbidden: NDArray[np.bool_], score_reach: float = SCORE_REACH
) -> Ranking:
    """Rank the instances that contain all of (P, 2) points: the smallest whose score is within reach of the best first.

    Parameters
    ----------
    instances
        What to choose from.
    points
        (P, 2) rows and columns, pixel centres at integers.
    forbidden
        (N,) instances that negative points exclude.
    score_reach
        See `SCORE_REACH`.
    """
    if _outside(points, instances.shape).any():
        return Ranking(_outside_reason(instances))
    containing = all_rows(covering(instances, points))
    index = np.flatnonzero(containing & ~forbidden)
    if not len(index):
        if containing.any():
            return Ranking("every object there holds a negative point")
        return Ranking("no object there" if len(points) == 1 else "no object holds all these points")
    scores = instances.scores[index].astype(np.float64)
    within, rank = _smallest_within_reach(instances, index, score_reach)
    order = np.lexsort((rank, ~within))
    likely = int(within.sum())
    if len(index) == 1:
        reason = "only object there"
    elif likely == 1:
        reason = f"by far the likeliest of {len(index)} objects there"
    else:
        reason = f"smallest of {likely} likely objects there"
    return Ranking(reason, index[order], scores[order])


def rank_by_box(
    instances: Instances, box: NDArray[np.float64], inside: NDArray[np.float64], forbidden: NDArray[np.bool_]
) -> Ranking:
    """Rank the instances by the overlap of their boxes with a box, among those that contain all points inside it.

    Parameters
    ----------
    instances, forbidden
        As in `rank_by_points`.
    box
        ``y0, x0, y1, x1``, pixel edges at integers; what lies outside the plane does not count.
    inside
        (P, 2) positive points inside it, perhaps none.
    """
    clipped = np.clip(box, 0, [*instances.shape, *instances.shape])
    if (clipped[2:] <= clipped[:2]).any():
        return Ranking("has no area" if (box[2:] <= box[:2]).any() else _outside_reason(instances))
    fits = _box_iou(instances, clipped)
    return _rank_by_fit(instances, fits, all_rows(covering(instances, inside)), forbidden, "the box")


def rank_by_outline(instances: Instances, outline: NDArray[np.float64], forbidden: NDArray[np.bool_]) -> Ranking:
    """Rank the instances by the overlap of their masks with the inside of a (V, 2) polygon, pixel centres at integers.

    `instances` and `forbidden` are as in `rank_by_points`.
    """
    drawn = rasterize(outline, instances.shape)
    if drawn is None:
        return Ranking("holds no pixel of the image")
    window = np.array([drawn.top, drawn.left, drawn.window[0].stop, drawn.window[1].stop], np.float64)
    fits = np.zeros(len(instances))
    for i in np.flatnonzero(_box_iou(instances, window)).tolist():
        fits[i] = instances.masks[i].iou(drawn)
    return _rank_by_fit(instances, fits, np.ones(len(instances), bool), forbidden, "the outline")


def rank_by_scribble(instances: Instances, scribble: NDArray[np.float64], forbidden: NDArray[np.bool_]) -> Ranking:
    """Rank the instances by the share of a (V, 2) path that they hold, in tenths; of equals as for points.

    `instances` and `forbidden` are as in `rank_by_points`.
    """
    points = along(scribble)
    if _outside(points, instances.shape).all():
        return Ranking(_outside_reason(instances))
    held = np.zeros(len(instances))
    low, high = points.min(axis=0), points.max(axis=0)
    y0, x0, y1, x1 = instances.boxes.T
    near = (y0 <= high[0] + 1) & (y1 >= low[0]) & (x0 <= high[1] + 1) & (x1 >= low[1])
    for i in np.flatnonzero(near).tolist():
        held[i] = np.count_nonzero(instances.masks[i].covers(points)) / len(points)
    enough = held >= SCRIBBLE_FLOOR
    index = np.flatnonzero(enough & ~forbidden)
    if not len(index):
        if enough.any():
            return Ranking("every object along it holds a negative point")
        return Ranking(f"no object holds {SCRIBBLE_FLOOR:.0%} of it: at most {held.max(initial=0.0):.0%}")
    within, rank = _smallest_within_reach(instances, index, SCORE_REACH)
    index = index[np.lexsort((rank, ~within, -np.round(held[index], 1)))]
    return Ranking(f"holds {held[index[0]]:.0%} of the scribble", index, held[index])


def _smallest_within_reach(
    instances: Instances, index: NDArray[np.intp], score_reach: float
) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Return which instances are within reach of the best score, and a rank: those by area, the others by score."""
    scores = instances.scores[index].astype(np.float64)
    areas = np.array([instances.masks[i].area for i in index.tolist()])
    within = scores >= scores.max() - score_reach
    return within, np.where(within, areas, -scores)


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


def all_rows(table: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Tell for each column of a (P, N) table whether all rows are true; they are if there are none."""
    every: NDArray[np.bool_] = np.logical_and.reduce(table, axis=0)
    return every


def _box_iou(instances: Instances, box: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N,): IoU of the instances' boxes with one, measured only where they meet: few of thousands do."""
    y0, x0, y1, x1 = instances.boxes.T
    meet = np.flatnonzero((y0 < box[2]) & (x0 < box[3]) & (y1 > box[0]) & (x1 > box[1]))
    fits = np.zeros(len(instances))
    fits[meet] = pairwise_iou(instances.boxes[meet], box[None])[:, 0]
    return fits


def _rank_by_fit(
    instances: Instances,
    fits: NDArray[np.float64],
    required: NDArray[np.bool_],
    forbidden: NDArray[np.bool_],
    name: str,
) -> Ranking:
    close = fits >= OVERLAP_FLOOR
    index = np.flatnonzero(close & required & ~forbidden)
    if not len(index):
        return Ranking(_why_no_fit(fits, close, required, name))
    index = index[[instances.masks[i].area > 0 for i in index.tolist()]]
    if not len(index):
        return Ranking(f"what overlaps {name} is empty")
    index = index[np.argsort(-fits[index], kind="stable")]
    return Ranking(f"overlaps {name} by {fits[index[0]]:.2f}", index, fits[index])


def _why_no_fit(fits: NDArray[np.float64], close: NDArray[np.bool_], required: NDArray[np.bool_], name: str) -> str:
    if not close.any():
        best = f"the closest by {fits.max():.2f}" if fits.any() else "none at all"
        return f"no object overlaps {name} by {OVERLAP_FLOOR}: {best}"
    if not (close & required).any():
        return f"no object that overlaps {name} holds the points inside it"
    return f"every object that overlaps {name} holds a negative point"


def _outside(points: NDArray[np.float64], shape: tuple[int, int]) -> NDArray[np.bool_]:
    """(P,): which points lie on no pixel of the plane."""
    beyond: NDArray[np.bool_] = np.logical_or.reduce((points < -0.5) | (points >= np.array(shape) - 0.5), axis=1)
    return beyond


def _outside_reason(instances: Instances) -> str:
    height, width = instances.shape
    return f"outside the image of {height} × {width} pixels"
