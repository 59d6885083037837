"""The dock *FastSAM*: wiring between controls, viewer and session."""

from __future__ import annotations

import html
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from magicgui.widgets import Container, Label
from napari.layers import Image, Points, Shapes
from napari.utils.notifications import show_error
from qtpy.QtCore import Qt, QTimer
from qtpy.QtWidgets import QSizePolicy
from superqt.utils import qdebounced, qthrottled

from napari_fastsam.errors import FastSAMError
from napari_fastsam.layers import new_prompts
from napari_fastsam.layers.cache import MEGABYTE
from napari_fastsam.layers.connections import Connections, layer_emitters
from napari_fastsam.layers.session import Request, Result, Session
from napari_fastsam.model import weights
from napari_fastsam.widgets import shortcuts
from napari_fastsam.widgets.controls import FROM_FILE, freeze, make_compact, make_controls
from napari_fastsam.widgets.output import Output
from napari_fastsam.widgets.runner import Runner
from napari_fastsam.widgets.settings import read_settings

if TYPE_CHECKING:
    import napari.viewer
    from napari.layers import Labels

DEBOUNCE_MS = 10
"""Changes of layers and planes within this time are answered once, at its end."""

THROTTLE_MS = 20
"""Prompts and sliders are answered at once, before the canvas draws, and then not more often than this."""

WARM_UP_AFTER_MS = 300
"""The dock is drawn before torch is loaded behind it."""


@dataclass(frozen=True)
class RunSummary:
    """What a run did.

    Attributes
    ----------
    found
        Number of objects.
    seconds
        ``network``: for what was not kept from an earlier run; ``selection``: stage two; ``drawing``.
    message
        What the dock's status says.
    unanswered
        A sentence for each prompt without an object.
    """

    found: int = 0
    seconds: dict[str, float] = field(default_factory=dict)
    message: str = ""
    unanswered: tuple[str, ...] = ()


