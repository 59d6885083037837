"""In which format results are written: the Labels layer now, and what a recipe gives later."""

from __future__ import annotations

from typing import Any

from magicgui.widgets import ComboBox, PushButton
from qtpy.QtWidgets import QSizePolicy

from napari_fastsam.core.recipe import OutputPart
from napari_fastsam.io.formats import registry
from napari_fastsam.widgets.common.controls import row
from napari_fastsam.widgets.segment.parts.panel import Panel


class ExportPanel(Panel):
    """The formats that there are, and the button that writes one."""

    def __init__(self) -> None:
        self.format: Any = ComboBox(
            name="format",
            choices=lambda _: [(f.description, f.name) for f in registry.writers()],
            value=OutputPart().format,
            tooltip="What Export writes, and what a recipe that is saved now has written on other images.",
        )
        # as wide as the dock leaves it: what formats are called is long
        self.format.native.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        button = PushButton(
            name="export_button",
            text="Export …",
            tooltip="The Labels layer beside “Add to labels” as a file of this format.",
        )
        self.written: Any = row("written", self.format, button)
        super().__init__(self.written)

    @property
    def output(self) -> OutputPart:
        """What a recipe has written: labels in the format chosen, or in the usual one and that format too."""
        chosen = registry.writer(self.format.value)
        return OutputPart(chosen.name) if chosen.keeps_labels else OutputPart(also=(chosen.name,))
