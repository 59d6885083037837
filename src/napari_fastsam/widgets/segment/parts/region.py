"""What is to be found, and where: on one plane, in the view or on all planes, whose objects are linked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from magicgui.widgets import CheckBox, ComboBox, Container, FloatSlider, PushButton, SpinBox
from napari.layers import Image
from qtpy.QtWidgets import QWidget

from napari_fastsam.core.planes.linking import Linking
from napari_fastsam.widgets.common.controls import row
from napari_fastsam.widgets.common.fields import Fields
from napari_fastsam.widgets.common.folded import Folded
from napari_fastsam.widgets.common.segments import Segment, Segments
from napari_fastsam.widgets.segment.parts.panel import Panel


class RegionPanel(Panel):
    """Task, region, and how objects on neighbouring planes are linked.

    Attributes
    ----------
    fold
        Unfolds to what is asked of all planes; there only if the image has a further axis.
    """

    def __init__(self) -> None:
        self.task = Segments(
            (
                Segment("Point at objects", "prompts", "Find the objects that you point at. (Shift-E)"),
                Segment("Everything", "everything", "Find all objects that the network sees. (Shift-E)"),
            ),
            "prompts",
            name="task",
            tooltip="The objects that you point at, or all that the network sees. (Shift-E)",
        )
        self.region = Segments(
            (
                Segment("plane", "plane", "The plane shown."),
                Segment("view", "view", "The part of the plane on the canvas when you run or place a prompt."),
                Segment("all planes", "stack", "All planes, with objects linked and those at prompts followed."),
            ),
            "plane",
            name="region",
            tooltip="The plane shown; the part of it on the canvas when you run or place a prompt; or all planes, "
            "with objects linked and those at prompts followed.",
        )
        self._image: Image | None = None
        self.stack: Any = _stack(self._axes)
        super().__init__(self.task, self.region, self.stack)
        more = self.stack.more
        self.tell_changed(self.task, self.region, self.stack.overlap, more.gap, more.divisions, self.stack.axis)
        self.fold = Folded("Stack / time", self._make_fold, "All planes at once: objects linked, followed, as tracks.")
        self.fold.hide()
        self.region.changed.connect(self._region_changed)
        self.stack.all_planes.changed.connect(self._all_planes_changed)

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
        choices = self._axes()
        axis = self.stack.axis
        before = axis.value
        with axis.changed.blocked():
            axis.reset_choices()  # axes of another image may have other names
            if before in [number for _, number in choices]:
                axis.value = before
        self.fold.setVisible(bool(choices))

    def _axes(self) -> list[tuple[str, int]]:
        return [] if self._image is None else axes_of(self._image)

    def _region_changed(self, region: str) -> None:
        with self.stack.all_planes.changed.blocked():
            self.stack.all_planes.value = region == "stack"
        if region == "stack":
            self._show_stack()
            self.fold.expand(animate=False)

    def _all_planes_changed(self, wanted: bool) -> None:
        self.region.value = "stack" if wanted else "plane"

    def _make_fold(self) -> QWidget:
        stack, fields = self.stack, Fields()
        fields.add("", stack.all_planes.native)
        fields.add("Along", stack.axis.native)
        fields.add("Min. overlap", stack.overlap.native)
        fields.add("Gap", stack.more.native)
        return fields


def axes_of(image: Image) -> list[tuple[str, int]]:
    """Return the axes of an image but the last two, by name, the last of them first."""
    return [(f"{image.axis_labels[axis]} ({axis})", axis) for axis in reversed(range(image.ndim - 2))]


def _stack(axes: Callable[[], list[tuple[str, int]]]) -> Container[Any]:
    """Make what is asked of all planes; `axes` says along which they may lie."""
    return Container(
        name="stack",
        labels=False,
        widgets=[
            CheckBox(
                name="all_planes",
                text="all planes",
                tooltip="Find the objects of all planes and link them; objects at prompts are followed.",
            ),
            ComboBox(name="axis", choices=lambda _: axes(), tooltip="The axis along which the planes lie."),
            FloatSlider(
                name="overlap",
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
            ),
        ],
    )
