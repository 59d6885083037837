"""The objects that were compared, as rows of a table that is sorted by any column."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import Qt
from qtpy.QtGui import QColor, QIcon, QPixmap
from qtpy.QtWidgets import QHeaderView

from napari_fastsam.core.judging.comparison import Kind, MatchTable
from napari_fastsam.layers.comparison.compare import COLOURS, NAMES
from napari_fastsam.widgets.common.table import Cell, Rows, RowsTable

COLUMNS: Mapping[str, str] = {
    "kind": "hit: matched; missed: a true object without a match; false: a predicted one without.",
    "plane": "Where the object begins on the axes that are not shown.",
    "true": "Label in the ground truth. In grey: the true object that a false one overlaps best.",
    "found": "Label in the segmentation. In grey: the predicted object that overlaps a missed one best.",
    "IoU": "Pixels that both have, of the pixels that either has; 0 where nothing overlaps.",
    "area": "Pixels of the true object, or of the false one.",
}

_RANK = np.array([0, 2, 0, 1])
"""In which order kinds stand, by their number: what went wrong comes first."""


class ComparedObjects(Rows):
    """Objects of a comparison.

    Parameters
    ----------
    found
        The objects.
    other_axes
        The axes whose position the column *plane* tells.
    icons
        Of the kinds of objects.
    """

    def __init__(self, found: MatchTable, other_axes: tuple[int, ...], icons: Mapping[Kind, QIcon]) -> None:
        self._found = found
        self._icons = icons
        self._planes: NDArray[np.int64] = found.box[:, list(other_axes)]

    def __len__(self) -> int:
        return len(self._found.kind)

    def cell(self, row: int, column: str) -> Cell:
        """Return what stands in a cell."""
        found, kind = self._found, Kind(self._found.kind[row])
        if column == "kind":
            return Cell(NAMES[kind], icon=self._icons[kind])
        if column == "plane":
            return Cell(", ".join(str(p) for p in self._planes[row]))
        if column == "IoU":
            return Cell(f"{found.iou[row]:.3f}")
        value = int({"true": found.truth, "found": found.predicted, "area": found.area}[column][row])
        # in grey: an object that the row is not about
        partner = {"true": kind == Kind.FALSE, "found": kind == Kind.MISSED}.get(column, False)
        return Cell(str(value) if value else "–", grey=partner)

    def identity(self, row: int) -> Hashable:
        """Return what names an object while thresholds change: whose it is, its label, and its plane."""
        false = self._found.kind[row] == Kind.FALSE
        label = (self._found.predicted if false else self._found.truth)[row]
        return (int(false), int(label), *(int(p) for p in self._planes[row]))

    def find(self, identity: Hashable) -> int | None:
        """Return the row of the object that `identity` names, if it is there."""
        if not isinstance(identity, tuple) or len(identity) != 2 + self._planes.shape[1]:
            return None
        false, label, *plane = identity
        there = (self._found.kind == Kind.FALSE) == bool(false)
        there &= np.where(false, self._found.predicted, self._found.truth) == label
        there &= (self._planes == plane).all(axis=1)
        rows = np.flatnonzero(there)
        return int(rows[0]) if len(rows) else None

    def order(self, column: str, descending: bool) -> NDArray[np.intp]:
        """Sort by a column; what is alike there, by kind and IoU."""
        found = self._found
        keys: dict[str, list[NDArray[Any]]] = {
            "kind": [_RANK[found.kind]],
            "plane": list(self._planes.T),
            "true": [found.truth],
            "found": [found.predicted],
            "IoU": [found.iou],
            "area": [found.area],
        }
        first = [-key if descending else key for key in keys[column]]
        order: NDArray[np.intp] = np.lexsort((found.iou, _RANK[found.kind], *first[::-1]))
        return order


class ObjectsTable(RowsTable):
    """The table of them."""

    def __init__(self) -> None:
        super().__init__(COLUMNS, "Objects: hits, missed, false")
        self._icons = {kind: _swatch(colour) for kind, colour in COLOURS.items()}
        self.setSortingEnabled(True)
        self.sortByColumn(0, Qt.SortOrder.AscendingOrder)
        self.headings.setSectionResizeMode(0, QHeaderView.ResizeMode.ResizeToContents)

    def show_found(self, found: MatchTable | None, other_axes: tuple[int, ...] = ()) -> None:
        """Show other objects, None for no rows; `other_axes` as in `ComparedObjects`."""
        self.show_rows(Rows() if found is None else ComparedObjects(found, other_axes, self._icons))
        self.setColumnHidden(1, not other_axes)


def _swatch(colour: str) -> QIcon:
    """Return a square of a colour that stays the same in a selected row."""
    pixmap = QPixmap(14, 14)
    pixmap.fill(QColor(colour))
    icon = QIcon(pixmap)
    icon.addPixmap(pixmap, QIcon.Mode.Selected)
    return icon
