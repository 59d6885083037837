"""What stage two made of a request, as a value: the objects found, and what became of prompts without one."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from napari_fastsam.core.objects.instances import CroppedMask, Instances
from napari_fastsam.core.planes.editable_canvas import OfferedObjects
from napari_fastsam.core.planes.linking import Links
from napari_fastsam.core.prompts.queries import Query
from napari_fastsam.core.prompts.selection import QueryResult
from napari_fastsam.layers.answers.editable_run import EditableRun
from napari_fastsam.layers.answers.request import Request
from napari_fastsam.layers.labels.starts import Replacement
from napari_fastsam.model.asking.plane_scale import is_large
from napari_fastsam.model.asking.prediction import PendingInference


@dataclass(frozen=True, eq=False)
class SegmentedObject:
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
    place, of
        Place of its mask among the candidates of its prompt, from the smallest, 1, to the largest, `of`; 0 = there is
        no choice.
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
    place: int = 0
    of: int = 0


@dataclass(frozen=True, eq=False)
class SeenTiles:
    """What a run over all tiles of a large plane had found at one moment.

    Attributes
    ----------
    run
        The run, which may go on.
    done
        How many tiles were seen.
    offer
        The objects that are in no Labels layer yet.
    """

    run: EditableRun
    done: int
    offer: OfferedObjects

    @classmethod
    def of(cls, run: EditableRun, frozen: bool = False) -> SeenTiles:
        """Look at a run; `frozen` as in `EditableCanvas.offer`."""
        done = run.done  # first: the objects of all tiles that count as seen are there then
        return cls(run, done, run.canvas.offer(frozen))

    @property
    def complete(self) -> bool:
        """Whether all tiles were seen."""
        return self.done == len(self.run)

    @property
    def total(self) -> int:
        """How many objects there are, with those that were added to a Labels layer before."""
        return self.offer.taken + len(self.offer)


@dataclass(frozen=True, eq=False)
class NothingFound:
    """The prompts of one plane that came to nothing.

    Attributes
    ----------
    unfound
        The drawn prompts that have no object, and will get none.
    idle
        Positions among the points of negative ones that lie in no object.
    """

    unfound: tuple[Query, ...] = ()
    idle: tuple[int, ...] = ()


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
        What a run over all tiles of a large plane has found: `objects` are those at prompts only.
    waiting
        Whether planes of a stack have yet to be seen.
    links
        Which objects of a stack are one, where all were asked for.
    touched
        Key of the prompt that was placed or changed last.
    unfound
        The drawn prompts that have no object, and will get none.
    taken_away
        What was found with everything else, and is no object: negative points say so.
    idle
        Positions among the points of negative ones that lie in no object.
    on_planes
        The same of a stack, by position; planes whose prompts wait for the network are left out.
    """

    request: Request
    objects: tuple[SegmentedObject, ...]
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
    unfound: tuple[Query, ...] = ()
    taken_away: tuple[CroppedMask, ...] = ()
    idle: tuple[int, ...] = ()
    on_planes: Mapping[int, NothingFound] = field(default_factory=dict)

    @property
    def current(self) -> SegmentedObject | None:
        """The object that the next click corrects, or else the one that was touched last; None = none is shown."""
        number = self.request.read.next_object
        if number:
            return next((found for found in self.objects if found.object_number == number), None)
        asked = self.touched is not None
        return next((found for found in self.objects if asked and found.key == self.touched), None)

    @property
    def count(self) -> int:
        """How many objects there are."""
        return len(self.objects) if self.tiles is None else len(self.tiles.offer)

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
            return self.tiles.offer.scores
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

    def object_numbers_at(self, yx: NDArray[np.float64]) -> list[int]:
        """Return the object numbers of all that lies at a row and column of the plane shown; 0 = of no prompt."""
        numbers = [found.object_number for found in self.objects if found.is_here and found.crop.covers(yx[None])[0]]
        if self.tiles is not None and not numbers:
            y, x = np.floor(yx + 0.5).astype(int).tolist()
            return [0] if self.labels[y, x] else []
        return numbers

    def frozen(self) -> Result:
        """Return it as it is now, which nothing changes any more: what a run found goes on growing."""
        if self.tiles is None:
            return self
        seen = SeenTiles.of(self.tiles.run, frozen=True)
        return replace(self, labels=seen.offer.labels, tiles=seen)

    @property
    def by_number(self) -> dict[int, SegmentedObject]:
        """The objects by their number in the label image, in its order; of several with one number the surest."""
        return {found.number: found for found in sorted(self.objects, key=lambda found: (found.number, found.score))}


def not_answered(request: Request) -> tuple[str, ...]:
    """Say what is drawn beside everything that is found on many planes: it waits until that was added."""
    prompts = request.read.prompts
    if not len(prompts) - len(prompts.texts):
        return ()
    return ("What is drawn is answered once these objects were added, or under “at prompts”.",)


def _around(crops: Sequence[CroppedMask]) -> list[tuple[slice, slice]]:
    """Return windows that hold masks, those that overlap put together."""
    edges = [(*(edge.start for edge in crop.window), *(edge.stop for edge in crop.window)) for crop in crops]
    boxes = np.array(edges, np.intp).reshape(-1, 4)
    while len(together := _put_together(boxes)) < len(boxes):
        boxes = together  # one that has grown may overlap what lay beside its parts
    return [(slice(y0, y1), slice(x0, x1)) for y0, x0, y1, x1 in boxes.tolist()]


def _put_together(boxes: NDArray[np.intp]) -> NDArray[np.intp]:
    """Go through (N, 4) boxes from top to bottom once, and put those together that overlap one further below."""
    boxes = boxes[np.argsort(boxes[:, 0], kind="stable")]
    tops, apart = boxes[:, 0].copy(), np.ones(len(boxes), bool)
    for i in range(len(boxes)):
        if not apart[i]:
            continue
        y0, x0, y1, x1 = box = boxes[i].copy()
        end = max(int(np.searchsorted(tops, y1)), i + 1)
        below = boxes[i + 1 : end]
        hits = (y0 < below[:, 2]) & (below[:, 0] < y1) & (x0 < below[:, 3]) & (below[:, 1] < x1) & apart[i + 1 : end]
        touching = i + 1 + np.flatnonzero(hits)
        if len(touching):
            low = np.minimum(box[:2], boxes[touching, :2].min(axis=0))
            boxes[touching[0]] = *low, *np.maximum(box[2:], boxes[touching, 2:].max(axis=0))
            apart[[i, *touching[1:]]] = False
    return boxes[apart]
