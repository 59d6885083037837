"""Objects of a Labels layer get classes: what keys, buttons and the list do, without Qt."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from psygnal import Signal

from napari_fastsam.core.classes.classes import ClassList
from napari_fastsam.errors import LabelsError, ParameterError
from napari_fastsam.layers.classes.column import LIST_KEY, classes_of, labels_in, list_of, set_list
from napari_fastsam.layers.classes.steps import change_classes
from napari_fastsam.layers.history.history import History
from napari_fastsam.layers.history.of_viewer import history_of
from napari_fastsam.layers.labels.target import pixels_of
from napari_fastsam.layers.planes.transforms import world_to_data

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Labels

NO_LAYER = "Choose a Labels layer first: its objects get the classes."


class Classing:
    """The list of classes, and the Labels layer whose objects get them.

    Parameters
    ----------
    viewer
        Holds the layers.

    Attributes
    ----------
    is_writing
        Whether what the layer tells of is of our own doing.
    """

    changed = Signal()
    """There is another list, another layer, or objects have other classes."""

    def __init__(self, viewer: ViewerModel) -> None:
        self._viewer = viewer
        self._layer: Labels | None = None
        self._list = ClassList()
        self._own = History()
        self.is_writing = False

    @property
    def layer(self) -> Labels | None:
        """The Labels layer whose objects get classes."""
        return self._layer

    @property
    def classes(self) -> ClassList:
        """The list of classes."""
        return self._list

    @property
    def history(self) -> History:
        """Where the steps go: to that of the dock that keeps one, or to one of its own."""
        kept = history_of(self._viewer)
        return self._own if kept is None else kept

    def work_on(self, layer: Labels | None) -> None:
        """Give classes to the objects of another layer; one without a list of its own gets that of the layer before."""
        self._layer = layer
        if layer is not None:
            self.hand_list_to(layer)
            self._list = list_of(layer)
        self.changed.emit()

    def hand_list_to(self, layer: Labels) -> None:
        """Let a layer that has no list of classes have this one."""
        if LIST_KEY not in layer.metadata and len(self._list):
            own = list_of(layer)
            set_list(layer, self._list.with_all(own.names))

    def read_again(self) -> None:
        """Take the list as the layer has it now: somebody else may have changed it."""
        if self._layer is not None:
            self._list = list_of(self._layer)
        self.changed.emit()

    def counts(self) -> tuple[dict[str, int], int]:
        """Return how many objects each class has, and how many have none."""
        if self._layer is None:
            return {}, 0
        known, there = classes_of(self._layer), labels_in(self._layer)
        counted = Counter(known.get(label, "") for label in there)
        without = counted.pop("", 0)
        return dict(counted), without

    # ---------------------------------------------------------------- the list

    def add(self, name: str = "") -> None:
        """Add a class; it is chosen for new objects if none was."""
        self._change_list(self._list.with_new(name), "a class more")

    def add_all(self, names: Sequence[str]) -> None:
        """Add the classes of these names that are not in the list."""
        self._change_list(self._list.with_all(tuple(names)), "classes more")

    def choose(self, name: str) -> None:
        """Let new objects have a class; that which is chosen is let go of."""
        self._list = self._list.choosing("" if name == self._list.chosen else name)
        if self._layer is not None:
            set_list(self._layer, self._list)
        self.changed.emit()

    def recolour(self, name: str, colour: str) -> None:
        """Give a class another colour."""
        self._change_list(self._list.coloured(name, colour), "a colour")

    def set_key(self, name: str, key: int | None) -> None:
        """Give a class another key; a class that had it gets the one that becomes free."""
        self._change_list(self._list.with_key(name, key), "a key")

    def rename(self, name: str, new: str) -> None:
        """Give a class another name, and its objects with it.

        Raises
        ------
        ParameterError
            If another class has that name; nothing has changed then.
        """
        listed = self._list.renamed(name, new)
        new = new.strip()
        self._change_list(listed, "a name", dict.fromkeys(self._labels_of(name), new))

    def remove(self, name: str) -> int:
        """Remove a class; returns how many objects have none now."""
        labels = self._labels_of(name)
        self._change_list(self._list.without(name), f"delete class {name}", dict.fromkeys(labels, ""))
        return len(labels)

    # ---------------------------------------------------------------- objects

    def give(self, classes: Mapping[int, str], name: str = "a class") -> None:
        """Give labels classes, as one step; "" takes a class away.

        Raises
        ------
        LabelsError
            If no layer is chosen.
        """
        layer = self._required_layer()
        self._change(layer, classes, name, None)
        self.changed.emit()

    def key_pressed(self, key: int) -> str:
        """Give the label under the cursor the class of a key, 0 none; beside labels, choose it for new objects.

        Returns
        -------
        str
            What was done.

        Raises
        ------
        ParameterError
            If no class has that key.
        LabelsError
            If the viewer shows no plane.
        """
        name = ""
        if key:
            one = self._list.at_key(key)
            if one is None:
                raise ParameterError(f"no class has the key {key}")
            name = one.name
        label = 0 if self._layer is None else label_under_cursor(self._viewer, self._layer)
        if label:
            self.give({label: name})
            return f"Label {label} is “{name}” now." if name else f"Label {label} has no class now."
        if name != self._list.chosen:
            self.choose(name)
        return f"New objects are “{name}”." if name else "New objects get no class."

    def undo(self) -> None:
        """Take the newest step back."""
        self.history.undo()
        self.read_again()

    def redo(self) -> None:
        """Do again what was taken back last."""
        self.history.redo()
        self.read_again()

    def _labels_of(self, name: str) -> list[int]:
        return [] if self._layer is None else [i for i, one in classes_of(self._layer).items() if one == name]

    def _change_list(self, classes: ClassList, what: str, labels: Mapping[int, str] | None = None) -> None:
        if self._layer is not None:
            self._change(self._layer, labels or {}, what, classes)
        self._list = classes
        self.changed.emit()

    def _change(self, layer: Labels, labels: Mapping[int, str], what: str, classes: ClassList | None) -> None:
        self.is_writing = True
        try:
            step = change_classes(layer, labels, what, classes)
        finally:
            self.is_writing = False
        if step is not None:
            self.history.push(step)

    def _required_layer(self) -> Labels:
        if self._layer is None:
            raise LabelsError(NO_LAYER)
        return self._layer


def label_under_cursor(viewer: ViewerModel, layer: Labels) -> int:
    """Return the label of a layer under the cursor; 0 = none.

    Raises
    ------
    LabelsError
        If the viewer shows no plane.
    """
    if viewer.dims.ndisplay != 2:
        raise LabelsError("Objects are pointed at on a plane: leave the 3D view.")
    point = world_to_data(layer, viewer.cursor.position, world_units=viewer.layers.units)
    data = pixels_of(layer)
    if not np.isfinite(point).all():
        return 0
    index = tuple(int(i) for i in np.floor(point + 0.5))
    inside = all(0 <= i < length for i, length in zip(index, data.shape, strict=True))
    return int(np.asarray(data[index])) if inside else 0