class FastSAMWidget(Container[Any]):
    """The dock: choose an image, point at objects, add them to a Labels layer.

    Parameters
    ----------
    napari_viewer
        The viewer that it works on.
    """

    def __init__(self, napari_viewer: napari.viewer.Viewer) -> None:
        self._viewer = napari_viewer
        settings = read_settings()
        self.status = Label(value="")
        super().__init__(widgets=make_controls(napari_viewer, settings), labels=True, scrollable=True, name="FastSAM")
        self._session = Session(napari_viewer, settings.cache_mb * MEGABYTE)
        self._output = Output(napari_viewer)
        self._runner = Runner(self._say, self._work_ended)
        self._shown: Result | None = None
        self._network_seconds = 0.0
        self._work_started = 0.0
        self._last_model = self.model.value
        self._always = Connections()
        self._per_layer = Connections()
        self._update_soon = qdebounced(self._update, timeout=DEBOUNCE_MS)
        self._update_now = qthrottled(self._update, timeout=THROTTLE_MS)
        self._style()
        self._wire()
        self._unbind = shortcuts.bind(napari_viewer, self)
        self._choose_first_layers()
        self._layers_chosen()
        soon = QTimer(self.root_native_widget, singleShot=True, interval=WARM_UP_AFTER_MS)  # goes with the dock
        soon.timeout.connect(self._warm_up)
        soon.start()

    @property
    def native(self) -> Any:
        """The scroll area. magicgui says the widget inside it here, which napari would take out of it and dock."""
        return self.root_native_widget

    @property  # type: ignore[misc]
    def labels(self) -> Any:
        """The control that chooses the Labels layer.

        magicgui has an attribute of this name that says whether controls are labelled; it asks for its truth only, and
        a control with a choice in it is true.
        """
        control = self.get_widget("labels")
        return super().labels if control is None else control

    # ---------------------------------------------------------------- what a person can do

    def run(self, wait: bool = False) -> RunSummary | None:
        """Segment what is asked for now.

        Parameters
        ----------
        wait
            Do it here and now and return what was done; otherwise in a thread, with the result in the preview.
        """
        if self._runner.busy and not wait:
            self._runner.cancel()
            return None
        self._forget_region()
        if wait:
            return self._run_here()
        self._update(by_hand=True)
        return None

    def commit(self) -> Labels | None:
        """Put the objects of the preview into the Labels layer chosen, or a new one, as one undo step.

        Returns
        -------
        napari.layers.Labels or None
            The layer; None if there is nothing to add, or it could not take them (nothing is lost then).
        """
        self._update_now.flush()
        self._update_soon.flush()  # what was changed a moment ago counts
        shown = self._shown
        if shown is None or not shown.objects:
            self._say("Nothing to add yet: place a prompt on an object, or find everything.")
            return None
        try:
            layer, committed = self._output.commit(
                shown, self.labels.value, self.preserve.value, self._session.model_hash(shown.request)
            )
        except FastSAMError as error:
            self._fail(error)
            return None
        self._refresh_choices()
        self.labels.value = layer
        self._clear(shown.request)
        self._update_now.flush()
        self._update_soon.flush()  # says that there are no prompts now: not the last word
        message = f"Added {len(committed.ids)} object{'s' * (len(committed.ids) != 1)} to “{layer.name}”."
        if committed.covered:
            message += f" {len(committed.covered)} lay wholly under labels that were kept."
        self._say(message)
        return layer

    def make_prompt_layers(self) -> tuple[Points, Shapes] | None:
        """Add a Points and a Shapes layer for prompts on the image, ready to click."""
        image = self.image.value
        if image is None:
            self._say(_NO_IMAGE)
            return None
        shapes = self._viewer.add_layer(new_prompts.new_shapes(image))
        points = self._viewer.add_layer(new_prompts.new_points(image))
        self._refresh_choices()
        self.shapes.value, self.points.value = shapes, points
        shapes.mode, points.mode = "add_rectangle", "add"
        self._viewer.layers.selection.active = points
        return points, shapes

    def toggle_polarity(self) -> None:
        """Make the next points, and those selected, negative or positive."""
        points = self.points.value
        if points is None:
            self._say("No Points layer yet: “New prompt layers” makes one.")
            return
        new_prompts.set_polarity(points, not new_prompts.adds_positive(points))
        self._show_point_defaults()
        self._update_soon()

    def toggle_object(self) -> None:
        """Let the next points describe one object together, or each an object of its own."""
        points = self.points.value
        if points is None:
            self._say("No Points layer yet: “New prompt layers” makes one.")
            return
        together = new_prompts.object_number(points) == 0
        new_prompts.set_object_number(points, new_prompts.largest_object_number(points) + 1 if together else 0)
        self._show_point_defaults()

    def toggle_task(self) -> None:
        """Change between objects at prompts and everything."""
        self.task.value = "prompts" if self.task.value == "everything" else "everything"

    def larger(self) -> None:
        """Take a larger object for the prompt last touched."""
        self._step(+1)

    def smaller(self) -> None:
        """Take a smaller object for the prompt last touched."""
        self._step(-1)

    def clear_prompts(self) -> None:
        """Remove the prompts on this plane."""
        if self._shown is not None:
            self._clear(self._shown.request)

    def close(self) -> None:
        """Undo all connections, end the work and remove the preview."""
        self.disconnect_all()
        super().close()

    def disconnect_all(self) -> None:
        """Let go of the viewer: connections, keys, work and preview."""
        self._runner.close()
        self._per_layer.undo()
        self._always.undo()
        self._unbind()
        self._output.remove_preview()

    # ---------------------------------------------------------------- from state to preview

    def _update(self, *_: Any, by_hand: bool = False) -> None:
        """Answer what is asked for now from what is kept, and have the network do what is missing."""
        request = self._request()
        if request is None:
            return
        if request.is_empty:
            self._show_nothing(request)
            return
        result = self._session.result(request)
        if result is not None:
            self._show(result)
        if (result is None or result.missing) and (by_hand or self.live.value):
            self._start(request)

    def _run_here(self) -> RunSummary:
        request = self._request()
        if request is None or request.is_empty:
            if request is not None:
                self._show_nothing(request)
            return RunSummary(message=self.status.value)
        start = time.perf_counter()
        try:
            for step in self._session.work(request):
                self._say(step)
        except FastSAMError as error:
            self._fail(error)
            return RunSummary(message=str(error))
        self._network_seconds = time.perf_counter() - start
        result = self._session.result(request)
        if result is None:
            return RunSummary(message=self.status.value)
        drawing = self._show(result)
        seconds = {"network": self._network_seconds, "selection": result.seconds, "drawing": drawing}
        return RunSummary(len(result.objects), seconds, self._plain_status, result.unanswered)

    def _request(self) -> Request | None:
        """Freeze what is asked for; None, said in the status, if nothing can be."""
        try:
            controls = freeze(self)
            if controls is None:
                self._shown = None
                self._output.remove_preview()
                self._say(_NO_IMAGE)
                return None
            if controls.model == FROM_FILE or not self._model_is_there(controls.model):
                return None
            return self._session.request(controls, self._shown.request.plane if self._shown else None)
        except FastSAMError as error:
            self._fail(error, notify=False)
            return None

    def _warm_up(self) -> None:
        """Load torch and the model behind the dock, so that the first prompt need not wait for them."""
        model, device = self.model.value, self.device.value
        if weights.is_available(model) and not self._runner.busy:
            self._runner.start(lambda: self._session.warm_up(model, device), "FastSAM")

    def _start(self, request: Request) -> None:
        if self._runner.busy:
            return  # its end asks again what is wanted then
        self._work_started = time.perf_counter()
        self.actions.run_button.text = "Cancel"
        self._runner.start(lambda: self._session.work(request), "FastSAM")

    def _work_ended(self, error: Exception | None, cancelled: bool) -> None:
        self.actions.run_button.text = "Run"
        self._network_seconds = time.perf_counter() - self._work_started
        if cancelled:
            self._say("Cancelled. Run starts it again.")
        elif isinstance(error, FastSAMError):
            self._fail(error)
        elif error is not None:
            self._say(f"Something went wrong: {error}")
            raise error
        else:
            self._update()

    def _show(self, result: Result) -> float:
        """Draw a result; returns the seconds that it took."""
        start = time.perf_counter()
        self._output.show(result)
        self._shown = result
        self._say(_summary(result, self._network_seconds), result.unanswered)
        return time.perf_counter() - start

    def _show_nothing(self, request: Request) -> None:
        self._shown = None
        self._output.hide_preview()
        chosen = request.controls.points is not None or request.controls.shapes is not None
        self._say(_NO_PROMPTS if chosen else _NO_PROMPT_LAYERS, request.read.left_out)

    def _step(self, direction: int) -> None:
        request = self._request()
        if request is None:
            return
        said = self._session.step(request, direction)
        self._update()
        self._say(said)

    def _clear(self, request: Request) -> None:
        """Remove the prompts of a request from their layers, and the preview of what they gave."""
        if request.controls.task == "prompts":
            read = request.read
            shapes = (*read.box_rows, *read.outline_rows, *read.scribble_rows)
            for layer, rows in ((request.controls.points, read.point_rows), (request.controls.shapes, shapes)):
                if layer is not None and rows and layer in self._viewer.layers:
                    layer.selected_data = set(rows)
                    layer.remove_selected()
            self._session.forget_prompts()
        self._shown = None
        self._output.hide_preview()

    # ---------------------------------------------------------------- wiring

    def _wire(self) -> None:
        viewer = self._viewer
        dims = viewer.dims.events
        self._always.connect((dims.current_step, dims.order, dims.ndisplay), self._plane_changed)
        listed = viewer.layers.events
        self._always.connect((listed.inserted, listed.removed, listed.renamed), self._layers_changed)
        self._always.connect((viewer.layers.selection.events.active,), self._active_changed)
        for control in (self.conf, self.iou, self.areas.min_area, self.areas.max_area):
            control.changed.connect(self._update_now)
        for control in (self.task, self.region, self.imgsz, self.device, self.live):
            control.changed.connect(self._update_soon)
        self.model.changed.connect(self._model_chosen)
        for control in (self.image, self.points, self.shapes):
            control.changed.connect(self._layers_chosen)
        self.download.changed.connect(self._download)
        self.new_layers.changed.connect(self.make_prompt_layers)
        self.next_point.polarity.changed.connect(self.toggle_polarity)
        self.next_point.object.changed.connect(self.toggle_object)
        self.alternatives.smaller.changed.connect(self.smaller)
        self.alternatives.larger.changed.connect(self.larger)
        self.actions.run_button.changed.connect(lambda: self.run())
        self.actions.add.changed.connect(lambda: self.commit())
        self.native.destroyed.connect(self._runner.close)

    def _layers_chosen(self, *_: Any) -> None:
        """Follow the layers that are chosen now, and no others."""
        self._per_layer.undo()
        image, points, shapes = self.image.value, self.points.value, self.shapes.value
        if image is not None:
            self._per_layer.connect((image.events.data,), self._image_changed)
            self._per_layer.connect(layer_emitters(image, "contrast_limits"), self._update_soon)
        for prompts in (points, shapes):
            if prompts is not None:
                self._per_layer.connect((prompts.events.data,), self._prompts_changed)
                self._per_layer.connect(layer_emitters(prompts, "features"), self._update_soon)
        if points is not None:
            self._per_layer.connect((points.events.feature_defaults,), self._show_point_defaults)
        self._show_point_defaults()
        self._update_soon()

    def _prompts_changed(self, event: Any) -> None:
        # while a shape is being drawn its events end in -ing
        if not str(getattr(event, "action", "changed")).rpartition(".")[2].lower().endswith("ing"):
            self._update_now()

    def _image_changed(self, *_: Any) -> None:
        if self.image.value is not None:
            self._session.image_changed(self.image.value)
            self._update_soon()

    def _plane_changed(self, *_: Any) -> None:
        self._update_soon()

    def _layers_changed(self, *_: Any) -> None:
        self._refresh_choices()
        self._update_soon()

    def _active_changed(self, *_: Any) -> None:
        active = self._viewer.layers.selection.active
        if isinstance(active, Image) and active in self.image.choices:
            self.image.value = active

    def _refresh_choices(self) -> None:
        """Offer the layers that there are now; a choice stays as long as its layer does."""
        for box, kind in ((self.image, Image), (self.points, Points), (self.shapes, Shapes), (self.labels, None)):
            before = box.value
            with box.changed.blocked():
                known = box.choices
                box.reset_choices()
                if before is not None and before in box.choices:
                    box.value = before
                elif before is None and kind is not None:
                    new = [layer for layer in box.choices if layer is not None and layer not in known]
                    if new:
                        box.value = new[-1]
            if box.value is not before and box is not self.labels:
                self._layers_chosen()

    def _choose_first_layers(self) -> None:
        active = self._viewer.layers.selection.active
        images = [layer for layer in self.image.choices if layer is not None]
        if images:
            self.image.value = active if active in images else images[-1]
        for box in (self.points, self.shapes):
            there = [layer for layer in box.choices if layer is not None]
            if there:
                box.value = there[-1]

    def _forget_region(self) -> None:
        """Take the view as it is now, not as it was when the preview was made."""
        if self.region.value == "view":
            self._shown = None

    # ---------------------------------------------------------------- model

    def _model_chosen(self, name: str) -> None:
        if name == FROM_FILE:
            self.model.ask_for_file(instead=self._last_model)
            return
        self._last_model = name
        self._update_soon()

    def _model_is_there(self, name: str) -> bool:
        known = weights.known(name)
        missing = known is not None and not weights.is_available(name)
        self.download.visible = missing
        if known is not None and missing:
            self.download.text = f"Download {known.name} ({known.bytes / 1e6:.0f} MB)"
            self._say(
                f"{known.name} is not on this computer. “Download” fetches it once ({known.licence}), or put "
                f"{known.file} into {known.path.parent}; “nuclei” works without."
            )
        return not missing

    def _download(self, *_: Any) -> None:
        if self._runner.busy:
            self._say("Wait for the work under way, or cancel it, then download.")
            return
        from napari_fastsam.widgets.download import downloading

        self._work_started = time.perf_counter()
        self.actions.run_button.text = "Cancel"
        self._runner.start(lambda: downloading(self._last_model, lambda: self._runner.cancelled), "Download")

    # ---------------------------------------------------------------- what it says

    def _style(self) -> None:
        make_compact(list(self))
        content = self.root_native_widget.widget().layout()
        for label in (self.status, Label(value=shortcuts.as_html())):
            label.native.setWordWrap(True)
            label.native.setTextFormat(Qt.TextFormat.RichText)
            label.native.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)
            label.native.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            content.addWidget(label.native)
        content.addStretch()
        self.image.label = "image"  # set once all are there, so that magicgui gives all labels one width
        self.root_native_widget.setMinimumWidth(340)

    def _show_point_defaults(self, *_: Any) -> None:
        points = self.points.value
        positive = points is None or new_prompts.adds_positive(points)
        number = 0 if points is None else new_prompts.object_number(points)
        self.next_point.polarity.text = "+ positive" if positive else "− negative"
        self.next_point.object.text = f"object {number}" if number else "each its own"

    def _say(self, message: str, details: tuple[str, ...] = ()) -> None:
        self._plain_status = message
        lines = [html.escape(message), *(f"• {html.escape(detail)}" for detail in details[:8])]
        if len(details) > 8:
            lines.append(f"• and {len(details) - 8} more")
        self.status.value = "<br>".join(lines)

    def _fail(self, error: FastSAMError, notify: bool = True) -> None:
        self._say(str(error))
        if notify:
            show_error(str(error))


_NO_IMAGE = "No image yet: open one (File ▸ Open, or File ▸ Open Sample ▸ napari-fastsam)."
_NO_PROMPT_LAYERS = "Ready. “New prompt layers” gives you a Points and a Shapes layer; or find everything."
_NO_PROMPTS = "Ready. Click an object, or draw a box or an outline around it."


def _summary(result: Result, network_seconds: float) -> str:
    count = len(result.objects)
    said = (
        f"{count} object{'s' * (count != 1)} · network {network_seconds:.2f} s, selection {result.seconds * 1e3:.0f} ms"
    )
    if result.missing:
        said += " · looking closer …"
    elif not count and result.request.controls.task == "everything":
        said += ". Nothing found: lower the confidence, change “shown at”, or check the contrast limits."
    return said
