"""The dock *Review*: the objects of a Labels layer, one after the other, and how many of all are wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QTimer
from superqt.utils import qdebounced

from napari_fastsam.errors import FastSAMError
from napari_fastsam.layers.connections import Connections
from napari_fastsam.layers.review.objects import pixels_to_review
from napari_fastsam.layers.review.record import CORRECTED, RIGHT, WRONG
from napari_fastsam.layers.review.review import (
    LabelReview,
    ReviewedObject,
    is_about,
    is_answer,
)
from napari_fastsam.widgets.common.errors import notify, report_errors
from napari_fastsam.widgets.common.headline import Headline, Mood
from napari_fastsam.widgets.common.icons import ThemedIcons
from napari_fastsam.widgets.common.undo_on_layer import UndoOnLayer
from napari_fastsam.widgets.review import messages
from napari_fastsam.widgets.review.keys import ReviewKeys
from napari_fastsam.widgets.review.layout import make_actions, make_controls, make_frame
from napari_fastsam.widgets.review.saving import save_efforts
from napari_fastsam.widgets.review.steps import SharedSteps
from napari_fastsam.widgets.review.view import ObjectView
from napari_fastsam.widgets.review.wiring import ReviewWiring
from napari_fastsam.widgets.review.work import Measured, MeasuringWork

if TYPE_CHECKING:
    import napari.viewer
    from napari.layers import Labels

SOON_MS = 120
"""What is told of labels by others is looked at once within this time."""

SEED = 1
"""Of the random order of a layer's first review."""


