"""The dock *Compare*: a segmentation against its ground truth, live."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from superqt.utils import qdebounced, qthrottled

from napari_fastsam.core.judging.comparison import Kind
from napari_fastsam.core.judging.metrics import THRESHOLDS
from napari_fastsam.errors import FastSAMError
from napari_fastsam.io.results.comparisons import objects_beside, write_numbers, write_objects
from napari_fastsam.layers.comparison.compare import NAMES, Compared
from napari_fastsam.layers.connections import layer_emitters
from napari_fastsam.layers.planes.alignment import align
from napari_fastsam.layers.planes.look import go_to
from napari_fastsam.widgets.common.dock import Dock
from napari_fastsam.widgets.common.errors import notify
from napari_fastsam.widgets.common.files import table_to_save
from napari_fastsam.widgets.common.layer_box import is_another, offered_layers
from napari_fastsam.widgets.common.tabbing import order_tabs
from napari_fastsam.widgets.compare import messages
from napari_fastsam.widgets.compare.controls import make_actions, make_controls, suggested
from napari_fastsam.widgets.compare.output import RESULT_KEY, ComparisonLayer
from napari_fastsam.widgets.compare.view import ComparisonView
from napari_fastsam.widgets.compare.work import ComparisonOutcome, ComparisonWork

if TYPE_CHECKING:
    import napari.viewer

SOON_MS = 120
"""Changes within this time of each other, such as those of a stroke of the brush, are answered once."""

SLIDER_MS = 30

LABEL_WIDTH = 104
"""Screen pixels of the controls' labels at the least, so that the controls begin at one line."""


