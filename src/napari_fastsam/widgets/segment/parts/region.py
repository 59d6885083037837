"""What is to be found, and where: on one plane, in the view or on all planes, whose objects are linked."""

from __future__ import annotations

from typing import Any

from magicgui.widgets import CheckBox, ComboBox, Container, FloatSlider, PushButton, RadioButtons, SpinBox
from napari.layers import Image

from napari_fastsam.core.planes.linking import Linking
from napari_fastsam.widgets.common.controls import row, show_if
from napari_fastsam.widgets.segment.parts.panel import Panel


class RegionPanel(Panel):
    """Task, region, and how objects on neighbouring planes are linked."""

    def __init__(self) -> None:
        self.task = _either(
            name="task",
            label="segment",
            choices=[("at prompts", "prompts"), ("everything", "everything")],
            tooltip="The objects that you point at, or all that the network sees. (Shift-E)",
        )
        self.region = _either(
            name="region",
            label="region",
            choices=[("plane", "plane"), ("view", "view"), ("all planes", "stack")],
            tooltip="The plane shown; the part of it on the canvas when you run or place a prompt; or all planes, "
            "with objects linked and those at prompts followed.",
        )
        self.stack: Any = _stack()
        super().__init__(self.task, self.region, self.stack)
        self._image: Image | None = None
        more = self.stack.more
        self.tell_changed(self.task, self.region, self.stack.overlap, more.gap, more.divisions, self.stack.axis)
        self.region.changed.connect(lambda *_: self._show_stack())

    @property
    def linking(self) -> Linking:
        """When objects on neighbouring planes are one."""
        more = self.stack.more
        return Linking(more.gap.value, self.stack.overlap.value, more.divisions.value)

    def toggle_task(self) -> None:
        """Change between objects at prompts and everything."""
        self.task.value = "prompts" if self.task.value == "everything" else "everything"

    def show_axes(self, image: Image | None) -> None:
        """Offer the axes of an image along which planes lie."""
        self._image = image
        self._show_stack()

    def _show_stack(self) -> None:
        choices = [] if self._image is None else axes_of(self._image)
        axis = self.stack.axis
        with axis.changed.blocked():
            if [number for _, number in choices] != list(axis.choices):
                axis.choices = choices
        show_if(self.stack, self.region.value == "stack")


def axes_of(image: Image) -> list[tuple[str, int]]:
    """Return the axes of an image but the last two, by name, the last of them first."""
    return [(f"{image.axis_labels[axis]} ({axis})", axis) for axis in reversed(range(image.ndim - 2))]


def _either(choices: list[tuple[str, str]], **options: Any) -> RadioButtons:
    """Make buttons of which the first is chosen."""
    buttons = RadioButtons(choices=choices, orientation="horizontal", **options)
    buttons.value = choices[0][1]
    return buttons


def _stack() -> Container[Any]:
    """Make what is asked of all planes; shown where they are meant."""
    return Container(
        name="stack",
        label="planes",
        visible=False,
        labels=True,
        widgets=[
            ComboBox(name="axis", label="along", choices=[], tooltip="The axis along which the planes lie."),
            FloatSlider(
                name="overlap",
                label="min. overlap",
                value=Linking().min_overlap,
                min=0.05,
                max=0.95,
                step=0.01,
                tooltip="How much two masks on neighbouring planes must overlap to be one object. Live.",
            ),
            row(
                "more",
                SpinBox(
                    name="gap",
                    value=0,
                    min=0,
                    max=20,
                    tooltip="How many planes in a row an object may be missing. Live.",
                ),
                CheckBox(name="divisions", text="divide", tooltip="An object may become two, as cells do. Live."),
                PushButton(name="tracks", text="Tracks", tooltip="A Tracks layer of what was found on all planes."),
                label="gap",
            ),
        ],
    )
