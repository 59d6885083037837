"""What the user does with prompts: layers for them, what the next will mean, away with them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_fastsam.widgets.segment import messages

if TYPE_CHECKING:
    import numpy as np
    from napari.layers import Labels, Points, Shapes
    from numpy.typing import NDArray

    from napari_fastsam.widgets.segment.engine import Engine


class Prompting:
    """Makes, changes and clears prompts.

    Parameters
    ----------
    engine
        What works behind the dock.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._panel = engine.panels.prompts

    def make_layers(self) -> tuple[Points, Shapes] | None:
        """Add a Points and a Shapes layer for prompts on the image, ready to click."""
        image = self._engine.panels.source.image.value
        if image is None:
            self._engine.say(messages.NO_IMAGE)
            return None
        points, shapes = self._panel.add_layers(image)
        self._engine.following.choices.refresh()
        self._panel.choose(points, shapes)
        return points, shapes

    def make_missing(self) -> None:
        """Add the one of the two prompt layers that there is not yet."""
        image, panel = self._engine.panels.source.image.value, self._panel
        points, shapes = panel.points.value, panel.shapes.value
        if image is not None and (points is None or shapes is None):
            added = panel.add_layer(image, "shapes" if shapes is None else "points")
            self._engine.following.choices.refresh()
            (panel.shapes if shapes is None else panel.points).value = added

    def toggle_polarity(self) -> None:
        """Make the next points, and those selected, negative or positive; the next shapes prompts."""
        if self._panel.has_points:
            with self._engine.recorder.step("+ or −"):
                self._panel.toggle_polarity()
        else:
            self._engine.say(messages.NO_POINTS_LAYER)

    def toggle_object(self) -> None:
        """Let the next prompts correct the object touched last, or each find an object of its own."""
        if self._panel.has_layers:
            with self._engine.recorder.step("new or this object"):
                self._engine.current.toggle()
        else:
            self._engine.say(messages.NO_POINTS_LAYER)

    def join(self) -> None:
        """Join the prompts that are selected to the current object."""
        if self._panel.has_layers:
            with self._engine.recorder.step("join"):
                self._engine.current.join()
        else:
            self._engine.say(messages.NO_POINTS_LAYER)

    def correct_object(self, layer: Labels, label: int, place: NDArray[np.integer]) -> None:
        """Let the next prompts correct an object of a Labels layer; what is raised is told by `CurrentObject.start`."""
        engine = self._engine
        with engine.recorder.step(f"correct label {label}"):
            engine.panels.labels.labels.value = layer
            if self._panel.points.value is None:
                self.make_layers()
            engine.current.start(layer, label, place)

    def toggle_example(self) -> None:
        """Make the next points and shapes, and those selected, examples or counter-examples."""
        if self._panel.has_layers:
            with self._engine.recorder.step("example"):
                self._panel.toggle_example()
            self._engine.panels.search.expand(animate=False)
        else:
            self._engine.say(messages.NO_POINTS_LAYER)

    def clear(self) -> None:
        """Remove the prompts on this plane."""
        engine = self._engine
        request = engine.controller.request()
        if request is None:
            return
        points, shapes = engine.session.rows_on_plane(request)
        labels = engine.corrections.corrects(request.controls.image, request.plane)
        if not points and not shapes and not labels:
            engine.say(messages.NOTHING_TO_CLEAR)
            return
        with engine.recorder.step("clear"):
            engine.corrections.forget(request.controls.image, [request.plane])
            if request.on_plane_shown is not None:
                engine.session.forget_prompts(request.on_plane_shown)
            self._panel.remove(points, shapes, (request.controls.points, request.controls.shapes))
        engine.updates.soon()

    def step(self, direction: int) -> None:
        """Take a larger (+1) or smaller (-1) object for the prompt last touched."""
        with self._engine.recorder.step("larger" if direction > 0 else "smaller"):
            self._engine.controller.step(direction)

    def undo(self) -> None:
        """Take back what was done last."""
        if self._engine.recorder.undo() is None:
            self._engine.say(messages.NOTHING_TO_UNDO)

    def redo(self) -> None:
        """Do again what was taken back last."""
        if self._engine.recorder.redo() is None:
            self._engine.say(messages.NOTHING_TO_REDO)
