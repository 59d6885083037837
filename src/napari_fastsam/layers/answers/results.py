"""What stage two makes of a request: objects with numbers, painted, and what each prompt came to."""

from __future__ import annotations

import time

from napari_fastsam.core.likeness.text import TextEncoder
from napari_fastsam.core.objects.instances import Instances
from napari_fastsam.core.objects.painting import paint
from napari_fastsam.core.prompts.selection import QueryResult, search
from napari_fastsam.errors import PromptError
from napari_fastsam.layers.answers.drawn_answers import (
    DrawnAnswer,
    PromptAnswers,
    answer_drawn,
    drawn_objects,
    in_no_object,
    missing_for_drawn,
    named_idle,
    replacement,
    stepped,
)
from napari_fastsam.layers.answers.everything import everything_in_tiles, everything_on_plane
from napari_fastsam.layers.answers.fine_edges import fine_instances
from napari_fastsam.layers.answers.found import Result, SeenTiles, SegmentedObject, not_answered
from napari_fastsam.layers.answers.request import Request
from napari_fastsam.layers.prompts.numbering import Numbering, PromptIdentity
from napari_fastsam.layers.prompts.places import named
from napari_fastsam.model.asking.prediction import Prediction

__all__ = [
    "DrawnAnswer",
    "Result",
    "SeenTiles",
    "SegmentedObject",
    "answer_drawn",
    "everything_in_tiles",
    "in_no_object",
    "make_result",
    "missing_for_drawn",
    "named_idle",
    "not_answered",
    "replacement",
    "stepped",
]


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
        answer = everything_on_plane(prediction, request, numbering)
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


def _at_prompts(
    prediction: Prediction,
    request: Request,
    numbering: Numbering,
    encoder: TextEncoder | None,
    among: Instances | None,
) -> PromptAnswers:
    at_prompts = answer_drawn(prediction, request, numbering)
    answer = PromptAnswers(unanswered=list(request.read.left_out), missing=at_prompts.missing)
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
    own = drawn_objects(at_prompts.selections, drawn, numbers, request, answer)
    if drawn and not answer.missing:
        both = [s.crop for s in (*at_prompts.started, *at_prompts.selections) if s.crop is not None]
        answer.idle = in_no_object(request, both)
        answer.unanswered += named_idle(answer.idle, request)
    if answer.searched is None:
        return answer
    found = fine_instances(prediction, answer.searched) if request.controls.fine_edges else answer.searched
    for (question, i), number in zip(alike, numbers[len(drawn) :], strict=True):
        if found.masks[i].key not in own:
            answer.objects.append(_found_alike(question, found, i, number, request))
    return answer


def _search(
    instances: Instances, request: Request, encoder: TextEncoder | None, answer: PromptAnswers
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
