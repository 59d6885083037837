"""The table of compared objects: sorted by any column; choosing a row says so."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QAbstractTableModel, QModelIndex, Qt, Signal  # type: ignore[attr-defined]
from qtpy.QtGui import QColor, QIcon, QPixmap
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QTableView

from napari_fastsam.core.judging.comparison import Kind, MatchTable
from napari_fastsam.layers.comparison.compare import COLOURS, NAMES

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


class ObjectsModel(QAbstractTableModel):
    """Rows of `MatchTable`, in the order in which they are shown."""

    def __init__(self) -> None:
        super().__init__()
        self._found: MatchTable | None = None
        self._planes: NDArray[np.int64] = np.zeros((0, 0), np.int64)
        self._order: NDArray[np.intp] = np.zeros(0, np.intp)
        self._sorting = (0, False)
        self._icons = {kind: _swatch(colour) for kind, colour in COLOURS.items()}

    def show(self, found: MatchTable | None, other_axes: tuple[int, ...]) -> None:
        """Show other objects; the order by which they are sorted stays.

        Parameters
        ----------
        found
            None for no rows.
        other_axes
            The axes whose position the column *plane* tells.
        """
        self.beginResetModel()
        self._found = found
        self._planes = np.zeros((0, 0), np.int64) if found is None else found.box[:, list(other_axes)]
        self._order = self._sorted()
        self.endResetModel()

    def object_at(self, row: int) -> int:
        """Return which object of `MatchTable` a row shows."""
        return int(self._order[row])

    def row_of(self, identity: tuple[int, ...]) -> int | None:
        """Return where the object stands that `identity` names, if it is there."""
        if self._found is None or len(identity) != 2 + self._planes.shape[1]:
            return None
        false, label, *plane = identity
        there = (self._found.kind == Kind.FALSE) == bool(false)
        there &= np.where(false, self._found.predicted, self._found.truth) == label
        there &= (self._planes == plane).all(axis=1)
        rows = np.flatnonzero(there[self._order])
        return int(rows[0]) if len(rows) else None

    def identity(self, i: int) -> tuple[int, ...]:
        """Return what names an object while thresholds change: whose it is, its label, and its plane."""
        if self._found is None:
            return ()
        false = self._found.kind[i] == Kind.FALSE
        label = (self._found.predicted if false else self._found.truth)[i]
        return (int(false), int(label), *(int(p) for p in self._planes[i]))

    def rowCount(self, parent: QModelIndex | None = None) -> int:
        """Return the number of objects."""
        return 0 if parent is not None and parent.isValid() else len(self._order)

    def columnCount(self, parent: QModelIndex | None = None) -> int:
        """Return the number of columns."""
        return 0 if parent is not None and parent.isValid() else len(COLUMNS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = 0) -> Any:
        """Return a column's name, or what it means."""
        if orientation != Qt.Orientation.Horizontal:
            return None
        name = list(COLUMNS)[section]
        return {Qt.ItemDataRole.DisplayRole: name, Qt.ItemDataRole.ToolTipRole: COLUMNS[name]}.get(
            Qt.ItemDataRole(role)
        )

    def data(self, index: QModelIndex, role: int = 0) -> Any:
        """Return what a cell shows."""
        if self._found is None or not index.isValid():
            return None
        i, column = self.object_at(index.row()), index.column()
        if role == Qt.ItemDataRole.DisplayRole:
            return self._text(i, column)
        if role == Qt.ItemDataRole.DecorationRole and column == 0:
            return self._icons[Kind(self._found.kind[i])]
        if role == Qt.ItemDataRole.TextAlignmentRole and column > 0:
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        if role == Qt.ItemDataRole.ForegroundRole and self._is_partner_only(i, column):
            return QColor("#909090")
        return None

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """Sort by a column; what is alike there, by kind and IoU."""
        self._sorting = (column, order == Qt.SortOrder.DescendingOrder)
        self.layoutAboutToBeChanged.emit()
        before, kept = self._order, self.persistentIndexList()
        self._order = self._sorted()
        place = np.empty(len(self._order), np.intp)
        place[self._order] = np.arange(len(self._order))
        self.changePersistentIndexList(kept, [self.index(int(place[before[old.row()]]), old.column()) for old in kept])
        self.layoutChanged.emit()

    def _text(self, i: int, column: int) -> str:
        found = self._found
        if found is None:
            return ""
        name = list(COLUMNS)[column]
        if name == "kind":
            return NAMES[Kind(found.kind[i])]
        if name == "plane":
            return ", ".join(str(p) for p in self._planes[i])
        if name == "IoU":
            return f"{found.iou[i]:.3f}"
        value = int({"true": found.truth, "found": found.predicted, "area": found.area}[name][i])
        return str(value) if value else "–"

    def _is_partner_only(self, i: int, column: int) -> bool:
        """Whether a cell names an object that the row is not about."""
        if self._found is None:
            return False
        kind = self._found.kind[i]
        name = list(COLUMNS)[column]
        return (name == "true" and kind == Kind.FALSE) or (name == "found" and kind == Kind.MISSED)

    def _sorted(self) -> NDArray[np.intp]:
        found = self._found
        if found is None:
            return np.zeros(0, np.intp)
        column, descending = self._sorting
        keys: dict[str, list[NDArray[Any]]] = {
            "kind": [_RANK[found.kind]],
            "plane": list(self._planes.T),
            "true": [found.truth],
            "found": [found.predicted],
            "IoU": [found.iou],
            "area": [found.area],
        }
        first = [-key if descending else key for key in keys[list(COLUMNS)[column]]]
        wanted: NDArray[np.intp] = np.lexsort((found.iou, _RANK[found.kind], *first[::-1]))
        return wanted


