"""Labels corrected in the dock: by a key on the label under the cursor, or by a button on what is selected."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from napari.layers import Labels, Shapes
from numpy.typing import NDArray

from napari_fastsam.core.objects import editing
from napari_fastsam.errors import LabelsError
from napari_fastsam.layers.answers.splitting import split_by_image
from napari_fastsam.layers.history.label_edit import recorded_edit
from napari_fastsam.layers.labels.editing import (
    Correction,
    correct_labels,
    free_numbers,
    keep_largest_everywhere,
    merge_labels,
    split_label,
)
from napari_fastsam.layers.labels.label_planes import Place
from napari_fastsam.layers.labels.layer_plane import LayerPlane, plane_at
from napari_fastsam.layers.labels.regions import DrawnShapes, selected_shapes
from napari_fastsam.layers.labels.written import Corrected
from napari_fastsam.layers.planes.transforms import units_apply, world_to_data
from napari_fastsam.widgets.segment import messages
from napari_fastsam.widgets.segment.parts.correct import VERBS

if TYPE_CHECKING:
    from napari_fastsam.widgets.segment.engine import Engine

_SIMPLE = {
    "delete_label": editing.delete,
    "fill_label": editing.fill_holes,
    "smooth_label": editing.smooth,
    "grow_label": editing.grow,
    "shrink_label": editing.shrink,
    "keep_largest": editing.keep_largest,
    "cut_at_neighbours": editing.cut_at_neighbours,
}
"""What is done to one label, and asks for nothing else."""

_ONE_PLACE = 2.0
"""Pixels of the layer: two keys that are pressed this close mean one place."""

_MOST_PARTS = 16
"""Into which a drawn line may part a label."""


@dataclass(frozen=True, eq=False)
class _Begun:
    """A merge or a split that waits for another place.

    Attributes
    ----------
    verb
        Which of both.
    plane
        The plane that it began on.
    label, place
        What was pointed at first.
    """

    verb: str
    plane: LayerPlane
    label: int
    place: Place

    def goes_on(self, verb: str, plane: LayerPlane) -> bool:
        """Whether another place on a plane belongs to it."""
        mine = [self.plane.index[a] for a in range(len(self.plane.index)) if a not in self.plane.axes]
        theirs = [plane.index[a] for a in range(len(plane.index)) if a not in plane.axes]
        same = self.plane.layer == plane.layer and self.plane.axes == plane.axes and mine == theirs
        return same and verb == self.verb and plane.label_at(self.place) == self.label


class LabelCorrections:
    """Corrects the Labels layer that is chosen.

    Parameters
    ----------
    engine
        What works behind the dock.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._begun: _Begun | None = None

    def under_cursor(self, verb: str) -> None:
        """Correct the label under the cursor; to merge or to split, the one at the place before too.

        Raises
        ------
        LabelsError
            If there is none, or it cannot be corrected so; nothing was changed then.
        """
        layer = self._layer()
        point = world_to_data(layer, self._engine.viewer.cursor.position, world_units=self._engine.viewer.layers.units)
        plane = self._plane(layer, point)
        place = (float(point[plane.axes[0]]), float(point[plane.axes[1]]))
        label = plane.label_at(place)
        if not label:
            raise LabelsError(f"There is no label of “{layer.name}” under the cursor.")
        begun, self._begun = self._begun, None
        if verb in _SIMPLE:
            self._simple(verb, plane, {label: place})
        elif begun is None or not begun.goes_on(verb, plane):
            self._begin(_Begun(verb, plane, label, place))
        elif verb == "split_label":
            self._split_between(begun, label, place)
        else:
            self._merge_with(begun, plane, label, place)

    def selected(self, verb: str) -> None:
        """Correct the labels in the shapes that are selected; without any, the layer's selected label.

        Raises
        ------
        LabelsError
            If there is none, or one cannot be corrected so; nothing was changed then.
        """
        layer, viewer = self._layer(), self._engine.viewer
        self._begun = None
        plane = self._plane(layer, world_to_data(layer, viewer.dims.point, world_units=viewer.layers.units))
        drawn = self._drawn(plane)
        if verb == "split_label" and drawn.lines:
            self._split_along(plane, drawn.lines)
            return
        labels = self._labels(plane, drawn)
        if verb in _SIMPLE:
            self._simple(verb, plane, labels)
        elif verb == "merge_labels":
            self._merge(verb, plane, labels)
        else:
            self._split_each(plane, labels)

    def _layer(self) -> Labels:
        chosen = self._engine.panels.labels.labels.value
        active = self._engine.viewer.layers.selection.active
        layer = active if chosen is None and isinstance(active, Labels) else chosen
        if layer is None or layer not in self._engine.panels.labels.labels.choices:
            raise LabelsError(messages.NOTHING_TO_CORRECT)
        return layer

    def _plane(self, layer: Labels, point: NDArray[np.float64]) -> LayerPlane:
        dims = self._engine.viewer.dims
        displayed = [axis - (dims.ndim - layer.ndim) for axis in dims.displayed]
        if len(displayed) != 2 or min(displayed) < 0:
            raise LabelsError("Labels are corrected on a plane: leave the 3D view.")
        return plane_at(layer, point, displayed)

    def _drawn(self, plane: LayerPlane) -> DrawnShapes:
        """Return what is selected in the active Shapes layer, or in the dock's."""
        viewer = self._engine.viewer
        for layer in (viewer.layers.selection.active, self._engine.panels.prompts.shapes.value):
            if isinstance(layer, Shapes) and layer in viewer.layers:
                drawn = selected_shapes(layer, plane, units_apply(viewer))
                if drawn:
                    return drawn
        return DrawnShapes()

    def _labels(self, plane: LayerPlane, drawn: DrawnShapes) -> dict[int, Place]:
        found: dict[int, Place] = {}
        for outline in drawn.outlines:
            found |= plane.labels_in(outline)
        if not drawn.outlines:
            label = int(plane.layer.selected_label)
            places = np.argwhere(plane.read(plane.all) == label)[:1].tolist()
            found = {label: (float(places[0][0]), float(places[0][1]))} if label and places else {}
        if not found:
            raise LabelsError(messages.NO_LABEL_CHOSEN)
        return found

    def _simple(self, verb: str, plane: LayerPlane, labels: Mapping[int, Place]) -> None:
        correct = _SIMPLE[verb]

        def correction(window: NDArray[np.integer], label: int, _: tuple[int, int]) -> NDArray[np.integer]:
            return correct(window, label)

        with self._step(verb, plane):
            if verb == "keep_largest" and self._everywhere:
                did = keep_largest_everywhere(plane, labels)
            else:
                did = correct_labels(plane, labels, correction, self._everywhere)
        self._say(verb, plane, did)

    @property
    def _everywhere(self) -> bool:
        return self._engine.panels.correct.everywhere

    def _merge(self, verb: str, plane: LayerPlane, labels: Mapping[int, Place]) -> None:
        with self._step(verb, plane):
            did = merge_labels(plane, labels, self._everywhere)
        self._say(verb, plane, did)

    def _split(
        self, plane: LayerPlane, label: int, place: Place, correction: Correction, numbers: Sequence[int]
    ) -> None:
        with self._step("split_label", plane):
            did = split_label(plane, label, place, correction, numbers, self._everywhere)
        self._say("split_label", plane, did)

    def _begin(self, begun: _Begun) -> None:
        self._begun = begun
        key = VERBS[begun.verb][0]
        self._engine.say(messages.correction_begun(begun.verb, begun.label, key))

    def _merge_with(self, begun: _Begun, plane: LayerPlane, label: int, place: Place) -> None:
        self._begun = begun  # one can go on with a third
        if label == begun.label:
            raise LabelsError(f"That is label {label} itself: point at the one to merge with it.")
        self._merge(begun.verb, plane, {begun.label: begun.place, label: place})

    def _split_between(self, begun: _Begun, label: int, place: Place) -> None:
        plane = begun.plane
        if label != begun.label:
            self._begin(_Begun(begun.verb, plane, label, place))
        elif np.hypot(place[0] - begun.place[0], place[1] - begun.place[1]) <= _ONE_PLACE:
            self._split_in_two(plane, label, place)
        else:
            points, numbers = np.array([begun.place, place]), free_numbers(plane.layer, 1)
            viewer, controls = self._engine.viewer, self._engine.panels.freeze()
            self._split(plane, label, place, split_by_image(viewer, controls, plane, points, numbers[0]), numbers)

    def _split_in_two(self, plane: LayerPlane, label: int, place: Place) -> None:
        numbers = free_numbers(plane.layer, 1)
        self._split(
            plane, label, place, lambda window, label, _: editing.split_in_two(window, label, numbers[0]), numbers
        )

    def _split_each(self, plane: LayerPlane, labels: Mapping[int, Place]) -> None:
        """Part each label that has a waist at it, as one step."""
        failed: list[LabelsError] = []
        with self._engine.recorder.step(VERBS["split_label"][1]):
            for label, place in labels.items():
                try:
                    self._split_in_two(plane, label, place)
                except LabelsError as error:
                    failed.append(error)
        if len(failed) == len(labels):
            raise failed[0]

    def _split_along(self, plane: LayerPlane, lines: tuple[NDArray[np.float64], ...]) -> None:
        """Part each label that a line crosses from edge to edge, as one step."""
        parted = 0
        with self._engine.recorder.step(VERBS["split_label"][1]):
            for line in lines:
                for label, place in _under(plane, line).items():
                    numbers = free_numbers(plane.layer, _MOST_PARTS)
                    try:
                        self._split(plane, label, place, _parting(line, numbers), numbers)
                    except LabelsError:
                        continue  # it only touches this one
                    parted += 1
        if not parted:
            raise LabelsError("The line parts no label: draw it across one, from edge to edge.")

    def _step(self, verb: str, plane: LayerPlane) -> AbstractContextManager[None]:
        """Make a step of the dock's history of what is corrected within."""
        return recorded_edit(VERBS[verb][1], plane.layer, self._engine.recorder)

    def _say(self, verb: str, plane: LayerPlane, did: Corrected) -> None:
        self._engine.say(messages.corrected(VERBS[verb][1], did, plane.layer.name, undoable=not plane.layer.multiscale))


def _parting(line: NDArray[np.float64], numbers: Sequence[int]) -> Correction:
    return lambda window, label, corner: editing.split_by_line(window, label, line - corner, numbers)


def _under(plane: LayerPlane, line: NDArray[np.float64]) -> dict[int, Place]:
    """Return the labels that a line runs over, and a place on each."""
    found: dict[int, Place] = {}
    for start, stop in pairwise(line):
        steps = max(int(np.ceil(np.abs(stop - start).max())), 1)
        for y, x in np.linspace(start, stop, 2 * steps + 1).tolist():
            label = plane.label_at((y, x))
            if label:
                found.setdefault(label, (y, x))
    return found
