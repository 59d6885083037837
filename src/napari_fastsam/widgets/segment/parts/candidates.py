"""Which of the candidates for a prompt is taken; and taking back what was done."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from magicgui.widgets import Label, PushButton
from qtpy.QtCore import Qt

from napari_fastsam.widgets.common.controls import row
from napari_fastsam.widgets.segment.parts.panel import Panel

if TYPE_CHECKING:
    from napari_fastsam.layers.answers.found import SegmentedObject

_WHICH_WIDTH = 28
"""Screen pixels: three characters, which a dock of the width it has at first has room for."""


class CandidatesPanel(Panel):
    """Smaller and larger objects for the prompt last touched, and steps back."""

    def __init__(self) -> None:
        self.alternatives: Any = row(
            "alternatives",
            PushButton(
                name="smaller", text="‹ smaller", tooltip="A smaller object for the prompt last touched. (Shift-Down)"
            ),
            Label(name="which", value="", tooltip="Which candidate for the prompt last touched is shown, by size."),
            PushButton(
                name="larger", text="larger ›", tooltip="A larger object for the prompt last touched. (Shift-Up)"
            ),
        )
        which = self.alternatives.which.native
        which.setMinimumWidth(_WHICH_WIDTH)  # what is said in it moves no button
        which.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.steps: Any = row(
            "steps",
            PushButton(name="undo", text="", tooltip="Undo: take back what was done last. (Ctrl-Z)"),
            PushButton(name="redo", text="", tooltip="Redo: do again what was taken back. (Ctrl-Shift-Z)"),
        )
        self.clear_button = PushButton(
            name="clear_button", text="Clear", tooltip="Remove the prompts on this plane. (Shift-Delete)"
        )
        super().__init__(self.alternatives, self.steps, self.clear_button)

    def show_place(self, current: SegmentedObject | None) -> None:
        """Say between the two buttons which of the candidates the current object is, if there is a choice."""
        chosen = current if current is not None and current.of > 1 else None
        self.alternatives.which.value = "" if chosen is None else f"{chosen.place}/{chosen.of}"
