"""A model's card for a user to read: what it is, what it was trained on, what it is worth."""

from __future__ import annotations

import html
from collections.abc import Iterator
from pathlib import Path

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QLabel, QVBoxLayout, QWidget

from napari_fastsam.errors import FastSAMError
from napari_fastsam.model.weights import weights
from napari_fastsam.model.weights.card import Card
from napari_fastsam.widgets.common.folded import Folded
from napari_fastsam.widgets.common.frame import make_readable

_NOT_SAID = "not known"


class AboutModel(Folded):
    """Unfolds to the card of the model that is chosen."""

    def __init__(self) -> None:
        super().__init__(
            "About this model",
            self._make,
            "The model's card: what it was trained on, how good it was there, and its licence.",
        )
        self._name = ""
        self._card: QLabel | None = None
        self._brief: tuple[QLabel, QLabel] | None = None
        self.more = Folded("More", lambda: self.card, "All that the card says.")

    @property
    def card(self) -> QLabel:
        """The card, which is read when somebody wants to see it."""
        if self._card is None:
            self._card = QLabel(about(self._name))
            make_readable(self._card)
        return self._card

    def show_model(self, name: str) -> None:
        """Show the card of a model by its name or path."""
        self._name = name
        if self._card is not None:
            self._card.setText(about(name))
        self._show_brief()

    def _make(self) -> QWidget:
        """Make two lines, and a title that unfolds to the rest."""
        self._brief = QLabel(), QLabel()
        both = QWidget()
        layout = QVBoxLayout(both)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        for label in self._brief:
            label.setContentsMargins(6, 0, 6, 0)
            label.setTextFormat(Qt.TextFormat.PlainText)
            label.setWordWrap(True)
            layout.addWidget(label)
        layout.addWidget(self.more)
        self._show_brief()
        return both

    def _show_brief(self) -> None:
        for label, line in zip(self._brief or (), brief(self._name) if self._brief else (), strict=True):
            label.setText(line)


def brief(name: str) -> tuple[str, str]:
    """Return the two lines that most want to know: what the model is for, the size of its objects and its licence."""
    try:
        card = weights.card_for(weights.find(name))
    except FastSAMError as error:
        known = weights.known(name)
        return (str(error), "") if known is None else (known.about, f"{known.licence} · not on this computer yet")
    return _first_sentence(card.description or card.training_data or _NOT_SAID), f"{_range(card)} · {card.licence}"


def _range(card: Card) -> str:
    """Return how large most objects are, in a few words."""
    if card.object_diameter_range is not None:
        return "Objects of {:.0f} to {:.0f} pixels".format(*card.object_diameter_range)
    return (
        "Objects of any size" if card.object_diameter is None else f"Objects of about {card.object_diameter:.0f} pixels"
    )


def _first_sentence(text: str) -> str:
    return text.split(". ")[0].split(";")[0].rstrip(".") + "."


def about(name: str) -> str:
    """Return rich text about a model by its name or path, whatever is the matter with it."""
    try:
        path = weights.find(name)
        return card_as_html(weights.card_for(path), path)
    except FastSAMError as error:
        known = weights.known(name)
        if known is None or known.path.is_file():  # it is damaged, or its card is another file's
            return html.escape(str(error))
        return f"<b>{known.name}</b>: {known.about}. Licence {known.licence}. Not on this computer yet."


def card_as_html(card: Card, path: Path) -> str:
    """Return a card as rich text."""
    rows = "".join(
        f"<tr><td><b>{key}</b>&nbsp;&nbsp;</td><td>{html.escape(value)}</td></tr>" for key, value in rows_of(card, path)
    )
    return f"<table>{rows}</table>"


def rows_of(card: Card, path: Path) -> Iterator[tuple[str, str]]:
    """Yield what a card says, as names and texts; of a file without a card, what is known nevertheless."""
    yield "name", card.name + (f": {card.description}" if card.description else "")
    yield "base", card.base or _NOT_SAID
    yield "trained on", _with(card.training_data or _NOT_SAID, _held_out(card))
    yield "objects", _sizes(card)
    yield "network input size", _shown(card)
    yield "intensity", card.intensity
    yield "measured", _metrics(card)
    if card.conf is not None and card.iou is not None:
        yield "everything", f"confidence {card.conf:g}, overlap {card.iou:g}"
    yield "licence", card.licence
    yield "version", _with(card.version or _NOT_SAID, card.created and f"made {card.created}")
    if card.notes:
        yield "notes", card.notes
    yield "file", str(path)


def _with(text: str, more: str) -> str:
    return f"{text}; {more}" if more else text


def _held_out(card: Card) -> str:
    count = len(card.validation_images)
    return f"{count} image{'s' * (count != 1)} held out to measure it" if count else ""


def _sizes(card: Card) -> str:
    if card.object_diameter is None:
        return "of any or unknown size"
    text = f"{card.object_diameter:g} pixels across (median)"
    if card.object_diameter_range is not None:
        low, high = card.object_diameter_range
        text += f", most from {low:g} to {high:g}"
    return text


def _shown(card: Card) -> str:
    if card.imgsz is not None:
        return f"{card.imgsz} pixels along the longer side"
    if card.shown_diameter is not None:
        return f"the scale at which its objects are {card.shown_diameter:g} pixels across"
    if card.origin == "unknown":
        return "the size that its file says it was trained at"
    return "its own size" if card.scale == 1 else f"its own size times {card.scale:g}"


_MEASURES = {
    "ap50": "AP50", "ap75": "AP75", "ap": "mean AP", "f1": "F1", "click_iou": "IoU of a click", "box_iou": "of a box",
}  # fmt: skip


def _metrics(card: Card) -> str:
    """Return the measures of all images, then those of each kind: their names end in a comma and the kind."""
    kinds: dict[str, list[str]] = {}
    for key, value in card.metrics.items():
        name, _, kind = key.partition(", ")
        kinds.setdefault(kind, []).append(f"{_MEASURES.get(name, name)} {value:.3g}")
    return "; ".join((f"{kind}: " if kind else "") + ", ".join(text) for kind, text in kinds.items()) or "not measured"
