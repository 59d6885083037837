"""Which of the candidates for a prompt is taken."""

from __future__ import annotations

from typing import Any

from magicgui.widgets import PushButton

from napari_fastsam.widgets.common.controls import row
from napari_fastsam.widgets.segment.parts.panel import Panel


class CandidatesPanel(Panel):
    """Smaller and larger objects for the prompt last touched, and steps back."""

    def __init__(self) -> None:
        self.alternatives: Any = row(
            "alternatives",
            PushButton(name="smaller", text="smaller", tooltip="A smaller object for this prompt. (Shift-Down)"),
            PushButton(name="larger", text="larger", tooltip="A larger object for this prompt. (Shift-Up)"),
            label="last prompt",
        )
        self.steps: Any = row(
            "steps",
            PushButton(name="undo", text="undo", tooltip="Take back what was done last. (Control-Z)"),
            PushButton(name="redo", text="redo", tooltip="Do again what was taken back last. (Control-Shift-Z)"),
            label="",
        )
        super().__init__(self.alternatives, self.steps)
