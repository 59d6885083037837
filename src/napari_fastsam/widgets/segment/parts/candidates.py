"""Which of the candidates for a prompt is taken; and taking back what was done."""

from __future__ import annotations

from typing import Any

from magicgui.widgets import Label, PushButton

from napari_fastsam.widgets.common.controls import row
from napari_fastsam.widgets.segment.parts.panel import Panel


class CandidatesPanel(Panel):
    """Smaller and larger objects for the prompt last touched, and steps back."""

    def __init__(self) -> None:
        self.alternatives: Any = row(
            "alternatives",
            PushButton(
                name="smaller", text="‹ smaller", tooltip="A smaller object for the prompt last touched. (Shift-Down)"
            ),
            Label(name="which", value=""),
            PushButton(
                name="larger", text="larger ›", tooltip="A larger object for the prompt last touched. (Shift-Up)"
            ),
        )
        self.steps: Any = row(
            "steps",
            PushButton(name="undo", text="", tooltip="Undo: take back what was done last. (Ctrl-Z)"),
            PushButton(name="redo", text="", tooltip="Redo: do again what was taken back. (Ctrl-Shift-Z)"),
        )
        self.clear_button = PushButton(
            name="clear_button", text="Clear", tooltip="Remove the prompts on this plane. (Shift-Delete)"
        )
        super().__init__(self.alternatives, self.steps, self.clear_button)
