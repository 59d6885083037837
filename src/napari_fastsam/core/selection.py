"""Stage two: which of the instances does each prompt mean?

One object per prompt, never a union, never a guess. The candidates of a prompt are ranked, so that a person can step
from the chosen one to a larger or a smaller one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from napari_fastsam.core.grouping import point_groups, refining_points
from napari_fastsam.core.instances import Crop, Instances
from napari_fastsam.core.prompts import PromptRef, Prompts
from napari_fastsam.core.ranking import (
    SCORE_REACH,
    Ranking,
    all_rows,
    covering,
    rank_by_box,
    rank_by_outline,
    rank_by_points,
    rank_by_scribble,
)


@dataclass(frozen=True, eq=False)
class Selection:
    """What one prompt means.

    Attributes
    ----------
    prompt
        Which prompt.
    instances
        What was chosen from.
    candidates
        (K,) indices into `instances`, best first. Empty if nothing fits.
    fits
        (K,) how well each fits the prompt, 0 … 1: score for points, IoU for boxes and outlines, covered share for
        scribbles.
    chosen
        Position in `candidates`.
    reason
        In a few words why this one, or why none.
    """

    prompt: PromptRef
    instances: Instances
    candidates: NDArray[np.intp]
    fits: NDArray[np.float64]
    reason: str
    chosen: int = 0

    @property
    def found(self) -> bool:
        """Whether the prompt has an object."""
        return len(self.candidates) > 0

    @property
    def index(self) -> int | None:
        """Which of the instances is chosen."""
        return int(self.candidates[self.chosen]) if self.found else None

    @property
    def crop(self) -> Crop | None:
        """The chosen object's mask, cropped."""
        return None if self.index is None else self.instances.masks[self.index]

    @property
    def mask(self) -> NDArray[np.bool_] | None:
        """The chosen object's mask on the whole plane, (H, W) bool, or None if nothing was found."""
        return None if self.index is None else self.instances.mask(self.index)

    @property
    def score(self) -> float:
        """The chosen object's confidence; NaN if nothing was found."""
        return float("nan") if self.index is None else float(self.instances.scores[self.index])

    def larger(self) -> Selection:
        """Choose the next larger candidate, if there is one."""
        return self._step(+1)

    def smaller(self) -> Selection:
        """Choose the next smaller candidate, if there is one."""
        return self._step(-1)

    def _step(self, direction: int) -> Selection:
        if not self.found:
            return self
        areas = np.array([self.instances.masks[int(i)].area for i in self.candidates])
        by_area = np.argsort(areas, kind="stable")
        place = int(np.flatnonzero(by_area == self.chosen)[0]) + direction
        if not 0 <= place < len(by_area):
            return self
        return replace(self, chosen=int(by_area[place]))


def select(instances: Instances, prompts: Prompts, score_reach: float = SCORE_REACH) -> list[Selection]:
    """Choose an object for each prompt.

    Parameters
    ----------
    instances
        What the network found on the plane.
    prompts
        In pixels of the same plane.
    score_reach
        See `SCORE_REACH`.

    Returns
    -------
    list of Selection
        Objects of points (in the order of each object's first positive point), then of boxes, outlines and scribbles.
        Negative points, and points inside a box without a number of their own, speak about other prompts' objects and
        have none themselves.
    """
    vetoes = covering(instances, prompts.points[prompts.point_labels == 0])
    general = _vetoed(vetoes, prompts, 0)
    selections = []
    for ref, number in point_groups(prompts):
        points, forbidden = prompts.points[list(ref.indices)], _vetoed(vetoes, prompts, number)
        selections.append(_of(instances, ref, rank_by_points(instances, points, forbidden, score_reach)))
    for i, box in enumerate(prompts.boxes):
        inside = prompts.points[refining_points(prompts, i)]
        selections.append(_of(instances, PromptRef("box", (i,)), rank_by_box(instances, box, inside, general)))
    for i, outline in enumerate(prompts.outlines):
        selections.append(_of(instances, PromptRef("outline", (i,)), rank_by_outline(instances, outline, general)))
    for i, scribble in enumerate(prompts.scribbles):
        selections.append(_of(instances, PromptRef("scribble", (i,)), rank_by_scribble(instances, scribble, general)))
    return selections


def _vetoed(vetoes: NDArray[np.bool_], prompts: Prompts, number: int) -> NDArray[np.bool_]:
    """(N,): instances that a negative point forbids to the object with this number."""
    numbers = prompts.point_objects[prompts.point_labels == 0]
    return ~all_rows(~vetoes[(numbers == 0) | ((numbers == number) & (number > 0))])


def _of(instances: Instances, ref: PromptRef, ranking: Ranking) -> Selection:
    return Selection(ref, instances, ranking.candidates, ranking.fits, ranking.reason)
