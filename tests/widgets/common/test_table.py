"""Which rows of a table are chosen while others are shown."""

from __future__ import annotations

import pytest
from qtpy.QtWidgets import QAbstractItemView

from napari_fastsam.widgets.common.table import Cell, Rows, RowsTable


class Names(Rows):
    """A row a name."""

    def __init__(self, *names):
        self._names = names

    def __len__(self):
        return len(self._names)

    def cell(self, row, column):
        return Cell(self._names[row])

    def identity(self, row):
        return self._names[row]


@pytest.fixture
def table(qtbot):
    table = RowsTable({"name": "What it is called."}, "names")
    qtbot.addWidget(table)
    table.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
    table.show_rows(Names("a", "b", "c"))
    return table


def test_what_is_chosen_stays_so_when_rows_come_and_go(table):
    table.selectRow(1)
    table.show_rows(Names("b", "c", "d"))
    assert table.selected == [0]
    table.show_rows(Names())
    table.show_rows(Names("a", "b"))
    assert table.selected == [1]


def test_what_was_let_go_of_is_not_chosen_again(table):
    table.selectRow(1)
    table.clearSelection()
    table.show_rows(Names("a", "b", "c"))
    assert table.selected == []