class ReviewWidget(ReviewWiring):
    """The dock: right, wrong or correct it, an object at a time.

    Parameters
    ----------
    napari_viewer
        The viewer that it works on.
    """

    def __init__(self, napari_viewer: napari.viewer.Viewer) -> None:
        super().__init__(napari_viewer, "Review", make_controls(napari_viewer), make_actions(), arranged=False)
        self._icons = ThemedIcons(napari_viewer)
        self.headline = Headline(self._icons, self.status.native)
        self._view, self._steps = ObjectView(napari_viewer), SharedSteps(napari_viewer)
        self._work = MeasuringWork(self._measured)
        self._correction = Connections()
        self._undo_key = UndoOnLayer(self._take_back)
        self._soon = qdebounced(self._catch_up, timeout=SOON_MS)
        self._review: LabelReview | None = None
        self._shown: ReviewedObject | None = None
        self._correcting = self._writing = self._has_others = False
        self._seed = SEED
        self.lies_in(make_frame(self, self.headline, self._icons))
        self._keys = ReviewKeys(napari_viewer, self.native, self)
        self._wire()
        self._refresh_choices()
        self._layer_chosen()

    # ---------------------------------------------------------------- what the user can do

    @property
    def review(self) -> LabelReview | None:
        """The review under way; None while no layer is chosen, or its objects are being looked for."""
        return self._review

    @property
    def current(self) -> ReviewedObject | None:
        """The object that is shown."""
        return self._shown

    @report_errors
    def right(self) -> None:
        """Answer that the object shown is right; that one that was corrected is right now."""
        self._answer(CORRECTED if self._correcting else RIGHT)

    @report_errors
    def wrong(self) -> None:
        """Answer that the object shown is wrong."""
        self._answer(WRONG)

    @report_errors
    def delete(self) -> None:
        """Answer that the object shown is wrong, and delete it, as one undo step."""
        self._write(lambda review, shown: review.delete(shown, self._steps.recording(review.layer)))

    @report_errors
    def correct(self) -> None:
        """Correct the object shown: with clicks where the dock FastSAM is open, else with napari's brush."""
        review, shown = self._review, self._shown
        if review is None or shown is None:
            return
        self._correction.undo()
        self._correction.connect((self._steps.recorder.history.changed,), self._step_taken)
        dock = self._steps.corrector
        if dock is None:
            review.layer.mode = "paint"
        else:
            dock.correct_object(review.layer, shown.label, shown.place)
            dock.bring_forward()
        self._correcting = True
        self._view.hide()
        self.say((messages.BY_BRUSH if dock is None else messages.BY_CLICKS).format(label=shown.label))

    def later(self) -> None:
        """Leave the object shown for the end."""
        if self._review is not None and self._shown is not None:
            self._review.later(self._shown)
            self._go_on()

    @report_errors
    def back(self) -> None:
        """Take the last answer back, and show that object again."""
        review = self._review
        if review is None:
            return
        if is_answer(self._steps.done, review.layer):
            self._undo()  # a label that was deleted comes back with it
        with self._own_writing():
            label = review.back(self._steps.recording(review.layer))
        if label is None:
            self.say(messages.NOTHING_TO_TAKE_BACK)
        else:
            self._go_on()

    @report_errors
    def begin_anew(self) -> None:
        """Forget all answers about the layer, as one undo step, and begin a new review."""
        review = self._review
        if review is not None:
            with self._own_writing():
                review.forget(self._steps.recording(review.layer))
            self._seed += 1
            self._look_anew()

    @report_errors
    def save_effort(self, path: Path | str | None = None) -> Path | None:
        """Write what the labels of all layers took as CSV, into a file that is asked for if there is none."""
        file = save_efforts(self.native, self.labels_layer.choices, path)
        if file is not None:
            self.say(messages.SAVED.format(file=file.name))
        return file

    def say(self, message: str, details: tuple[str, ...] = (), mood: Mood = Mood.NEXT) -> None:
        """Say something in the first line."""
        super().say(message, details)
        self.headline.show_message(message, mood)

    def fail(self, error: FastSAMError) -> None:
        """Say what is wrong, also in napari's notifications."""
        self.say(str(error), mood=Mood.WRONG)
        notify(error)

    def end(self) -> None:
        """Give the keys back, and take the outline out of the viewer."""
        self._work.close()
        self._keys.release()
        self._view.remove()
        self._correction.undo()
        self._let_go()
        self._steps.forget()

    # ---------------------------------------------------------------- from a layer to what is shown

    def _layer_chosen(self, *_: Any) -> None:
        """Work on the layer that is chosen now."""
        self._let_go()
        self._view.remove()
        self._look_for_objects()

    def _look_anew(self) -> None:
        self._let_go()
        self._look_for_objects()

    def _look_for_objects(self) -> None:
        self._has_others = False
        self.about.value = ""
        self._work.outdate()
        layer = self.labels_layer.value
        if layer is None:
            self.say(messages.NO_LAYER)
            return
        self._per_layer.connect((layer.events.data,), self._layer_chosen)
        events = layer.events
        self._per_layer.connect((events.features, events.paint, events.labels_update), self._told_otherwise)
        try:
            pixels = pixels_to_review(self._viewer, layer)
        except FastSAMError as error:
            self.fail(error)
            return
        self.say(messages.LOOKING, mood=Mood.WORKING)
        self._work.start(pixels)

    def _measured(self, measured: Measured | None, error: Exception | None) -> None:
        layer = self.labels_layer.value
        if measured is None or layer is None:
            self.say(
                messages.CANCELLED if error is None else str(error), mood=Mood.NEXT if error is None else Mood.WRONG
            )
            if error is not None and not isinstance(error, FastSAMError):
                notify(error)
            return
        self._writing = True
        try:
            self._steps.layer = layer
            self._review = LabelReview(layer, *measured, share=self.order.value, seed=self._seed)
        finally:
            self._writing = False
        self._undo_key.work_on(layer)
        self._go_on()

    def _go_on(self) -> None:
        """Show the object whose turn it is."""
        self._correcting = False
        self._correction.undo()
        self._show_current(go=True)

    def _show_current(self, go: bool) -> None:
        """Outline the object whose turn it is; the view goes there if it is another one, or if it is to."""
        review, before = self._review, self._shown
        if review is None:
            return
        self._soon.cancel()
        self._shown = shown = review.current()
        self._tell()
        if shown is None:
            self._view.hide()
            return
        self._view.show(review.layer, shown, go or before is None or before.label != shown.label)

    def _tell(self) -> None:
        review, shown = self._review, self._shown
        if review is None:
            return
        said = review.estimate()
        if not said.objects and self._has_others:
            self.about.value = ""
            self.say(messages.OBJECTS_NOW)
            return
        self.about.value = "" if shown is None else messages.about(shown)
        self.say(messages.headline(said), messages.details(said, review.counts), Mood.NEXT if shown else Mood.FOUND)

    def _answer(self, answer: str) -> None:
        self._write(lambda review, shown: review.answer(shown, answer, self._steps.recording(review.layer)))

    def _write(self, answer: Callable[[LabelReview, ReviewedObject], None]) -> None:
        """Write an answer about the object that is shown, unless it is gone meanwhile; and show the next."""
        if not self._look_for_others():
            return
        review, shown = self._review, self._shown
        if review is None or shown is None:
            return
        if review.has(shown.label):
            with self._own_writing():
                answer(review, shown)
        self._go_on()

    # ---------------------------------------------------------------- steps

    def _undo(self) -> None:
        with self._own_writing():
            self._steps.recorder.undo()

    def _take_back(self, layer: Labels) -> bool:
        """Take back an answer about the layer, if that was done last; returns whether it was."""
        mine = is_answer(self._steps.done, layer)
        if mine:
            self._undo()
            self._go_on()
        return mine

    def _step_taken(self) -> None:
        """Go on once the object that is corrected was added."""
        review, history = self._review, self._steps.recorder.history
        if review is None or not self._correcting or self._writing or history.is_replaying:
            return
        if is_about(history.done, review.layer):
            QTimer.singleShot(0, self._corrected)  # the step that is being taken comes first

    def _corrected(self) -> None:
        if not self._closed and self._correcting:
            self._answer(CORRECTED)

    @contextmanager
    def _own_writing(self) -> Iterator[None]:
        """Take what is written within for the dock's own."""
        self._writing = True
        try:
            yield
        finally:
            self._writing = False

    def _look_for_others(self) -> bool:
        """Take in the objects that came before the first answer; returns whether the object shown is the same still."""
        review, shown = self._review, self._shown
        if review is None or not self._has_others or review.has_begun or not review.has_others():
            return True
        self._look_anew()
        if shown is None or self._review is None or not self._review.want(shown.label):
            return False
        self._shown = shown
        return True

    def _let_go(self) -> None:
        """Follow the layer no more."""
        self._per_layer.undo()
        self._soon.cancel()
        review, self._review = self._review, None
        self._shown, self._correcting = None, False
        if review is not None:
            review.close()
            self._undo_key.work_on(None)
