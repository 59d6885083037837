"""What stage two makes of a request: objects with numbers, painted, and what each prompt came to."""

from __future__ import annotations

import time
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from napari_fastsam.core.likeness.text import TextEncoder
from napari_fastsam.core.objects.instances import Instances
from napari_fastsam.core.objects.masks import CroppedMask, masks_at
from napari_fastsam.core.objects.painting import paint
from napari_fastsam.core.prompts.points import PointGroup
from napari_fastsam.core.prompts.queries import PromptRef, Query
from napari_fastsam.core.prompts.selection import QueryResult, Selection, search
from napari_fastsam.errors import PromptError
from napari_fastsam.layers.answers.beside_all import Changes, changes
from napari_fastsam.layers.answers.fine_edges import fine_instances, fine_selections
from napari_fastsam.layers.answers.found import Result, SeenTiles, SegmentedObject, not_answered, tiled_result
from napari_fastsam.layers.answers.request import Request
from napari_fastsam.layers.labels.starts import LabelStart, Replacement
from napari_fastsam.layers.planes.plane import Plane
from napari_fastsam.layers.prompts.numbering import Numbering, PromptIdentity
from napari_fastsam.layers.prompts.places import named, place_of, places
from napari_fastsam.model.asking.descriptors import no_descriptors
from napari_fastsam.model.asking.prediction import PendingInference, Prediction, start_from_cache
from napari_fastsam.model.asking.refining import default_refiner, refined

__all__ = [
    "DrawnAnswer",
    "Result",
    "SeenTiles",
    "SegmentedObject",
    "answer_drawn",
    "make_result",
    "missing_for_drawn",
    "not_answered",
    "replacement",
    "stepped",
    "tiled_result",
]


@dataclass
class _PromptAnswers:
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


def make_result(
    prediction: Prediction,
    request: Request,
    numbering: Numbering,
    encoder: TextEncoder | None,
    among: Instances | None,
) -> Result:
    """Answer a request from what is kept.

    Parameters
    ----------
    prediction
        What the network said about the plane.
    request
        What is asked for.
    numbering
        Knows the numbers of the prompts' objects; is told about new ones.
    encoder
        Compares words and pictures; None where no text is asked for, or it is not there yet.
    among
        The objects that words and examples are compared with; None while not all is known that a search needs.
    """
    start = time.perf_counter()
    if request.controls.task == "everything":
        answer = _everything(prediction, request, numbering)
    else:
        answer = _at_prompts(prediction, request, numbering, encoder, among)
    objects = answer.objects
    labels = paint(
        [o.crop for o in objects],
        request.plane.shape,
        [o.number for o in objects],
        scores=[o.score + o.refined for o in objects],  # what clicks shaped is sure
    )
    seconds = time.perf_counter() - start
    return Result(
        request,
        tuple(objects),
        tuple(answer.unanswered),
        tuple(answer.missing),
        answer.missing_embeddings,
        answer.pending,
        labels,
        seconds,
        answer.searched,
        tuple(answer.questions),
        touched=numbering.touched(request.numbered_under),
        unfound=tuple(answer.unfound),
        taken_away=tuple(answer.taken_away),
        idle=tuple(answer.idle),
    )


def _everything(prediction: Prediction, request: Request, numbering: Numbering) -> _PromptAnswers:
    """Return all objects of the plane, as prompts corrected them, and those that prompts add."""
    instances = prediction.objects(request.controls.thresholds, no_descriptors)
    if request.controls.fine_edges:
        instances = fine_instances(prediction, instances)
    pairs = zip(instances.masks, instances.scores, strict=True)
    everything = [SegmentedObject(i, crop, float(score)) for i, (crop, score) in enumerate(pairs, start=1)]
    prompts = request.read.prompts
    if not len(prompts):
        return _PromptAnswers(everything)
    at_prompts = answer_drawn(prediction, request, numbering)
    answer = _PromptAnswers(unanswered=list(request.read.left_out), missing=at_prompts.missing)
    names = request.identities
    _drawn_objects(at_prompts.selections, names, numbering.update(request.numbered_under, names), request, answer)
    started = {name.key: s.crop for name, s in zip(names, at_prompts.started, strict=True) if s.crop is not None}
    masks = [[found.crop, *([started[found.key]] if found.key in started else [])] for found in answer.objects]
    did = changes([found.crop for found in everything], masks, prompts.general_negative)
    answer.objects = [
        replace(found, number=len(everything) + found.number if same is None else same + 1)
        for found, same in zip(answer.objects, did.same, strict=True)
    ]
    answer.unanswered += _taken_away(did, request)
    answer.idle = in_no_object(request, [*instances.masks, *(mask for several in masks for mask in several)])
    answer.unanswered += named_idle(answer.idle, request)
    if prompts.searches:
        answer.unanswered.append("Words and examples are compared with all objects under “at prompts”.")
    gone = {*did.same, *did.removed}
    answer.taken_away = [everything[i].crop for i in sorted({i for i in did.removed if i is not None})]
    answer.objects = [found for i, found in enumerate(everything) if i not in gone] + answer.objects
    return answer


