"""What stage two makes of a stack: all its objects linked, or those at prompts followed."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from napari_fastsam.core.objects.instances import CroppedMask
from napari_fastsam.core.objects.painting import paint
from napari_fastsam.core.planes.linking import Linking, Links, PlaneOverlaps, follow, overlap
from napari_fastsam.core.prompts.queries import Query
from napari_fastsam.core.prompts.selection import Selection
from napari_fastsam.layers.answers.found import NothingFound
from napari_fastsam.layers.answers.request import Planes, Request
from napari_fastsam.layers.answers.results import (
    DrawnAnswer,
    Result,
    SegmentedObject,
    in_no_object,
    named_idle,
    not_answered,
    replacement,
)
from napari_fastsam.layers.labels.starts import Replacement
from napari_fastsam.layers.prompts.collecting import OtherRow
from napari_fastsam.layers.prompts.numbering import Numbering, PromptIdentity
from napari_fastsam.layers.prompts.places import named
from napari_fastsam.model.asking.stack import StackRun, linked
from napari_fastsam.model.asking.thresholds import Thresholds

Answer = Callable[[Request], DrawnAnswer | None]
"""Answers the prompts of one plane, and says whether that is the last word; None = its plane was not seen yet."""


Candidates = Callable[[int], Sequence[CroppedMask] | None]


@dataclass
class Followed:
    """An object that is followed, while it is put together.

    Attributes
    ----------
    key
        What identifies it: the prompt that it began with.
    name, score, reason
        Of that prompt and its object.
    anchors
        What it is on planes where it was pointed at or corrected.
    refined, object_number, replaces
        As in `SegmentedObject`.
    masks, needed
        On each plane where it was found, and the planes that have to be seen to go on, both once it was followed.
    """

    key: PromptIdentity
    name: str
    score: float
    reason: str
    anchors: dict[int, CroppedMask] = field(default_factory=dict)
    refined: bool = False
    object_number: int = 0
    replaces: Replacement | None = None
    masks: dict[int, CroppedMask] = field(default_factory=dict)
    needed: set[int] = field(default_factory=set)
    _is_followed: bool = False

    def anchor(self, position: int, crop: CroppedMask) -> None:
        """Say what it is on a plane."""
        self.anchors[position] = crop
        self._is_followed = False

    def follow(self, candidates: Candidates, count: int, linking: Linking) -> dict[int, CroppedMask]:
        """Return what it is on each plane where it is found; found out again only after it was anchored."""
        if not self._is_followed:
            self.masks, self.needed = follow(candidates, self.anchors, count, linking)
            self._is_followed = True
        return self.masks


def linked_result(run: StackRun, request: Request, stack: Planes, known: PlaneOverlaps | None) -> Result:
    """Return all objects of a stack, linked; of one that was not seen to its end, that it waits."""
    start = time.perf_counter()
    if not run.complete:
        nothing = np.zeros((stack.count, *request.plane.shape), np.int32)
        return _result(request, [], list(not_answered(request)), nothing, start, waiting=True)
    thresholds = request.controls.thresholds
    found = linked(run.planes(thresholds), request.controls.linking, known)
    crops: dict[int, CroppedMask] = {}
    for instances, ids in zip(found.planes, found.links.ids, strict=True):
        crops |= dict(zip(ids.tolist(), instances.masks, strict=True))
    objects = [
        SegmentedObject(number, crops[number], float(score), reason=f"linked along axis {stack.axis}")
        for number, score in enumerate(found.scores.tolist(), start=1)
    ]
    return _result(request, objects, list(not_answered(request)), found.labels, start, links=found.links)


def followed_result(
    run: StackRun, request: Request, stack: Planes, answer: Answer, numbering: Numbering
) -> tuple[Result, set[int]]:
    """Return the objects at prompts, carried through a stack.

    Parameters
    ----------
    run
        What was seen of its planes so far.
    request, stack
        What is asked for, of which planes.
    answer
        Answers the prompts of one plane.
    numbering
        Knows the numbers of the objects; is told about new ones.

    Returns
    -------
    result
        With what is known so far.
    needed
        Planes that the network has to see to go on.
    """
    start = time.perf_counter()
    linking = request.controls.linking
    unanswered = list(stack.unusable)
    candidates = _candidates(run, request.controls.thresholds)
    final: dict[int, DrawnAnswer] = {}
    objects, waiting = _anchored(candidates, linking, stack, answer, unanswered, final)
    needed: set[int] = set()
    for one in objects:
        one.follow(candidates, stack.count, linking)
        needed |= one.needed
    where = ("stack", stack.axis, request.key[0], request.plane.at(stack.axis, 0))  # type: ignore[index]
    numbers = numbering.update(where, [one.key for one in objects])
    labels = np.zeros((stack.count, *request.plane.shape), np.int32)
    for plane in range(stack.count):
        there = [(one, number) for one, number in zip(objects, numbers, strict=True) if plane in one.masks]
        crops = [one.masks[plane] for one, _ in there]
        labels[plane] = paint(crops, request.plane.shape, [number for _, number in there])
    nothing = {at: _nothing_found(stack.by_position[at], answered, labels[at]) for at, answered in final.items()}
    for position, told in nothing.items():
        unanswered += named_idle(told.idle, stack.by_position[position])
    found = [
        SegmentedObject(
            number,
            one.masks.get(stack.current, next(iter(one.anchors.values()))),
            one.score,
            one.name,
            f"{one.reason}; on {len(one.masks)} planes",
            refined=one.refined,
            key=one.key.key,
            object_number=one.object_number,
            replaces=one.replaces,
            is_here=stack.current in one.masks,
        )
        for one, number in zip(objects, numbers, strict=True)
    ]
    key = numbering.touched(where)
    result = _result(request, found, unanswered, labels, start, waiting or bool(needed), touched=key)
    return replace(result, on_planes=nothing), needed


def _anchored(
    candidates: Candidates,
    linking: Linking,
    stack: Planes,
    answer: Answer,
    unanswered: list[str],
    final: dict[int, DrawnAnswer],
) -> tuple[list[Followed], bool]:
    """Return an object for each prompt, corrections taken together with what they correct; and whether some wait.

    What has no object is put into `unanswered` in words, and the planes whose answer is the last word into `final`.
    """
    waiting = False
    chosen: list[tuple[PromptIdentity, Selection, int, str]] = []
    for position, single in stack.by_position.items():
        answered = answer(single)
        if answered is None:
            waiting = True
            continue
        waiting |= not answered.final
        for prompt, one in zip(single.identities, answered.selections, strict=True):
            name = named(one.query, single.read)
            if one.crop is not None:
                chosen.append((prompt, one, position, name))
            elif answered.final:
                unanswered.append(f"{name.capitalize()}: {one.reason}")
        if answered.final:
            final[position] = answered
    objects: list[Followed] = []
    # in the order in which they were placed: what comes later corrects what came before
    for prompt, one, position, name in sorted(chosen, key=lambda item: _place_in_layer(item[0])):
        crop = one.crop
        if crop is None:
            continue
        number = one.query.number if isinstance(one.query, Query) else 0
        same = _same(objects, candidates, number, position, crop, stack, linking)
        if same is None:
            same = Followed(prompt, name, one.score, one.reason)
            objects.append(same)
        same.anchor(position, crop)
        single = stack.by_position[position]
        same.replaces = same.replaces or replacement(
            single.controls.start_of(number, single.plane), single.plane, position
        )
        same.object_number = same.object_number or number
        same.refined = same.refined or one.refined
    return objects, waiting


def _nothing_found(request: Request, answered: DrawnAnswer, labels: NDArray[np.int32]) -> NothingFound:
    """Return the prompts of a plane that came to nothing; `labels` has what was followed to it too."""
    prompts = request.read.prompts
    pairs = zip(prompts.queries, answered.selections, strict=True)
    masks = [one.crop for one in (*answered.started, *answered.selections) if one.crop is not None]
    free = [i for i in in_no_object(request, masks) if not prompts.point_objects[i]]
    pixels = np.clip(np.floor(prompts.points[free] + 0.5).astype(int), 0, np.array(labels.shape) - 1)
    idle = tuple(i for i, (row, column) in zip(free, pixels.tolist(), strict=True) if not labels[row, column])
    return NothingFound(tuple(query for query, one in pairs if one.crop is None), idle)


def _place_in_layer(prompt: PromptIdentity) -> tuple[int, int]:
    """Return where a prompt comes among all: labels that are corrected, points, shapes, as their layers have them."""
    kind, row = prompt.row
    if isinstance(row, OtherRow):
        return 0, row.row
    return 1 if kind == "point" else 2, row


def _same(
    objects: list[Followed],
    candidates: Candidates,
    number: int,
    position: int,
    crop: CroppedMask,
    stack: Planes,
    linking: Linking,
) -> Followed | None:
    """Return the object that a prompt on another plane corrects: of its number, or what was followed to this place."""
    if number:
        known = next((one for one in objects if one.object_number == number), None)
        if known is not None:
            return known
    for one in objects:
        masks = one.follow(candidates, stack.count, linking)
        near = [masks[p] for p in (position, position - 1, position + 1) if p in masks and p not in one.anchors]
        if any(overlap(crop.area, mask.area, crop.intersection(mask)) >= linking.min_overlap for mask in near):
            return one
    return None


def _candidates(run: StackRun, thresholds: Thresholds) -> Callable[[int], Sequence[CroppedMask] | None]:
    """Return what gives the objects of a plane that one may go on as: those that pass the thresholds.

    With less sure ones an object seldom ends: of 51 nuclei of nuclei_3d, followed from their middle planes, 39 % had an
    IoU above 0.5 in 3-D with all that is kept, and 65 % with the thresholds of the model's card.
    """
    known: dict[int, Sequence[CroppedMask]] = {}

    def of(plane: int) -> Sequence[CroppedMask] | None:
        if plane not in known and plane in run.kept:
            known[plane] = run.plane(plane, thresholds).masks
        return known.get(plane)

    return of


def _result(
    request: Request,
    objects: list[SegmentedObject],
    unanswered: list[str],
    labels: NDArray[np.int32],
    start: float,
    waiting: bool = False,
    links: Links | None = None,
    touched: Hashable = None,
) -> Result:
    seconds = time.perf_counter() - start
    return Result(
        request,
        tuple(objects),
        tuple(unanswered),
        (),
        False,
        frozenset(),
        labels,
        seconds,
        waiting=waiting,
        links=links,
        touched=touched,
    )
