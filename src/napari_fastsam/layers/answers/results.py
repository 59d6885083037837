"""What stage two makes of a request: objects with numbers, painted, and what each prompt came to."""

from __future__ import annotations

import time
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from napari_fastsam.core.likeness.text import TextEncoder
from napari_fastsam.core.objects.instances import CroppedMask, Instances
from napari_fastsam.core.objects.painting import paint
from napari_fastsam.core.planes.linking import Links
from napari_fastsam.core.planes.tiling import Drawn
from napari_fastsam.core.prompts.points import PointGroup
from napari_fastsam.core.prompts.queries import PromptRef, Query
from napari_fastsam.core.prompts.selection import QueryResult, Selection, search
from napari_fastsam.errors import PromptError
from napari_fastsam.layers.answers.beside_all import Changes, changes
from napari_fastsam.layers.answers.request import Request
from napari_fastsam.layers.labels.starts import LabelStart, Replacement
from napari_fastsam.layers.planes.plane import Plane
from napari_fastsam.layers.prompts.numbering import Named, Numbering
from napari_fastsam.layers.prompts.places import named, place_of
from napari_fastsam.model.asking.descriptors import no_descriptors
from napari_fastsam.model.asking.plane_scale import is_large
from napari_fastsam.model.asking.prediction import PendingInference, Prediction, start_from_cache
from napari_fastsam.model.asking.refining import default_refiner, refined
from napari_fastsam.model.asking.tiled import TiledRun


@dataclass(frozen=True, eq=False)
class Found:
    """One object of a result.

    Attributes
    ----------
    number
        In the label image.
    crop, score
        Its mask and confidence.
    prompt, reason
        Which prompt it answers, and why it does.
    text, similarity
        What it was found by, if that was a text or the examples, and how like it is.
    identity
        What tells it from the plane's other objects, if it was searched for.
    refined
        Whether clicks shaped it.
    key, object_number
        What the prompt is known by while it is edited, and its object number; None and 0 = it answers none.
    replaces
        The label that it started from; None = it is a new object.
    is_here
        Whether it is on the plane that was shown when it was asked for.
    """

    number: int
    crop: CroppedMask
    score: float
    prompt: str = ""
    reason: str = ""
    text: str = ""
    similarity: float = float("nan")
    identity: int = -1
    refined: bool = False
    key: Hashable = None
    object_number: int = 0
    replaces: Replacement | None = None
    is_here: bool = True


@dataclass(frozen=True, eq=False)
class SeenTiles:
    """What a run over all tiles of a large plane had found at one moment.

    Attributes
    ----------
    run
        The run, which may go on.
    done
        How many tiles were seen.
    drawn
        The objects that are in no Labels layer yet.
    """

    run: TiledRun
    done: int
    drawn: Drawn

    @classmethod
    def of(cls, run: TiledRun, frozen: bool = False) -> SeenTiles:
        """Look at a run; `frozen` as in `Canvas.drawn`."""
        done = run.done  # first: the objects of all tiles that count as seen are there then
        return cls(run, done, run.canvas.drawn(frozen))

    @property
    def complete(self) -> bool:
        """Whether all tiles were seen."""
        return self.done == len(self.run)

    @property
    def taken(self) -> int:
        """How many objects were added to a Labels layer before."""
        return self.drawn.total - len(self.drawn)


