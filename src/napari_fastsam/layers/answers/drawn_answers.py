"""What the drawn prompts of a plane came to: an object each, corrected by clicks, or the reason why there is none."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field

import numpy as np

from napari_fastsam.core.objects.instances import Instances
from napari_fastsam.core.objects.masks import CroppedMask, masks_at
from napari_fastsam.core.prompts.points import PointGroup
from napari_fastsam.core.prompts.queries import PromptRef, Query
from napari_fastsam.core.prompts.selection import QueryResult, Selection
from napari_fastsam.layers.answers.fine_edges import fine_selections
from napari_fastsam.layers.answers.found import SegmentedObject
from napari_fastsam.layers.answers.request import Request
from napari_fastsam.layers.labels.starts import LabelStart, Replacement
from napari_fastsam.layers.planes.plane import Plane
from napari_fastsam.layers.prompts.numbering import Numbering, PromptIdentity
from napari_fastsam.layers.prompts.places import named, place_of, places
from napari_fastsam.model.asking.prediction import PendingInference, Prediction, start_from_cache
from napari_fastsam.model.asking.refining import default_refiner, refined


@dataclass
class PromptAnswers:
    """What a result is made of, before it is painted."""

    objects: list[SegmentedObject] = field(default_factory=list)
    unanswered: list[str] = field(default_factory=list)
    missing: list[PendingInference] = field(default_factory=list)
    missing_embeddings: bool = False
    pending: frozenset[Hashable] = frozenset()
    searched: Instances | None = None
    questions: list[QueryResult] = field(default_factory=list)
    unfound: list[Query] = field(default_factory=list)
    taken_away: list[CroppedMask] = field(default_factory=list)
    idle: list[int] = field(default_factory=list)


@dataclass(frozen=True, eq=False)
class DrawnAnswer:
    """What the drawn prompts of a plane came to.

    Attributes
    ----------
    started
        What each chose, larger or smaller candidates stepped to.
    selections
        The same, corrected by clicks.
    missing
        What the network has yet to look at.
    """

    started: list[Selection]
    selections: list[Selection]
    missing: list[PendingInference]

    @property
    def final(self) -> bool:
        """Whether that is the last word."""
        return not self.missing


def missing_for_drawn(prediction: Prediction, request: Request) -> list[PendingInference]:
    """Return what the network has yet to look at before what was drawn is answered."""
    queries, thresholds = request.read.prompts.queries, request.controls.thresholds
    return start_from_cache(prediction, queries, thresholds, default_refiner())[1]


def answer_drawn(prediction: Prediction, request: Request, numbering: Numbering) -> DrawnAnswer:
    """Answer what was drawn from what is kept: choose, step to larger or smaller candidates, correct by clicks."""
    queries, thresholds = request.read.prompts.queries, request.controls.thresholds
    refiner = default_refiner()
    started, missing = start_from_cache(prediction, queries, thresholds, refiner)
    keys = [prompt.key for prompt in request.identities]
    started = [
        stepped(selection, numbering.steps(request.numbered_under, key))
        for selection, key in zip(started, keys, strict=True)
    ]
    selections = refined(prediction, started, thresholds, refiner, waiting=bool(missing))
    if request.controls.fine_edges:
        selections = fine_selections(prediction, selections)
    return DrawnAnswer(started, selections, missing)


def drawn_objects(
    selections: list[Selection],
    prompts: Sequence[PromptIdentity],
    numbers: list[int],
    request: Request,
    answer: PromptAnswers,
) -> dict[Hashable, str]:
    """Add the objects of drawn prompts to an answer; returns which prompt has which mask."""
    classes = len(answer.questions) if request.controls.classes else 0  # have the numbers from 1
    waiting: list[Query] = []
    found: dict[Hashable, str] = {}
    asked = request.read.prompts.queries
    for query, prompt, number, chosen in zip(asked, prompts, numbers[: len(prompts)], selections, strict=True):
        name = named(chosen.query, request.read)
        if chosen.crop is not None:
            twin = found.setdefault(chosen.crop.key, name)
            if twin is not name:
                answer.unanswered.append(f"{name.capitalize()} is on the same object as {twin}.")
                continue
            start = request.controls.start_of(query.number, request.plane)
            answer.objects.append(
                SegmentedObject(
                    number + classes,
                    chosen.crop,
                    chosen.score,
                    name,
                    chosen.reason,
                    refined=chosen.refined,
                    key=prompt.key,
                    object_number=query.number,
                    replaces=replacement(start, request.plane),
                    place=chosen.place + 1,
                    of=len(chosen.candidates),
                )
            )
        elif answer.missing:
            waiting.append(query)
        else:
            answer.unanswered.append(f"{name.capitalize()}: {chosen.reason}")
            answer.unfound.append(query)
    known = places(request.read, request.plane) if waiting else {}
    answer.pending = frozenset(place for query in waiting for place in place_of(query, request.read, known))
    return found


def in_no_object(request: Request, masks: Sequence[CroppedMask]) -> list[int]:
    """Return the positions of negative points that speak of no object and lie in none.

    Parameters
    ----------
    request
        Whose prompts they are.
    masks
        All objects, as they were before clicks corrected them and after.
    """
    prompts = request.read.prompts
    numbers = {query.number for query in prompts.queries} - {0}
    free = np.flatnonzero((prompts.point_labels == 0) & ~np.isin(prompts.point_objects, list(numbers)))
    holding = masks_at(masks, prompts.points[free])
    return [i for i, there in zip(free.tolist(), holding, strict=True) if not there]


def named_idle(idle: Sequence[int], request: Request) -> list[str]:
    """Name negative points that lie in no object, those along one line once, and say what to do."""
    points = request.read.prompts.points
    names = [named(PointGroup(PromptRef("point", (i,)), points[[i]]), request.read).capitalize() for i in idle]
    return [
        f"{name} is negative and lies in no object: move it to what is too much, or delete it."
        for name in dict.fromkeys(names)
    ]


def replacement(start: LabelStart | None, plane: Plane, position: int | None = None) -> Replacement | None:
    """Return the label that an object replaces, as it is in a region; None if it started from none."""
    if start is None or start.gone:
        return None
    here = start.seen_on(plane)
    return None if here is None else Replacement(here, position)


def stepped(selection: Selection, steps: int) -> Selection:
    """Return a selection with a larger (> 0) or smaller (< 0) candidate chosen."""
    for _ in range(abs(steps)):
        selection = selection.larger() if steps > 0 else selection.smaller()
    return selection
