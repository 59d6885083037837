"""*Labels made again* in the dock *Annotate a folder*: with what, what became of each object, and taking it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from napari.layers import Labels
from qtpy.QtWidgets import QDoubleSpinBox, QPushButton, QVBoxLayout, QWidget

from napari_fastsam.errors import FastSAMError
from napari_fastsam.io.projects.replays import discard_replay, read_replay, told, write_changes
from napari_fastsam.layers.history.of_viewer import history_of
from napari_fastsam.layers.projects.replayed import ReplayedImage, replay_images, take, take_into
from napari_fastsam.layers.projects.replaying import ReplayNetworks
from napari_fastsam.layers.selected import same_selection
from napari_fastsam.model.asking.repeating import Replay
from napari_fastsam.widgets.common.elided import elide
from napari_fastsam.widgets.common.fields import Fields, beside
from napari_fastsam.widgets.common.folded import Folded
from napari_fastsam.widgets.common.model_box import ModelBox
from napari_fastsam.widgets.common.runner import Runner

if TYPE_CHECKING:
    import napari.viewer

    from napari_fastsam.layers.projects.annotating import Annotating

LAYER = "made again"
"""What the layer with labels that were made again is called."""

CHANGES = "replay.csv"
"""What became of each object of the folder, in its ``annotations``."""

AS_BEFORE = "as before"

BUSY = "Labels are being made again: wait for that, or cancel it in napari's activity dock (bottom right)."


class ReplayModelBox(ModelBox):
    """Chooses the model with which labels are made again, or that each is made with its own."""

    offers_files = False

    def offered(self) -> list[str]:
        """Return the names of the models that there are, after what stands for each label's own."""
        return [AS_BEFORE, *super().offered()]


class ReplayPanel(Folded):
    """What unfolds: a model and thresholds, and what to do with the labels that they give.

    Parameters
    ----------
    again, take, take_all, discard
        What the buttons do.
    """

    def __init__(
        self,
        again: Callable[[], object],
        take: Callable[[], object],
        take_all: Callable[[], object],
        discard: Callable[[], object],
    ) -> None:
        self.model = ReplayModelBox(AS_BEFORE)
        self.conf, self.iou = _threshold("Lowest confidence"), _threshold("Highest overlap (IoU) of two objects")
        self.again = _button(
            "Make again", "Make all labels of the folder again; yours stay until you take these.", again
        )
        self.take = _button("Take", "Take them for the image that is open.", take)
        self.take_all = _button("Take all", "Take them for all images of the folder.", take_all)
        self.discard = _button("Discard", "Forget what was made again, in the whole folder.", discard)
        super().__init__(
            "Labels made again",
            self._make_content,
            "With another model or other thresholds. What you corrected or drew by hand is kept.",
        )

    @property
    def asked(self) -> Replay:
        """What is chosen."""
        chosen = self.model.value
        conf, iou = (box.value() if box.value() >= 0 else None for box in (self.conf, self.iou))
        return Replay(None if chosen == AS_BEFORE else chosen, conf, iou)

    def _make_content(self) -> QWidget:
        box = self.model.native
        box.setToolTip("Which network. As before: the one that each label was made with.")
        box.setMinimumWidth(60)
        elide(box)
        content, fields = QWidget(), Fields()
        column = QVBoxLayout(content)
        column.setContentsMargins(0, 0, 0, 0)
        fields.add("Model", box)
        fields.add("Confidence", self.conf)
        fields.add("Overlap", self.iou)
        column.addWidget(fields)
        column.addWidget(self.again)
        column.addWidget(beside(self.take, self.take_all, self.discard))
        return content