@dataclass(frozen=True, eq=False)
class Result:
    """What stage two made of a request.

    Attributes
    ----------
    request
        The request.
    objects
        What was found.
    unanswered
        Sentences about the prompts that have no object, and about those that were left out.
    missing
        Crops and tiles that the network has yet to look at.
    missing_embeddings
        Whether a search waits for descriptions of the objects.
    pending
        Places of the prompts that wait for these crops.
    labels
        (Y, X) int32 label image of the region; (N, Y, X) of a stack.
    seconds
        How long stage two took.
    searched, questions
        The objects that were searched by words or examples, and what each question came to.
    tiles
        What a run over all tiles of a large plane has found; its objects are not in `objects`.
    waiting
        Whether planes of a stack have yet to be seen.
    links
        Which objects of a stack are one, where all were asked for.
    touched
        Key of the prompt that was placed or changed last.
    """

    request: Request
    objects: tuple[Found, ...]
    unanswered: tuple[str, ...]
    missing: tuple[PendingInference, ...]
    missing_embeddings: bool
    pending: frozenset[Hashable]
    labels: NDArray[np.int32]
    seconds: float
    searched: Instances | None = None
    questions: tuple[QueryResult, ...] = ()
    tiles: SeenTiles | None = None
    waiting: bool = False
    links: Links | None = None
    touched: Hashable = None

    @property
    def current(self) -> Found | None:
        """The object that the next click corrects, or else the one that was touched last; None = none is shown."""
        number = self.request.read.next_object
        if number:
            return next((found for found in self.objects if found.object_number == number), None)
        asked = self.touched is not None
        return next((found for found in self.objects if asked and found.key == self.touched), None)

    @property
    def count(self) -> int:
        """How many objects there are."""
        return len(self.objects) if self.tiles is None else len(self.tiles.drawn)

    @property
    def complete(self) -> bool:
        """Whether there is nothing left to be done for it."""
        return self.lasts and not self.missing

    @property
    def lasts(self) -> bool:
        """Whether all was found that would be found again once drawn prompts are cleared."""
        return not self.waiting and not self.missing_embeddings and (self.tiles is None or self.tiles.complete)

    @property
    def scores(self) -> dict[int, float]:
        """Score by number in the label image."""
        if self.tiles is not None:
            return self.tiles.drawn.scores
        return {number: found.score for number, found in self.by_number.items()}

    @property
    def windows(self) -> list[tuple[slice, slice]] | None:
        """Rows and columns that hold all objects, where the region is too large to look at all of it; else None."""
        if self.tiles is not None:
            cores = [tile.core for tile in self.tiles.run.plan.grid.tiles()]
            return [(slice(y0, y1), slice(x0, x1)) for y0, x0, y1, x1 in cores]
        if self.labels.ndim != 2 or not is_large(self.labels.shape):
            return None
        starts = [found.replaces.start.mask for found in self.objects if found.replaces is not None]
        return _around([*(found.crop for found in self.objects), *starts])

    @property
    def by_number(self) -> dict[int, Found]:
        """The objects by their number in the label image, in its order; of several with one number the surest."""
        return {found.number: found for found in sorted(self.objects, key=lambda found: (found.number, found.score))}


@dataclass
class _Answer:
    """What a result is made of, before it is painted."""

    objects: list[Found] = field(default_factory=list)
    unanswered: list[str] = field(default_factory=list)
    missing: list[PendingInference] = field(default_factory=list)
    missing_embeddings: bool = False
    pending: frozenset[Hashable] = frozenset()
    searched: Instances | None = None
    questions: list[QueryResult] = field(default_factory=list)


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
        touched=numbering.touched(request.plane.index),
    )


def tiled_result(run: TiledRun, request: Request, frozen: bool = False) -> Result:
    """Return what a run over all tiles has found so far, without what was added to a Labels layer.

    Parameters
    ----------
    run, request
        The run, and what it answers.
    frozen
        Whether pixels, numbers and scores are of one moment, as for whoever writes them somewhere; otherwise the
        pixels go on changing while the run does.
    """
    seen = SeenTiles.of(run, frozen)
    said = not_answered(request)
    return Result(request, (), said, (), False, frozenset(), seen.drawn.labels, 0.0, tiles=seen)


def not_answered(request: Request) -> tuple[str, ...]:
    """Say what is drawn beside everything that is found on many tiles or planes: it waits until that was added."""
    prompts = request.read.prompts
    if not len(prompts) - len(prompts.texts):
        return ()
    return ("What is drawn is answered once these objects were added, or under “at prompts”.",)


def _around(crops: Sequence[CroppedMask]) -> list[tuple[slice, slice]]:
    """Return windows that hold masks, those that overlap put together."""
    windows: list[tuple[int, int, int, int]] = []
    for crop in crops:
        rows, columns = crop.window
        box = (rows.start, columns.start, rows.stop, columns.stop)
        while touching := [w for w in windows if w[0] < box[2] and box[0] < w[2] and w[1] < box[3] and box[1] < w[3]]:
            windows = [w for w in windows if w not in touching]
            low, high = np.min([box, *touching], axis=0), np.max([box, *touching], axis=0)
            box = (int(low[0]), int(low[1]), int(high[2]), int(high[3]))
        windows.append(box)
    return [(slice(y0, y1), slice(x0, x1)) for y0, x0, y1, x1 in windows]


def _everything(prediction: Prediction, request: Request, numbering: Numbering) -> _Answer:
    """Return all objects of the plane, as prompts corrected them, and those that prompts add."""
    instances = prediction.objects(request.controls.thresholds, no_descriptors)
    pairs = zip(instances.masks, instances.scores, strict=True)
    everything = [Found(i, crop, float(score)) for i, (crop, score) in enumerate(pairs, start=1)]
    prompts = request.read.prompts
    if not len(prompts):
        return _Answer(everything)
    at_prompts = answer_drawn(prediction, request, numbering)
    answer = _Answer(unanswered=list(request.read.left_out), missing=at_prompts.missing)
    names = identified(request)
    _drawn_objects(at_prompts.selections, names, numbering.update(request.plane.index, names), request, answer)
    started = {name.key: s.crop for name, s in zip(names, at_prompts.started, strict=True) if s.crop is not None}
    masks = [[found.crop, *([started[found.key]] if found.key in started else [])] for found in answer.objects]
    did = changes([found.crop for found in everything], masks, prompts.general_negative)
    answer.objects = [
        replace(found, number=len(everything) + found.number if same is None else same + 1)
        for found, same in zip(answer.objects, did.same, strict=True)
    ]
    answer.unanswered += _taken_away(did, request)
    if prompts.searches:
        answer.unanswered.append("Words and examples are compared with all objects under “at prompts”.")
    gone = {*did.same, *did.removed}
    answer.objects = [found for i, found in enumerate(everything) if i not in gone] + answer.objects
    return answer