class CompareWidget(Dock):
    """The dock: choose a segmentation and its ground truth, see what was hit, missed and made up.

    Parameters
    ----------
    napari_viewer
        The viewer that it works on.
    """

    def __init__(self, napari_viewer: napari.viewer.Viewer) -> None:
        super().__init__(napari_viewer, "Compare", make_controls(napari_viewer), make_actions())
        self.view = ComparisonView()
        self._output = ComparisonLayer(napari_viewer)
        self._work = ComparisonWork(self.say, self._compared_layers)
        self._shown: ComparisonOutcome | None = None
        self._place = self._shown_place()
        self._quiet = False
        self._soon = qdebounced(self.update_now, timeout=SOON_MS)
        self._recolour = qthrottled(self._show_threshold, timeout=SLIDER_MS)
        self._lay_out()
        self._wire()
        self._refresh_choices()
        self._layers_chosen()
        self.update_now()

    @property
    def compared(self) -> Compared | None:
        """What is shown; None while nothing can be compared."""
        return None if self._shown is None else self._shown.compared

    # ---------------------------------------------------------------- what a person can do

    def update_now(self, *_: Any) -> None:
        """Compare the layers as they are now: here if that is a matter of milliseconds, else in a thread."""
        self._soon.cancel()
        predicted, truth = self.predicted.value, self.truth.value
        is_stack = predicted is not None and predicted.ndim > 2
        self.scope.visible = is_stack
        message = self._nothing_to_compare(predicted, truth)
        if message:
            self._show_nothing(message)
            return
        try:
            alignment = align(self._viewer, predicted, truth, self.scope.value if is_stack else "plane")
        except FastSAMError as error:
            self._show_nothing(str(error))
            return
        self._work.start(predicted, truth, alignment)

    def save(self, path: Path | str | None = None) -> Path | None:
        """Write the numbers and the objects as CSV files.

        Parameters
        ----------
        path
            Where the numbers go; the objects go beside it. None asks the person.

        Returns
        -------
        pathlib.Path or None
            The file of numbers; None if nothing was written, which the status explains.
        """
        shown, compared = self._shown, self.compared
        if shown is None or compared is None:
            self.say(messages.NOTHING_TO_SAVE)
            return None
        file = table_to_save(self.native, "Save the numbers", "comparison.csv", path)
        if file is None:
            return None
        axes = [str(label) for label in shown.predicted.axis_labels]
        try:
            write_numbers(file, [compared.matching(threshold) for threshold in THRESHOLDS])
            write_objects(objects_beside(file), compared.found(self._threshold), [NAMES[kind] for kind in Kind], axes)
        except FastSAMError as error:
            self.say(str(error))
            return None
        self.say(messages.saved(file.name, objects_beside(file).name))
        return file

    def go_to_object(self, i: int) -> None:
        """Let the view go to an object, and choose its label in its layer.

        Parameters
        ----------
        i
            Its row in ``compared.found(threshold)``.
        """
        shown, compared = self._shown, self.compared
        if shown is None or compared is None:
            return
        predicted, truth = shown.predicted, shown.truth
        if predicted not in self._viewer.layers or truth not in self._viewer.layers:
            return
        found = compared.found(self._threshold)
        go_to(self._viewer, predicted, compared.inside(found, i), found.box[i])
        for layer, label in ((predicted, found.predicted[i]), (truth, found.truth[i])):
            if label:
                layer.selected_label = int(label)
        self._viewer.layers.selection.active = truth if found.kind[i] == Kind.MISSED else predicted

    def end(self) -> None:
        """End the work and remove the layer; layers that were hidden are shown again."""
        self._soon.cancel()
        self._recolour.cancel()
        self._work.close()
        self._output.show_others()
        self._output.remove()
        self._shown = None

    # ---------------------------------------------------------------- from layers to what is shown

    @property
    def _threshold(self) -> float:
        return round(float(self.threshold.value), 2)

    def _nothing_to_compare(self, predicted: Any, truth: Any) -> str:
        if predicted is None or truth is None:
            return messages.ONE_MISSING if offered_layers(self.predicted) else messages.NO_LABELS
        return messages.SAME_TWICE if predicted == truth else ""

    def _compared_layers(self, outcome: ComparisonOutcome) -> None:
        wanted = (outcome.predicted, outcome.truth) == (self.predicted.value, self.truth.value)
        if outcome.stale or not wanted:
            self.update_now()
        elif outcome.error is not None:
            self._show_nothing(str(outcome.error) or type(outcome.error).__name__)
            if not isinstance(outcome.error, FastSAMError):
                notify(outcome.error)
        elif outcome.compared is None:
            self._show_nothing(messages.CANCELLED)
        else:
            self._shown = outcome
            self._show_threshold()
            self._hide_layers()

    def _show_threshold(self, *_: Any) -> None:
        """Show the comparison at the threshold of the slider."""
        shown, compared = self._shown, self.compared
        if shown is None or compared is None or shown.predicted not in self._viewer.layers:
            return
        self.view.show(compared, self._threshold)
        self._output.show(shown.predicted, compared, self._threshold)
        self.say(messages.summary(compared, self._threshold))

    def _show_nothing(self, message: str) -> None:
        self._shown = None
        self._work.outdate()
        self.view.clear()
        self._quiet = True  # a layer that is shown again says that it is redrawn
        try:
            self._output.show_others()
        finally:
            self._quiet = False
        self._output.remove()
        self.say(message)

    def _hide_layers(self, *_: Any) -> None:
        if self._shown is None or not self.solo.value:
            self._output.show_others()
        else:
            self._output.hide_others([self._shown.predicted, self._shown.truth])

    # ---------------------------------------------------------------- wiring

    def _lay_out(self) -> None:
        self.frame_in(names_width=LABEL_WIDTH)
        scrolled = self.root_native_widget
        scrolled.setMinimumWidth(0)
        self.view.stand_in(scrolled.widget().layout())
        order_tabs(scrolled, self.actions.native)

    def _wire(self) -> None:
        viewer = self._viewer
        dims = viewer.dims.events
        self._always.connect((dims.current_step, dims.order, dims.ndisplay), self._plane_changed)
        listed = viewer.layers.events
        self._always.connect((listed.inserted, listed.removed, listed.renamed), self._list_changed)
        for control in (self.predicted, self.truth):
            control.changed.connect(self._layers_chosen)
        self.scope.changed.connect(self._soon)
        self.threshold.changed.connect(self._recolour)
        self.solo.changed.connect(self._hide_layers)
        self.actions.again.changed.connect(lambda: self.update_now())
        self.actions.save_button.changed.connect(lambda: self.save())
        self.view.table.chosen.connect(self.go_to_object)

    def _layers_chosen(self, *_: Any) -> None:
        """Follow the layers that are chosen now, and no others."""
        self._per_layer.undo()
        for layer in (self.predicted.value, self.truth.value):
            if layer is not None:
                # a preview that changes while it is hidden says so by its features alone
                emitters = layer_emitters(layer, "data", "paint", "labels_update", "features")
                self._per_layer.connect(emitters, self._pixels_changed)
                self._per_layer.connect((layer.events.set_data,), self._redrawn)
        self._soon()

    def _pixels_changed(self, *_: Any) -> None:
        self._soon()

    def _redrawn(self, *_: Any) -> None:
        # undo and changes in place say no more than this; but a slider that moves says it too
        if self._shown_place() != self._place:
            self._plane_changed()
        elif not self._quiet:
            self._soon()

    def _plane_changed(self, *_: Any) -> None:
        place = self._shown_place()
        if place == self._place:
            return
        order_changed = place[1:] != self._place[1:]
        self._place = place
        if order_changed or self.scope.value == "plane":
            self._soon()

    def _shown_place(self) -> tuple[Any, ...]:
        dims = self._viewer.dims
        return (tuple(dims.point), tuple(dims.order), dims.ndisplay)

    def _list_changed(self, event: Any) -> None:
        if RESULT_KEY not in getattr(getattr(event, "value", None), "metadata", ()):
            self._refresh_choices()
            self._soon()

    def _refresh_choices(self) -> None:
        """Offer the layers that there are now; a choice stays as long as its layer does."""
        boxes = (self.predicted, self.truth)
        before = [box.value for box in boxes]
        for box in boxes:
            with box.changed.blocked():
                box.reset_choices()
        for box, value in zip(boxes, suggested(offered_layers(self.predicted), *before), strict=True):
            with box.changed.blocked():
                box.value = value
        if any(is_another(old, box.value) for old, box in zip(before, boxes, strict=True)):
            self._layers_chosen()
