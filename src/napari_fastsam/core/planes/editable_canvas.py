"""A label image that grows tile by tile while its objects are corrected, taken away and added to layers.

The masks of all objects are kept, packed, so that what lies below an object that goes away is seen again. Pixels follow
from the objects that are offered alone, by the rules of `core.objects.painting`, in whatever order they came; what
changes is painted cell by cell, however large the plane is.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from napari_fastsam.core.objects.masks import CroppedMask
from napari_fastsam.core.objects.painting import paint
from napari_fastsam.core.planes.tiling import Box, Canvas, is_one_object

CELL = 256
"""Side of the squares in which objects are found again and pixels are painted anew."""


@dataclass(frozen=True, eq=False)
class DrawnObject:
    """An object that somebody drew or corrected, over those that were found.

    Attributes
    ----------
    number
        In the label image.
    mask, score
        In pixels of the plane, and how sure it is.
    refined
        Whether clicks shaped it: of pixels that two drawn ones claim it gets them.
    """

    number: int
    mask: CroppedMask
    score: float
    refined: bool = False

    def is_same(self, other: DrawnObject) -> bool:
        """Whether another one is painted in the same way."""
        mine, theirs = (self.score, self.refined), (other.score, other.refined)
        return mine == theirs and (self.mask is other.mask or self.mask.key == other.mask.key)


@dataclass(frozen=True, eq=False)
class Taken:
    """What somebody has taken of a canvas: it is not offered any more.

    Attributes
    ----------
    objects
        The numbers of what is taken.
    gone
        Numbers of what was taken away or replaced before: it does not come back.
    drawn
        Masks of the objects that were drawn: what a tile brings of these is not offered either.
    further
        Numbers of their own that drawn objects have, by key: they have them again once they are given back.
    """

    objects: frozenset[int]
    gone: frozenset[int] = frozenset()
    drawn: tuple[CroppedMask, ...] = ()
    further: Mapping[Hashable, int] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class OfferedObjects:
    """The objects of a canvas at one moment that nobody has taken yet.

    Attributes
    ----------
    labels
        (H, W) label image of them.
    scores
        By number, in ascending order.
    taken
        How many objects were taken before.
    as_taken
        What is taken by whoever takes all of it.
    revision
        Tells which changes of the canvas are in it: see `EditableCanvas.changed_since`.
    """

    labels: NDArray[np.int32]
    scores: dict[int, float]
    taken: int
    as_taken: Taken
    revision: int

    def __len__(self) -> int:
        """Return how many there are to take."""
        return len(self.scores)


@dataclass(frozen=True)
class _PackedMask:
    """A mask in an eighth of its size."""

    top: int
    left: int
    shape: tuple[int, int]
    bits: bytes

    @classmethod
    def of(cls, mask: CroppedMask) -> _PackedMask:
        height, width = mask.pixels.shape
        return cls(mask.top, mask.left, (height, width), np.packbits(mask.pixels).tobytes())

    def unpacked(self) -> CroppedMask:
        height, width = self.shape
        pixels = np.unpackbits(np.frombuffer(self.bits, np.uint8), count=height * width)
        return CroppedMask(self.top, self.left, pixels.reshape(self.shape).astype(bool))


@dataclass(eq=False)
class EditableCanvas(Canvas):
    """A canvas in memory, whose objects can be replaced, taken away, taken and given back while tiles come.

    `labels` shows what is offered. Objects that were found keep their numbers, whatever becomes of them.
    """

    _masks: list[_PackedMask] = field(default_factory=list, repr=False)
    _cells: dict[tuple[int, int], list[int]] = field(default_factory=dict, repr=False)
    _hidden: frozenset[int] = field(default_factory=frozenset, repr=False)
    _drawn: dict[int, DrawnObject] = field(default_factory=dict, repr=False)
    _further: dict[Hashable, int] = field(default_factory=dict, repr=False)
    _reserved: set[int] = field(default_factory=set, repr=False)
    _taken: list[Taken] = field(default_factory=list, repr=False)
    _gone: set[int] = field(default_factory=set, repr=False)
    _changes: list[Box] = field(default_factory=list, repr=False)

    # ---------------------------------------------------------------- what there is

    def offer(self, frozen: bool = True) -> OfferedObjects:
        """Return the objects that were not taken.

        Parameters
        ----------
        frozen
            Whether the label image is a copy, with these objects and no others. Otherwise it is the one that goes on
            being painted: good enough to be looked at, and nothing is copied.
        """
        with self._lock:
            labels = np.array(self.labels[:, :]) if frozen else np.asarray(self.labels)
            out = self._gone | self._hidden | self._reserved
            scores = {i: score for i, score in enumerate(self.scores, start=1) if i not in out}
            scores |= {number: one.score for number, one in self._drawn.items()}
            drawn = tuple(one.mask for one in self._drawn.values())
            whole = Taken(frozenset(scores), self._hidden - scores.keys(), drawn, dict(self._further))
            taken = len(frozenset[int]().union(*(one.objects for one in self._taken)))
            return OfferedObjects(labels, dict(sorted(scores.items())), taken, whole, len(self._changes))

    def found_near(self, masks: Iterable[CroppedMask], points: NDArray[np.float64]) -> dict[int, CroppedMask]:
        """Return the objects that were found and not taken, by number, as far as they may touch something.

        Those that were replaced or taken away are among them: it is decided about them anew.

        Parameters
        ----------
        masks
            What they may overlap.
        points
            (M, 2) rows and columns that they may hold.
        """
        pixels = np.floor(points + 0.5).astype(int).tolist()
        boxes = [_box_of(mask) for mask in masks] + [(y, x, y + 1, x + 1) for y, x in pixels]
        with self._lock:
            near = {n for box in boxes for n in self._near(box) if n not in self._gone and n not in self._reserved}
            return {n: self._masks[n - 1].unpacked() for n in sorted(near)}

    @property
    def hidden(self) -> frozenset[int]:
        """Numbers of what was found and is replaced or taken away."""
        return self._hidden

    def number_of_drawn(self, key: Hashable, found: int | None = None) -> int:
        """Return the number of an object that is drawn: that of what was found there, or else one of its own.

        One of its own it keeps as long as it is drawn, also if a tile brings the same object meanwhile.
        """
        with self._lock:
            if key not in self._further:
                if found is not None:
                    return found
                number = self._register(CroppedMask(0, 0, np.zeros((0, 0), bool)), 0.0)
                self._reserved.add(number)
                self._further[key] = number
            return self._further[key]

    def changed_since(self, revision: int) -> list[Box]:
        """Return the windows whose pixels may have changed since a moment; see `OfferedObjects.revision`."""
        return self._changes[revision:]

    # ---------------------------------------------------------------- what changes it

    def correct(self, hidden: Iterable[int], drawn: Iterable[DrawnObject]) -> None:
        """Say which of the objects that were found are none or replaced, and which were drawn: these and no others."""
        with self._lock:
            out, now = frozenset(hidden), {one.number: one for one in drawn}
            boxes = [self._box(n) for n in out ^ self._hidden]
            for number in now.keys() | self._drawn.keys():
                before, after = self._drawn.get(number), now.get(number)
                if before is None or after is None or not before.is_same(after):
                    boxes += [_box_of(one.mask) for one in (before, after) if one is not None]
            self._hidden, self._drawn = out, now
            self._further = {key: number for key, number in self._further.items() if number in now}
            self._paint(boxes)

    def take(self, taken: Taken) -> None:
        """Leave out objects from now on: somebody has them."""
        with self._lock:
            self._taken.append(taken)
            self._further = {key: n for key, n in self._further.items() if n not in taken.objects}
            was_drawn = [one for number, one in self._drawn.items() if number in taken.objects]
            self._drawn = {n: one for n, one in self._drawn.items() if n not in taken.objects}
            near = {n for mask in taken.drawn for n in self._near(_box_of(mask))}
            boxes = [self._box(n) for n in (taken.objects | taken.gone | near)]
            self._forget_taken()
            self._paint([*boxes, *(_box_of(one.mask) for one in was_drawn)])

    def give_back(self, taken: Taken) -> None:
        """Offer objects once more that were taken; those that were drawn are as good as their prompts."""
        with self._lock:
            before = set(self._gone)
            self._taken = [one for one in self._taken if one is not taken]
            self._further = {**taken.further, **self._further}
            self._forget_taken()
            self._paint([self._box(n) for n in before - self._gone])

    def _forget_taken(self) -> None:
        """Find out anew what is not offered because of what was taken."""
        self._gone = set[int]().union(*(one.objects | one.gone for one in self._taken))
        for mask in (mask for one in self._taken for mask in one.drawn):
            near = (n for n in self._near(_box_of(mask)) if n not in self._gone)
            self._gone.update([n for n in near if _is_one(self._masks[n - 1].unpacked(), mask)])

    def _add(self, window: Box, masks: Sequence[CroppedMask], scores: Sequence[float]) -> list[int]:
        known, numbers = len(self), [0] * len(masks)
        for i in sorted(range(len(masks)), key=lambda i: (-masks[i].area, -i)):
            mask = masks[i]
            rivals = (n for n in self._near(_box_of(mask)) if n <= known)
            if any(_is_one(mask, self._masks[n - 1].unpacked()) for n in rivals):
                continue
            numbers[i] = number = self._register(mask, scores[i])
            if any(_is_one(mask, drawn) for one in self._taken for drawn in one.drawn):
                self._gone.add(number)
            if any(_is_one(mask, one.mask) for one in self._drawn.values()):
                self._hidden |= {number}  # until it is said what becomes of it
        self._paint([_box_of(mask) for mask, number in zip(masks, numbers, strict=True) if number])
        return numbers

    def _register(self, crop: CroppedMask, score: float) -> int:
        number = super()._register(crop, score)
        self._masks.append(_PackedMask.of(crop))
        for cell in _cells_of(_box_of(crop)):
            self._cells.setdefault(cell, []).append(number)
        return number

    # ---------------------------------------------------------------- where things are

    def _near(self, box: Box) -> Iterator[int]:
        """Yield the numbers of all that was found and whose box meets another one."""
        y0, x0, y1, x1 = box
        for number in {n for cell in _cells_of(box) for n in self._cells.get(cell, ())}:
            top, left, bottom, right = self._box(number)
            if top < y1 and y0 < bottom and left < x1 and x0 < right:
                yield number

    def _box(self, number: int) -> Box:
        packed = self._masks[number - 1]
        return packed.top, packed.left, packed.top + packed.shape[0], packed.left + packed.shape[1]

    def _paint(self, boxes: Iterable[Box]) -> None:
        """Paint the cells anew that boxes touch."""
        unpacked: dict[int, CroppedMask] = {}
        for cell in dict.fromkeys(cell for box in boxes for cell in _cells_of(box)):
            self._paint_cell(cell, unpacked)

    def _paint_cell(self, cell: tuple[int, int], unpacked: dict[int, CroppedMask]) -> None:
        rows, columns = (
            slice(at * CELL, min((at + 1) * CELL, length)) for at, length in zip(cell, self.labels.shape, strict=True)
        )
        objects: list[tuple[int, CroppedMask, float]] = []
        for number in self._cells.get(cell, ()):
            if number not in self._gone and number not in self._hidden:
                if number not in unpacked:
                    unpacked[number] = self._masks[number - 1].unpacked()
                objects.append((number, unpacked[number], self.scores[number - 1]))
        for number, one in self._drawn.items():
            objects.append((number, one.mask, one.score + 1 + one.refined))  # what was drawn is sure
        objects = [(n, mask, score) for n, mask, score in objects if _meets(mask, rows, columns)]
        self.labels[rows, columns] = paint(
            [mask.within(rows, columns).moved(-rows.start, -columns.start) for _, mask, _ in objects],
            (rows.stop - rows.start, columns.stop - columns.start),
            [n for n, _, _ in objects],
            [score for _, _, score in objects],
            areas=[mask.area for _, mask, _ in objects],
        )
        self._changes.append((rows.start, columns.start, rows.stop, columns.stop))


def _is_one(mask: CroppedMask, other: CroppedMask) -> bool:
    """Whether two masks are readings of one object."""
    shared = mask.intersection(other)
    return shared > 0 and is_one_object(mask.area, other.area, shared)


def _box_of(mask: CroppedMask) -> Box:
    rows, columns = mask.window
    return rows.start, columns.start, rows.stop, columns.stop


def _cells_of(box: Box) -> Iterator[tuple[int, int]]:
    y0, x0, y1, x1 = box
    if y0 < y1 and x0 < x1:
        for row in range(y0 // CELL, (y1 - 1) // CELL + 1):
            for column in range(x0 // CELL, (x1 - 1) // CELL + 1):
                yield row, column


def _meets(mask: CroppedMask, rows: slice, columns: slice) -> bool:
    own_rows, own_columns = mask.window
    return bool(
        own_rows.start < rows.stop
        and rows.start < own_rows.stop
        and own_columns.start < columns.stop
        and columns.start < own_columns.stop
    )
