"""The part of the dock that searches by looks: words, examples, how alike an object must be, and the ranking."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from magicgui.widgets import CheckBox, ComboBox, Container, FloatSlider, LineEdit, PushButton
from qtpy.QtWidgets import QFileDialog, QVBoxLayout, QWidget
from superqt import QCollapsible
from superqt.utils import qdebounced

from napari_fastsam.core.likeness.exemplars import Exemplars
from napari_fastsam.core.likeness.likeness import usual_threshold
from napari_fastsam.core.likeness.search import Search
from napari_fastsam.model.weights import weights
from napari_fastsam.widgets.segment.controls import FROM_FILE, make_compact
from napari_fastsam.widgets.segment.ranking_table import RankingTable, ranking_of

if TYPE_CHECKING:
    from napari_fastsam.layers.answers.session import Result
    from napari_fastsam.widgets.common.settings import DockSettings

TYPING_MS = 400
"""A query is put once no key was pressed for this long: words half typed mean something else."""


class SearchPanel(QCollapsible):
    """Unfolds to what searches by words and examples.

    Parameters
    ----------
    settings
        The person's.
    now, soon
        Called when a slider moved, and when something else changed.

    Attributes
    ----------
    words, encoder, download, similarity, automatic, best_only, classes
        The controls of words.
    likeness, by_number, keep, forget, save, load
        The controls of examples.
    table
        The ranking.
    exemplars
        Examples from another image, or kept from this one; None = none.
    """

    def __init__(self, settings: DockSettings, now: Callable[[], object], soon: Callable[[], object]) -> None:
        super().__init__("Words and examples")
        self.setDuration(0)
        self.setToolTip("Find all objects that a text names, or that look like the ones you show.")
        self.exemplars: Exemplars | None = None
        self._encoder = settings.text_encoder
        self._soon = soon
        self.typed = qdebounced(soon, timeout=TYPING_MS)
        controls: Any = Container(widgets=_controls(settings), labels=True)
        make_compact(list(controls))
        self.controls, self.words, self.encoder, self.download = (
            controls,
            controls.words,
            controls.encoder,
            controls.download,
        )
        self.similarity = controls.near.similarity
        self.likeness, self.by_number = controls.alike.likeness, controls.alike.by_number
        self.keep, self.forget = controls.examples.keep, controls.examples.forget
        self.save, self.load = controls.files.save, controls.files.load
        self.automatic, self.best_only, self.classes = (
            controls.near.automatic,
            controls.how.best_only,
            controls.how.classes,
        )
        self.table = RankingTable()
        self.table.hide()
        content = QWidget()
        layout = QVBoxLayout(content)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.controls.native)
        layout.addWidget(self.table)
        self.addWidget(content)
        self._wire(now, soon)
        self.show_exemplars(None)

    # ---------------------------------------------------------------- what is asked for

    @property
    def texts(self) -> tuple[str, ...]:
        """The queries: what stands between commas, each once."""
        return tuple(dict.fromkeys(text.strip() for text in self.words.value.split(",") if text.strip()))

    @property
    def text_encoder(self) -> str:
        """Name or path of the text model that is chosen."""
        return self._encoder

    @property
    def search(self) -> Search:
        """How alike an object must be."""
        similarity = None if self.automatic.value else self.similarity.value
        likeness = None if self.by_number.value else self.likeness.value
        return Search(similarity, self.best_only.value, likeness)

    # ---------------------------------------------------------------- what came of it

    def show_result(self, result: Result | None) -> None:
        """Show the ranking, where the similarities lie, and from where on objects are like the examples."""
        ranking = ranking_of(result)
        self.table.show_ranking(ranking)
        self.table.setVisible(ranking is not None)
        questions = () if result is None else result.questions
        if self.by_number.value:
            with self.likeness.changed.blocked():
                for question in questions:
                    if question.query.field == "examples":
                        self.likeness.value = question.threshold
        texts = [q for q in questions if q.query.field == "texts"]
        values = np.concatenate([q.similarities for q in texts]) if texts else np.zeros(0)
        if not len(values):
            return
        with self.similarity.changed.blocked():
            low, high = float(np.floor(values.min() * 100) / 100), float(np.ceil(values.max() * 100) / 100)
            value = self.similarity.value
            if self.automatic.value and not self.best_only.value:
                value = min(q.threshold for q in texts)
            # set wide first: a slider whose range excludes its value moves it, and says so
            self.similarity.min, self.similarity.max = -1.0, 1.0
            self.similarity.value = value
            self.similarity.min, self.similarity.max = min(low, value), max(high, value)

    def show_exemplars(self, exemplars: Exemplars | None) -> None:
        """Take examples of another image, or none."""
        self.exemplars = exemplars
        count = 0 if exemplars is None else len(exemplars.examples)
        against = 0 if exemplars is None else len(exemplars.counter_examples)
        self.forget.text = f"Forget {count}" + (f" + {against}" if against else "") if count else "Forget"
        self.forget.enabled = exemplars is not None

    def show_encoder(self) -> bool:
        """Return whether the text model is on this computer, and offer to download it if not."""
        known = weights.known(self._encoder, "text")
        missing = known if known is not None and not weights.is_available(self._encoder, "text") else None
        if self.download.native.isHidden() != (missing is None):
            self.download.visible = missing is not None
        if missing is not None:
            self.download.text = f"Download {missing.name} ({missing.megabytes})"
        return missing is None

    # ---------------------------------------------------------------- wiring

    def _wire(self, now: Callable[[], object], soon: Callable[[], object]) -> None:
        self.words.changed.connect(lambda *_: self.typed())
        self.encoder.changed.connect(self._encoder_chosen)
        self.similarity.changed.connect(self._threshold_moved)
        self.similarity.changed.connect(lambda *_: now())
        self.likeness.changed.connect(self._likeness_moved)
        self.likeness.changed.connect(lambda *_: now())
        for control in (self.automatic, self.best_only, self.classes, self.by_number):
            control.changed.connect(lambda *_: soon())

    def _threshold_moved(self, *_: Any) -> None:
        with self.automatic.changed.blocked():
            self.automatic.value = False

    def _likeness_moved(self, *_: Any) -> None:
        with self.by_number.changed.blocked():
            self.by_number.value = False

    def _encoder_chosen(self, name: str) -> None:
        if name == FROM_FILE:
            path, _ = QFileDialog.getOpenFileName(self, "A CLIP model", "", "*.pt")
            name = path or self._encoder
            with self.encoder.changed.blocked():
                if name not in self.encoder.choices:
                    self.encoder.choices = [*self.encoder.choices[:-1], name, FROM_FILE]
                self.encoder.value = name
        self._encoder = name
        self._soon()


def _controls(settings: DockSettings) -> list[Any]:
    encoders = [w.name for w in weights.TEXT_ENCODERS]
    if settings.text_encoder not in encoders:
        encoders.append(settings.text_encoder)
    return [
        LineEdit(
            name="words",
            tooltip="What to find; several between commas, each a group of its own: red cell, blue cell (Shift-W)",
        ),
        ComboBox(
            name="encoder",
            label="text model",
            value=settings.text_encoder,
            choices=[*encoders, FROM_FILE],
            tooltip="What compares words with pictures: CLIP, downloaded once when you ask for it, or a file of yours.",
        ),
        PushButton(name="download", text="Download", visible=False, tooltip="Fetch it once; then it is offline."),
        Container(
            name="near",
            layout="horizontal",
            labels=False,
            label="similarity",
            widgets=[
                FloatSlider(
                    name="similarity",
                    value=0.25,
                    min=-1.0,
                    max=1.0,
                    step=0.001,
                    tooltip="Objects less like the text are left out. Live; from the least to the most similar object.",
                ),
                CheckBox(
                    name="automatic",
                    text="automatic",
                    value=True,
                    tooltip="Where the similarities of the objects shown split best into two groups.",
                ),
            ],
        ),
        Container(
            name="how",
            layout="horizontal",
            labels=False,
            label="",
            widgets=[
                CheckBox(
                    name="best_only", text="best only", tooltip="The most similar object of each text, and no other."
                ),
                CheckBox(
                    name="classes",
                    text="classes",
                    tooltip="All objects of a text get one number, that of the text, instead of one each.",
                ),
            ],
        ),
        Container(
            name="alike",
            layout="horizontal",
            labels=False,
            label="likeness",
            widgets=[
                FloatSlider(
                    name="likeness",
                    value=usual_threshold(1),
                    min=0.0,
                    max=1.0,
                    step=0.01,
                    tooltip="Objects less like the examples are left out: 1 is like them, 0 like the average object. "
                    "Live.",
                ),
                CheckBox(
                    name="by_number",
                    text="automatic",
                    value=True,
                    tooltip="The lower, the fewer examples there are.",
                ),
            ],
        ),
        Container(
            name="examples",
            layout="horizontal",
            labels=False,
            widgets=[
                PushButton(name="keep", text="Keep", tooltip="Take the examples along to other planes and images."),
                PushButton(
                    name="forget",
                    text="Forget",
                    tooltip="Search without the examples that were kept: how many, and how many counter-examples.",
                ),
            ],
        ),
        Container(
            name="files",
            layout="horizontal",
            labels=False,
            label="",
            widgets=[
                PushButton(name="save", text="Save …", tooltip="Save the examples into a file."),
                PushButton(name="load", text="Load …", tooltip="Search with examples from a file."),
            ],
        ),
    ]
