"""Choices of a combo box whose names are long: cut in the middle, with the whole name as a tooltip."""

from __future__ import annotations

from qtpy.QtCore import QEvent, QObject, Qt
from qtpy.QtGui import QHelpEvent, QPalette
from qtpy.QtWidgets import QComboBox, QStyle, QStyleOptionComboBox, QStylePainter, QToolTip

from napari_fastsam.widgets.common.text import plain

_MIDDLE = Qt.TextElideMode.ElideMiddle
_MARGIN = 2
"""Screen pixels that styles leave free beside a text."""


def elide(box: QComboBox) -> None:
    """Have long names in a combo box cut in the middle: what tells names of layers and files apart is often their end.

    Qt cuts what is chosen at the arrow, without a sign that anything is missing.
    """
    _Elided(box)


class _Elided(QObject):
    def __init__(self, box: QComboBox) -> None:
        super().__init__(box)
        self._box = box
        view = box.view()
        if view is not None:
            view.setTextElideMode(_MIDDLE)
        box.installEventFilter(self)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Draw the box, and tell the whole of a name that is cut."""
        if watched is not self._box or event is None:
            return False
        if event.type() == QEvent.Type.Paint:
            self._paint()
            return True
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            return self._tell(event)
        return False

    def _option(self) -> QStyleOptionComboBox:
        option = QStyleOptionComboBox()
        self._box.initStyleOption(option)
        return option

    def _elided(self, option: QStyleOptionComboBox) -> str:
        style, box, field = self._box.style(), self._box, QStyle.SubControl.SC_ComboBoxEditField
        if style is None:
            return str(option.currentText)
        room = style.subControlRect(QStyle.ComplexControl.CC_ComboBox, option, field, box).width() - _MARGIN
        if not option.currentIcon.isNull():
            room -= option.iconSize.width() + 2 * _MARGIN
        return str(box.fontMetrics().elidedText(option.currentText, _MIDDLE, room))

    def _paint(self) -> None:
        option, painter = self._option(), QStylePainter(self._box)
        painter.setPen(self._box.palette().color(QPalette.ColorRole.Text))
        painter.drawComplexControl(QStyle.ComplexControl.CC_ComboBox, option)
        option.currentText = self._elided(option)
        painter.drawControl(QStyle.ControlElement.CE_ComboBoxLabel, option)

    def _tell(self, event: QHelpEvent) -> bool:
        option = self._option()
        if self._elided(option) == option.currentText:
            return False
        tip = "\n".join(part for part in (option.currentText, self._box.toolTip()) if part)
        QToolTip.showText(event.globalPos(), plain(tip), self._box)
        return True