class FolderReplay:
    """Makes the labels of a folder again, and shows those of the image that is open.

    Parameters
    ----------
    viewer
        Gets a layer with them, above the labels.
    say
        Says what is going on.
    fail
        Says what is wrong.
    """

    def __init__(
        self, viewer: napari.viewer.Viewer, say: Callable[[str], None], fail: Callable[[FastSAMError], object]
    ) -> None:
        self._viewer, self._say, self._fail = viewer, say, fail
        self._annotating: Annotating | None = None
        self._asked_of: Annotating | None = None
        self._layer: Labels | None = None
        self._found: list[ReplayedImage] = []
        self._runner = Runner(self._say, self._ended)
        self.panel = ReplayPanel(self.again, self.take, self.take_all, self.discard)

    @property
    def layer(self) -> Labels | None:
        """The labels made again of the image that is open; None = there are none."""
        return self._layer

    def follow(self, annotating: Annotating | None) -> None:
        """Work on another folder."""
        self._runner.cancel()
        self.hide()
        self._annotating = annotating

    def end(self) -> None:
        """End what is under way."""
        self._runner.close()
        self.hide()
        self._annotating = None

    # ---------------------------------------------------------------- what the user can do

    def again(self) -> None:
        """Make all labels of the folder again, in a thread."""
        annotating = self._writable()
        if annotating is not None:
            self._try(lambda: self._begin(annotating))

    def take(self) -> None:
        """Take the labels that were made again for those of the image that is open."""
        annotating = self._writable()
        if annotating is not None:
            nothing = "Nothing was made again of this image."
            self._try(lambda: self._say(self._take_open(annotating) or nothing))

    def take_all(self) -> None:
        """Take them for all images."""
        annotating = self._writable()
        if annotating is not None:
            self._take_all(annotating)

    def discard(self) -> None:
        """Forget them in the whole folder."""
        annotating = self._writable()
        if annotating is not None:
            self.hide()
            for image in annotating.project.images:
                discard_replay(image.folder)
            self._say("What was made again is forgotten; your labels are as they were.")

    def _writable(self) -> Annotating | None:
        """Return the folder that is open; None, and why is said, if nothing may be made or taken there now."""
        annotating = self._annotating
        if annotating is None:
            self._say("Open a folder first.")
        elif not annotating.project.writable:
            self._say("The folder is open in another window: nothing is saved here.")
        elif self._runner.busy:
            self._say(BUSY)
        else:
            return annotating
        return None

    # ---------------------------------------------------------------- what is shown

    def show(self) -> str:
        """Show what was made again of the image that is open; says what became of its objects, "" = nothing."""
        self.hide()
        annotating = self._annotating
        opened = None if annotating is None else annotating.opened
        if opened is None:
            return ""
        stored = read_replay(opened.image.folder)
        if stored is None or stored.annotation.labels is None:
            return ""
        place = {name: getattr(opened.labels, name) for name in ("scale", "translate", "units", "axis_labels")}
        self._layer = Labels(stored.annotation.labels, name=LAYER, visible=False, **place)
        if stored.annotation.features is not None:
            self._layer.features = stored.annotation.features
        layers = self._viewer.layers
        with same_selection(layers):
            layers.insert(layers.index(opened.labels) + 1 if opened.labels in layers else len(layers), self._layer)
        return (
            f"{opened.image.name}, made again: {told(stored.changes)}. The dock Compare shows them, with “{LAYER}” and "
            "your labels; Take or Discard."
        )

    def hide(self) -> None:
        """Take the layer out of the viewer."""
        layer, self._layer = self._layer, None
        if layer is not None and layer in self._viewer.layers:
            self._viewer.layers.remove(layer)

    def _begin(self, annotating: Annotating) -> None:
        annotating.keep()
        asked, images, self._found = self.panel.asked, list(annotating.project.images), []
        self._asked_of = annotating

        def work() -> Iterator[str]:
            yield "loading the model"
            for one in replay_images(images, asked, ReplayNetworks(), lambda: self._runner.cancelled):
                self._found.append(one)
                yield f"labels made again: {_images(len(self._found))}, {one.image.name}"

        self._runner.start(work, "Labels made again")

    def _ended(self, error: Exception | None, cancelled: bool) -> None:
        annotating = self._annotating
        if annotating is None or annotating is not self._asked_of:  # another folder is open by now
            return
        found = [one for one in self._found if one.error is None]
        failed = [one for one in self._found if one.error is not None]
        if isinstance(error, FastSAMError):
            self._fail(error)
            return
        if error is not None:
            raise error
        path = annotating.project.annotations / CHANGES
        self._try(lambda: write_changes(path, [(one.image.name, one.changes) for one in found]))
        here = self.show()
        everything = [change for one in found for change in one.changes]
        sentences = [
            f"{'Cancelled after' if cancelled else 'Made again:'} {_images(len(found))}.",
            f"{told(everything)} ({path.name})." if found else "",
            here,
            *(note for one in found for note in one.notes),
            *(str(one.error) for one in failed),
        ]
        self._say(" ".join(filter(None, sentences)))

    def _take_open(self, annotating: Annotating) -> str:
        """Take them for the image that is open; returns what became of its objects, "" = nothing was made again."""
        opened = annotating.opened
        if opened is None:
            return ""
        annotating.keep()
        changes = take_into(opened.labels, opened.image, history_of(self._viewer))
        self.hide()
        return f"{opened.image.name}: {told(changes)}." if changes else ""

    def _take_all(self, annotating: Annotating) -> None:
        taken, failures = 0, list[str]()
        try:
            taken += bool(self._take_open(annotating))
        except FastSAMError as error:
            failures.append(f"{error}.")
        for place in range(len(annotating.project.images)):
            if place == annotating.current:
                continue
            try:
                taken += bool(annotating.taken(place, take))
            except FastSAMError as error:
                failures.append(f"{error}.")
        self._say(" ".join([f"Taken in {_images(taken)}.", *failures]))

    def _try(self, do: Callable[[], object]) -> None:
        try:
            do()
        except FastSAMError as error:
            self._fail(error)


def _images(count: int) -> str:
    return f"{count} image{'s' * (count != 1)}"


def _threshold(tooltip: str) -> QDoubleSpinBox:
    box = QDoubleSpinBox()
    box.setRange(-0.05, 1)
    box.setSingleStep(0.05)
    box.setSpecialValueText(AS_BEFORE)
    box.setValue(-0.05)
    box.setToolTip(f"{tooltip}. As before: what each label was made with; with another model, what suits it.")
    return box


def _button(text: str, tooltip: str, do: Callable[[], Any]) -> QPushButton:
    button = QPushButton(text)
    button.setToolTip(tooltip)
    button.setMinimumWidth(24)
    button.setStyleSheet("padding: 2px 4px;")
    button.clicked.connect(lambda *_: do())
    return button
