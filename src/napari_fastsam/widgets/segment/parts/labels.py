"""Where the objects go: the Labels layer that takes them, what is measured of it, and the buttons that do it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from magicgui.widgets import CheckBox, ComboBox, Container, PushButton
from napari.layers import Labels

from napari_fastsam.widgets.common.controls import layers_of, row
from napari_fastsam.widgets.segment.parts.panel import Panel

if TYPE_CHECKING:
    from napari.components import ViewerModel

    from napari_fastsam.widgets.common.settings import DockSettings


ADD = "Add to labels"


class LabelsPanel(Panel):
    """The Labels layer that takes the objects.

    Parameters
    ----------
    viewer
        Holds the layers.
    settings
        The user's.

    Attributes
    ----------
    actions
        The buttons that act on what was found.
    """

    def __init__(self, viewer: ViewerModel, settings: DockSettings) -> None:
        self.labels = ComboBox(
            name="labels",
            choices=layers_of(viewer, Labels),
            nullable=True,
            tooltip="The Labels layer that takes the objects, or a new one.",
        )
        self.labels.null_string = "new layer"
        self.labels.reset_choices()
        self.actions = _make_actions()
        self.preserve = CheckBox(
            name="preserve",
            text="keep what is labelled",
            value=settings.preserve_labels,
            tooltip="Labelled pixels of that layer keep their label.",
        )
        self.outcome: Any = row(
            "outcome",
            PushButton(
                name="measure_button",
                text="Measure",
                tooltip="Write area, position, shape and brightness of all objects of that layer into its features.",
            ),
            PushButton(
                name="recipe",
                text="Save recipe …",
                tooltip="Save the current settings as a file, to run on many images: napari-fastsam run.",
            ),
            label="",
        )
        # the choice of a layer last: as soon as the dock has it, magicgui takes the dock for one with names of controls
        super().__init__(self.preserve, self.outcome, self.labels)

    def show_count(self, count: int) -> None:
        """Say on the button how many objects it would add."""
        self.actions.add.text = f"{ADD} · {count}" if count else ADD


def _make_actions() -> Container[Any]:
    """Make the buttons that act on what was found."""
    return row(
        "actions",
        PushButton(name="run_button", text="Run", tooltip="Segment now; while it runs: cancel. (Shift-R)"),
        PushButton(
            name="add",
            text=ADD,
            tooltip="Put the preview into the Labels layer, as one undo step, and clear the prompts. (Shift-Enter)",
        ),
    )
