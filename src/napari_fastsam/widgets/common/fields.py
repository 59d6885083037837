"""Rows of a dock: names on the left, fields on the right, which all begin at one place."""

from __future__ import annotations

from qtpy.QtCore import QSize, Qt
from qtpy.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QSizePolicy, QWidget

WIDEST = "Network input"
"""The longest name of a field. All are as wide, in rows that are unfolded later too, and whatever the font is."""

SPACING = 4


class FieldName(QLabel):
    """What a field is called."""

    def sizeHint(self) -> QSize:
        """Return the width of the widest name, so that fields below each other begin at one place."""
        needed = max(self.fontMetrics().horizontalAdvance(text) for text in (WIDEST, self.text()))
        return QSize(needed + 2 * SPACING, super().sizeHint().height())

    def minimumSizeHint(self) -> QSize:
        """Return the same: a name is not cut."""
        return self.sizeHint()


class Fields(QWidget):
    """Rows, from top to bottom."""

    def __init__(self) -> None:
        super().__init__()
        self._grid = grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(0)
        grid.setVerticalSpacing(SPACING)
        grid.setColumnStretch(1, 1)

    def add(self, name: str, *fields: QWidget) -> None:
        """Put a field in a row, or some side by side, behind a name; without one, the row goes when they are hidden."""
        row = self._grid.rowCount()
        self._grid.addWidget(beside(*fields), row, 1)
        if not name:
            return
        label = FieldName(name)
        label.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Preferred)
        label.setToolTip(next((tip for tip in (field.toolTip() for field in fields) if tip), ""))
        self._grid.addWidget(label, row, 0, Qt.AlignmentFlag.AlignVCenter)

    def add_wide(self, *widgets: QWidget) -> None:
        """Put widgets side by side over the whole width."""
        self._grid.addWidget(beside(*widgets), self._grid.rowCount(), 0, 1, 2)


def beside(*widgets: QWidget) -> QWidget:
    """Put widgets side by side; one alone stays as it is."""
    if len(widgets) == 1:
        return widgets[0]
    together = QWidget()
    layout = QHBoxLayout(together)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(SPACING)
    for widget in widgets:
        layout.addWidget(widget)
    return together
