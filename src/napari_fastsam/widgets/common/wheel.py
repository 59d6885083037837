"""The mouse wheel in a dock: it scrolls, and changes a value only where that has the keyboard."""

from __future__ import annotations

from qtpy.QtCore import QEvent, QObject, Qt
from qtpy.QtWidgets import QAbstractSlider, QAbstractSpinBox, QComboBox, QWidget


def scroll_past(widget: QWidget) -> None:
    """Let the wheel scroll past a control that has not the keyboard: who scrolls a dock wants no other model.

    Parameters
    ----------
    widget
        A list, a field of numbers or a slider, or what holds some.
    """
    for kind in (QComboBox, QAbstractSpinBox, QAbstractSlider):
        for control in [*([widget] if isinstance(widget, kind) else []), *widget.findChildren(kind)]:
            if control.focusPolicy() == Qt.FocusPolicy.WheelFocus:
                control.setFocusPolicy(Qt.FocusPolicy.StrongFocus)  # or the wheel gives it the keyboard first
            control.installEventFilter(_Past(control))


class _Past(QObject):
    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Pass the wheel on to what lies around the control, unless that has the keyboard."""
        if event is None or event.type() != QEvent.Type.Wheel or not isinstance(watched, QWidget):
            return False
        if watched.hasFocus():
            return False
        event.ignore()
        return True
