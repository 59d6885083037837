"""The list of pairs to train on: which layers, and how much there is to learn from, counted in the background."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QSize, Qt, QTimer
from qtpy.QtGui import QKeyEvent
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QLabel, QSizePolicy, QVBoxLayout, QWidget

from napari_fastsam.errors import FastSAMError
from napari_fastsam.layers.connections import Connections, layer_emitters
from napari_fastsam.layers.training.pairs import Counted, Known, TrainingPair, find_pair
from napari_fastsam.widgets.common.frame import make_readable
from napari_fastsam.widgets.common.runner import Runner
from napari_fastsam.widgets.common.table import Cell, Rows, RowsTable
from napari_fastsam.widgets.common.text import as_html, plain
from napari_fastsam.widgets.train import messages

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image, Labels, Shapes

    from napari_fastsam.layers.training.decisions import Rejected

RECOUNT_MS = 700
"""Labels are counted again this long after they were last changed: painting should not wait for it."""

COLUMNS: Mapping[str, str] = {
    "image": "The image.",
    "labels": "Its labels, and the regions that are labelled where not all of it is.",
    "to learn from": "How many images and objects there are.",
}


@dataclass(eq=False)
class PairRow:
    """A pair in the list: its layers, and what is known of it.

    Attributes
    ----------
    image, labels, regions
        The layers.
    partly, left_out
        Whether only the labelled objects are decided, and the layer in which it is painted where nothing is.
    rejected
        Gives the proposals that are no objects, as far as that was decided by now.
    pair
        How they lay on each other when they were last looked at: later looks mean the same planes.
    counted
        How much there is; None = not counted yet, or changed since.
    problem
        Why the layers do not fit each other any more; empty = they do.
    """

    image: Image
    labels: Labels
    regions: Shapes | None
    partly: bool = False
    left_out: Labels | None = None
    rejected: Callable[[], tuple[Rejected, ...]] = tuple
    pair: TrainingPair | None = None
    counted: Counted | None = None
    problem: str = ""
    listening: Connections = field(default_factory=Connections)

    def has(self, layer: Any) -> bool:
        """Whether `layer` is one of its layers."""
        # a proxy of a layer equals it without being it
        return any(own is not None and own == layer for own in (self.image, self.labels, self.regions, self.left_out))

    def says_the_same(self, other: PairRow) -> bool:
        """Whether the same is decided of the same layers."""
        mine, others = (
            (row.image, row.labels, row.regions, row.left_out, row.partly, row.rejected is tuple)
            for row in (self, other)
        )
        return all(one is two or one == two for one, two in zip(mine, others, strict=True))

    def find(self, viewer: ViewerModel) -> TrainingPair:
        """Lay the layers on each other as they are now."""
        known = Known(self.partly, self.rejected(), self.left_out)
        self.pair = find_pair(viewer, self.image, self.labels, self.regions, self.pair, known)
        return self.pair


class PairsTable(QWidget):
    """Shows the pairs and keeps their numbers up to date.

    Parameters
    ----------
    viewer
        The viewer that holds the layers.
    """

    def __init__(self, viewer: ViewerModel) -> None:
        super().__init__()
        self._viewer = viewer
        self.rows: list[PairRow] = []
        self._counting: PairRow | None = None
        self._counter = Runner(lambda _: None, self._counted)
        self._wait = QTimer()  # without a parent: it is stopped after the window is gone
        self._wait.setSingleShot(True)
        self._wait.setInterval(RECOUNT_MS)
        self._wait.timeout.connect(self._count_next)
        self.table = PairsView(self.remove_selected)
        self.summary = QLabel()
        make_readable(self.summary)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.table, 1)
        layout.addWidget(self.summary)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)
        self._show()

    @property
    def busy(self) -> bool:
        """Whether something is still to be counted."""
        return self._counter.busy or self._wait.isActive()

    def add(
        self,
        image: Image,
        labels: Labels,
        regions: Shapes | None,
        partly: bool = False,
        left_out: Labels | None = None,
        rejected: Callable[[], tuple[Rejected, ...]] = tuple,
    ) -> bool:
        """Add a pair; False if it is there already, and says the same. The last three are as in `PairRow`.

        An image and its labels are there once, or they would be learnt twice, and measured by what was learnt: chosen
        again, they say what is decided now. What was rejected stays so; where only that is told, so do the layers.

        Raises
        ------
        FastSAMError
            If the layers do not fit each other.
        """
        row = PairRow(image, labels, regions, partly, left_out, rejected)
        place = next((i for i, old in enumerate(self.rows) if old.image == image and old.labels == labels), None)
        there = None if place is None else self.rows[place]
        if there is not None and rejected is tuple:
            row.rejected = there.rejected
        elif there is not None:
            row.regions, row.left_out = there.regions, there.left_out
        if there is not None and row.says_the_same(there):
            return False
        row.find(self._viewer)
        if there is not None:
            self._drop(there)
        emitters = [*layer_emitters(labels, "data", "paint", "labels_update"), *layer_emitters(image, "data")]
        if regions is not None:
            emitters += layer_emitters(regions, "data")
        row.listening.connect(emitters, lambda *_: self._changed(row))
        self.rows.insert(len(self.rows) if place is None else place, row)
        self._show()
        self._count_next()
        return True

    def remove_selected(self) -> None:
        """Take the selected pairs off the list; the layers stay."""
        for index in sorted(self.table.selected, reverse=True):
            self._drop(self.rows[index])

    def layer_removed(self, layer: Any) -> None:
        """Take pairs off the list whose layer is gone."""
        for row in [row for row in self.rows if row.has(layer)]:
            self._drop(row)

    def refresh(self) -> None:
        """Show the layers' names as they are now."""
        self._show()

    def pairs(self) -> list[TrainingPair]:
        """Return all pairs as their layers lie now.

        Raises
        ------
        FastSAMError
            If the layers of one do not fit each other any more.
        """
        return [row.find(self._viewer) for row in self.rows]

    def close_down(self) -> None:
        """Let go of the layers, and end the counting."""
        self._wait.stop()
        self._counter.close()
        for row in self.rows:
            row.listening.undo()

    # ---------------------------------------------------------------- counting

    def _changed(self, row: PairRow) -> None:
        row.counted, row.problem = None, ""
        self._wait.start()

    def _count_next(self) -> None:
        if self._counter.busy:
            return
        row = next((row for row in self.rows if row.counted is None and not row.problem), None)
        if row is None:
            return
        try:
            pair = row.find(self._viewer)
        except FastSAMError as error:
            row.problem = str(error)
            self._show()
            self._count_next()
            return
        self._counting = row
        row.counted = Counted(0, 0)  # what changes from here on is noticed
        self._counter.start(lambda: _counting(pair, row), None)

    def _counted(self, error: Exception | None, cancelled: bool) -> None:
        row, self._counting = self._counting, None
        if row is not None and error is not None:
            row.problem = str(error)
        self._show()
        if not self._wait.isActive():
            self._count_next()

    def _drop(self, row: PairRow) -> None:
        row.listening.undo()
        self.rows.remove(row)
        self._show()

    # ---------------------------------------------------------------- showing

    def _show(self) -> None:
        self.table.show_rows(PairRows([self._texts(row) for row in self.rows], self.rows))
        counts = [row.counted for row in self.rows if row.counted is not None]
        if not self.rows:
            self.summary.setText(as_html(messages.NO_PAIRS))
        else:
            problems = tuple(row.problem for row in self.rows if row.problem)
            doubts = tuple(doubt for count in counts for doubt in count.doubts)
            self.summary.setText(as_html(messages.total(counts), (*problems, *doubts)))

    def _texts(self, row: PairRow) -> tuple[str, str, str]:
        learnt = "counting …" if row.counted is None or row is self._counting else messages.counted(row.counted)
        labels = row.labels.name + (f" in {row.regions.name}" if row.regions is not None else "")
        labels += ", only these" if row.partly else ""
        labels += f" without {row.left_out.name}" if row.left_out is not None else ""
        return row.image.name, labels, "does not fit" if row.problem else learnt


