"""The layers of prompts, and what the prompts that the user makes next will mean."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from magicgui.widgets import ComboBox, PushButton
from napari.layers import Points, Shapes

from napari_fastsam.layers.prompts import new as new_prompts
from napari_fastsam.layers.prompts.features import next_object
from napari_fastsam.layers.prompts.new import COUNTER_EXAMPLE, EXAMPLE, NEGATIVE, POSITIVE
from napari_fastsam.widgets.common.controls import layers_of, row
from napari_fastsam.widgets.common.segments import Segment, Segments
from napari_fastsam.widgets.segment.parts.panel import Panel

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image


NEW, THIS = "new", "this"

_TOOLS = (
    Segment("point", "point", "Click on objects. (Shift-D)"),
    Segment("box", "box", "Drag a box around an object. (Shift-B)"),
    Segment("outline", "outline", "Draw an outline around an object. (Shift-F)"),
    Segment("scribble", "scribble", "Draw a line over an object. (Shift-S)"),
)


class PromptsPanel(Panel):
    """Prompt layers, and buttons that say and change what is next.

    Parameters
    ----------
    viewer
        Holds the layers.
    """

    def __init__(self, viewer: ViewerModel) -> None:
        self._viewer = viewer
        self.points = ComboBox(
            name="points",
            choices=layers_of(viewer, Points),
            nullable=True,
            tooltip="Points: positive ones say where an object is, negative ones where it is not.",
        )
        self.shapes = ComboBox(
            name="shapes",
            choices=layers_of(viewer, Shapes),
            nullable=True,
            tooltip="Rectangles are boxes, polygons and ellipses are outlines, lines and paths are scribbles.",
        )
        self.new_layers = PushButton(
            name="new_layers",
            text="Start over with new prompt layers",
            tooltip="A Points and a Shapes layer beside those that there are. (Shift-N)",
        )
        self.tool = Segments(
            _TOOLS, None, nullable=True, name="tool", tooltip="What the next click or drag on the image draws."
        )
        self.next_point: Any = row(
            "next_point",
            Segments(
                (
                    Segment("+", POSITIVE, "The object is here. (Shift-T)"),
                    Segment("−", NEGATIVE, "The object is not here. (Shift-T)"),
                ),
                POSITIVE,
                name="polarity",
                tooltip="What the next prompt says. (Shift-T)",
            ),
            Segments(
                (
                    Segment("new object", NEW, "Each prompt finds an object of its own. (Shift-O)"),
                    Segment("this object", THIS, "Prompts, on a label too, correct the current object. (Shift-O)"),
                ),
                NEW,
                name="object",
                tooltip="Which object the next prompt speaks of. (Shift-O)",
            ),
            PushButton(
                name="join", text="join", tooltip="Join the prompts that are selected to the current object. (Shift-J)"
            ),
        )
        self.example = PushButton(
            name="example",
            text="example",
            tooltip="The next points and shapes mark examples of what you want, or do not want. (Shift-X)",
        )
        super().__init__(self.points, self.shapes, self.new_layers, self.tool, self.next_point, self.example)

    def add_layers(self, image: Image) -> tuple[Points, Shapes]:
        """Put a Points and a Shapes layer for prompts on an image, ready to click; they have yet to be chosen."""
        shapes, points = new_prompts.new_shapes(image), new_prompts.new_points(image)
        self._viewer.add_layer(shapes)
        self._viewer.add_layer(points)
        return points, shapes

    def add_layer(self, image: Image, kind: Literal["points", "shapes"]) -> Points | Shapes:
        """Put one of the two on an image; it has yet to be chosen."""
        layer = new_prompts.new_shapes(image) if kind == "shapes" else new_prompts.new_points(image)
        self._viewer.add_layer(layer)
        return layer

    def choose(self, points: Points, shapes: Shapes) -> None:
        """Choose layers, and let the next click on the canvas make a point."""
        self.shapes.value, self.points.value = shapes, points
        shapes.mode, points.mode = "add_rectangle", "add"
        self._viewer.layers.selection.active = points

    def remove(self, points: set[int], shapes: set[int], chosen: tuple[Points | None, Shapes | None]) -> None:
        """Remove rows of the layers that were chosen when a request was frozen."""
        for layer, rows in zip(chosen, (points, shapes), strict=True):
            if layer is not None and rows and layer in self._viewer.layers:
                new_prompts.remove_rows(layer, rows)

    @property
    def has_points(self) -> bool:
        """Whether there is a layer for points."""
        return self.points.value is not None

    @property
    def has_layers(self) -> bool:
        """Whether there is any layer for prompts."""
        return self.has_points or self.shapes.value is not None

    # ---------------------------------------------------------------- what is next; there is a layer for it

    def toggle_polarity(self) -> None:
        """Make the next points, and those selected, negative or positive; the next shapes prompts."""
        negative = new_prompts.next_polarity(self.points.value) == POSITIVE
        self.set_polarity(NEGATIVE if negative else POSITIVE)

    def toggle_example(self) -> None:
        """Make the next points and shapes, and those selected, examples or counter-examples."""
        points, shapes = self.points.value, self.shapes.value
        now = new_prompts.next_polarity(shapes if points is None else points)
        self.set_polarity(COUNTER_EXAMPLE if now == EXAMPLE else EXAMPLE)

    def show_next(self, *_: Any) -> None:
        """Let the buttons say what is next."""
        points, buttons = self.points.value, self.next_point
        polarity = POSITIVE if points is None else new_prompts.next_polarity(points)
        number = max(0 if layer is None else next_object(layer) for layer in (points, self.shapes.value))
        shows = polarity in (EXAMPLE, COUNTER_EXAMPLE)
        with buttons.polarity.changed.blocked(), buttons.object.changed.blocked():
            buttons.polarity.value = None if shows else polarity
            buttons.object.buttons[THIS].text = f"this object ({number})" if number else "this object"
            buttons.object.value = THIS if number else NEW
        self.example.text = f"★ {polarity}" if shows else "example"

    def set_polarity(self, polarity: str) -> None:
        """Give a polarity to the next points and shapes, and to those selected."""
        points, shapes = self.points.value, self.shapes.value
        if points is not None:
            new_prompts.set_polarity(points, polarity)
        if shapes is not None:
            new_prompts.set_polarity(shapes, polarity)
        self.show_next()
        self.changed.emit()
