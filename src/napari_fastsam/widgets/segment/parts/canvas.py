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
        self.hover = CheckBox(
            name="hover",
            text="hover",
            value=True,
            tooltip="Outline the object under the cursor; take it (Shift-Z), reject it (Shift-Backspace), "
            "take a larger or smaller one (Shift and the wheel).",
        )
        super().__init__(self.filled, self.hover)
