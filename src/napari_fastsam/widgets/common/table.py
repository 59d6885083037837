"""Tables of the docks: one model for rows of any kind, and one view of which rows are chosen."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QAbstractTableModel, QItemSelectionModel, QModelIndex, Qt, Signal  # type: ignore[attr-defined]
from qtpy.QtGui import QColor, QIcon
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QTableView

_GREY = "#909090"
_WITH_ROW = QItemSelectionModel.SelectionFlag.Select | QItemSelectionModel.SelectionFlag.Rows


@dataclass(frozen=True)
class Cell:
    """What stands in one cell.

    Attributes
    ----------
    text
        The text.
    grey
        Whether it is in the background: of something that the row is not about.
    icon
        Before the text.
    tooltip
        Plain or rich, as Qt guesses.
    """

    text: str
    grey: bool = False
    icon: QIcon | None = None
    tooltip: str | None = None


class Rows:
    """What a table shows; rows are counted as they are here, however the table sorts them. This one is empty."""

    def __len__(self) -> int:
        return 0

    def cell(self, row: int, column: str) -> Cell:
        """Return what stands in a cell."""
        raise IndexError(row)

    def identity(self, row: int) -> Hashable:
        """Return what tells a row from others when other rows are shown."""
        return row

    def find(self, identity: Hashable) -> int | None:
        """Return the row with an identity, if there is one."""
        return next((row for row in range(len(self)) if self.identity(row) == identity), None)

    def order(self, column: str, descending: bool) -> NDArray[np.intp]:
        """Return (R,) rows in the order in which a table that is sorted by `column` shows them."""
        return np.arange(len(self))


class RowsModel(QAbstractTableModel):
    """Shows `Rows` to Qt.

    Parameters
    ----------
    columns
        Name to what it means.
    numbers
        Whether all columns but the first hold numbers, which stand at the right.
    """

    def __init__(self, columns: Mapping[str, str], numbers: bool = True) -> None:
        super().__init__()
        self.columns = columns
        self._numbers = numbers
        self._names = tuple(columns)
        self.rows = Rows()
        self._order: NDArray[np.intp] = np.zeros(0, np.intp)
        self._sorting = (0, False)

    def show(self, rows: Rows) -> None:
        """Show other rows; the order by which they are sorted stays."""
        self.beginResetModel()
        self.rows = rows
        self._order = self._sorted()
        self.endResetModel()

    def shown(self, index: int) -> int:
        """Return which of `rows` stands at a place of the table, counted from above."""
        return int(self._order[index])

    def place_of(self, identity: Hashable) -> int | None:
        """Return where the row with an identity stands in the table, if it is there."""
        row = self.rows.find(identity)
        return None if row is None else int(np.flatnonzero(self._order == row)[0])

    def rowCount(self, parent: QModelIndex | None = None) -> int:
        """Return the number of rows."""
        return 0 if parent is not None and parent.isValid() else len(self._order)

    def columnCount(self, parent: QModelIndex | None = None) -> int:
        """Return the number of columns."""
        return 0 if parent is not None and parent.isValid() else len(self._names)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = 0) -> Any:
        """Return a column's name, or what it means."""
        if orientation != Qt.Orientation.Horizontal:
            return None
        name = self._names[section]
        texts = {Qt.ItemDataRole.DisplayRole: name, Qt.ItemDataRole.ToolTipRole: self.columns[name]}
        return texts.get(Qt.ItemDataRole(role))

    def data(self, index: QModelIndex, role: int = 0) -> Any:
        """Return what a cell shows."""
        if not index.isValid():
            return None
        if role == Qt.ItemDataRole.TextAlignmentRole:
            right = index.column() > 0 and self._numbers
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter if right else None
        cell = self.rows.cell(self.shown(index.row()), self._names[index.column()])
        if role == Qt.ItemDataRole.DisplayRole:
            return cell.text
        if role == Qt.ItemDataRole.DecorationRole:
            return cell.icon
        if role == Qt.ItemDataRole.ToolTipRole:
            return cell.tooltip
        if role == Qt.ItemDataRole.ForegroundRole and cell.grey:
            return QColor(_GREY)
        return None

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """Sort by a column."""
        self._sorting = (column, order == Qt.SortOrder.DescendingOrder)
        self.layoutAboutToBeChanged.emit()
        before, kept = self._order, self.persistentIndexList()
        self._order = self._sorted()
        place = np.empty(len(self._order), np.intp)
        place[self._order] = np.arange(len(self._order))
        self.changePersistentIndexList(kept, [self.index(int(place[before[old.row()]]), old.column()) for old in kept])
        self.layoutChanged.emit()

    def _sorted(self) -> NDArray[np.intp]:
        column, descending = self._sorting
        return self.rows.order(self._names[column], descending)


class RowsTable(QTableView):
    """The view of it: rows are chosen with the mouse or the keyboard.

    Parameters
    ----------
    columns
        Name to what it means.
    name
        For people who hear the screen.
    numbers
        As in `RowsModel`.
    """

    chosen = Signal(int)
    """Which of the rows shown is to be gone to."""

    def __init__(self, columns: Mapping[str, str], name: str, numbers: bool = True) -> None:
        super().__init__()
        self.rows = RowsModel(columns, numbers)
        self.setModel(self.rows)
        self._quiet = False
        self._chosen: tuple[Hashable, ...] = ()
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.setMinimumHeight(150)
        self.setToolTip("Click a row, or go through them with the arrow keys: the view goes to the object.")
        self.setAccessibleName(name)
        rows, headings = self.verticalHeader(), self.headings
        if rows is not None:
            rows.setVisible(False)
            rows.setDefaultSectionSize(22)
        headings.setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        headings.setMinimumSectionSize(36)
        headings.setHighlightSections(False)
        selection = self.selectionModel()
        if selection is not None:
            # not the current row: Qt makes the first one current when the table gets the focus
            selection.selectionChanged.connect(lambda *_: self._choose_selected())
        self.clicked.connect(lambda *_: self._choose_selected())  # once more, after the view was moved

    @property
    def headings(self) -> QHeaderView:
        """The headings of the columns."""
        return self.horizontalHeader()  # type: ignore[return-value] # a table view always has some

    @property
    def selected(self) -> list[int]:
        """Which of the rows shown are selected."""
        selection = self.selectionModel()
        return [] if selection is None else [self.rows.shown(index.row()) for index in selection.selectedRows()]

    def show_rows(self, rows: Rows) -> None:
        """Show other rows; what was chosen stays so if it is still there, and the view stays."""
        self._quiet = True
        try:
            self.rows.show(rows)
            places = [place for place in map(self.rows.place_of, self._chosen) if place is not None]
            selection = self.selectionModel()
            if places and selection is not None:
                self.selectRow(places[0])  # the arrow keys go on from here
                for place in places[1:]:
                    selection.select(self.rows.index(place, 0), _WITH_ROW)
        finally:
            self._quiet = False

    def _choose_selected(self) -> None:
        if self._quiet:
            return
        selected = self.selected
        self._chosen = tuple(self.rows.rows.identity(row) for row in selected)
        if selected:
            self.chosen.emit(selected[0])
