"""What of the viewer the dock follows: the plane shown, the list of layers, and the layers that are chosen."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING, Any

from napari_fastsam.layers.connections import Connections, layer_emitters
from napari_fastsam.layers.contents import hear_refills
from napari_fastsam.layers.planes.read import displayed_axes
from napari_fastsam.layers.prompts.marks import fit_to_screen
from napari_fastsam.widgets.common.controls import PREVIEW_KEY
from napari_fastsam.widgets.segment.choices import LayerChoices

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image, Layer, Points, Shapes

    from napari_fastsam.layers.answers.controller import Controller
    from napari_fastsam.layers.history.recorder import Recorder
    from napari_fastsam.widgets.segment.output import Output
    from napari_fastsam.widgets.segment.panels import Panels
    from napari_fastsam.widgets.segment.updates import Updates


class Following:
    """Hears what happens in a viewer, and has it answered.

    Parameters
    ----------
    viewer
        The viewer.
    panels
        Which layers are chosen.
    controller, output
        What has to know when layers change or go.
    updates
        Has it answered.
    recorder
        Makes steps to take back of what changes in prompt layers.
    always, per_layer
        Take the connections: those that stay, and those to the layers that are chosen now.
    """

    def __init__(
        self,
        viewer: ViewerModel,
        panels: Panels,
        controller: Controller,
        output: Output,
        updates: Updates,
        recorder: Recorder,
        always: Connections,
        per_layer: Connections,
    ) -> None:
        self._viewer = viewer
        self._panels = panels
        self._controller = controller
        self._output = output
        self._updates = updates
        self._recorder = recorder
        self._drawing = False
        self._per_layer = per_layer
        self._place: tuple[Any, ...] = ()
        self._before_answer: Callable[[Any], object] = lambda event: None
        self._on_layers: Callable[[], object] = lambda: None
        self.choices = LayerChoices(
            viewer,
            panels.source.image,
            (panels.prompts.points, panels.prompts.shapes),
            panels.labels.labels,
            panels.others.others,
            self.layers_chosen,
        )
        dims, listed = viewer.dims.events, viewer.layers.events
        always.connect((dims.current_step, dims.order, dims.ndisplay), self._plane_changed)
        always.connect((listed.inserted, listed.removed, listed.renamed), self._layers_changed)
        always.connect((listed,), self._data_changed)
        always.connect((viewer.layers.selection.events.active,), self._active_changed)
        hear_refills(viewer, always, self._layers_let_go, self.layers_chosen)
        for control in (panels.source.image, panels.prompts.points, panels.prompts.shapes):
            control.changed.connect(self.layers_chosen)
        panels.channels.changed.connect(self.layers_chosen)

    def hear_prompts(self, listener: Callable[[Any], object]) -> None:
        """Have a listener called with the event of each change of prompts, before it is answered."""
        self._before_answer = listener

    def hear_layers(self, listener: Callable[[], object]) -> None:
        """Have a listener called when other layers are chosen."""
        self._on_layers = listener

    def begin(self) -> None:
        """Choose the layers that are there, and follow them."""
        self.choices.choose_first()
        self.layers_chosen()

    def layers_chosen(self, *_: Any) -> None:
        """Follow the layers that are chosen now, and no others."""
        self._per_layer.undo()
        self.choices.target_follows()
        panel = self._panels.prompts
        image, points, shapes = self._panels.source.image.value, panel.points.value, panel.shapes.value
        if image is not None:
            self._per_layer.connect(layer_emitters(image, "contrast_limits"), self._layer_changed)
        self._follow_channels(image)
        for prompts in (points, shapes):
            if prompts is not None:
                self._per_layer.connect((prompts.events.data,), self._prompts_changed)
                self._per_layer.connect((prompts.events.features,), self._features_changed)
                self._per_layer.connect(layer_emitters(prompts), self._layer_changed)
                self._per_layer.connect((prompts.events.scale_factor,), partial(self._zoomed, prompts))
        self._recorder.follow(layer for layer in (points, shapes) if layer is not None)
        if points is not None:
            self._per_layer.connect((points.events.feature_defaults,), panel.show_next)
        panel.show_next()
        self._panels.region.show_axes(image)
        self._show_units()
        self._panels.offer_planes()
        self._on_layers()
        self._updates.soon()

    def _follow_channels(self, image: Image | None) -> None:
        """Offer what lies at the image's place, and follow what of it is seen with it."""
        panel = self._panels.channels
        panel.offer(image)
        for channel in panel.value:
            if channel.image != image:
                self._per_layer.connect(layer_emitters(channel.image, "contrast_limits"), self._layer_changed)

    def _plane_changed(self, *_: Any) -> None:
        # napari says so too when a layer comes or goes, as the preview does, and nothing moves
        dims = self._viewer.dims
        place = (tuple(dims.point), tuple(dims.order), dims.ndisplay)
        if place != self._place:
            self._place = place
            self._show_units()
            self._updates.soon()

    def _layer_changed(self, *_: Any) -> None:
        self._show_units()
        self._updates.soon()

    def _show_units(self) -> None:
        """Give sizes in the units of the plane shown."""
        image = self._panels.source.image.value
        if image is None or self._viewer.dims.ndim < image.ndim:  # the viewer has yet to hear of its axes
            self._panels.thresholds.show_units(image)
        else:
            self._panels.thresholds.show_units(image, displayed_axes(self._viewer, image))

    def _prompts_changed(self, event: Any) -> None:
        if self._recorder.history.is_replaying:
            return
        # while a shape is being drawn its events end in -ing
        action = str(getattr(event, "action", "changed")).rpartition(".")[2].lower()
        self._drawing = action.endswith("ing")
        if not self._drawing:
            with self._recorder.step(f"prompt {action}"):
                self._before_answer(event)
            self._updates.now()

    def _features_changed(self, *_: Any) -> None:
        if self._recorder.history.is_replaying:
            return
        if not self._drawing:
            with self._recorder.step("prompt changed"):
                pass
        self._updates.soon()

    def _zoomed(self, prompts: Points | Shapes, *_: Any) -> None:
        fit_to_screen(prompts)

    def _data_changed(self, event: Any) -> None:
        """Forget what is kept of an image that has other pixels, whether it is chosen now or was before."""
        if event.type != "data":
            return
        image = event.sources[0]  # the list of layers passes on what happens in its layers
        if image not in self._panels.source.image.choices:
            return
        self._controller.image_changed(image)
        if image == self._panels.source.image.value:
            self._panels.offer_planes()  # it may have other axes now
        self._updates.soon()

    def _layers_changed(self, event: Any) -> None:
        layer = getattr(event, "value", None)
        if PREVIEW_KEY in getattr(layer, "metadata", ()):
            if event.type == "removed" and self._output.forget(layer):
                # thrown away by the user: nothing to add until something is asked for again
                self._controller.forget_shown()
            return
        if event.type == "removed":
            self._layer_removed(layer)
        self.choices.refresh()
        self._panels.channels.offer(self._panels.source.image.value)
        self._updates.soon()

    def _layer_removed(self, layer: Layer) -> None:
        self._recorder.layer_removed(layer)
        self._controller.layer_removed(layer, layer in self._panels.source.image.choices)

    def _layers_let_go(self, layers: Iterable[Layer]) -> None:
        """Follow nothing until layers hold something else, and forget what was done with what they held."""
        self._per_layer.undo()
        self._recorder.layers_refilled(layers)
        for layer in layers:
            self._controller.image_changed(layer)
            self._controller.layer_removed(layer, is_image=False)
        self._controller.asking.begin_anew()
        self._controller.failure = None

    def _active_changed(self, *_: Any) -> None:
        self.choices.follow_active()
