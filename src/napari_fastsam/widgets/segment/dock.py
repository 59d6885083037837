"""The dock *FastSAM*: wiring between controls, viewer and session."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

import numpy as np
from magicgui.widgets import Container, Label
from napari.utils.notifications import ErrorNotification, notification_manager, show_error

from napari_fastsam.errors import FastSAMError, LabelsError
from napari_fastsam.io.exemplars import load_exemplars, save_exemplars
from napari_fastsam.io.recipes import save_recipe
from napari_fastsam.layers.answers.cache import MEGABYTE
from napari_fastsam.layers.answers.recipes import add_measurements, recipe_of
from napari_fastsam.layers.answers.session import Request, Result, Session
from napari_fastsam.layers.answers.tracks import tracks_of
from napari_fastsam.layers.connections import Connections, layer_emitters
from napari_fastsam.layers.planes.look import go_to
from napari_fastsam.layers.prompts import new as new_prompts
from napari_fastsam.model.weights import weights
from napari_fastsam.widgets.common.files import file_to_open, file_to_save
from napari_fastsam.widgets.common.frame import Frame, make_readable
from napari_fastsam.widgets.common.plain import plain
from napari_fastsam.widgets.common.runner import Runner
from napari_fastsam.widgets.common.settings import read_settings
from napari_fastsam.widgets.segment import messages, shortcuts
from napari_fastsam.widgets.segment.choices import LayerChoices
from napari_fastsam.widgets.segment.controls import (
    FROM_FILE,
    PREVIEW_KEY,
    axes_of,
    freeze,
    make_actions,
    make_compact,
    make_controls,
)
from napari_fastsam.widgets.segment.model_choice import ModelChoice
from napari_fastsam.widgets.segment.next_prompts import NextPrompts
from napari_fastsam.widgets.segment.output import Output
from napari_fastsam.widgets.segment.search import SearchPanel
from napari_fastsam.widgets.segment.updates import Updates
from napari_fastsam.widgets.segment.work import Added, Failure, RunSummary, Work, error_message, same_place

if TYPE_CHECKING:
    import napari.viewer
    from napari.layers import Labels, Layer, Points, Shapes, Tracks

    from napari_fastsam.core.likeness.exemplars import Exemplars


P = ParamSpec("P")
T = TypeVar("T")

DRAWN_MS = 50
"""The dock is on the screen by then."""

REDRAW_SECONDS = 1.0
"""What a long run has found so far is drawn not more often than this."""


def report_errors(
    method: Callable[Concatenate[FastSAMWidget, P], T],
) -> Callable[Concatenate[FastSAMWidget, P], T | None]:
    """Let a method of the dock say what is wrong with what a person asks for, and return None then."""

    @wraps(method)
    def told(self: FastSAMWidget, /, *args: P.args, **kwargs: P.kwargs) -> T | None:
        try:
            return method(self, *args, **kwargs)
        except FastSAMError as error:
            self._fail(error)
            return None

    return told


class FastSAMWidget(Container[Any]):
    """The dock: choose an image, point at objects, add them to a Labels layer.

    Parameters
    ----------
    napari_viewer
        The viewer that it works on.
    """

    _frame: Frame | None = None

    def __init__(self, napari_viewer: napari.viewer.Viewer) -> None:
        self._viewer = napari_viewer
        settings = read_settings()
        self.status = Label(value="")
        self.actions = make_actions()
        super().__init__(widgets=make_controls(napari_viewer, settings), labels=True, scrollable=True, name="FastSAM")
        self._model_choice = ModelChoice(self, settings.thresholds_from_card)
        self._next = NextPrompts(self)
        self._session = Session(napari_viewer, settings.cache_mb * MEGABYTE)
        self._output = Output(napari_viewer)
        self._runner = Runner(self._work_says, self._work_ended)
        self._choices = LayerChoices(
            napari_viewer, self.image, (self.points, self.shapes), self.labels, self._layers_chosen
        )
        self._asked: Request | None = None
        self._shown: Result | None = None
        self._added: Added | None = None
        self._work: Work | None = None
        self._failure: Failure | None = None
        self._plain_status = ""
        self._drawn = 0.0
        self._place: tuple[Any, ...] = ()
        self._always = Connections()
        self._per_layer = Connections()
        self._updates = Updates(self._update, self._update_at_once)
        self.search = SearchPanel(settings, self._updates.now, self._updates.soon)
        self.about = self._model_choice.about
        self._frame = frame = self._framed()
        self._wire(frame)
        self._unbind = shortcuts.bind(napari_viewer, self)
        self._choices.choose_first()
        self._layers_chosen()
        self._warm_up()

    @property
    def native(self) -> Any:
        """What napari docks.

        magicgui says the widget inside its scroll area here (https://github.com/pyapp-kit/magicgui/issues/431).
        """
        return super().native if self._frame is None else self._frame

    @property  # type: ignore[misc]
    def labels(self) -> Any:
        """The control that chooses the Labels layer.

        magicgui has an attribute of this name that says whether controls are labelled; it asks for its truth only, and
        a control with a choice in it is true.
        """
        control = self.get_widget("labels")
        return super().labels if control is None else control

    def reset_choices(self, *_: Any) -> None:
        """Do nothing: napari calls this whenever layers come and go, and the dock follows them itself.

        magicgui's own sets all choices anew, which says that they changed.
        """

    # ---------------------------------------------------------------- what a person can do

    def run(self, wait: bool = False) -> RunSummary | None:
        """Segment what is asked for now; while work is under way, cancel it.

        Parameters
        ----------
        wait
            Do it here and now and return what was done; otherwise in a thread, with the result in the preview.
        """
        if self._work is not None and not wait:
            if self._work.kind == "warm up":
                self._work = replace(self._work, user_initiated=True)
                self._say(messages.LOADING_FIRST)
            else:
                self._runner.cancel()
            return None
        self._asked = self._added = self._failure = None  # the view as it is now, what failed once more
        request = self._request()
        if request is not None:
            self._session.forget_if_painted_over(request)
        if wait:
            return self._run_here()
        self._update(user_initiated=True)
        return None

    @report_errors
    def commit(self) -> Labels | None:
        """Put the objects of the preview into the Labels layer chosen, or a new one, as one undo step.

        Returns
        -------
        napari.layers.Labels or None
            The layer; None if there is nothing to add, or it could not take them (nothing is lost then).
        """
        self._updates.flush()  # what was changed a moment ago counts
        shown = None if self._shown is None else self._session.frozen(self._shown)
        why_not = self._nothing_to_add(shown)
        if shown is None or why_not:
            self._say(why_not)
            return None
        layer, committed = self._output.commit(
            shown, self.labels.value, self.preserve.value, self._session.model_hash(shown.request)
        )
        self._session.added(shown, layer)
        self._choices.refresh()
        self.labels.value = layer
        self._clear(shown)
        self._added = Added(shown.request, layer) if shown.lasts else None
        if not shown.complete:
            self._updates.soon()  # shows what is left
        self._updates.flush()  # says what there is now: not the last word
        self._say(messages.added(committed, layer.name, shown))
        return layer

    def _nothing_to_add(self, shown: Result | None) -> str:
        """Say why there is nothing to add now; empty = there is something."""
        if shown is not None and shown.waiting:
            if shown.request.controls.task == "everything":
                return messages.STILL_LINKING
            if self._work is not None and self._work.kind == "segment":
                return messages.STILL_FOLLOWING
        return "" if shown is not None and shown.count else messages.NOTHING_TO_ADD

    def make_prompt_layers(self) -> tuple[Points, Shapes] | None:
        """Add a Points and a Shapes layer for prompts on the image, ready to click."""
        image = self.image.value
        if image is None:
            self._say(messages.NO_IMAGE)
            return None
        shapes, points = new_prompts.new_shapes(image), new_prompts.new_points(image)
        self._viewer.add_layer(shapes)
        self._viewer.add_layer(points)
        self._choices.refresh()
        self.shapes.value, self.points.value = shapes, points
        shapes.mode, points.mode = "add_rectangle", "add"
        self._viewer.layers.selection.active = points
        return points, shapes

    @report_errors
    def make_tracks(self) -> Tracks | None:
        """Add a Tracks layer of the objects that were found on all planes, with divisions."""
        if self._shown is None:
            raise LabelsError(messages.NO_LINKED_OBJECTS)
        tracks = tracks_of(self._shown)
        self._viewer.add_layer(tracks)
        return tracks

    @report_errors
    def save_recipe(self, path: str | Path | None = None) -> Path | None:
        """Save what is asked for as a recipe, to be run on other images; None asks for a file."""
        request = self._request()
        if request is None:
            return None
        exemplars, _ = self._session.exemplars(request)
        recipe = recipe_of(request, exemplars, self._session.model_hash(request))
        chosen = file_to_save(self.native, "Save recipe", "recipe.json", path)
        if chosen is not None:
            save_recipe(recipe, chosen)
            self._say(messages.recipe_saved(str(chosen)))
        return chosen

    @report_errors
    def measure(self) -> None:
        """Measure the objects of the Labels layer chosen, into its features."""
        image, layer = self.image.value, self.labels.value
        if image is None or layer is None:
            self._say(messages.NOTHING_TO_MEASURE)
            return
        self._say(messages.measured(len(add_measurements(layer, image)), layer.name))

    def toggle_polarity(self) -> None:
        """Make the next points, and those selected, negative or positive; the next shapes prompts."""
        if self.points.value is None:
            self._say(messages.NO_POINTS_LAYER)
        else:
            self._next.toggle_polarity()
            self._updates.soon()

    def toggle_object(self) -> None:
        """Let the next points describe one object together, or each an object of its own."""
        if self.points.value is None:
            self._say(messages.NO_POINTS_LAYER)
        else:
            self._next.toggle_object()

    def toggle_example(self) -> None:
        """Make the next points and shapes, and those selected, examples or counter-examples."""
        if not self._next.there_are_layers:
            self._say(messages.NO_POINTS_LAYER)
            return
        self._next.toggle_example()
        self._updates.soon()
        self.search.expand(animate=False)

    def focus_words(self) -> None:
        """Unfold the search, ready to type what is wanted."""
        self.search.expand(animate=False)
        self.search.words.native.setFocus()

    def keep_examples(self) -> None:
        """Take the examples on this plane, and those kept before, along to other planes and images."""
        exemplars = self._examples()
        if exemplars is not None:
            self.search.show_exemplars(exemplars)
            self._updates.soon()

    def forget_examples(self) -> None:
        """Search without the examples that were kept."""
        self.search.show_exemplars(None)
        self._updates.soon()
        self._say(messages.EXAMPLES_FORGOTTEN)

    @report_errors
    def save_examples(self, path: str | Path | None = None) -> Path | None:
        """Save the examples on this plane, and those kept, into a file; None asks for one."""
        exemplars = self._examples()
        if exemplars is None:
            return None
        chosen = file_to_save(self.native, "Save the examples", "examples.json", path)
        if chosen is not None:
            save_exemplars(exemplars, chosen)
            self._say(messages.examples_saved(exemplars, str(chosen)))
        return chosen

    @report_errors
    def load_examples(self, path: str | Path | None = None) -> None:
        """Search with examples from a file; None asks for one."""
        chosen = file_to_open(self.native, "Load examples", ".json", path)
        if chosen is not None:
            self.search.show_exemplars(load_exemplars(chosen))
            self.search.expand(animate=False)
            self._updates.soon()

    def toggle_task(self) -> None:
        """Change between objects at prompts and everything."""
        self.task.value = "prompts" if self.task.value == "everything" else "everything"

    def larger(self) -> None:
        """Take a larger object for the prompt last touched."""
        self._step(+1)

    def smaller(self) -> None:
        """Take a smaller object for the prompt last touched."""
        self._step(-1)

    def offer_models(self, choose: str | None = None) -> None:
        """Offer the models that there are now, for instance after one was trained; and choose one of them."""
        self.model.refresh()
        if choose is not None:
            self.model.value = choose

    def clear_prompts(self) -> None:
        """Remove the prompts on this plane."""
        request = self._request()
        if request is None:
            return
        points, shapes = self._session.rows_on_plane(request)
        if not points and not shapes:
            self._say(messages.NOTHING_TO_CLEAR)
            return
        self._session.forget_prompts(request)
        self._remove(request, points, shapes)
        self._updates.soon()

    def close(self) -> None:
        """Undo all connections, end the work and remove the preview."""
        self.disconnect_all()
        self.native.close()
        super().close()

    def disconnect_all(self) -> None:
        """Let go of the viewer: connections, keys, work and preview."""
        self._updates.cancel()
        self._runner.close()
        self._per_layer.undo()
        self._always.undo()
        self._unbind()
        listed = self._viewer.layers.events
        for emitter in (listed.inserted, listed.removed, listed.reordered, listed.renamed):
            # napari connects it when it docks a magicgui widget: https://github.com/napari/napari/pull/1856
            emitter.disconnect(self.reset_choices)
        self._output.remove_preview()
        self._shown = None
        self._session.forget()  # napari may hold on to the widget

    # ---------------------------------------------------------------- from state to preview

    def _update(self, *_: Any, user_initiated: bool = False) -> None:
        """Answer what is asked for now from what is kept, and have the network do what is missing."""
        request = self._request()
        if request is None:
            return
        if not (user_initiated or self.live.value):
            self._say(messages.live_is_off(request))
        elif self._was_added(request):
            self._show_nothing(messages.ALREADY_ADDED)
        elif request.is_empty:
            self._show_nothing(messages.no_prompts(request), request.read.left_out)
        else:
            self._answer(request, user_initiated)

    def _update_at_once(self, *_: Any) -> None:
        """Answer before the canvas draws, where that takes no more than new pixels in the preview.

        napari is in the middle of a mouse event here: a new layer, or the progress bar of the network, which handles
        events, has to wait until it is over.
        """
        shown = self._shown
        if shown is not None and self.live.value and self._output.preview is not None:
            request = self._request()
            if request is not None and request.key == shown.request.key and not request.is_empty:
                result = self._session.result(request)
                if result is not None and result.complete:
                    self._show(result)
                    return
        self._updates.soon()

    def _answer(self, request: Request, user_initiated: bool) -> None:
        result = self._session.result(request)
        if result is not None:
            self._show(result)
        elif self._shown is not None and not same_place(self._shown.request, request):
            self._show_nothing("")
        if result is not None and result.complete:
            return
        if self._failure is not None and not user_initiated and self._failure.concerns(request):
            self._say(self._failure.message)
        elif user_initiated or not self._waits(request, result):
            self._start(request, user_initiated)
        elif self._work is None:
            self._say_waiting(request, result)

    def _waits(self, request: Request, result: Result | None) -> bool:
        """Whether a person has to ask for it: it takes minutes, and drawn prompts have their answers."""
        answered = request.over_tiles or (result is not None and not result.missing)
        return answered and self._session.takes_minutes(request)

    def _say_waiting(self, request: Request, result: Result | None) -> None:
        """Say that the rest takes minutes, and comes when it is asked for."""
        if request.searches_tiles:
            self._say(messages.LARGE_SEARCH, () if result is None else result.unanswered)
        else:
            self._say(messages.LARGE_PLANE if result is None else messages.summary(result, 0.0))

    def _run_here(self) -> RunSummary:
        request = self._request()
        if request is None:
            return RunSummary(message=self._plain_status)
        if request.is_empty:
            self._show_nothing(messages.no_prompts(request), request.read.left_out)
            return RunSummary(message=self._plain_status, unanswered=request.read.left_out)
        start = time.perf_counter()
        try:
            for step in self._session.work(request):
                self._say(step)
        except FastSAMError as error:
            self._fail(error)
            return RunSummary(message=str(error))
        network = time.perf_counter() - start
        result = self._session.result(request)
        if result is None:
            return RunSummary(message=self._plain_status)
        drawing = self._show(result, self._session.network_seconds)
        seconds = {"network": network, "selection": result.seconds, "drawing": drawing}
        return RunSummary(result.count, seconds, self._plain_status, result.unanswered)

    def _request(self) -> Request | None:
        """Freeze what is asked for; None, said in the status, if nothing can be."""
        try:
            controls = freeze(self)
            if controls is None:
                self._shown = None
                self._output.remove_preview()
                self._say(messages.NO_IMAGE)
                return None
            if controls.model == FROM_FILE:
                return None
            missing = self._model_choice.missing()
            if missing is not None:
                self._say(missing)
                return None
            if controls.texts and controls.task == "prompts" and not self._encoder_is_there():
                return None
            self._asked = self._session.request(controls, self._asked)
            if controls.task == "prompts" and self._lasts(self._asked):
                # what was searched for is in the Labels layer: it does not come again with the next prompt
                return self._session.request(replace(controls, texts=(), exemplars=None), self._asked)
            return self._asked
        except FastSAMError as error:
            self._fail(error, notify=False)
            return None

    def _show(self, result: Result, network_seconds: float = 0.0) -> float:
        """Draw a result; returns the seconds that it took."""
        start = time.perf_counter()
        self._output.show(result)
        self._shown = result
        self.search.show_result(result)
        self._say(messages.summary(result, network_seconds), result.unanswered)
        return time.perf_counter() - start

    def _show_nothing(self, message: str, details: tuple[str, ...] = ()) -> None:
        self._shown = None
        self._output.hide_preview()
        self.search.show_result(None)
        self._say(message, details)

    def _was_added(self, request: Request) -> bool:
        """Whether these very objects were added: prompts are cleared then, but what lasts would come again."""
        if request.controls.task == "everything":
            return self._lasts(request)
        return request.is_empty and self._asked is not None and self._asked is not request

    def _lasts(self, request: Request) -> bool:
        """Whether a request asks for what was added, apart from prompts in layers."""
        return (
            self._added is not None
            and request.commit_signature is not None
            and request.commit_signature == self._added.request.commit_signature
        )

    def _step(self, direction: int) -> None:
        request = self._request()
        if request is None:
            return
        said = self._session.step(request, direction)
        if self._session.result(request) is not None and not request.is_empty:
            self._update(user_initiated=True)
        self._say(said)

    def _clear(self, shown: Result) -> None:
        """Remove the prompts that a result has answered, and the preview of what they gave."""
        if shown.request.controls.task == "prompts":
            points, shapes = self._session.answered_rows(shown)
            self._session.forget_prompts(shown.request)
            self._remove(shown.request, points, shapes)
        self._shown = None
        self._output.hide_preview()
        self.search.show_result(None)

    def _remove(self, request: Request, points: set[int], shapes: set[int]) -> None:
        for layer, rows in ((request.controls.points, points), (request.controls.shapes, shapes)):
            if layer is not None and rows and layer in self._viewer.layers:
                new_prompts.remove_rows(layer, rows)

    # ---------------------------------------------------------------- work in a thread

    def _warm_up(self) -> None:
        """Load torch and the model behind the dock, so that the first prompt need not wait for them."""
        model, device = self.model.value, self.device.value
        if weights.is_available(model):
            self._work = Work("warm up")
            # to import torch takes the interpreter from whoever draws: first the dock, then that
            self._runner.start(lambda: self._session.warm_up(model, device), "FastSAM", after_ms=DRAWN_MS)

    def _start(self, request: Request, user_initiated: bool) -> None:
        if self._work is not None:
            # its end asks again what is wanted then
            self._work = replace(self._work, user_initiated=self._work.user_initiated or user_initiated)
            return
        self._work = Work("segment", request, user_initiated)
        self.actions.run_button.text = "Cancel"
        self._runner.start(lambda: self._session.work(request, user_initiated), "FastSAM")

    def _download(self, name: str) -> None:
        if self._work is not None:
            self._say(messages.STILL_BUSY)
            return
        from napari_fastsam.widgets.segment.download import downloading

        self._work = Work("download")
        self.actions.run_button.text = "Cancel"
        self._runner.start(lambda: downloading(name, lambda: self._runner.cancelled), "Download")

    def _work_says(self, said: str) -> None:
        """Say what work does, and show what a long one has found so far."""
        work = self._work
        if work is not None and work.request is not None and work.request.over_tiles:
            now = time.monotonic()
            if now - self._drawn >= REDRAW_SECONDS and not self._session.is_stale(work.request):
                result = self._session.result(work.request)
                if result is not None:
                    self._output.show(result)
                    self._shown = result
                self._drawn = time.monotonic()
        self._say(said)

    def _work_ended(self, error: Exception | None, cancelled: bool) -> None:
        work, self._work = self._work, None
        self.actions.run_button.text = "Run"
        self._updates.cancel()  # what they would ask is asked below
        if work is None:
            return
        if cancelled and (error is None or isinstance(error, weights.DownloadCancelled)):
            self._say(messages.DOWNLOAD_CANCELLED if work.kind == "download" else messages.CANCELLED)
        elif error is not None:
            self._work_failed(work, error)
        elif work.kind == "segment" and work.request is not None:
            self._update(user_initiated=work.user_initiated and not work.request.waits_for_run)
            shown = self._shown
            answered = shown is not None and (shown.complete or not work.request.searches_tiles)
            if shown is not None and answered and shown.request.key == work.request.key and self._work is None:
                self._say(messages.summary(shown, self._session.network_seconds), shown.unanswered)
        else:
            self._update(user_initiated=work.user_initiated)

    def _work_failed(self, work: Work, error: Exception) -> None:
        if work.request is not None and self._session.is_stale(work.request):
            self._update(user_initiated=work.user_initiated)  # what failed is not wanted any more
            return
        message = error_message(error)
        if work.kind == "download":
            self._say(message)
        else:
            self._failure = Failure.of(work, error, (self.model.value, self.device.value))
            self._update()  # something else may be wanted by now
        if self._work is None:
            self._say(message)
        if isinstance(error, FastSAMError):
            show_error(plain(message))
        else:
            notification_manager.dispatch(ErrorNotification(error))

    # ---------------------------------------------------------------- wiring

    def _wire(self, frame: Frame) -> None:
        viewer = self._viewer
        dims = viewer.dims.events
        self._always.connect((dims.current_step, dims.order, dims.ndisplay), self._plane_changed)
        listed = viewer.layers.events
        self._always.connect((listed.inserted, listed.removed, listed.renamed), self._layers_changed)
        self._always.connect((viewer.layers.selection.events.active,), self._active_changed)
        for control in (self.conf, self.iou, self.areas.min_area, self.areas.max_area):
            control.changed.connect(self._updates.now)
        for control in (self.task, self.region, self.imgsz, self.diameter, self.device, self.live):
            control.changed.connect(self._updates.soon)
        self.region.changed.connect(self._show_axes)
        for control in (self.stack.overlap, self.stack.more.gap, self.stack.more.divisions, self.stack.axis):
            control.changed.connect(self._updates.soon)
        self.outcome.recipe.changed.connect(lambda: self.save_recipe())
        self.outcome.measure_button.changed.connect(lambda: self.measure())
        self.stack.more.tracks.changed.connect(lambda: self.make_tracks())
        self.model.changed.connect(self._model_chosen)
        for control in (self.image, self.points, self.shapes):
            control.changed.connect(self._layers_chosen)
        self.download.changed.connect(lambda: self._download(self._model_choice.name))
        self.search.download.changed.connect(lambda: self._download(self.search.text_encoder))
        self.search.keep.changed.connect(self.keep_examples)
        self.search.save.changed.connect(lambda: self.save_examples())
        self.search.load.changed.connect(lambda: self.load_examples())
        self.search.forget.changed.connect(self.forget_examples)
        self.search.table.chosen.connect(self._go_to)
        self.new_layers.changed.connect(self.make_prompt_layers)
        self.next_point.polarity.changed.connect(self.toggle_polarity)
        self.next_point.object.changed.connect(self.toggle_object)
        self.example.changed.connect(self.toggle_example)
        self.alternatives.smaller.changed.connect(self.smaller)
        self.alternatives.larger.changed.connect(self.larger)
        self.actions.run_button.changed.connect(lambda: self.run())
        self.actions.add.changed.connect(lambda: self.commit())
        frame.removed.connect(self.disconnect_all)
        frame.destroyed.connect(self.disconnect_all)

    def _layers_chosen(self, *_: Any) -> None:
        """Follow the layers that are chosen now, and no others."""
        self._per_layer.undo()
        self._choices.target_follows()
        image, points, shapes = self.image.value, self.points.value, self.shapes.value
        if image is not None:
            self._per_layer.connect((image.events.data,), self._image_changed)
            self._per_layer.connect(layer_emitters(image, "contrast_limits"), self._asks_anew)
        for prompts in (points, shapes):
            if prompts is not None:
                self._per_layer.connect((prompts.events.data,), self._prompts_changed)
                self._per_layer.connect(layer_emitters(prompts, "features"), self._asks_anew)
        if points is not None:
            self._per_layer.connect((points.events.feature_defaults,), self._next.show)
        self._next.show()
        self._show_axes()
        self._updates.soon()

    def _show_axes(self, *_: Any) -> None:
        """Offer the axes of the image along which planes lie, where all of them are meant."""
        image, control = self.image.value, self.stack.axis
        choices = [] if image is None else axes_of(image)
        with control.changed.blocked():
            if [axis for _, axis in choices] != list(control.choices):
                control.choices = choices
        wanted = self.region.value == "stack"
        if self.stack.native.isHidden() == wanted:
            self.stack.visible = wanted

    def _plane_changed(self, *_: Any) -> None:
        # napari says so too when a layer comes or goes, as the preview does, and nothing moves
        dims = self._viewer.dims
        place = (tuple(dims.point), tuple(dims.order), dims.ndisplay)
        if place != self._place:
            self._place = place
            self._updates.soon()

    def _asks_anew(self, *_: Any) -> None:
        self._updates.soon()

    def _prompts_changed(self, event: Any) -> None:
        # while a shape is being drawn its events end in -ing
        if not str(getattr(event, "action", "changed")).rpartition(".")[2].lower().endswith("ing"):
            self._updates.now()

    def _image_changed(self, *_: Any) -> None:
        if self.image.value is not None:
            self._session.image_changed(self.image.value)
            self._show_nothing("")  # what is shown lies on pixels that are gone
            self._updates.soon()

    def _layers_changed(self, event: Any) -> None:
        layer = getattr(event, "value", None)
        if PREVIEW_KEY in getattr(layer, "metadata", ()):
            if event.type == "removed" and self._output.forget(layer):
                self._shown = None  # thrown away by the person: nothing to add until something is asked for again
            return
        if event.type == "removed":
            self._layer_removed(layer)
        self._choices.refresh()
        self._updates.soon()

    def _layer_removed(self, layer: Layer) -> None:
        if layer in self.image.choices:
            self._session.image_changed(layer)
        self._session.layer_removed(layer)  # what went into it is in no layer now
        if self._added is not None and self._added.layer == layer:
            self._added = None

    def _active_changed(self, *_: Any) -> None:
        self._choices.follow_active()

    # ---------------------------------------------------------------- model

    def _model_chosen(self, name: str) -> None:
        if self._model_choice.choose(name):
            self._updates.soon()

    def _encoder_is_there(self) -> bool:
        there = self.search.show_encoder()
        known = None if there else weights.known(self.search.text_encoder, "text")
        if known is not None:
            self._say(messages.encoder_missing(known))
        return there

    # ---------------------------------------------------------------- words and examples

    @report_errors
    def _examples(self) -> Exemplars | None:
        """Return the examples on this plane together with those kept; None, said in the status, without any."""
        controls = freeze(self)
        if controls is None:
            self._say(messages.NO_IMAGE)
            return None
        exemplars, unanswered = self._session.exemplars(self._session.request(controls, self._asked))
        if exemplars is None:
            self._say(messages.NO_EXAMPLES_TO_KEEP, unanswered)
        return exemplars

    def _go_to(self, row: int) -> None:
        """Show the object of a row of the ranking, and select it in the preview."""
        shown, ranking, preview = self._shown, self.search.table.rows.ranking, self._output.preview
        if shown is None or shown.searched is None or ranking is None or preview is None:
            return
        plane, i = shown.request.plane, int(ranking.positions[row])
        y0, x0, y1, x1 = shown.searched.boxes[i].astype(float) - 0.5
        corners = plane.region_to_data([[y0, x0], [y1, x1]])
        low, high = np.minimum(*corners), np.maximum(*corners)
        go_to(self._viewer, shown.request.controls.image, (low + high) / 2, np.concatenate([low, high]) + 0.5)
        if ranking.labels[row]:
            preview.selected_label = int(ranking.labels[row])

    # ---------------------------------------------------------------- what it says

    def _framed(self) -> Frame:
        controls: list[Any] = list(self)
        make_compact([*controls, self.actions])
        make_readable(self.status.native)
        # set once all are there, so that all labels have one width: https://github.com/pyapp-kit/magicgui/issues/729
        self.image.label = "image"
        frame = Frame(self.root_native_widget, [self.actions.native, self.status.native], shortcuts.as_html())
        frame.belongs_to(self)
        frame.put_below(self.model.native, self.about)
        frame.put_below(self.example.native, self.search)
        self.about.show_model(self.model.value)
        return frame

    def _say(self, message: str, details: tuple[str, ...] = ()) -> None:
        self._plain_status = message
        left = self._choices.left
        notes = () if left is None else (messages.new_target(*left),)
        self.status.value = messages.as_html(message, (*notes, *details))

    def _fail(self, error: FastSAMError, notify: bool = True) -> None:
        self._say(str(error))
        if notify:
            show_error(plain(str(error)))
