"""The buttons that correct labels; each has a key that does it to the label under the cursor."""

from __future__ import annotations

from collections.abc import Mapping

from psygnal import Signal
from qtpy.QtWidgets import QGridLayout, QLabel, QPushButton, QWidget

from napari_fastsam.widgets.common.controls import show_if
from napari_fastsam.widgets.common.folded import Folded
from napari_fastsam.widgets.common.segments import Segment, Segments

VERBS: Mapping[str, tuple[str, str, str]] = {
    "delete_label": ("Shift-K", "delete", "Delete it; its row leaves the features."),
    "merge_labels": ("Shift-M", "merge", "Key on one label, then on another: the first keeps its number and class."),
    "split_label": (
        "Shift-C",
        "split",
        "Key on two places of a label: parted where the image shows an edge. Twice on one place: at its waist.",
    ),
    "fill_label": ("Shift-I", "fill holes", "Background that it encloses becomes part of it."),
    "smooth_label": ("Shift-H", "smooth", "A smoother outline, of about the same area."),
    "grow_label": ("Shift-G", "grow", "A pixel wider, never into a neighbour."),
    "shrink_label": ("Shift-U", "shrink", "A pixel narrower."),
    "keep_largest": ("Shift-Q", "largest piece", "Only its largest piece is kept."),
    "cut_at_neighbours": ("Shift-Y", "cut free", "A line of background between it and the labels that it touches."),
}
"""The dock's method → its key, what the button says, and what it does."""

_HINT = (
    "With a key: the label under the cursor. With a button: the labels in the shapes that are selected, or else the "
    "layer's selected label; a selected line splits."
)

_COLUMNS = 3

THIS_PLANE, ALL_PLANES = "plane", "all"
"""Where a label is corrected."""


class CorrectPanel(Folded):
    """Unfolds to the buttons.

    Attributes
    ----------
    planes
        Where a label is corrected: on the plane shown, or on all planes that it is on. None before it was unfolded.
    """

    wanted = Signal(str)
    """Which of `VERBS` is to be done."""

    def __init__(self) -> None:
        super().__init__(
            "Correct labels", self._make_buttons, "Correct the labels that are there, one by one. " + _HINT
        )
        self.buttons: dict[str, QPushButton] = {}
        self.planes: Segments | None = None
        self._several = False

    def offer_planes(self, several: bool) -> None:
        """Offer to correct labels on all planes, if there are several."""
        self._several = several
        if self.planes is not None:
            show_if(self.planes, several)

    @property
    def everywhere(self) -> bool:
        """Whether a label is corrected on all planes."""
        return self._several and self.planes is not None and bool(self.planes.value == ALL_PLANES)

    def _make_buttons(self) -> QWidget:
        whole = QWidget()
        grid = QGridLayout(whole)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(4)
        self.planes = _make_planes()
        grid.addWidget(self.planes.native, 0, 0, 1, _COLUMNS)
        self.planes.native.setVisible(self._several)  # or what was never shown would be, with the rest
        for i, (method, (key, text, tooltip)) in enumerate(VERBS.items()):
            button = self.buttons[method] = QPushButton(text.capitalize())
            button.setToolTip(f"{tooltip} ({key})")
            button.clicked.connect(lambda *_, method=method: self.wanted.emit(method))
            grid.addWidget(button, 1 + i // _COLUMNS, i % _COLUMNS)
        hint = QLabel(_HINT)
        hint.setWordWrap(True)
        grid.addWidget(hint, grid.rowCount(), 0, 1, _COLUMNS)
        return whole


def _make_planes() -> Segments:
    return Segments(
        [
            Segment("This plane", THIS_PLANE, "Correct a label on the plane that is shown."),
            Segment("All planes", ALL_PLANES, "Correct a label on all planes that it is on, as one undo step."),
        ],
        THIS_PLANE,
    )
