"""The part of the dock that searches by looks; its controls are made when they are unfolded or asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from psygnal import Signal
from qtpy.compat import isalive
from qtpy.QtWidgets import QFileDialog, QWidget
from superqt.utils import qdebounced

from napari_fastsam.core.likeness.exemplars import Exemplars
from napari_fastsam.core.likeness.search import Search
from napari_fastsam.errors import ModelError
from napari_fastsam.model.weights import weights
from napari_fastsam.widgets.common.controls import show_if
from napari_fastsam.widgets.common.folded import Folded
from napari_fastsam.widgets.common.model_box import FROM_FILE
from napari_fastsam.widgets.common.own_tab import OwnTab
from napari_fastsam.widgets.segment import messages
from napari_fastsam.widgets.segment.parts.search_form import SearchForm

if TYPE_CHECKING:
    from napari_fastsam.layers.answers.results import Result
    from napari_fastsam.widgets.common.settings import DockSettings

TYPING_MS = 400
"""A query is put once no key was pressed for this long: words half typed mean something else."""


def _behind(name: str) -> Any:
    """Return a property that gives a control of the form."""
    return property(lambda self: getattr(self.form, name), doc=f"`SearchForm.{name}`.")


class SearchPanel(Folded):
    """Unfolds to what searches by words and examples.

    Parameters
    ----------
    settings
        The user's.
    example
        The button that makes the next prompts examples.

    Attributes
    ----------
    text_encoder
        Name or path of the text model that is chosen.
    exemplars
        Examples from another image, or kept from this one; None = none.
    """

    moved = Signal()
    """A slider moved: to be answered at once."""

    changed = Signal()
    """Something else changed: to be answered soon."""

    download_wanted = Signal(str)
    """The text model that is to be fetched."""

    row_chosen = Signal(int)
    """Which row of the ranking is to be gone to."""

    tab_wanted = Signal()
    """The panel is to be a tab of its own."""

    keep_wanted, forget_wanted, save_wanted, load_wanted = Signal(), Signal(), Signal(), Signal()
    """Buttons for examples."""

    words, encoder, download = _behind("words"), _behind("encoder"), _behind("download")
    similarity, automatic = _behind("similarity"), _behind("automatic")
    best_only, classes = _behind("best_only"), _behind("classes")
    likeness, by_number = _behind("likeness"), _behind("by_number")
    keep, forget, save, load = _behind("keep"), _behind("forget"), _behind("save"), _behind("load")
    table, controls = _behind("table"), _behind("controls")

    def __init__(self, settings: DockSettings, example: QWidget) -> None:
        self._example = example
        super().__init__(
            "Find similar",
            self._make_form,
            "Find all objects that a text names, or that look like the ones you show.",
        )
        self.text_encoder = settings.text_encoder
        self.exemplars: Exemplars | None = None
        self.typed = qdebounced(lambda: self.changed.emit(), timeout=TYPING_MS)
        self._form: SearchForm | None = None
        self._result: Result | None = None
        self._tab: OwnTab | None = None

    @property
    def form(self) -> SearchForm:
        """The controls."""
        self.build()
        return self._form  # type: ignore[return-value] # made by `build`

    # ---------------------------------------------------------------- a tab of its own

    def expand(self, animate: bool = True) -> None:
        """Show what is behind the title, wherever it is."""
        if self._tab is None:
            super().expand(animate)
        else:
            self.collapse(animate=False)
            self._tab.bring_to_front()

    def make_tab(self) -> OwnTab:
        """Return a tab with what is behind the title, which comes back when that is closed."""
        if self._tab is None:
            form = self.form
            self.collapse(animate=False)
            self.setText("Find similar · in its own tab")
            form.own_tab.visible = False
            self._tab = OwnTab(form)
            self._tab.closed.connect(self._tab_closed)
        return self._tab

    @property
    def tab(self) -> OwnTab | None:
        """The tab that the panel is in; None while it is in the dock."""
        return self._tab

    def _tab_closed(self) -> None:
        self._tab = None
        if self._form is not None and isalive(self):
            self.setText("Find similar")
            self._form.own_tab.visible = True
            self.addWidget(self._form)
            super().expand(animate=False)

    # ---------------------------------------------------------------- what is asked for

    @property
    def texts(self) -> tuple[str, ...]:
        """The queries."""
        return () if self._form is None else self._form.texts

    @property
    def search(self) -> Search:
        """How alike an object must be."""
        return Search() if self._form is None else self._form.search

    @property
    def by_class(self) -> bool:
        """Whether all objects of a text have one number."""
        return self._form is not None and bool(self._form.classes.value)

    def require_encoder(self) -> None:
        """Offer to download the text model if it is not on this computer.

        Raises
        ------
        ModelError
            If it is not; says how to get it.
        """
        known = weights.known(self.text_encoder, "text")
        missing = known if known is not None and not weights.is_available(self.text_encoder, "text") else None
        show_if(self.download, missing is not None)
        if missing is not None:
            self.download.text = f"Download {missing.name} ({missing.megabytes})"
            raise ModelError(messages.encoder_missing(missing))

    # ---------------------------------------------------------------- what came of it

    def show_result(self, result: Result | None) -> None:
        """Show the ranking, where the similarities lie, and from where on objects are like the examples."""
        self._result = result
        if self._form is not None:
            self._form.show_result(result)

    def show_exemplars(self, exemplars: Exemplars | None) -> None:
        """Take examples of another image, or none."""
        self.exemplars = exemplars
        if self._form is not None:
            self._form.show_exemplars(exemplars)

    # ---------------------------------------------------------------- behind the title

    def _make_form(self) -> QWidget:
        self._form = form = SearchForm(self.text_encoder, self._example, self.moved.emit, self.changed.emit)
        form.words.changed.connect(lambda *_: self.typed())
        form.words.native.returnPressed.connect(self._entered)
        form.encoder.changed.connect(self._encoder_chosen)
        form.own_tab.changed.connect(lambda *_: self.tab_wanted.emit())
        form.download.changed.connect(lambda *_: self.download_wanted.emit(self.text_encoder))
        for button, wanted in (
            (form.keep, self.keep_wanted),
            (form.forget, self.forget_wanted),
            (form.save, self.save_wanted),
            (form.load, self.load_wanted),
        ):
            button.changed.connect(lambda *_, wanted=wanted: wanted.emit())
        form.table.chosen.connect(self.row_chosen.emit)
        form.show_exemplars(self.exemplars)
        form.show_result(self._result)
        return form

    def _entered(self) -> None:
        """Put the query at once: Enter was pressed."""
        self.typed.cancel()
        self.changed.emit()

    def _encoder_chosen(self, name: str) -> None:
        if name == FROM_FILE:
            path, _ = QFileDialog.getOpenFileName(self, "A CLIP model", "", "*.pt")
            name = path or self.text_encoder
            self.form.show_encoder(name)
        self.text_encoder = name
        self.changed.emit()