class PairRows(Rows):
    """Pairs as rows of texts: the image, its labels, how much there is to learn from."""

    def __init__(self, texts: list[tuple[str, str, str]], pairs: Iterable[Hashable]) -> None:
        self._texts, self._pairs = texts, tuple(pairs)

    def __len__(self) -> int:
        return len(self._texts)

    def identity(self, row: int) -> Hashable:
        """Return the pair: others above it may go."""
        return self._pairs[row]

    def cell(self, row: int, column: str) -> Cell:
        """Return what stands in a cell; the same is its tooltip, as it may be cut there."""
        text = self._texts[row][list(COLUMNS).index(column)]
        return Cell(text, tooltip=plain(text))


class PairsView(RowsTable):
    """Three columns that fit into a dock; Delete takes the selected pairs off the list."""

    def __init__(self, on_delete: Callable[[], object]) -> None:
        super().__init__(COLUMNS, "Pairs to train on", numbers=False)
        self._on_delete = on_delete
        self.setToolTip("The pairs to train on. Select some and press Delete to take them off the list.")
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setMinimumHeight(90)
        self.headings.setSectionResizeMode(2, QHeaderView.ResizeMode.ResizeToContents)

    def sizeHint(self) -> QSize:
        """Say how large the table likes to be: it takes what the curves leave."""
        return QSize(200, 110)

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        """Delete takes the selected pairs off the list."""
        if event is not None and event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self._on_delete()
            return
        super().keyPressEvent(event)


def _counting(pair: TrainingPair, row: PairRow) -> Iterator[str]:
    for found in pair.counts():
        result = found
        yield ""
    # a change during the count makes it None again, and then it is not what was counted
    if row.counted is not None:
        row.counted = result
