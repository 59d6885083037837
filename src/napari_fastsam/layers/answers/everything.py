"""Everything that was found, with what prompts correct, add and take away: on a plane in one pass, and in tiles."""

from __future__ import annotations

import time
from collections.abc import Container, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from napari_fastsam.core.objects.masks import CroppedMask
from napari_fastsam.core.planes.editable_canvas import DrawnObject, EditableCanvas
from napari_fastsam.core.prompts.points import PointGroup
from napari_fastsam.core.prompts.queries import PromptRef
from napari_fastsam.layers.answers.beside_all import Changes, changes
from napari_fastsam.layers.answers.drawn_answers import (
    DrawnAnswer,
    PromptAnswers,
    answer_drawn,
    drawn_objects,
    in_no_object,
    named_idle,
)
from napari_fastsam.layers.answers.editable_run import EditableRun
from napari_fastsam.layers.answers.fine_edges import fine_instances
from napari_fastsam.layers.answers.found import Result, SeenTiles, SegmentedObject
from napari_fastsam.layers.answers.request import Request
from napari_fastsam.layers.prompts.numbering import Numbering
from napari_fastsam.layers.prompts.places import named
from napari_fastsam.model.asking.descriptors import no_descriptors
from napari_fastsam.model.asking.prediction import Prediction


class Everything(Protocol):
    """All objects that were found on a plane, as far as prompts ask about them."""

    @property
    def taken_away(self) -> Container[int]:
        """Numbers of those that prompts took away or replaced when they were answered last."""

    def near(self, masks: Sequence[CroppedMask], points: NDArray[np.float64]) -> list[SegmentedObject]:
        """Return at least those that overlap one of some masks or hold one of (M, 2) rows and columns."""

    def number_of_drawn(self, number: int, found: int | None) -> int:
        """Return the number in the label image of the object of a prompt.

        Parameters
        ----------
        number
            Of the prompt.
        found
            Of the one of all objects that it is; None = it is a further one.
        """


@dataclass(frozen=True, eq=False)
class _InOnePass:
    objects: list[SegmentedObject]
    taken_away: Container[int] = ()

    def near(self, masks: Sequence[CroppedMask], points: NDArray[np.float64]) -> list[SegmentedObject]:
        return self.objects

    def number_of_drawn(self, number: int, found: int | None) -> int:
        return len(self.objects) + number if found is None else found


@dataclass(frozen=True, eq=False)
class _InTiles:
    canvas: EditableCanvas

    @property
    def taken_away(self) -> Container[int]:
        return self.canvas.hidden

    def near(self, masks: Sequence[CroppedMask], points: NDArray[np.float64]) -> list[SegmentedObject]:
        found = self.canvas.found_near(masks, points)
        return [SegmentedObject(n, mask, self.canvas.scores[n - 1]) for n, mask in found.items()]

    def number_of_drawn(self, number: int, found: int | None) -> int:
        return self.canvas.number_of_drawn(number, found)


def everything_on_plane(prediction: Prediction, request: Request, numbering: Numbering) -> PromptAnswers:
    """Return all objects of a plane in one pass, as prompts corrected them, and those that prompts add."""
    instances = prediction.objects(request.controls.thresholds, no_descriptors)
    if request.controls.fine_edges:
        instances = fine_instances(prediction, instances)
    pairs = zip(instances.masks, instances.scores, strict=True)
    everything = [SegmentedObject(i, crop, float(score)) for i, (crop, score) in enumerate(pairs, start=1)]
    if not len(request.read.prompts):
        return PromptAnswers(everything)
    answer, gone = _beside(_InOnePass(everything), answer_drawn(prediction, request, numbering), request, numbering)
    answer.unanswered += named_idle(answer.idle, request)
    answer.objects = [found for found in everything if found.number not in gone] + answer.objects
    return answer


def everything_in_tiles(run: EditableRun, prediction: Prediction, request: Request, numbering: Numbering) -> Result:
    """Return what a run over all tiles has found so far, as prompts corrected it, without what was added to a layer.

    Only what lies around prompts is looked at and painted; the run's canvas shows the objects from then on.

    Parameters
    ----------
    run
        The run, which may go on.
    prediction
        What the network said about the tiles around prompts.
    request
        What is asked for.
    numbering
        Knows the numbers of the prompts' objects; is told about new ones.
    """
    start, answer, gone = time.perf_counter(), PromptAnswers(), set[int]()
    if len(request.read.prompts):
        at_prompts = answer_drawn(prediction, request, numbering)
        answer, gone = _beside(_InTiles(run.canvas), at_prompts, request, numbering)
    run.canvas.correct(gone, [DrawnObject(o.number, o.crop, o.score, o.refined) for o in answer.objects])
    seen = SeenTiles.of(run)
    if seen.complete:
        answer.unanswered += named_idle(answer.idle, request)
    else:
        answer.idle = []  # what lies there may be in a tile that was not seen yet
    return Result(
        request,
        tuple(answer.objects),
        tuple(answer.unanswered),
        tuple(answer.missing),
        False,
        answer.pending,
        seen.offer.labels,
        time.perf_counter() - start,
        tiles=seen,
        touched=numbering.touched(request.numbered_under),
        unfound=tuple(answer.unfound),
        taken_away=tuple(answer.taken_away),
        idle=tuple(answer.idle),
    )


def _beside(
    everything: Everything, at_prompts: DrawnAnswer, request: Request, numbering: Numbering
) -> tuple[PromptAnswers, set[int]]:
    """Answer prompts beside all objects; returns also the numbers of those that are replaced or none any more."""
    answer = PromptAnswers(unanswered=list(request.read.left_out), missing=at_prompts.missing)
    names, prompts = request.identities, request.read.prompts
    drawn_objects(at_prompts.selections, names, numbering.update(request.numbered_under, names), request, answer)
    started = {name.key: s.crop for name, s in zip(names, at_prompts.started, strict=True) if s.crop is not None}
    masks = [[found.crop, *([started[found.key]] if found.key in started else [])] for found in answer.objects]
    drawn = [mask for several in masks for mask in several]
    near = everything.near(drawn, prompts.points[prompts.point_labels == 0])
    crops = [found.crop for found in near]
    before = [found.number in everything.taken_away for found in near]
    did = changes(crops, masks, prompts.general_negative, before)
    answer.objects = [
        replace(found, number=everything.number_of_drawn(found.number, None if same is None else near[same].number))
        for found, same in zip(answer.objects, did.same, strict=True)
    ]
    answer.unanswered += _taken_away(did, request)
    answer.idle = in_no_object(request, [*crops, *drawn])
    if prompts.searches:
        answer.unanswered.append("Words and examples are compared with all objects under “at prompts”.")
    answer.taken_away = [crops[i] for i in sorted({i for i in did.removed if i is not None})]
    return answer, {near[i].number for i in (*did.same, *did.removed, *did.joined) if i is not None}


def _taken_away(did: Changes, request: Request) -> list[str]:
    """Say what became of negative points: which took an object away, and which lie in none."""
    prompts = request.read.prompts
    general = np.flatnonzero((prompts.point_labels == 0) & (prompts.point_objects == 0)).tolist()
    names = [PointGroup(PromptRef("point", (i,)), prompts.points[[i]]) for i in general]
    taking = [named(name, request.read) for name, gone in zip(names, did.removed, strict=True) if gone is not None]
    return [f"{name.capitalize()} took an object away." for name in dict.fromkeys(taking)]
