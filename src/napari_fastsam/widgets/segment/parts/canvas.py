"""What is shown on the image, and how."""

from __future__ import annotations

from magicgui.widgets import CheckBox

from napari_fastsam.widgets.segment.parts.panel import Panel


class CanvasPanel(Panel):
    """Ticks for what is drawn over the image."""

    def __init__(self) -> None:
        self.filled = CheckBox(
            name="filled",
            text="filled",
            value=False,
            tooltip="Fill the objects of the preview; otherwise their outlines are drawn.",
        )
        super().__init__(self.filled)
