"""The controls that search by looks: words, examples, how alike an object must be, and the ranking."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from magicgui.widgets import CheckBox, ComboBox, Container, FloatSlider, LineEdit, PushButton
from qtpy.QtWidgets import QHeaderView, QVBoxLayout, QWidget

from napari_fastsam.core.likeness.exemplars import Exemplars
from napari_fastsam.core.likeness.likeness import usual_threshold
from napari_fastsam.core.likeness.search import Search
from napari_fastsam.layers.answers.results import Result
from napari_fastsam.model.weights.weights import TEXT_ENCODERS
from napari_fastsam.widgets.common.controls import make_compact, row
from napari_fastsam.widgets.common.fields import Fields
from napari_fastsam.widgets.common.model_box import FROM_FILE
from napari_fastsam.widgets.common.table import Rows, RowsTable
from napari_fastsam.widgets.segment.parts.ranking import COLUMNS, ranking_of


class SearchForm(QWidget):
    """What the search unfolds to.

    Parameters
    ----------
    encoder
        Name or path of the text model that is chosen.
    example
        The button that makes the next prompts examples.
    moved, changed
        Called when a slider moved, and when something else changed.

    Attributes
    ----------
    words, encoder, download, score, automatic, best_only, classes
        The controls of words.
    similarity
        The cosine that `score` stands for.
    likeness, by_number, keep, forget, save, load
        The controls of examples.
    table
        The ranking.
    own_tab
        The button that makes a tab of it.
    """

    def __init__(
        self, encoder: str, example: QWidget, moved: Callable[[], object], changed: Callable[[], object]
    ) -> None:
        super().__init__()
        controls: Any = Container(widgets=[*_words(encoder), *_examples()], labels=False)
        make_compact(list(controls))
        self.controls = controls
        self.words, self.encoder, self.download = controls.words, controls.encoder, controls.download
        self.score, self.automatic = controls.near.score, controls.near.automatic
        self.similarity = FloatSlider(name="similarity", value=0.25, min=-1.0, max=1.0, step=0.001)
        self._range = (-1.0, 1.0)
        self.best_only, self.classes = controls.how.best_only, controls.how.classes
        self.likeness, self.by_number = controls.alike.likeness, controls.alike.by_number
        self.keep, self.forget = controls.examples.keep, controls.examples.forget
        self.save, self.load = controls.files.save, controls.files.load
        self.table = RowsTable(COLUMNS, "Objects by similarity")
        headings = self.table.headings
        headings.setResizeContentsPrecision(0)  # of many rows those in sight
        for column in range(1, len(COLUMNS)):  # in a narrow dock the names of columns need all the room there is
            headings.setSectionResizeMode(column, QHeaderView.ResizeMode.ResizeToContents)
        self.table.hide()
        self.own_tab = PushButton(
            name="own_tab", text="Open as a tab", tooltip="Show words, examples and the table in a tab of their own."
        )
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._fields(example))
        layout.addWidget(self.table, 1)
        layout.addWidget(self.own_tab.native)
        layout.addStretch(0)  # in a tab, where the table is not shown
        self._wire(moved, changed)

    def _fields(self, example: QWidget) -> Fields:
        controls, fields = self.controls, Fields()
        fields.add("Words", controls.words.native)
        fields.add("Text model", controls.encoder.native)
        fields.add_wide(controls.download.native)
        fields.add("Score", controls.near.native)
        fields.add("", controls.how.native)
        fields.add("Examples", example)
        fields.add("", controls.examples.native)
        fields.add("", controls.files.native)
        fields.add("Likeness", controls.alike.native)
        return fields

    @property
    def texts(self) -> tuple[str, ...]:
        """The queries: what stands between commas, each once."""
        return tuple(dict.fromkeys(text.strip() for text in self.words.value.split(",") if text.strip()))

    @property
    def search(self) -> Search:
        """How alike an object must be."""
        similarity = None if self.automatic.value else self.similarity.value
        likeness = None if self.by_number.value else self.likeness.value
        return Search(similarity, self.best_only.value, likeness)

    def show_result(self, result: Result | None) -> None:
        """Show the ranking, where the similarities lie, and from where on objects are like the examples."""
        ranking = ranking_of(result)
        self.table.show_rows(Rows() if ranking is None else ranking)
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
        self._range = float(values.min()), float(values.max())
        if self.automatic.value and not self.best_only.value:
            with self.similarity.changed.blocked():
                self.similarity.value = min(q.threshold for q in texts)
        self._show_score()

    def _show_score(self) -> None:
        low, high = self._range
        with self.score.changed.blocked():
            self.score.value = min(max((self.similarity.value - low) / ((high - low) or 1.0), 0.0), 1.0)

    def _score_moved(self, score: float) -> None:
        low, high = self._range
        self.similarity.value = low + score * (high - low)

    def show_exemplars(self, exemplars: Exemplars | None) -> None:
        """Say how many examples are kept."""
        count = 0 if exemplars is None else len(exemplars.examples)
        against = 0 if exemplars is None else len(exemplars.counter_examples)
        self.forget.text = f"Forget {count}" + (f" + {against}" if against else "") if count else "Forget"
        self.forget.enabled = exemplars is not None

    def show_encoder(self, name: str) -> None:
        """Choose a text model by its name or path, without saying so."""
        with self.encoder.changed.blocked():
            if name not in self.encoder.choices:
                self.encoder.choices = [*self.encoder.choices[:-1], name, FROM_FILE]
            self.encoder.value = name

    def _wire(self, moved: Callable[[], object], changed: Callable[[], object]) -> None:
        self.score.changed.connect(self._score_moved)
        self.similarity.changed.connect(lambda *_: self._show_score())
        self.similarity.changed.connect(lambda *_: _untick(self.automatic))
        self.likeness.changed.connect(lambda *_: _untick(self.by_number))
        for slider in (self.similarity, self.likeness):
            slider.changed.connect(lambda *_: moved())
        for box in (self.automatic, self.best_only, self.classes, self.by_number):
            box.changed.connect(lambda *_: changed())


def _untick(box: CheckBox) -> None:
    """Untick a box without saying so: what it stood for is chosen by hand now."""
    with box.changed.blocked():
        box.value = False


def _words(encoder: str) -> list[Any]:
    encoders = [w.name for w in TEXT_ENCODERS]
    if encoder not in encoders:
        encoders.append(encoder)
    return [
        LineEdit(
            name="words",
            tooltip="What to find; separate several with commas: red cell, blue cell (Shift-W)",
        ),
        ComboBox(
            name="encoder",
            value=encoder,
            choices=[*encoders, FROM_FILE],
            tooltip="The model that compares words with pictures: CLIP, downloaded once on request, or your own file.",
        ),
        PushButton(name="download", text="Download", visible=False, tooltip="Download it once; then it works offline."),
        row(
            "near",
            FloatSlider(
                name="score",
                value=0.5,
                min=0.0,
                max=1.0,
                step=0.01,
                tooltip="Objects less like the text are left out: 0 is the least similar one here, 1 the most. Live.",
            ),
            CheckBox(
                name="automatic",
                text="auto",
                value=True,
                tooltip="Where the similarities of the objects shown split best into two groups.",
            ),
        ),
        row(
            "how",
            CheckBox(name="best_only", text="best only", tooltip="Only the most similar object of each text."),
            CheckBox(
                name="classes",
                text="classes",
                tooltip="All objects of a text share one number, instead of one each.",
            ),
        ),
    ]


def _examples() -> list[Any]:
    return [
        row(
            "alike",
            FloatSlider(
                name="likeness",
                value=usual_threshold(1),
                min=0.0,
                max=1.0,
                step=0.01,
                tooltip="Objects less like the examples are left out: 1 is like them, 0 like the average object. Live.",
            ),
            CheckBox(
                name="by_number",
                text="auto",
                value=True,
                tooltip="The fewer examples, the lower the threshold.",
            ),
        ),
        row(
            "examples",
            PushButton(name="keep", text="Keep", tooltip="Take the examples along to other planes and images."),
            PushButton(
                name="forget",
                text="Forget",
                tooltip="Drop the kept examples; the button says how many, and how many counter-examples.",
            ),
        ),
        row(
            "files",
            PushButton(name="save", text="Save …", tooltip="Save the examples into a file."),
            PushButton(name="load", text="Load …", tooltip="Search with examples from a file."),
        ),
    ]
