"""The tools of the dock: what the next click or drag on the image draws, in step with napari's layers and modes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Image

from napari_fastsam.layers.planes.transforms import world_to_data
from napari_fastsam.widgets.segment import messages
from napari_fastsam.widgets.segment.parts.prompts import THIS

if TYPE_CHECKING:
    from napari.layers import Points, Shapes
    from numpy.typing import NDArray

    from napari_fastsam.layers.connections import Connections
    from napari_fastsam.widgets.segment.engine import Engine
    from napari_fastsam.widgets.segment.prompting import Prompting

MODES = {"point": "add", "box": "add_rectangle", "outline": "add_polygon_lasso", "scribble": "add_path"}
"""The mode of the Points layer, or of the Shapes layer, that each tool stands for."""

_SHOWN_AS = {
    **{mode: tool for tool, mode in MODES.items()},
    "add_ellipse": "outline",
    "add_polygon": "outline",
    "add_line": "scribble",
    "add_polyline": "scribble",
}

_DRAG_PIXELS = 4
"""A press that moves further on the screen is a drag, which moves the image."""


class Tools:
    """Has the tool buttons do what they say, and show what napari's own buttons did.

    Parameters
    ----------
    engine
        What works behind the dock.
    prompting
        Makes layers.
    always, per_layer
        As in `Following`.
    """

    def __init__(self, engine: Engine, prompting: Prompting, always: Connections, per_layer: Connections) -> None:
        self._viewer, self._panel, self._engine = engine.viewer, engine.panels.prompts, engine
        self._prompting, self._per_layer = prompting, per_layer
        panel = self._panel
        panel.tool.changed.connect(self.take)
        panel.next_point.polarity.changed.connect(self._polarity_chosen)
        panel.next_point.object.changed.connect(self._object_chosen)
        always.connect((engine.viewer.layers.selection.events.active,), self.follow)
        engine.following.hear_layers(self.follow_layers)
        self._click = self._first_click  # one object: a bound method is another one each time
        engine.viewer.mouse_drag_callbacks.append(self._click)

    def take(self, tool: str | None) -> None:
        """Let the next click or drag draw with a tool; the first one makes the layers. None lets go of it."""
        panel, image = self._panel, self._engine.panels.source.image.value
        if tool is None:
            for layer in (panel.points.value, panel.shapes.value):
                if layer is not None and layer.mode in _SHOWN_AS:
                    layer.mode = "pan_zoom"
        elif image is None:
            self._engine.say(messages.NO_IMAGE)
        else:
            layer = self._layer_for(tool)
            layer.visible = True
            self._viewer.layers.selection.active = layer
            layer.mode = MODES[tool]
        self.follow()
        if self._engine.controller.shown is None and tool is not None and image is not None:
            self._engine.say(messages.WITH_TOOL[tool])

    def follow_layers(self) -> None:
        """Follow the modes of the layers that are chosen now."""
        for layer in (self._panel.points.value, self._panel.shapes.value):
            if layer is not None:
                self._per_layer.connect((layer.events.mode,), self.follow)
        self.follow()

    def follow(self, *_: Any) -> None:
        """Show the tool that napari's active layer and its mode stand for."""
        panel = self._panel
        active = self._viewer.layers.selection.active
        if self._waits_for_click:
            tool: str | None = "point"
        elif active is not None and any(active == one for one in (panel.points.value, panel.shapes.value)):
            tool = _SHOWN_AS.get(str(active.mode))
        else:
            tool = None
        with panel.tool.changed.blocked():
            panel.tool.value = tool

    def end(self) -> None:
        """Hear no more clicks."""
        callbacks = self._viewer.mouse_drag_callbacks
        if self._click in callbacks:
            callbacks.remove(self._click)

    # ---------------------------------------------------------------- the first click

    @property
    def _waits_for_click(self) -> bool:
        """Whether a click on the image would make the first prompt."""
        active = self._viewer.layers.selection.active
        on_image = active is None or (isinstance(active, Image) and str(active.mode) == "pan_zoom")
        return on_image and not self._panel.has_layers and self._engine.panels.source.image.value is not None

    def _first_click(self, viewer: Any, event: Any) -> Iterator[None]:
        """Make prompt layers, and a point where the image was clicked; a drag moves the image as ever."""
        plain = event.button == 1 and not event.modifiers and viewer.dims.ndisplay == 2
        # a dock behind a tab hears nothing: what would answer is out of sight
        if not (plain and self._waits_for_click and self._panel.tool.native.isVisible()):
            return
        start = np.asarray(event.pos)
        yield
        while event.type == "mouse_move":
            if np.abs(np.asarray(event.pos) - start).max() > _DRAG_PIXELS:
                return
            yield
        image = self._engine.panels.source.image.value
        units = viewer.layers.units
        if image is None or not _lies_in(image, world_to_data(image, event.position, world_units=units)):
            return
        layers = self._prompting.make_layers()
        if layers is not None:
            points = layers[0]
            points.add([world_to_data(points, event.position, world_units=units)])

    # ---------------------------------------------------------------- buttons

    def _layer_for(self, tool: str) -> Points | Shapes:
        panel = self._panel
        if not panel.has_layers:
            self._prompting.make_layers()
        box = panel.points if tool == "point" else panel.shapes
        if box.value is None:
            self._prompting.make_missing()
        layer: Points | Shapes = box.value
        return layer

    def _polarity_chosen(self, polarity: str) -> None:
        if not self._panel.has_layers:
            self.take("point")
        with self._engine.recorder.step("+ or −"):
            self._panel.set_polarity(polarity)

    def _object_chosen(self, which: str) -> None:
        if self._panel.has_layers and (which == THIS) != bool(self._engine.current.layers.number):
            self._prompting.toggle_object()
        self._panel.show_next()


def _lies_in(image: Image, data: NDArray[np.float64]) -> bool:
    """Whether a place in an image's data coordinates lies on it."""
    shape = np.asarray(image.level_shapes[0][: image.ndim] if image.multiscale else image.data.shape[: image.ndim])
    return bool((data > -0.5).all() and (data < shape - 0.5).all())