class ObjectsTable(QTableView):
    """The view of it: one row is chosen, with the mouse or the keyboard."""

    chosen = Signal(int)
    """Which object of `MatchTable` is to be gone to."""

    def __init__(self) -> None:
        super().__init__()
        self.objects = ObjectsModel()
        self.setModel(self.objects)
        self._wanted: tuple[int, ...] = ()
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setSortingEnabled(True)
        self.sortByColumn(0, Qt.SortOrder.AscendingOrder)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.setMinimumHeight(150)
        self.setToolTip("Click a row, or go through them with the arrow keys: the view goes to the object.")
        self.setAccessibleName("Objects: hits, missed, false")
        rows, columns = self.verticalHeader(), self.horizontalHeader()
        if rows is not None and columns is not None:
            rows.setVisible(False)
            rows.setDefaultSectionSize(22)
            columns.setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
            columns.setSectionResizeMode(0, QHeaderView.ResizeMode.ResizeToContents)
            columns.setMinimumSectionSize(36)
            columns.setHighlightSections(False)
        self._quiet = False
        selection = self.selectionModel()
        if selection is not None:
            # not the current row: Qt makes the first one current when the table gets the focus
            selection.selectionChanged.connect(lambda *_: self._choose_selected())
        self.clicked.connect(lambda *_: self._choose_selected())  # once more, after the view was moved

    def show_found(self, found: MatchTable | None, other_axes: tuple[int, ...] = ()) -> None:
        """Show other objects; the row that was chosen stays so if its object is still there, and the view stays."""
        self._quiet = True
        try:
            self.objects.show(found, other_axes)
            self.setColumnHidden(1, not other_axes)
            row = self.objects.row_of(self._wanted) if self._wanted else None
            if row is not None:
                self.selectRow(row)
        finally:
            self._quiet = False

    def _choose_selected(self) -> None:
        selection = self.selectionModel()
        rows = [] if selection is None else selection.selectedRows()
        if rows and not self._quiet:
            i = self.objects.object_at(rows[0].row())
            self._wanted = self.objects.identity(i)
            self.chosen.emit(i)


def _swatch(colour: str) -> QIcon:
    """Return a square of a colour that stays the same in a selected row."""
    pixmap = QPixmap(14, 14)
    pixmap.fill(QColor(colour))
    icon = QIcon(pixmap)
    icon.addPixmap(pixmap, QIcon.Mode.Selected)
    return icon
