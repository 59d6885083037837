"""The review of one Labels layer: which object is shown, what was answered, and what that says of all."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_fastsam.core.judging.replay import by_hand
from napari_fastsam.core.objects.pixel_sums import numbers_in, pixel_sums
from napari_fastsam.core.results.provenance import entries_of
from napari_fastsam.core.review.doubts import Doubts
from napari_fastsam.core.review.error_rate import ErrorEstimate
from napari_fastsam.core.review.measured import MeasuredObjects
from napari_fastsam.core.review.order import (
    NONE,
    ReviewOrder,
    after_answer,
    estimate,
    next_object,
)
from napari_fastsam.io.projects.effort import prompted_in
from napari_fastsam.io.results.efforts import LabelledImage
from napari_fastsam.layers.connections import Connections
from napari_fastsam.layers.history.label_edit import LabelEdit, recorded_edit
from napari_fastsam.layers.labels.pixels import write_pixels
from napari_fastsam.layers.labels.records import METADATA_KEY, features_after, metadata_after
from napari_fastsam.layers.labels.target import pixels_of, require_writable
from napari_fastsam.layers.review.effort import effort_of
from napari_fastsam.layers.review.record import (
    CORRECTED,
    RECORD_KEY,
    RIGHT,
    WRONG,
    ReviewRecord,
    answers_of,
    forget_answers,
    keep_answer,
    keep_record,
    record_of,
    with_gone,
)

if TYPE_CHECKING:
    from napari.layers import Labels

ANSWERS = ("Label ", "Delete label ", "Review ")
"""How the names of steps begin that are answers."""

Recording = Callable[[str], AbstractContextManager[None]]
"""From what is done, in a few words, to what makes one step of all that is written within."""


@dataclass(frozen=True, eq=False)
class ReviewedObject:
    """The object that is shown.

    Attributes
    ----------
    label
        Its number.
    reason
        Why it is doubtful, in a few words.
    at_random
        Whether chance picked it.
    place
        (D,) a pixel of it.
    box, mask
        (2 D,) its pixel edges, and its pixels in there.
    """

    label: int
    reason: str
    at_random: bool
    place: NDArray[np.int64]
    box: NDArray[np.int64]
    mask: NDArray[np.bool_]


class LabelReview:
    """Goes through the objects of a Labels layer.

    What was answered lies in the layer, so that another review of it goes on where this one ended.

    Parameters
    ----------
    layer
        The Labels layer.
    measured, doubts
        Its objects, and how doubtful each is.
    share
        Of objects that chance picks, 0 … 1.
    seed
        Of chance, if the layer keeps no record yet.
    """

    def __init__(self, layer: Labels, measured: MeasuredObjects, doubts: Doubts, share: float, seed: int) -> None:
        self.layer, self.share = layer, share
        self._measured, self._doubts = measured, doubts
        self._row = {int(label): i for i, label in enumerate(measured.labels)}
        self._seed = seed
        self._later: set[int] = set()
        self._last: list[tuple[int, bool]] = []
        self._wanted: tuple[int, bool] | None = None
        self._touched: set[int] = set()
        self._vanished: set[int] = set()
        self._known: tuple[ReviewRecord, ReviewOrder] | None = None
        self._values: Any = None
        self._connections = Connections()
        self._connections.connect((layer.events.paint,), self._painted)
        self._begin()

    def close(self) -> None:
        """Follow the layer no more."""
        self._connections.undo()

    # ---------------------------------------------------------------- what there is

    @property
    def has_begun(self) -> bool:
        """Whether anything was answered: objects that come later are not among those that are reviewed."""
        return self.layer.metadata.get(RECORD_KEY) is not None

    @property
    def record(self) -> ReviewRecord:
        """What the layer keeps of its review; a layer that lost it begins anew."""
        values = self.layer.metadata.get(RECORD_KEY)
        if self._known is None or self._values is not values:
            self._begin()
        assert self._known is not None  # noqa: S101 - for mypy
        return self._known[0]

    @property
    def order(self) -> ReviewOrder:
        """In which order its objects are checked."""
        record = self.record
        assert self._known is not None  # noqa: S101 - for mypy
        assert self._known[0] is record  # noqa: S101 - it was just read
        return self._known[1]

    @property
    def counts(self) -> dict[str, int]:
        """How many objects have each answer."""
        answers = [answer for answer in self._answers() if answer]
        return {answer: answers.count(answer) for answer in sorted(set(answers))}

    def estimate(self) -> ErrorEstimate:
        """Estimate how many objects are wrong."""
        order, progress = self.order, self.record.progress
        answers = self._answers()
        checked = np.array([bool(answer) for answer in answers], bool)
        wrong = np.array([answer in (WRONG, CORRECTED) for answer in answers], bool)
        return estimate(order, progress, checked, wrong)

    def current(self) -> ReviewedObject | None:
        """Return the object that is to be answered; None if all were."""
        for _ in range(len(self.record.labels) + 1):
            number, at_random = self._next()
            if number == NONE:
                return None
            label = int(self.record.labels[number])
            found = self._find(label)
            if found is not None:
                box, mask, place = found
                row = self._row.get(label)
                reason = "" if row is None else self._doubts.reason(row)
                return ReviewedObject(label, reason, at_random, place, box, mask)
            self._vanished.add(label)  # somebody took it away: it was wrong
            self._wanted = None
        return None

    def has(self, label: int) -> bool:
        """Return whether an object is in the layer now."""
        return self._find(label) is not None

    def has_others(self) -> bool:
        """Return whether objects are in the layer that are not reviewed; of labels on a disk it is not known."""
        data = pixels_of(self.layer)
        there = numbers_in(data) if isinstance(data, np.ndarray) else np.zeros(0, np.int64)
        return bool(np.setdiff1d(there, self.record.labels).size)

    # ---------------------------------------------------------------- answers

    def answer(self, shown: ReviewedObject, answer: str, recording: Recording) -> None:
        """Answer what is shown, as one step."""
        with recording(f"Label {shown.label} is {answer}"):
            keep_answer(self.layer, shown.label, answer)
            self._answered(shown, self.record)

    def delete(self, shown: ReviewedObject, recording: Recording) -> None:
        """Answer that an object is wrong, and delete it, as one step.

        Raises
        ------
        LabelsError
            If the layer cannot be written to; nothing is changed then.
        """
        require_writable(self.layer)
        where = self._pixels(shown)
        with recording(f"Delete label {shown.label}"):
            count, gone = len(where[0]), [shown.label]
            features = features_after(self.layer, {shown.label: count}, {}, gone, {}, {})
            metadata = metadata_after(self.layer, gone, {})
            zeros = np.zeros(count, pixels_of(self.layer).dtype)
            write_pixels(self.layer, [(where, zeros)], "Then try again.")
            if features is not None:
                self.layer.features = features
            if metadata is not None:
                self.layer.metadata = metadata
            self._answered(shown, with_gone(self.record, shown.label, WRONG))

    def later(self, shown: ReviewedObject) -> None:
        """Leave an object for the end."""
        self._later.add(shown.label)
        self._wanted = None

    def back(self, recording: Recording) -> int | None:
        """Show the object again that was answered last, without its answer; returns its label, or None."""
        while self._last:
            label, at_random = self._last.pop()
            if self._find(label) is None:
                continue
            if answers_of(self.layer).get(label):
                with recording(f"Label {label} has no answer"):
                    keep_answer(self.layer, label, "")
            self._wanted = (label, at_random)
            return label
        return None

    def want(self, label: int) -> bool:
        """Show an object next, in the turn that is due; returns whether it is one of those that are reviewed."""
        if label not in self.record.labels:
            return False
        self._wanted = (label, False)
        return True

    def forget(self, recording: Recording) -> None:
        """Forget all answers, and begin anew in another random order."""
        with recording("Review anew"):
            forget_answers(self.layer)
        self._seed += 1
        self._later.clear()
        self._last.clear()
        self._wanted, self._known = None, None
        self._begin()

    # ---------------------------------------------------------------- inside

    def _begin(self) -> None:
        values = self.layer.metadata.get(RECORD_KEY)
        record = record_of(self.layer)
        if record is None:  # it is kept with the first answer: until then objects may come and go
            record = ReviewRecord.begin(self._measured.labels, self._doubts.values, self._seed)
        known = self._known
        same = known is not None and known[0].seed == record.seed and np.array_equal(known[0].labels, record.labels)
        order = known[1] if known is not None and same else None
        self._known = (record, order or ReviewOrder.of(record.labels, record.doubts, record.seed))
        self._values = values
        if order is None:
            there = set(self._row)
            self._vanished = {int(label) for label in record.labels if int(label) not in there}

    def _answers(self) -> list[str]:
        """Return the answer about each object of the record; "" for none."""
        self._look_at_touched()
        record, answers = self.record, answers_of(self.layer)
        told = {**dict.fromkeys(self._vanished, WRONG), **answers, **record.gone}
        return [told.get(label, "") for label in record.labels.tolist()]

    def _next(self) -> tuple[int, bool]:
        record = self.record
        if self._wanted is not None:
            label, at_random = self._wanted
            return int(np.searchsorted(record.labels, label)), at_random
        checked = np.array([bool(answer) for answer in self._answers()], bool)
        later = np.isin(record.labels, list(self._later))
        return next_object(self.order, record.progress, checked, self.share, later)

    def _answered(self, shown: ReviewedObject, record: ReviewRecord) -> None:
        number = int(np.searchsorted(record.labels, shown.label))
        order, record = self.order, replace(record, progress=self._after(record, number, shown.at_random))
        keep_record(self.layer, record)
        self._known, self._values = (record, order), self.layer.metadata[RECORD_KEY]
        self._last = [one for one in self._last if one[0] != shown.label] + [(shown.label, shown.at_random)]
        self._later.discard(shown.label)
        self._wanted = None

    def _after(self, record: ReviewRecord, number: int, at_random: bool) -> Any:
        if self._wanted is not None and (int(record.labels[number]), at_random) == self._wanted:
            return record.progress  # answered out of turn, or once more: its order has not come further
        return after_answer(self.order, record.progress, number, at_random)

    def _find(self, label: int) -> tuple[NDArray[np.int64], NDArray[np.bool_], NDArray[np.int64]] | None:
        """Return box, pixels and a place of an object as the layer has it now; None if it is gone."""
        data, row = pixels_of(self.layer), self._row.get(label)
        shape = np.array(data.shape)
        if row is not None and self._measured.boxes.shape[1] == 2 * len(shape):
            low, high = self._measured.boxes[row].reshape(2, -1)
            if label in self._touched or label in self._vanished:
                low, high = np.maximum(low - (high - low), 0), np.minimum(high + (high - low), shape)
            found = _in_box(data, label, low, high, self._measured.places[row])
            if found is not None or not isinstance(data, np.ndarray):
                return found
        return _in_box(data, label, np.zeros_like(shape), shape, shape // 2)

    def _pixels(self, shown: ReviewedObject) -> tuple[NDArray[np.intp], ...]:
        """Return all pixels of an object: of labels in memory wherever they are."""
        data = pixels_of(self.layer)
        if isinstance(data, np.ndarray):
            return np.nonzero(data == shown.label)
        return tuple(axis + start for axis, start in zip(np.nonzero(shown.mask), shown.box, strict=False))

    def _painted(self, event: Any) -> None:
        """Remember which objects were painted on: they may be gone, or back."""
        for change in event.value:
            if isinstance(change, tuple) and len(change) == 3:
                self._touched |= {int(i) for part in change[1:] for i in np.unique(np.asarray(part))}

    def _look_at_touched(self) -> None:
        touched, self._touched = self._touched | self._vanished, set()  # undo says nothing of what comes back
        for label in touched & set(self._row):
            self._touched = {label}
            (self._vanished.discard if self._find(label) is not None else self._vanished.add)(label)
        self._touched = set()


def _in_box(
    data: Any, label: int, low: NDArray[np.int64], high: NDArray[np.int64], near: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.bool_], NDArray[np.int64]] | None:
    """Return the smallest box of a label within another, its pixels in there, and the one nearest to a place."""
    window = tuple(slice(int(first), int(last)) for first, last in zip(low, high, strict=True))
    mask = np.asarray(data[window]) == label
    where = np.nonzero(mask)
    if not len(where[0]):
        return None
    least, most = (np.array([bound(axis) for axis in where]) for bound in (np.min, np.max))
    inner = mask[tuple(slice(first, last + 1) for first, last in zip(least, most, strict=True))]
    pixels = np.stack(where, axis=1) + low
    place = pixels[((pixels - near) ** 2).sum(axis=1).argmin()]
    return np.concatenate([least + low, most + 1 + low]), inner, place


def recording_into(layer: Labels, into: Any) -> Recording:
    """Return what makes one step of all that is written into a layer within.

    Parameters
    ----------
    layer
        The Labels layer.
    into
        What has a `push`: a `History`, or a `Recorder`.
    """

    @contextmanager
    def recording(name: str) -> Iterator[None]:
        with recorded_edit(name, layer, into):
            yield

    return recording


def is_about(step: object, layer: Labels) -> bool:
    """Return whether a step of a history changed pixels of a layer, or what is told of its labels."""
    if isinstance(step, LabelEdit):
        return bool(step.layer == layer)
    return any(is_about(part, layer) for part in getattr(step, "parts", ()))


def is_answer(step: object, layer: Labels) -> bool:
    """Return whether a step is an answer about an object of a layer, and nothing was painted since."""
    if not isinstance(step, LabelEdit) or step.layer != layer:
        return False
    return step.is_newest and step.name.startswith(ANSWERS)


def labelled(layer: Labels) -> LabelledImage:
    """Return what the labels of a layer took, as far as it was counted."""
    answers, data = list(answers_of(layer).values()), pixels_of(layer)
    record = record_of(layer)
    if record is not None:
        objects = len(record.labels) - len(record.gone)
    else:
        objects = len(np.setdiff1d(np.unique(np.asarray(data)), [0]))
    gone = 0 if record is None else len(record.gone)
    now, entries = pixel_sums(np.asarray(data)), entries_of(layer.metadata.get(METADATA_KEY))
    kept = by_hand(entries, now, prompted_in(layer.features)).kept
    checked = len(answers) + gone
    return LabelledImage(layer.name, objects, effort_of(layer), checked, answers.count(RIGHT), len(now) - len(kept))