def _taken_away(did: Changes, request: Request) -> list[str]:
    """Say what became of negative points: which took an object away, and which lie in none."""
    prompts = request.read.prompts
    general = np.flatnonzero((prompts.point_labels == 0) & (prompts.point_objects == 0)).tolist()
    names = [PointGroup(PromptRef("point", (i,)), prompts.points[[i]]) for i in general]
    return [
        f"{named(name, request.read).capitalize()} took an object away."
        for name, removed in zip(names, did.removed, strict=True)
        if removed is not None
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
    queries, thresholds, refiner = request.read.prompts.queries, request.controls.thresholds, default_refiner()
    started, missing = start_from_cache(prediction, queries, thresholds, refiner)
    keys = [prompt.key for prompt in identified(request)]
    started = [
        stepped(selection, numbering.steps(request.plane.index, key))
        for selection, key in zip(started, keys, strict=True)
    ]
    selections = refined(prediction, started, thresholds, refiner, waiting=bool(missing))
    return DrawnAnswer(started, selections, missing)


def _at_prompts(
    prediction: Prediction,
    request: Request,
    numbering: Numbering,
    encoder: TextEncoder | None,
    among: Instances | None,
) -> _Answer:
    at_prompts = answer_drawn(prediction, request, numbering)
    answer = _Answer(unanswered=list(request.read.left_out), missing=at_prompts.missing)
    alike: list[tuple[QueryResult, int]] = []
    if request.read.prompts.searches:
        if among is None:
            answer.missing_embeddings = True
        else:
            alike = _search(among, request, encoder, answer)
    drawn = identified(request)
    identities = [] if answer.searched is None else answer.searched.identities.tolist()
    looked_for = [_named_alike(question, identities[i], request) for question, i in alike]
    numbers = numbering.update(request.plane.index, [*drawn, *looked_for])
    own = _drawn_objects(at_prompts.selections, drawn, numbers, request, answer)
    for (question, i), number in zip(alike, numbers[len(drawn) :], strict=True):
        if answer.searched is not None and _identity(answer.searched.masks[i]) not in own:
            answer.objects.append(_found_alike(question, answer.searched, i, number, request))
    return answer


def _drawn_objects(
    selections: list[Selection],
    prompts: list[Named],
    numbers: list[int],
    request: Request,
    answer: _Answer,
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
                Found(
                    number + classes,
                    chosen.crop,
                    chosen.score,
                    name,
                    chosen.reason,
                    refined=chosen.refined,
                    key=prompt.key,
                    object_number=query.number,
                    replaces=replacement(start, request.plane),
                )
            )
        elif answer.missing:
            waiting.append(query)
        else:
            answer.unanswered.append(f"{name.capitalize()}: {chosen.reason}")
    answer.pending = frozenset(place for query in waiting for place in place_of(query, request.read, request.plane))
    return found


def _search(
    instances: Instances, request: Request, encoder: TextEncoder | None, answer: _Answer
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


def _found_alike(question: QueryResult, instances: Instances, i: int, number: int, request: Request) -> Found:
    if request.controls.classes:
        number = question.query.class_number
    return Found(
        number,
        instances.masks[i],
        float(instances.scores[i]),
        named(question.query, request.read),
        question.reason_for(i),
        question.query.name,
        float(question.similarities[i]),
        int(instances.identities[i]),
    )


def identified(request: Request) -> list[Named]:
    """Return what tells each drawn prompt from others: its object number, or where it lies."""
    found = []
    for query in request.read.prompts.queries:
        parts = tuple(place_of(query, request.read, request.plane))
        row = request.read.rows[query.field][query.ref.indices[0]]
        found.append(Named(query.key(parts[0]), (query.kind, row), parts))
    return found


def _named_alike(question: QueryResult, identity: int, request: Request) -> Named:
    """Return what tells an object that was searched for from others while sliders move."""
    name = named(question.query, request.read)
    return Named(("alike", name, identity), (name, identity), drawn=False)


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
    return crop.top, crop.left, crop.pixels.shape, np.packbits(crop.pixels).tobytes()