def _taken_away(did: Changes, request: Request) -> list[str]:
    """Say what became of negative points: which took an object away, and which lie in none."""
    prompts = request.read.prompts
    general = np.flatnonzero((prompts.point_labels == 0) & (prompts.point_objects == 0)).tolist()
    names = [PointGroup(PromptRef("point", (i,)), prompts.points[[i]]) for i in general]
    taking = [named(name, request.read) for name, gone in zip(names, did.removed, strict=True) if gone is not None]
    return [f"{name.capitalize()} took an object away." for name in dict.fromkeys(taking)]


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


def _at_prompts(
    prediction: Prediction,
    request: Request,
    numbering: Numbering,
    encoder: TextEncoder | None,
    among: Instances | None,
) -> _PromptAnswers:
    at_prompts = answer_drawn(prediction, request, numbering)
    answer = _PromptAnswers(unanswered=list(request.read.left_out), missing=at_prompts.missing)
    alike: list[tuple[QueryResult, int]] = []
    if request.read.prompts.searches:
        if among is None:
            answer.missing_embeddings = True
        else:
            alike = _search(among, request, encoder, answer)
    drawn = request.identities
    identities = [] if answer.searched is None else answer.searched.identities.tolist()
    looked_for = [_named_alike(question, identities[i], request) for question, i in alike]
    numbers = numbering.update(request.numbered_under, [*drawn, *looked_for])
    own = _drawn_objects(at_prompts.selections, drawn, numbers, request, answer)
    if drawn and not answer.missing:
        both = [s.crop for s in (*at_prompts.started, *at_prompts.selections) if s.crop is not None]
        answer.idle = in_no_object(request, both)
        answer.unanswered += named_idle(answer.idle, request)
    if answer.searched is None:
        return answer
    found = fine_instances(prediction, answer.searched) if request.controls.fine_edges else answer.searched
    for (question, i), number in zip(alike, numbers[len(drawn) :], strict=True):
        if _identity(found.masks[i]) not in own:
            answer.objects.append(_found_alike(question, found, i, number, request))
    return answer


def _drawn_objects(
    selections: list[Selection],
    prompts: Sequence[PromptIdentity],
    numbers: list[int],
    request: Request,
    answer: _PromptAnswers,
) -> dict[Hashable, str]:
    """Add the objects of drawn prompts to an answer; returns which prompt has which mask."""
    classes = len(answer.questions) if request.controls.classes else 0  # have the numbers from 1
    waiting: list[Query] = []
    found: dict[Hashable, str] = {}
    asked = request.read.prompts.queries
    for query, prompt, number, chosen in zip(asked, prompts, numbers[: len(prompts)], selections, strict=True):
        name = named(chosen.query, request.read)
        if chosen.crop is not None:
            twin = found.setdefault(_identity(chosen.crop), name)
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


def _search(
    instances: Instances, request: Request, encoder: TextEncoder | None, answer: _PromptAnswers
) -> list[tuple[QueryResult, int]]:
    """Search by words and examples; returns each question with each of its objects, one object once."""
    answer.searched = instances
    try:
        answer.questions, unanswered = search(instances, request.read.prompts, request.controls.search, encoder)
    except PromptError as error:  # examples of another model: what was drawn is answered all the same
        answer.unanswered.append(str(error))
        return []
    answer.unanswered += [f"{sentence.capitalize()}." for sentence in unanswered]
    alike: dict[int, QueryResult] = {}
    for question in answer.questions:
        if not len(question.answers):
            answer.unanswered.append(f"{named(question.query, request.read).capitalize()}: {question.reason}")
        for i in question.answers.tolist():
            alike.setdefault(i, question)
    return [(question, i) for i, question in alike.items()]


def _found_alike(question: QueryResult, instances: Instances, i: int, number: int, request: Request) -> SegmentedObject:
    if request.controls.classes:
        number = question.query.class_number
    return SegmentedObject(
        number,
        instances.masks[i],
        float(instances.scores[i]),
        named(question.query, request.read),
        question.reason_for(i),
        question.query.name,
        float(question.similarities[i]),
        int(instances.identities[i]),
    )


def _named_alike(question: QueryResult, identity: int, request: Request) -> PromptIdentity:
    """Return what tells an object that was searched for from others while sliders move."""
    name = named(question.query, request.read)
    return PromptIdentity(("alike", name, identity), (name, identity), drawn=False)


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


def _identity(crop: CroppedMask) -> Hashable:
    return crop.key
