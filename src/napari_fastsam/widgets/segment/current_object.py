"""The object that clicks correct: its outline on the canvas, and what keys and clicks do with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from napari.layers import Image, Labels

from napari_fastsam.errors import FastSAMError, LabelsError
from napari_fastsam.layers.answers.correcting import Corrections, PromptLayers
from napari_fastsam.layers.labels.contour import COLOUR, CONTOUR_NAME, make_contour, move_contour
from napari_fastsam.layers.selected import same_selection
from napari_fastsam.widgets.common.controls import PREVIEW_KEY

if TYPE_CHECKING:
    import numpy as np
    from napari.components import ViewerModel
    from numpy.typing import NDArray

    from napari_fastsam.core.objects.masks import CroppedMask
    from napari_fastsam.layers.answers.controller import Controller
    from napari_fastsam.layers.answers.results import Result
    from napari_fastsam.layers.answers.session import Session
    from napari_fastsam.layers.planes.plane import Plane
    from napari_fastsam.widgets.segment.panels import Panels
    from napari_fastsam.widgets.segment.updates import Updates


class Contour:
    """Outlines one object in one viewer.

    Parameters
    ----------
    viewer
        The viewer.
    name, colour
        Of the layer with the outline.
    """

    def __init__(self, viewer: ViewerModel, name: str = CONTOUR_NAME, colour: str = COLOUR) -> None:
        self._viewer = viewer
        self._name, self._colour = name, colour
        self._layer: Labels | None = None
        self._hidden = False

    @property
    def layer(self) -> Labels | None:
        """The layer with the outline, if it is in the viewer."""
        if self._layer is not None and self._layer not in self._viewer.layers:
            self._layer = None
        return self._layer

    def show(self, result: Result) -> None:
        """Outline the current object of a result, if there is one on the plane shown."""
        found = result.current
        if found is None or not found.is_here or not found.crop.area:
            self.hide()
            return
        self.outline(result.request.controls.image, result.request.plane, found.crop)

    @property
    def is_shown(self) -> bool:
        """Whether there is an outline to be seen."""
        return self.layer is not None and not self._hidden

    def outline(self, image: Image, plane: Plane, mask: CroppedMask) -> None:
        """Outline any object until another answer is shown.

        Parameters
        ----------
        image, plane
            The image, and the plane and region on which the object is.
        mask
            The object in pixels of the region.
        """
        layer = self.layer
        if layer is not None and layer.ndim != image.ndim:
            self.remove()
            layer = None
        if layer is None:
            self._layer = layer = make_contour(image, plane, mask, self._name, self._colour)
            layer.metadata = {PREVIEW_KEY: True}
            layers = self._viewer.layers
            pictures = [i for i, one in enumerate(layers) if isinstance(one, Image | Labels)]
            with same_selection(layers):
                layers.insert(max(pictures, default=-1) + 1, layer)  # prompts stay on top
        else:
            move_contour(layer, image, plane, mask)
            if self._hidden:  # by us, not by the user
                layer.visible = True
        self._hidden = False

    def hide(self) -> None:
        """Outline nothing."""
        layer = self.layer
        if layer is not None and not self._hidden:
            self._hidden = layer.visible
            layer.visible = False

    def remove(self) -> None:
        """Take the outline out of the viewer."""
        layer, self._layer = self.layer, None
        if layer is not None:
            self._viewer.layers.remove(layer)


class CurrentObject:
    """Does with the current object what the user asks for.

    Parameters
    ----------
    panels
        What is set.
    session, controller
        What answers, and what decides when.
    updates
        Asked for an answer when prompts change their objects.
    corrections
        Knows which labels are corrected.
    say
        Says a message.
    """

    def __init__(
        self,
        panels: Panels,
        session: Session,
        controller: Controller,
        updates: Updates,
        corrections: Corrections,
        say: Callable[..., object],
    ) -> None:
        self._panels, self._session, self._controller = panels, session, controller
        self._updates, self._corrections, self._say = updates, corrections, say

    @property
    def layers(self) -> PromptLayers:
        """The layers that prompts are drawn in."""
        panel = self._panels.prompts
        return PromptLayers(panel.points.value, panel.shapes.value)

    def toggle(self) -> None:
        """Let the next prompts correct the object touched last, or each find an object of its own."""
        layers = self.layers
        if layers.number:
            layers.set_next(0)
        else:
            request = self._controller.request()
            self._corrections.take_current(layers, request, self._session.kept.numbering)
        self._panels.prompts.show_next()
        self._answer_now()  # the next click asks which object it falls in

    def start(self, layer: Labels, label: int, place: NDArray[np.integer]) -> None:
        """Let the next prompts correct a label; `place` is (D,) a pixel of it.

        Raises
        ------
        LabelsError
            If no image is chosen that the label lies on, or it cannot be corrected.
        """
        request = self._controller.request()
        if request is None:
            raise LabelsError(f"In the dock FastSAM, choose the image that label {label} lies on.")
        image, plane = request.controls.image, request.plane
        self._corrections.take_label(self.layers, image, plane, layer, label, place)
        self._panels.prompts.show_next()
        self._answer_now()

    def join(self) -> None:
        """Join the prompts that are selected to the current object."""
        request = self._controller.request()
        message = self._corrections.join(self.layers, request, self._session.kept.numbering)
        self._panels.prompts.show_next()
        self._answer_now()
        self._say(message)

    def prompts_changed(self, event: Any) -> None:
        """Give points that were just placed to the object that they speak of; forget objects without a prompt."""
        points = self._panels.prompts.points.value
        action = str(getattr(event, "action", "")).rpartition(".")[2].lower()
        if action == "removed":
            self._session.kept.numbering.keep_objects(self._corrections.numbers_in_use(self.layers))
        if action != "added" or points is None or getattr(event, "source", None) != points or not self.layers.number:
            return
        rows = sorted({int(i) % len(points.data) for i in event.data_indices})
        try:
            self._route(rows)
        except FastSAMError as error:
            self._say(str(error))

    def added(self, result: Result) -> None:
        """Let go of the labels that were corrected and are added now; what comes next is another object."""
        self.forget(result)
        layers = self.layers
        if layers.number:
            self._corrections.take_current(layers, None, self._session.kept.numbering)

    def forget(self, result: Result) -> None:
        """Correct the labels that a result speaks of no more."""
        request = result.request
        self._corrections.forget(request.controls.image, (one.plane for one in request.by_plane))

    def _route(self, rows: list[int]) -> None:
        shown = self._controller.shown
        request = self._controller.request()
        if request is None:
            return
        labels = self._panels.labels.labels.value
        self._corrections.route(self.layers, rows, labels, shown, request.controls.image, request.plane)

    def _answer_now(self) -> None:
        updates = self._updates
        updates.soon()
        updates.flush()
