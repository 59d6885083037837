"""Which object clicks correct: the one that is current, a new one, or a label that is there already."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_fastsam.core.prompts.queries import Query
from napari_fastsam.errors import LabelsError
from napari_fastsam.layers.connections import Connections
from napari_fastsam.layers.labels.starts import LabelStart, label_under, read_label
from napari_fastsam.layers.memento import Memento
from napari_fastsam.layers.planes.plane import Plane
from napari_fastsam.layers.planes.transforms import points_between, units_apply
from napari_fastsam.layers.prompts.collecting import OtherRow
from napari_fastsam.layers.prompts.features import next_object, object_numbers
from napari_fastsam.layers.prompts.objects import (
    free_number,
    is_negative,
    number_of,
    rows_with,
    set_next,
    set_number,
)
from napari_fastsam.layers.prompts.places import rows_of

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image, Labels, Points, Shapes

    from napari_fastsam.layers.answers.request import Request
    from napari_fastsam.layers.answers.results import Result
    from napari_fastsam.layers.prompts.numbering import Numbering

JOIN_NOTHING = "Select points that belong to the current object, then join them (Shift-J)."


@dataclass(frozen=True, eq=False)
class PromptLayers:
    """The layers that prompts are drawn in; None = there is none.

    Attributes
    ----------
    points, shapes
        The layers chosen.
    """

    points: Points | None
    shapes: Shapes | None

    @property
    def all(self) -> list[Points | Shapes]:
        """Those that there are."""
        return [layer for layer in (self.points, self.shapes) if layer is not None]

    @property
    def number(self) -> int:
        """The object number that the next prompt will get; 0 = it is an object of its own."""
        return max([0, *(next_object(layer) for layer in self.all)])

    def set_next(self, number: int) -> None:
        """Let the next prompts speak of one object; 0 = each of an object of its own."""
        set_next(self.all, number)


@dataclass(frozen=True, eq=False)
class _Placed:
    """A point that was placed on a plane of an image: its row, and where it lies in the region."""

    points: Points
    row: int
    image: Image
    plane: Plane
    yx: NDArray[np.float64]


class Corrections:
    """The labels that are corrected in one viewer, and the object numbers of prompts.

    Parameters
    ----------
    viewer
        The viewer whose layers are read.
    on_change
        Called when a layer whose labels are corrected was changed by hand.
    """

    def __init__(self, viewer: ViewerModel, on_change: Callable[[], object]) -> None:
        self._viewer = viewer
        self._on_change = on_change
        self._starts: list[LabelStart] = []
        self._changed: set[int] = set()
        self._connections = Connections()

    # ---------------------------------------------------------------- labels

    def starts(self, image: Image) -> tuple[LabelStart, ...]:
        """Return the labels that are corrected on an image, as their layers have them now."""
        self._starts = [self._as_it_is(start) for start in self._starts]
        # a layer that was removed may come back, and have changed meanwhile
        self._changed = {id(start.layer) for start in self._starts if start.layer not in self._viewer.layers}
        return tuple(start for start in self._starts if start.image == image)

    def begin(self, image: Image, plane: Plane, layer: Labels, label: int, yx: Sequence[float], number: int) -> bool:
        """Let an object start from a label; returns whether it has a pixel on the plane.

        Raises
        ------
        LabelsError
            If the layer cannot be written to, or its pixels are not the image's.
        """
        mask = read_label(layer, image, plane, label, np.asarray(yx, np.float64), units_apply(self._viewer))
        if mask is None:
            return False
        if all(start.layer != layer for start in self._starts):
            self._hear(layer)
        self._starts.append(LabelStart(image, layer, label, number, plane, (float(yx[0]), float(yx[1])), mask))
        return True

    def corrects(self, image: Image, plane: Plane) -> bool:
        """Whether labels on a plane of an image are corrected."""
        return any(start.image == image and start.is_on(plane) for start in self._starts)

    def forget(self, image: Image, planes: Iterable[Plane]) -> bool:
        """Correct the labels on some planes of an image no more; returns whether there were any."""
        there = list(planes)
        left = [one for one in self._starts if one.image != image or not any(one.is_on(plane) for plane in there)]
        forgotten, self._starts = len(left) < len(self._starts), left
        if not left:
            self._connections.undo()
        return forgotten

    def forget_all(self) -> None:
        """Correct no label any more."""
        self._starts = []
        self._connections.undo()

    def memento(self) -> Memento:
        """Return which labels are corrected, and by which prompts."""
        return Memento(
            {(start.layer.unique_id, start.label, start.number) for start in self._starts}, tuple(self._starts)
        )

    def recall(self, memento: Memento) -> None:
        """Correct the labels that were corrected then."""
        self._connections.undo()
        self._starts = list(memento.rest)
        layers = {start.layer.unique_id: start.layer for start in self._starts}
        for layer in layers.values():
            self._hear(layer)
        self._changed = {id(layer) for layer in layers.values()}  # they may have changed meanwhile

    def _hear(self, layer: Labels) -> None:
        events = layer.events
        self._connections.connect((events.paint, events.labels_update, events.data), self._layer_changed)

    def _layer_changed(self, event: object) -> None:
        self._changed.add(id(getattr(event, "source", None)))
        self._on_change()

    def _as_it_is(self, start: LabelStart) -> LabelStart:
        """Return a start as its layer has it: what is gone keeps the pixels that it had."""
        if start.layer not in self._viewer.layers:
            return replace(start, gone=True)
        if id(start.layer) not in self._changed:
            return start
        try:
            return start.read_again(units_apply(self._viewer))
        except LabelsError:
            return replace(start, gone=True)

    # ---------------------------------------------------------------- which object

    def take_current(self, layers: PromptLayers, request: Request | None, numbering: Numbering) -> int:
        """Let what is drawn next speak of the object that was touched last; returns its number."""
        free = free_number(layers.all, (start.number for start in self._starts))
        single = None if request is None else request.on_plane_shown
        query = None if single is None else _touched(single, numbering)
        if single is None or query is None:
            number = free
        else:
            number = query.number or free
            if not query.number:
                self._give_number(query, single, number, numbering)
        layers.set_next(number)
        return number

    def take_label(
        self, layers: PromptLayers, image: Image, plane: Plane, layer: Labels, label: int, place: NDArray[np.integer]
    ) -> None:
        """Let what is drawn next speak of a label; `place` is (D,) a pixel of it.

        Raises
        ------
        LabelsError
            If the label is not on the plane, or its layer cannot be corrected on the image.
        """
        starts = [one for one in self.starts(image) if one.is_on(plane)]
        known = next((one for one in starts if (one.layer, one.label) == (layer, label)), None)
        number = free_number(layers.all, (start.number for start in self._starts)) if known is None else known.number
        at = points_between(layer, image, [place], use_units=units_apply(self._viewer))
        yx = plane.data_to_region(np.where(np.isnan(at), np.asarray(plane.index), at))[0].tolist()
        if known is None and not self.begin(image, plane, layer, label, yx, number):
            raise LabelsError(
                f'Label {label} of "{layer.name}" has no pixel on the plane of "{image.name}" that is shown.'
            )
        layers.set_next(number)

    def numbers_in_use(self, layers: PromptLayers) -> set[int]:
        """Return the object numbers that prompts, and labels that are corrected, have."""
        of_prompts = (number for layer in layers.all for number in object_numbers(layer))
        return {*of_prompts, *(start.number for start in self._starts)}

    def join(self, layers: PromptLayers, request: Request | None, numbering: Numbering) -> str:
        """Join the points and shapes that are selected to the current object; returns what became of them."""
        chosen = {
            layer: set(map(int, layer.selected_data)) for layer in layers.all if layer.mode in ("select", "direct")
        }
        if not any(chosen.values()):
            return JOIN_NOTHING
        was = layers.number
        number = self.take_current(layers, request, numbering)
        if not was:
            layers.set_next(0)
        joined = 0
        for layer, rows in chosen.items():
            new = {row for row in rows if number_of(layer, row) != number}
            set_number(layer, new, number)
            joined += len(new)
        if not joined:
            return JOIN_NOTHING
        return f"Joined {joined} {'prompt' if joined == 1 else 'prompts'} to object {number}."

    def route(
        self,
        layers: PromptLayers,
        rows: Sequence[int],
        labels: Labels | None,
        shown: Result | None,
        image: Image,
        plane: Plane,
    ) -> None:
        """Give points that were just placed to the object that they speak of.

        Where the next prompts speak of one object, a point on a label of the layer chosen makes that label current,
        and a negative point belongs to the object it falls in.

        Raises
        ------
        LabelsError
            If the labels cannot be corrected.
        """
        points = layers.points
        if points is None or not layers.number:
            return
        use_units = units_apply(self._viewer)
        for row in rows:
            at = points_between(points, image, [points.data[row]], use_units=use_units)
            at = np.where(np.isnan(at), np.asarray(plane.index), at)
            yx = plane.data_to_region(at)
            if plane.on_plane(at)[0] and plane.inside(yx)[0]:
                self._route(_Placed(points, row, image, plane, yx[0]), layers, labels, shown)

    def _route(self, placed: _Placed, layers: PromptLayers, labels: Labels | None, shown: Result | None) -> None:
        here = shown is not None and shown.request.plane == placed.plane
        there = shown.object_numbers_at(placed.yx) if shown is not None and here else []
        if layers.number in there:
            return
        if there and is_negative(placed.points, placed.row):
            set_number(placed.points, [placed.row], there[0])
            return
        if labels is None:
            return
        use_units = units_apply(self._viewer)
        label = label_under(labels, placed.image, placed.plane, placed.yx.tolist(), use_units)
        if label:
            self._make_current(placed, layers, labels, label)

    def _make_current(self, placed: _Placed, layers: PromptLayers, labels: Labels, label: int) -> None:
        """Let a label be the object that prompts speak of next, and the point that was placed on it."""
        image, plane = placed.image, placed.plane
        starts = [start for start in self._starts if start.image == image and start.is_on(plane)]
        known = next((start for start in starts if start.layer == labels and start.label == label), None)
        number = layers.number if known is None else known.number
        if known is None:
            rows = [(layer, row) for layer in layers.all for row in rows_with(layer, number)]
            numbers = {start.number for start in self._starts}
            if number in numbers or any(row != (placed.points, placed.row) for row in rows):
                number = free_number(layers.all, numbers)
            self.begin(image, plane, labels, label, placed.yx.tolist(), number)
        set_number(placed.points, [placed.row], number)
        layers.set_next(number)

    def _give_number(self, query: Query, request: Request, number: int, numbering: Numbering) -> None:
        """Give the prompts that ask for an object a number of its own."""
        keys = {prompt.row: prompt.key for prompt in request.identities}
        controls = request.controls
        layers = {"points": controls.points, "shapes": controls.shapes}
        rows = [row for row in rows_of(query, request.read) if not isinstance(row, OtherRow)]
        layer = layers.get(request.read.source_of.get(query.field, ""))
        if layer is None or not rows:
            return
        key = keys.get((query.kind, rows[0]))
        set_number(layer, rows, number)
        if query.kind == "point":
            numbering.rename(request.numbered_under, key, ("object", number))


def _touched(request: Request, numbering: Numbering) -> Query | None:
    """Return the prompts of the object that was touched last, or else the last that there are."""
    queries = request.read.prompts.queries
    touched = numbering.touched(request.numbered_under)
    keys = [prompt.key for prompt in request.identities]
    if touched in keys:
        return queries[keys.index(touched)]
    return queries[-1] if queries else None
