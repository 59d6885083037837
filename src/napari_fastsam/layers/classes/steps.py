"""Changes of classes as steps that are taken back and done again."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import TYPE_CHECKING

from napari_fastsam.core.classes.classes import ClassList
from napari_fastsam.layers.classes.column import classes_of, list_of, set_column, set_list

if TYPE_CHECKING:
    from napari.layers import Labels


class ClassStep:
    """Objects got another class, and the list of classes may have changed.

    Parameters
    ----------
    name
        What was done, in a few words.
    layer
        The Labels layer, changed already.
    before, after
        The class of each label that changed; "" = none.
    lists
        The list of classes before and after.
    """

    def __init__(
        self,
        name: str,
        layer: Labels,
        before: Mapping[int, str],
        after: Mapping[int, str],
        lists: tuple[ClassList, ClassList],
    ) -> None:
        self.name, self.layer = name, layer
        self._before, self._after = dict(before), dict(after)
        self._lists = lists

    @property
    def nbytes(self) -> int:
        """About what it takes."""
        return 128 * (1 + len(self._before))

    @property
    def layers(self) -> set[Hashable]:
        """The unique ids of the layers that it concerns."""
        return {self.layer.unique_id}

    def undo(self) -> None:
        """Give the objects their class of before; those that got another one since keep it."""
        self._write(self._after, self._before, self._lists[0])

    def redo(self) -> None:
        """Do it again."""
        self._write(self._before, self._after, self._lists[1])

    def _write(self, old: Mapping[int, str], new: Mapping[int, str], classes: ClassList) -> None:
        now = classes_of(self.layer)
        if self._lists[0] != self._lists[1]:
            set_list(self.layer, classes)
        mine = {label: name for label, name in new.items() if now.get(label, "") == old[label]}
        if mine:
            set_column(self.layer, mine)


def change_classes(
    layer: Labels, new: Mapping[int, str], name: str, classes: ClassList | None = None
) -> ClassStep | None:
    """Give labels of a layer classes, and the layer another list of classes.

    Parameters
    ----------
    layer
        The Labels layer.
    new
        From labels to the names of their classes; "" = none.
    name
        What is done, in a few words.
    classes
        The new list; None = it stays.

    Returns
    -------
    ClassStep or None
        The step, done; None if nothing changes.
    """
    now, listed = classes_of(layer), list_of(layer)
    changed = {label: one for label, one in new.items() if now.get(label, "") != one}
    wanted = listed if classes is None else classes
    if not changed and wanted == listed:
        return None
    if wanted != listed:
        set_list(layer, wanted)
    if changed:
        set_column(layer, changed)
    return ClassStep(name, layer, {label: now.get(label, "") for label in changed}, changed, (listed, wanted))
