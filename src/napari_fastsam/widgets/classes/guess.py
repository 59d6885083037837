"""What the dock *Classes* guesses and asks: its controls, its work in a thread, its keys."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from magicgui.widgets import CheckBox, ComboBox, FloatSlider, PushButton
from napari.layers import Image

from napari_fastsam.errors import FastSAMError, ParameterError
from napari_fastsam.io.classifiers import load_classifier, save_classifier
from napari_fastsam.layers.classes.classing import Classing
from napari_fastsam.layers.classes.describing import ObjectsToDescribe, SeenObjects, describe, to_describe
from napari_fastsam.layers.classes.guessing import Guessing
from napari_fastsam.layers.classes.interview import ROUND, Interview
from napari_fastsam.layers.classes.outlines import UnsureOutlines
from napari_fastsam.layers.labels.target import pixels_of
from napari_fastsam.layers.planes.look import go_to
from napari_fastsam.widgets.classes import messages
from napari_fastsam.widgets.classes.keys import CanvasKeys
from napari_fastsam.widgets.common.controls import PREVIEW_KEY, layers_of
from napari_fastsam.widgets.common.errors import notify
from napari_fastsam.widgets.common.files import file_to_open, file_to_save
from napari_fastsam.widgets.common.model_box import FROM_FILE, ModelBox
from napari_fastsam.widgets.common.runner import Runner
from napari_fastsam.widgets.common.settings import read_settings

if TYPE_CHECKING:
    from napari.components import ViewerModel

    from napari_fastsam.layers.connections import Connections

GUESS, CANCEL = "Guess the others", "Cancel"

SURE = 0.8
"""From which probability on a class counts as sure at first."""


class GuessPart:
    """Guesses the classes of objects that have none, and asks about some.

    Parameters
    ----------
    viewer
        The viewer.
    classing
        The classes, and the layer.
    say
        Says a message.
    connections
        Take what is connected.
    """

    def __init__(
        self, viewer: ViewerModel, classing: Classing, say: Callable[[str], object], connections: Connections
    ) -> None:
        self._viewer, self._classing, self._say = viewer, classing, say
        self.guessing = Guessing(classing)
        self.interview = Interview(classing, self.guessing)
        self.outlines = UnsureOutlines(viewer, {PREVIEW_KEY: True})
        self._keys = CanvasKeys(viewer, connections)
        self._runner = Runner(say, self._ended)
        self._result: SeenObjects | None = None
        self._working = self._stale = False
        self.image = ComboBox(
            name="image", choices=layers_of(viewer, Image), nullable=True, tooltip="The image that shows the objects."
        )
        settings = read_settings()
        self._device = settings.device
        self.model = ModelBox(settings.model, name="model", tooltip="Describes the objects by what it sees in them.")
        self._model_before = self.model.value
        self.all_planes = CheckBox(
            name="all_planes",
            text="on all planes",
            value=False,
            tooltip="Guess the objects of all planes, not only of the one that is shown; each is looked at.",
        )
        self.guess_button = PushButton(
            name="guess_button", text=GUESS, tooltip="Learn from the objects that have a class."
        )
        self.ask_button = PushButton(
            name="ask_button", text="Ask me", tooltip="Ten questions that teach most: Y, N, or the key of a class."
        )
        self.sure = FloatSlider(
            name="sure", value=SURE, min=0.3, max=1.0, step=0.01, tooltip="Less probable classes are outlined."
        )
        self.accept_button = PushButton(
            name="accept_button", text="Accept sure", tooltip="Sure guesses become classes, and examples."
        )
        self.save_button = PushButton(name="save_button", text="Save …", tooltip="Keep what was learnt as a file.")
        self.load_button = PushButton(name="load_button", text="Load …", tooltip="Guess by what was learnt elsewhere.")

    @property
    def is_writing(self) -> bool:
        """Whether what the layer tells of is of our own doing."""
        return self._working

    @property
    def colours(self) -> dict[int, str]:
        """The class that each object without one probably has."""
        return {number: guess.name for number, guess in self.guessing.found.items()}

    # ---------------------------------------------------------------- what the user can do

    def guess(self) -> None:
        """Describe the objects on the plane shown, in a thread, then guess.

        Raises
        ------
        FastSAMError
            If there is nothing to describe.
        """
        if self._runner.busy:
            self._runner.cancel()
            return
        asked = self._to_describe()
        seen = self.guessing.seen
        if seen is not None and seen.key == (asked.key, self.model.value) and seen.proposals is not None:
            seen.updated(asked.labels)
            self.guess_again(told=True)
            return
        name, device = self.model.value, self._device
        self.guess_button.text = CANCEL
        self._runner.start(lambda: self._work(asked, name, device), "FastSAM: describe objects")

    def guess_again(self, told: bool = False) -> None:
        """Guess once more: an object got another class, or other pixels.

        Parameters
        ----------
        told
            Whether it is said if nothing can be guessed; otherwise what was guessed goes.
        """
        seen = self.guessing.seen
        if seen is None or self._working:
            return
        self._working = True
        try:
            self.guessing.guess()
        except ParameterError:
            self.guessing.clear()
            if told:
                raise
        finally:
            self._working = False
        self.show_unsure()
        if told:
            self._say(messages.guessed(self.guessing.found, self.guessing.unsure(self.sure.value)))

    def pixels_changed(self) -> None:
        """Describe again what was drawn; of another plane or layer, forget what was seen."""
        seen = self.guessing.seen
        if seen is None or self._runner.busy:
            return
        if self._is_wanted(seen):
            seen.updated(self._to_describe().labels)
        else:
            self.forget()

    def forget(self) -> None:
        """Forget what was seen and guessed."""
        self._working = True
        try:
            self.guessing.forget()
        finally:
            self._working = False
        self.stop_asking()
        self.outlines.remove()

    def show_unsure(self, *_: Any) -> None:
        """Outline what is not sure, and what is asked about."""
        layer = self._classing.layer
        if layer is not None and layer in self._viewer.layers and self.guessing.found:
            self.outlines.show(layer, self.guessing.unsure(self.sure.value), self.interview.label)
        else:
            self.outlines.remove()

    def accept(self) -> None:
        """Let sure guesses be classes."""
        self._say(messages.accepted(self.guessing.accept(self.sure.value)))

    def ask(self) -> None:
        """Ask about objects, or stop it.

        Raises
        ------
        ParameterError
            If nothing was guessed yet.
        """
        if self.interview.label is not None:
            self.stop_asking()
            self._say(messages.asked(self.interview.answers))
            return
        if self.guessing.seen is None or not self.guessing.found:
            raise ParameterError("Nothing is guessed yet, or all objects have a class: press Guess first.")
        self.interview.begin()
        self._keys.want(["Y", "N", "S"], self._answered)
        self._show_question()

    def answer(self, name: str) -> bool:
        """Take a class for the answer, if something is asked."""
        if self.interview.label is None or not name:
            return False
        self._with_interview(lambda: self.interview.answer(name))
        return True

    def stop_asking(self) -> None:
        """Ask nothing more."""
        self.interview.end()
        self._keys.release()
        self.ask_button.text = "Ask me"

    def save(self, path: str | Path | None = None) -> Path | None:
        """Save what was learnt; None asks for a file.

        Raises
        ------
        FastSAMError
            If nothing was, or it cannot be written.
        """
        classifier = self.guessing.classifier
        if classifier is None:
            raise ParameterError("Nothing is learnt yet: give objects of two classes a class, then press Guess.")
        chosen = file_to_save(self.save_button.native, "Save what was learnt", "classifier.json", path)
        if chosen is not None:
            save_classifier(classifier, chosen)
            self._say(messages.saved(str(chosen)))
        return chosen

    def load(self, path: str | Path | None = None) -> None:
        """Guess by a classifier from a file; None asks for one.

        Raises
        ------
        FastSAMError
            If it is none.
        """
        chosen = file_to_open(self.load_button.native, "A classifier", ".json", path)
        if chosen is not None:
            self.guessing.loaded = loaded = load_classifier(chosen)
            self._classing.add_all(loaded.names)
            self._say(messages.loaded(loaded))

    def close(self) -> None:
        """Let go of the viewer."""
        self._runner.close()
        self._keys.release()
        self.outlines.remove()

    # ---------------------------------------------------------------- work

    def model_chosen(self, *_: Any) -> None:
        """Ask for a file where one is wanted; what another model saw is forgotten."""
        if self.model.value == FROM_FILE:
            self.model.ask_for_file(self._model_before, exported=True)
            return
        self._model_before = self.model.value
        self.forget()

    def _work(self, asked: ObjectsToDescribe, name: str, device: str) -> Iterator[str]:
        from napari_fastsam.model.network import segmenter, torch_

        yield f"Loading the model {name} …"
        torch_.import_torch_beside_a_viewer()
        model = segmenter.load_model(name, device)
        yield "Describing the objects …"
        self._result = describe(model, asked)
        self._result.key = asked.key, name

    def _ended(self, error: Exception | None, cancelled: bool) -> None:
        seen, self._result = self._result, None
        self.guess_button.text = GUESS
        if error is not None:
            self._say(str(error) or type(error).__name__)
            notify(error)
        elif cancelled or seen is None:
            self._say("Cancelled.")
        elif not self._is_wanted(seen):
            self._say("The objects of another image, layer or plane were described: press Guess once more.")
        else:
            self.guessing.see(seen)
            try:
                self.guess_again(told=True)
            except FastSAMError as reason:
                self._say(str(reason))
                notify(reason)
            self._classing.changed.emit()

    def _is_wanted(self, seen: SeenObjects) -> bool:
        """Whether the same objects are chosen still."""
        try:
            return seen.key == (self._to_describe().key, self.model.value)
        except FastSAMError:
            return False

    # ---------------------------------------------------------------- asking

    def _answered(self, key: str) -> None:
        answer = {"Y": self.interview.yes, "N": self.interview.no, "S": self.interview.skip}[key]
        self._with_interview(answer)

    def _with_interview(self, do: Callable[[], None]) -> None:
        self._working = True  # the interview guesses itself, once
        try:
            do()
        finally:
            self._working = False
        self._show_question()
        self._classing.changed.emit()

    def _show_question(self) -> None:
        label, layer = self.interview.label, self._classing.layer
        if label is None or layer is None:
            self.stop_asking()
            self.show_unsure()
            self._say(messages.asked(self.interview.answers))
            return
        self.ask_button.text = "Stop asking"
        self.show_unsure()
        self._go_to(label)
        guess = self.guessing.found[label]
        self._say(messages.question(label, self.interview.suggestion, guess, self.interview.answers + 1, ROUND))

    def _go_to(self, label: int) -> None:
        layer = self._classing.layer
        if layer is None:
            return
        layer.selected_label = label
        where = np.nonzero(np.asarray(pixels_of(layer)) == label)
        if not len(where[0]):
            return
        low, high = ([float(edge(axis)) for axis in where] for edge in (np.min, np.max))
        nearest = np.argmin(sum((axis - axis.mean()) ** 2 for axis in where))
        go_to(self._viewer, layer, [float(axis[nearest]) for axis in where], [*low, *(end + 1 for end in high)])

    def _to_describe(self) -> ObjectsToDescribe:
        return to_describe(self._viewer, self.image.value, self._classing.layer, bool(self.all_planes.value))
