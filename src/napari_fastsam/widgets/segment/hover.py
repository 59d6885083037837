"""The object under the cursor is outlined; the wheel takes a larger or smaller one, keys take or reject it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_fastsam.layers.answers.hovering import Hovered, object_under, place_under
from napari_fastsam.layers.planes.transforms import points_between, units_apply, world_to_data
from napari_fastsam.layers.prompts.new import NEGATIVE, POSITIVE, add_point
from napari_fastsam.widgets.segment import messages
from napari_fastsam.widgets.segment.current_object import Contour

if TYPE_CHECKING:
    from napari_fastsam.layers.answers.request import Request
    from napari_fastsam.widgets.segment.engine import Engine
    from napari_fastsam.widgets.segment.prompting import Prompting

HOVER_NAME = "FastSAM under the cursor"
HOVER_COLOUR = "#ffffff"

WHEEL_MODIFIER = "Shift"

_MODES = ("pan_zoom", "add")
"""Where a layer's tool does something else with the mouse, nothing is outlined."""


class Hover:
    """Outlines what a click would find, from what is kept.

    Parameters
    ----------
    engine
        What works behind the dock.
    prompting
        Makes layers for prompts.
    """

    def __init__(self, engine: Engine, prompting: Prompting) -> None:
        self._engine, self._prompting, self._viewer = engine, prompting, engine.viewer
        self._outline = Contour(engine.viewer, HOVER_NAME, HOVER_COLOUR)
        self._under: Hovered | None = None
        # one object each: a bound method is another one each time
        self._move, self._wheel = self._moved, self._wheeled
        self._viewer.mouse_move_callbacks.append(self._move)
        self._viewer.mouse_wheel_callbacks.append(self._wheel)
        engine.panels.canvas.hover.changed.connect(self.hide)

    @property
    def under(self) -> Hovered | None:
        """The object that is outlined; None = none is."""
        return self._under

    def hide(self, *_: Any) -> None:
        """Outline nothing."""
        self._under = None
        self._outline.hide()

    def end(self) -> None:
        """Hear nothing more, and take the outline out of the viewer."""
        for callbacks, own in (
            (self._viewer.mouse_move_callbacks, self._move),
            (self._viewer.mouse_wheel_callbacks, self._wheel),
        ):
            if own in callbacks:
                callbacks.remove(own)
        self._under = None
        self._outline.remove()

    def take(self) -> None:
        """Make a positive point of what is outlined: it is in the preview from then on."""
        under = self._under
        if under is None:
            self._engine.say(messages.NOTHING_UNDER_CURSOR)
            return
        with self._engine.recorder.step("take"):
            self._place(under, POSITIVE)
            for _ in range(abs(under.steps)):
                self._engine.controller.step(1 if under.steps > 0 else -1)
        self.hide()

    def reject(self) -> None:
        """Make a negative point where the cursor is."""
        under = self._under
        if under is None:
            self._engine.say(messages.NOTHING_UNDER_CURSOR)
            return
        with self._engine.recorder.step("reject"):
            self._place(under, NEGATIVE)
        self.hide()

    def _place(self, under: Hovered, polarity: str) -> None:
        engine = self._engine
        if not engine.panels.prompts.has_points:
            self._prompting.make_missing() if engine.panels.prompts.has_layers else self._prompting.make_layers()
        points, image = engine.panels.prompts.points.value, under.request.controls.image
        if points is not None:
            there = under.request.plane.region_to_data([under.yx])
            (at,) = points_between(image, points, there, use_units=units_apply(self._viewer))
            shown = world_to_data(points, self._viewer.dims.point, world_units=self._viewer.layers.units)
            add_point(points, np.where(np.isnan(at), shown, at), polarity)
            engine.updates.soon()
            engine.updates.flush()

    # ---------------------------------------------------------------- the mouse

    def _moved(self, viewer: Any, event: Any) -> None:
        request = self._request()
        place = None if request is None else place_under(viewer, request, event.position)
        if request is None or place is None:
            self.hide()
            return
        under = self._under
        if under is None or under.request is not request or not (under.steps and under.holds(place)):
            under = object_under(self._engine.session.kept, request, place)
        self._show(under)

    def _wheeled(self, viewer: Any, event: Any) -> None:
        if self._under is None or WHEEL_MODIFIER not in event.modifiers or self._request() is None:
            return
        turned = event.delta[1] or event.delta[0]
        self._show(self._under.stepped(1 if turned > 0 else -1))
        event.handled = True

    def _request(self) -> Request | None:
        """Return what was asked last, if an object may be outlined now."""
        viewer, panel = self._viewer, self._engine.panels.canvas
        active = viewer.layers.selection.active
        if not panel.hover.value or viewer.dims.ndisplay != 2:
            return None
        if active is not None and str(active.mode) not in _MODES:
            return None
        return self._engine.controller.asking.asked

    def _show(self, under: Hovered | None) -> None:
        before, self._under = self._under, under
        if under is None or under.crop is None:
            self._outline.hide()
        elif before is None or before.crop is not under.crop or not self._outline.is_shown:
            self._outline.outline(under.request.controls.image, under.request.plane, under.crop)
