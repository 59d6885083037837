"""Controls that several docks have: choices of layers and devices, and how narrow all of them can be."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from magicgui.widgets import ComboBox, Container, FloatSlider, FloatSpinBox, SpinBox
from qtpy.QtWidgets import QComboBox, QDoubleSpinBox

from napari_fastsam.widgets.common.elided import elide
from napari_fastsam.widgets.common.wheel import scroll_past

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Layer

DEVICES = ("auto", "cpu", "cuda", "mps")
PREVIEW_KEY = "napari-fastsam preview"
"""A Labels layer whose metadata have this key is a dock's preview."""


def layers_of(viewer: ViewerModel, kind: type[Layer]) -> Callable[[Any], list[Layer]]:
    """Return a source of choices: the viewer's layers of one kind, previews left out."""

    def choices(_: Any) -> list[Layer]:
        return [layer for layer in viewer.layers if isinstance(layer, kind) and PREVIEW_KEY not in layer.metadata]

    return choices


def row(name: str, *widgets: Any, **options: Any) -> Container[Any]:
    """Put controls side by side; `options` are those of magicgui's Container."""
    return Container(name=name, layout="horizontal", labels=False, widgets=list(widgets), **options)


def show_if(control: Any, wanted: bool) -> None:
    """Show a control, or hide it, without changing anything where that is so already."""
    # `visible` is False too while the dock is out of sight
    if control.native.isHidden() == wanted:
        control.visible = wanted


def make_compact(controls: list[Any]) -> None:
    """Let the controls be as narrow as a dock beside a picture should be."""
    for control in controls:
        if isinstance(control, ComboBox):
            control.native.setMinimumContentsLength(10)
            control.native.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
            control.native.setMinimumWidth(60)  # Qt goes by the longest item of a list that came later
            elide(control.native)
            scroll_past(control.native)
        elif isinstance(control, Container):
            control.margins = (0, 0, 0, 0)
            make_compact(list(control))
        elif isinstance(control, SpinBox | FloatSpinBox):
            control.native.setMinimumWidth(70)
            # or each digit that is typed would ask for another answer
            control.native.setKeyboardTracking(False)
            scroll_past(control.native)
        elif isinstance(control, FloatSlider):
            readout = control.native.findChild(QDoubleSpinBox)
            # napari's style wants it wide, and leaves nothing for the slider
            width = readout.fontMetrics().horizontalAdvance("-0.000")
            readout.setStyleSheet(f"min-width: {width}px; max-width: {width}px; padding: 0 2px;")
            scroll_past(control.native)
