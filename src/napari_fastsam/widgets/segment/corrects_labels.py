"""What the dock does to the label under the cursor, a method a key."""

from __future__ import annotations

from abc import abstractmethod

from napari_fastsam.errors import FastSAMError
from napari_fastsam.widgets.common.errors import report_errors
from napari_fastsam.widgets.segment.label_corrections import LabelCorrections


class CorrectsLabels:
    """A dock that corrects labels."""

    _corrections: LabelCorrections

    @abstractmethod
    def fail(self, error: FastSAMError) -> None:
        """Say what is wrong."""

    @report_errors
    def correct_selected(self, verb: str) -> None:
        """Correct the labels in the shapes that are selected, or else the selected label; a verb of `VERBS`."""
        self._corrections.selected(verb)

    @report_errors
    def delete_label(self) -> None:
        """Delete the label under the cursor."""
        self._corrections.under_cursor("delete_label")

    @report_errors
    def merge_labels(self) -> None:
        """Merge the label under the cursor with the one at the key's last press: that keeps its number."""
        self._corrections.under_cursor("merge_labels")

    @report_errors
    def split_label(self) -> None:
        """Split the label under the cursor between here and the key's last press."""
        self._corrections.under_cursor("split_label")

    @report_errors
    def fill_label(self) -> None:
        """Fill the holes of the label under the cursor."""
        self._corrections.under_cursor("fill_label")

    @report_errors
    def smooth_label(self) -> None:
        """Smooth the outline of the label under the cursor."""
        self._corrections.under_cursor("smooth_label")

    @report_errors
    def grow_label(self) -> None:
        """Grow the label under the cursor by a pixel."""
        self._corrections.under_cursor("grow_label")

    @report_errors
    def shrink_label(self) -> None:
        """Shrink the label under the cursor by a pixel."""
        self._corrections.under_cursor("shrink_label")

    @report_errors
    def keep_largest(self) -> None:
        """Keep only the largest piece of the label under the cursor."""
        self._corrections.under_cursor("keep_largest")

    @report_errors
    def cut_at_neighbours(self) -> None:
        """Cut the label under the cursor free of those that it touches."""
        self._corrections.under_cursor("cut_at_neighbours")
