"""Stage two: which of the instances does each prompt mean?

One object per prompt, never a union, never a guess. The candidates of a prompt are ranked, so that a person can step
from the chosen one to a larger or a smaller one. A search by words or examples is answered with all objects that are
like enough, each an answer of its own.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from napari_fastsam.core.likeness.exemplars import exemplars_of
from napari_fastsam.core.likeness.search import Question, Search, ask_examples, ask_texts, within_boxes
from napari_fastsam.core.likeness.text import TextEncoder
from napari_fastsam.core.objects.instances import Crop, Instances
from napari_fastsam.core.prompts.grouping import asking_boxes, point_groups, refining_points
from napari_fastsam.core.prompts.prompts import PromptRef, Prompts
from napari_fastsam.core.prompts.ranking import (
    SCORE_REACH,
    Ranking,
    all_rows,
    covering,
    rank_by_box,
    rank_by_outline,
    rank_by_points,
    rank_by_scribble,
)
from napari_fastsam.errors import ParameterError


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
        (K,) how well each fits the prompt: score for points, IoU for boxes and outlines, covered share for scribbles,
        all 0 … 1; similarity to a text, likeness to the examples.
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


def select(
    instances: Instances,
    prompts: Prompts,
    score_reach: float = SCORE_REACH,
    *,
    text_encoder: TextEncoder | None = None,
    text_threshold: float | None = None,
    text_best: bool = False,
    example_threshold: float | None = None,
) -> list[Selection]:
    """Choose an object for each prompt, and all objects that look like a text or the examples.

    Parameters
    ----------
    instances
        What the network found on the plane.
    prompts
        In pixels of the same plane.
    score_reach
        See `SCORE_REACH`.
    text_encoder
        What compares words and pictures, from `load_text_encoder`; needed where `prompts` has texts.
    text_threshold, text_best, example_threshold
        As `text_threshold`, `best_only` and `example_threshold` of `Search`.

    Returns
    -------
    list of Selection
        Objects of points (in the order of each object's first positive point), then of boxes, outlines and scribbles.
        Negative points, and points inside a box without a number of their own, speak about other prompts' objects and
        have none themselves. Then for each text all objects that are like it, most similar first, and so for the
        examples: a Selection each, or one without an object that says why there is none. Where a text or examples ask,
        boxes say where to search and have no object themselves.

    Raises
    ------
    ParameterError
        If there are texts and no encoder, or the instances do not know their image, which texts and examples need.
    """
    search = Search(text_threshold, text_best, example_threshold)
    return select_drawn(instances, prompts, score_reach) + select_alike(instances, prompts, search, text_encoder)


def select_drawn(instances: Instances, prompts: Prompts, score_reach: float = SCORE_REACH) -> list[Selection]:
    """Choose an object for each point, box, outline and scribble; parameters and result are those of `select`."""
    vetoes = covering(instances, prompts.points[prompts.point_labels == 0])
    general = _vetoed(vetoes, prompts, 0)
    selections = []
    for ref, number in point_groups(prompts):
        points, forbidden = prompts.points[list(ref.indices)], _vetoed(vetoes, prompts, number)
        selections.append(_of(instances, ref, rank_by_points(instances, points, forbidden, score_reach)))
    for i in asking_boxes(prompts):
        inside = prompts.points[refining_points(prompts, i)]
        ranking = rank_by_box(instances, prompts.boxes[i], inside, general)
        selections.append(_of(instances, PromptRef("box", (i,)), ranking))
    for i, outline in enumerate(prompts.outlines):
        selections.append(_of(instances, PromptRef("outline", (i,)), rank_by_outline(instances, outline, general)))
    for i, scribble in enumerate(prompts.scribbles):
        selections.append(_of(instances, PromptRef("scribble", (i,)), rank_by_scribble(instances, scribble, general)))
    return selections


def select_alike(
    instances: Instances, prompts: Prompts, search: Search, text_encoder: TextEncoder | None = None
) -> list[Selection]:
    """Choose all objects that look like a text or the examples; parameters and result are those of `select`."""
    found, unanswered = ask(instances, prompts, search, text_encoder)
    selections = [_without(instances, PromptRef("example", (0,)), reason) for reason in unanswered]
    for question in found:
        if not len(question.answers):
            selections.append(_without(instances, question.ref, question.reason))
        for i in question.answers.tolist():
            fit = np.array([question.similarities[i]], np.float64)
            selections.append(Selection(question.ref, instances, np.array([i]), fit, question.reason_for(i)))
    return selections


def ask(
    instances: Instances, prompts: Prompts, search: Search, text_encoder: TextEncoder | None = None
) -> tuple[list[Question], list[str]]:
    """Put each text, and then the examples together, to all objects; parameters and errors are those of `select`.

    Returns
    -------
    questions
        What each came to.
    unanswered
        Sentences about the examples that lie on no object, or contradict each other.
    """
    if not prompts.searches:
        return [], []
    vetoes = covering(instances, prompts.points[prompts.point_labels == 0])
    allowed = within_boxes(instances, prompts.boxes) & ~_vetoed(vetoes, prompts, 0)
    questions: list[Question] = []
    unanswered: list[str] = []
    if prompts.texts:
        if text_encoder is None:
            raise ParameterError("there are texts and no text_encoder; expected one from load_text_encoder")
        questions += ask_texts(instances, prompts.texts, text_encoder, allowed, search)
    if prompts.has_examples:
        exemplars, unanswered = exemplars_of(instances, prompts)
        questions.append(ask_examples(instances, exemplars, allowed, search))
    return questions, unanswered


def _without(instances: Instances, ref: PromptRef, reason: str) -> Selection:
    return Selection(ref, instances, np.zeros(0, np.intp), np.zeros(0), reason)


def _vetoed(vetoes: NDArray[np.bool_], prompts: Prompts, number: int) -> NDArray[np.bool_]:
    """(N,): instances that a negative point forbids to the object with this number."""
    numbers = prompts.point_objects[prompts.point_labels == 0]
    return ~all_rows(~vetoes[(numbers == 0) | ((numbers == number) & (number > 0))])


def _of(instances: Instances, ref: PromptRef, ranking: Ranking) -> Selection:
    return Selection(ref, instances, ranking.candidates, ranking.fits, ranking.reason)
