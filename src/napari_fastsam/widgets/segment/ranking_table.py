"""The table of objects that were searched for, the most similar first; choosing a row says so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QAbstractTableModel, QModelIndex, Qt, Signal  # type: ignore[attr-defined]
from qtpy.QtGui import QColor
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QTableView

from napari_fastsam.layers.answers.results import Result
from napari_fastsam.layers.prompts.places import named

COLUMNS: Mapping[str, str] = {
    "like": "What the object was compared with.",
    "similarity": "To a text: the cosine. To the examples: 1 is like them, 0 like the plane's average object.",
    "label": "The object's number in the preview; – if it is not similar enough, or another question has it.",
    "confidence": "How sure the network is that this is an object.",
    "area": "Pixels of the object.",
}


@dataclass(frozen=True, eq=False)
class RankedObjects:
    """Objects by question and similarity, (R,) each.

    Attributes
    ----------
    like
        Names of the questions.
    positions
        Of the objects in `Result.searched`.
    similarity, labels, confidence, areas
        What the columns show; label 0 = none.
    identities
        What tells the objects apart while sliders move.
    """

    like: tuple[str, ...]
    positions: NDArray[np.intp]
    similarity: NDArray[np.float32]
    labels: NDArray[np.int64]
    confidence: NDArray[np.float32]
    areas: NDArray[np.int64]
    identities: NDArray[np.intp]


def ranking_of(result: Result | None) -> RankedObjects | None:
    """Return what a result's table shows; None if nothing was searched for."""
    if result is None or result.searched is None or not result.questions:
        return None
    searched, read = result.searched, result.request.read
    numbers = {(o.prompt, o.identity): o.number for o in result.objects if o.text}
    names = [named(question.query, read) for question in result.questions]
    orders = [np.argsort(-question.similarities, kind="stable") for question in result.questions]
    positions = np.concatenate(orders)
    like = tuple(name for name, order in zip(names, orders, strict=True) for _ in order)
    identities = searched.identities[positions]
    labels = [numbers.get((name, int(identity)), 0) for name, identity in zip(like, identities, strict=True)]
    similarity = [question.similarities[order] for question, order in zip(result.questions, orders, strict=True)]
    return RankedObjects(
        like,
        positions,
        np.concatenate(similarity),
        np.array(labels, np.int64),
        searched.scores[positions],
        searched.areas[positions],
        identities,
    )


class RankingModel(QAbstractTableModel):
    """Rows of a `RankedObjects`, in its order."""

    def __init__(self) -> None:
        super().__init__()
        self.ranking: RankedObjects | None = None

    def show(self, ranking: RankedObjects | None) -> None:
        """Show another ranking."""
        self.beginResetModel()
        self.ranking = ranking
        self.endResetModel()

    def rowCount(self, parent: QModelIndex | None = None) -> int:
        """Return the number of rows."""
        below = parent is not None and parent.isValid()
        return 0 if below or self.ranking is None else len(self.ranking.like)

    def columnCount(self, parent: QModelIndex | None = None) -> int:
        """Return the number of columns."""
        return 0 if parent is not None and parent.isValid() else len(COLUMNS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = 0) -> Any:
        """Return a column's name, or what it means."""
        if orientation != Qt.Orientation.Horizontal:
            return None
        name = list(COLUMNS)[section]
        texts = {Qt.ItemDataRole.DisplayRole: name, Qt.ItemDataRole.ToolTipRole: COLUMNS[name]}
        return texts.get(Qt.ItemDataRole(role))

    def data(self, index: QModelIndex, role: int = 0) -> Any:
        """Return what a cell shows."""
        if self.ranking is None or not index.isValid():
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return self._text(self.ranking, index.row(), list(COLUMNS)[index.column()])
        if role == Qt.ItemDataRole.TextAlignmentRole and index.column() > 0:
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        if role == Qt.ItemDataRole.ForegroundRole and not self.ranking.labels[index.row()]:
            return QColor("#909090")
        return None

    def _text(self, ranking: RankedObjects, row: int, column: str) -> str:
        if column == "like":
            return ranking.like[row]
        if column == "label":
            return str(ranking.labels[row]) if ranking.labels[row] else "–"
        if column == "area":
            return str(ranking.areas[row])
        return f"{(ranking.similarity if column == 'similarity' else ranking.confidence)[row]:.3f}"


class RankingTable(QTableView):
    """The view of it: one row is chosen, with the mouse or the keyboard."""

    chosen = Signal(int)
    """Which row is to be gone to."""

    def __init__(self) -> None:
        super().__init__()
        self.rows = RankingModel()
        self.setModel(self.rows)
        self._quiet = False
        self._wanted: tuple[str, int] | None = None
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.setMinimumHeight(150)
        self.setToolTip("Click a row, or go through them with the arrow keys: the view goes to the object.")
        self.setAccessibleName("Objects by similarity")
        rows, columns = self.verticalHeader(), self.horizontalHeader()
        if rows is not None and columns is not None:
            rows.setVisible(False)
            rows.setDefaultSectionSize(22)
            columns.setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
            columns.setMinimumSectionSize(36)
            columns.setHighlightSections(False)
        selection = self.selectionModel()
        if selection is not None:
            selection.selectionChanged.connect(lambda *_: self._choose_selected())
        self.clicked.connect(lambda *_: self._choose_selected())  # once more, after the view was moved

    def show_ranking(self, ranking: RankedObjects | None) -> None:
        """Show another ranking; the row that was chosen stays so if its object is still there, and the view stays."""
        self._quiet = True
        try:
            self.rows.show(ranking)
            row = None if ranking is None or self._wanted is None else _row_of(ranking, self._wanted)
            if row is not None:
                self.selectRow(row)
        finally:
            self._quiet = False

    def _choose_selected(self) -> None:
        selection, ranking = self.selectionModel(), self.rows.ranking
        rows = [] if selection is None else selection.selectedRows()
        if rows and ranking is not None and not self._quiet:
            row = rows[0].row()
            self._wanted = (ranking.like[row], int(ranking.identities[row]))
            self.chosen.emit(row)


def _row_of(ranking: RankedObjects, wanted: tuple[str, int]) -> int | None:
    same = (i for i, like in enumerate(ranking.like) if like == wanted[0] and ranking.identities[i] == wanted[1])
    return next(same, None)
