"""The dock *Compare*: a segmentation against its ground truth, live."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from magicgui.widgets import CheckBox, ComboBox, Container, FloatSlider, Label, PushButton
from napari.layers import Labels
from napari.utils.notifications import ErrorNotification, notification_manager
from qtpy.QtWidgets import QFileDialog, QLabel
from superqt.utils import qdebounced, qthrottled

from napari_fastsam.core.comparison import Kind
from napari_fastsam.core.metrics import THRESHOLDS
from napari_fastsam.errors import FastSAMError
from napari_fastsam.io.comparisons import objects_beside, write_numbers, write_objects
from napari_fastsam.layers.alignment import Alignment, align, full_data
from napari_fastsam.layers.compare import NAMES, Compared, Part, comparing
from napari_fastsam.layers.connections import Connections, layer_emitters
from napari_fastsam.layers.look import go_to
from napari_fastsam.widgets import compare_messages as messages
from napari_fastsam.widgets.compare_output import RESULT_KEY, ComparisonLayer
from napari_fastsam.widgets.compare_table import ObjectsTable
from napari_fastsam.widgets.controls import make_compact
from napari_fastsam.widgets.curves import Curves, Series
from napari_fastsam.widgets.frame import Frame, make_readable
from napari_fastsam.widgets.messages import as_html
from napari_fastsam.widgets.runner import Runner

if TYPE_CHECKING:
    import napari.viewer
    from napari.components import ViewerModel

SOON_MS = 120
"""Changes within this time of each other, such as those of a stroke of the brush, are answered once."""

SLIDER_MS = 30

LABEL_WIDTH = 104
"""Screen pixels of the controls' labels at the least, so that the controls begin at one line."""

AT_ONCE_PIXELS = 1_500_000
"""So many pixels are compared within some ten milliseconds; more in a thread."""

_TRUTH = re.compile(r"truth|\bgt\b|_gt\b|ground|manual|annot|reference|expert", re.IGNORECASE)
"""What a layer's name has when it is somebody's ground truth."""


class CompareWidget(Container[Any]):
    """The dock: choose a segmentation and its ground truth, see what was hit, missed and made up.

    Parameters
    ----------
    napari_viewer
        The viewer that it works on.
    """

    _frame: Frame | None = None

    def __init__(self, napari_viewer: napari.viewer.Viewer) -> None:
        self._viewer = napari_viewer
        self.status = Label(value="")
        self.actions = _make_actions()
        super().__init__(widgets=_make_controls(napari_viewer), labels=True, scrollable=True, name="Compare")
        self.numbers = Label(value="")
        self.curve = Curves("AP", "IoU", y_range=(0.0, 1.0), x_range=(THRESHOLDS[0], THRESHOLDS[-1]))
        self.table = ObjectsTable()
        self._output = ComparisonLayer(napari_viewer)
        self._runner = Runner(self._say, self._work_ended)
        self._always, self._per_layer = Connections(), Connections()
        self._compared: Compared | None = None
        self._compared_layers: tuple[Any, Any] = (None, None)
        self._parts: list[Part] = []
        self._working_on: tuple[Any, Any, Alignment] | None = None
        self._again = False
        self._place = self._shown_place()
        self._plain_status = ""
        self._soon = qdebounced(self.update_now, timeout=SOON_MS)
        self._recolour = qthrottled(self._show_threshold, timeout=SLIDER_MS)
        self._frame = frame = self._framed()
        self._wire(frame)
        self._refresh_choices()
        self._layers_chosen()
        self.update_now()

    @property
    def native(self) -> Any:
        """What napari docks. magicgui says the widget inside its scroll area here."""
        return super().native if self._frame is None else self._frame

    def reset_choices(self, *_: Any) -> None:
        """Do nothing: napari calls this whenever layers come and go, and the dock follows them itself."""

    @property
    def compared(self) -> Compared | None:
        """What is shown; None while nothing can be compared."""
        return self._compared

    # ---------------------------------------------------------------- what a person can do

    def update_now(self, *_: Any) -> None:
        """Compare the layers as they are now: here if that is a matter of milliseconds, else in a thread."""
        self._soon.cancel()
        predicted, truth = self.predicted.value, self.truth.value
        self.scope.visible = predicted is not None and predicted.ndim > 2
        said = self._nothing_to_compare(predicted, truth)
        if said:
            self._show_nothing(said)
            return
        try:
            alignment = align(self._viewer, predicted, truth, self.scope.value if predicted.ndim > 2 else "plane")
        except FastSAMError as error:
            self._show_nothing(str(error))
            return
        if self._working_on is not None:
            self._again = True  # its end asks again what is wanted then
            return
        self._working_on, self._parts = (predicted, truth, alignment), []
        parts = comparing(alignment, full_data(predicted), full_data(truth))
        if _pixels(alignment) <= AT_ONCE_PIXELS:
            self._compare_here(parts)
        else:
            self._runner.start(lambda: self._work(parts), "Compare")

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
        compared = self._compared
        if compared is None:
            self._say(messages.NOTHING_TO_SAVE)
            return None
        if path is None:
            path, _ = QFileDialog.getSaveFileName(self.native, "Save the numbers", "comparison.csv", "CSV (*.csv)")
        if not path:
            return None
        file = Path(path) if Path(path).suffix else Path(f"{path}.csv")
        found = compared.found(self.threshold.value)
        labels = [str(label) for label in self._compared_layers[0].axis_labels]
        try:
            write_numbers(file, [compared.matching(threshold) for threshold in THRESHOLDS])
            write_objects(objects_beside(file), found, [NAMES[kind] for kind in Kind], labels)
        except FastSAMError as error:
            self._say(str(error))
            return None
        self._say(messages.saved(file.name, objects_beside(file).name))
        return file

    def go_to_object(self, i: int) -> None:
        """Let the view go to an object, and choose its label in its layer.

        Parameters
        ----------
        i
            Its row in ``compared.found(threshold)``.
        """
        compared, (predicted, truth) = self._compared, self._compared_layers
        if compared is None or predicted not in self._viewer.layers or truth not in self._viewer.layers:
            return
        found = compared.found(self.threshold.value)
        go_to(self._viewer, predicted, compared.inside(found, i), found.box[i])
        for layer, label in ((predicted, found.predicted[i]), (truth, found.truth[i])):
            if label:
                layer.selected_label = int(label)
        self._viewer.layers.selection.active = truth if found.kind[i] == Kind.MISSED else predicted

    def close(self) -> None:
        """Undo all connections, end the work and remove the layer."""
        self.disconnect_all()
        self.native.close()
        super().close()

    def disconnect_all(self) -> None:
        """Let go of the viewer: connections, work and layer; layers that were hidden are shown again."""
        self._soon.cancel()
        self._recolour.cancel()
        self._runner.close()
        self._per_layer.undo()
        self._always.undo()
        listed = self._viewer.layers.events
        for emitter in (listed.inserted, listed.removed, listed.reordered, listed.renamed):
            emitter.disconnect(self.reset_choices)  # napari connects it when it docks a magicgui widget
        self._output.show_others()
        self._output.remove()
        self._compared, self._compared_layers, self._working_on, self._parts = None, (None, None), None, []

    # ---------------------------------------------------------------- from layers to numbers

    def _nothing_to_compare(self, predicted: Any, truth: Any) -> str:
        if predicted is None or truth is None:
            there = [layer for layer in self.predicted.choices if layer is not None]
            return messages.ONE_MISSING if there else messages.NO_LABELS
        return messages.SAME_TWICE if predicted == truth else ""

    def _compare_here(self, parts: Iterator[Part]) -> None:
        error: Exception | None = None
        try:
            self._parts.extend(parts)
        except FastSAMError as caught:
            error = caught
        self._work_ended(error, cancelled=False)

    def _work(self, parts: Iterator[Part]) -> Iterator[str]:
        """Compare part after part, in a thread."""
        yield "comparing …"
        for count, part in enumerate(parts, 1):
            self._parts.append(part)
            yield f"comparing … plane {count}"

    def _work_ended(self, error: Exception | None, cancelled: bool) -> None:
        work, self._working_on = self._working_on, None
        again, self._again = self._again, False
        if work is None:
            return
        predicted, truth, alignment = work
        wanted = (predicted, truth) == (self.predicted.value, self.truth.value)
        if again or not wanted:
            self.update_now()
        elif cancelled:
            self._show_nothing("Cancelled. “Compare again” starts it again.")
        elif error is not None:
            self._show_nothing(str(error) or type(error).__name__)
            if not isinstance(error, FastSAMError):
                notification_manager.dispatch(ErrorNotification(error))
        else:
            self._compared, self._compared_layers = Compared(alignment, tuple(self._parts)), (predicted, truth)
            self._show_threshold()
            self._hide_layers()

    # ---------------------------------------------------------------- what is shown

    def _show_threshold(self, *_: Any) -> None:
        """Show the comparison at the threshold of the slider."""
        compared, predicted = self._compared, self._compared_layers[0]
        if compared is None or predicted not in self._viewer.layers:
            return
        threshold = round(float(self.threshold.value), 2)
        matchings = [compared.matching(t) for t in THRESHOLDS]
        self.numbers.value = messages.numbers(matchings, compared.matching(threshold))
        points = tuple((m.threshold, m.average_precision) for m in matchings)
        self.curve.show_series([Series("AP = hits / (hits + missed + false)", points)], marked=threshold)
        alignment = compared.alignment
        others = () if alignment.scope == "volume" else _other_axes(alignment)
        self.table.show_found(compared.found(threshold), others)
        self._output.show(predicted, compared, threshold)
        self._say(messages.summary(compared, threshold))

    def _show_nothing(self, message: str) -> None:
        self._compared, self._compared_layers = None, (None, None)
        self.numbers.value = ""
        self.curve.show_series([])
        self.table.show_found(None)
        self._output.show_others()
        self._output.remove()
        self._say(message)

    def _hide_layers(self, *_: Any) -> None:
        if self._compared is None or not self.solo.value:
            self._output.show_others()
        else:
            self._output.hide_others(list(self._compared_layers))

    def _say(self, message: str) -> None:
        self._plain_status = message
        self.status.value = as_html(message)

    # ---------------------------------------------------------------- wiring

    def _framed(self) -> Frame:
        make_compact([*list(self), self.actions])
        for label in (self.status, self.numbers):
            make_readable(label.native)
        self.numbers.native.setToolTip(messages.DEFINITIONS)
        self.curve.setToolTip("Average precision at each IoU; the line is the threshold chosen.")
        frame = Frame(self.root_native_widget, [self.actions.native, self.status.native])
        scrolled = self.root_native_widget
        scrolled.setMinimumWidth(0)
        for label in scrolled.findChildren(QLabel):
            if label.text() in [control.label for control in self]:
                label.setMinimumWidth(LABEL_WIDTH)  # magicgui measures them in another font than napari's
        rows = scrolled.widget().layout()
        rows.addWidget(self.numbers.native)
        rows.addWidget(self.curve)
        rows.addWidget(self.table, 1)
        frame.belongs_to(self)
        return frame

    def _wire(self, frame: Frame) -> None:
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
        self.table.chosen.connect(self.go_to_object)
        frame.removed.connect(self.disconnect_all)
        frame.destroyed.connect(self.disconnect_all)

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
        if self._shown_place() == self._place:
            self._soon()
        else:
            self._plane_changed()

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
        for box, value in zip(boxes, before, strict=True):
            with box.changed.blocked():
                box.reset_choices()
                there = [layer for layer in box.choices if layer is not None]
                box.value = value if value in there else None
        predicted, truth = _suggested([layer for layer in self.predicted.choices if layer is not None], before)
        for box, value in ((self.predicted, predicted), (self.truth, truth)):
            with box.changed.blocked():
                box.value = value
        if any(not (old is box.value or old == box.value) for old, box in zip(before, boxes, strict=True)):
            self._layers_chosen()


def _suggested(there: list[Any], before: list[Any]) -> tuple[Any, Any]:
    """Return the layers to choose: what is chosen as far as it is there, else what looks like it."""
    predicted, truth = (value if value in there else None for value in before)
    if truth is None:
        free = [layer for layer in there if layer != predicted]
        named = [layer for layer in free if _TRUTH.search(layer.name)]
        truth = named[-1] if named else (free[0] if len(there) > 1 else None)
    if predicted is None:
        free = [layer for layer in there if layer != truth]
        predicted = free[-1] if free else None
    return predicted, truth


def _layers_to_compare(viewer: ViewerModel) -> Callable[[Any], list[Labels]]:
    """Return a source of choices: all Labels layers, previews too, but no comparison."""

    def choices(_: Any) -> list[Labels]:
        return [layer for layer in viewer.layers if isinstance(layer, Labels) and RESULT_KEY not in layer.metadata]

    return choices


def _make_controls(viewer: ViewerModel) -> list[Any]:
    choices = _layers_to_compare(viewer)
    return [
        ComboBox(
            name="predicted",
            label="segmentation",
            choices=choices,
            nullable=True,
            tooltip="The Labels layer to judge; the preview of the dock FastSAM does, and is followed live.",
        ),
        ComboBox(
            name="truth",
            label="ground truth",
            choices=choices,
            nullable=True,
            tooltip="The Labels layer that is right: drawn or checked by somebody.",
        ),
        ComboBox(
            name="scope",
            label="compare",
            choices=[("plane shown", "plane"), ("all planes", "planes"), ("whole objects", "volume")],
            tooltip=(
                "The plane shown; every plane by itself, counted together; or objects that go through all axes, "
                "each with one label."
            ),
        ),
        FloatSlider(
            name="threshold",
            label="match at IoU",
            value=0.5,
            min=0.5,
            max=0.95,
            step=0.01,
            tooltip="A true and a predicted object match from this IoU on. Live.",
        ),
        CheckBox(
            name="solo",
            text="show only the comparison",
            value=True,
            tooltip="Hide both layers while the comparison is shown; untick it to paint on them.",
        ),
    ]


def _make_actions() -> Container[Any]:
    return Container(
        name="actions",
        layout="horizontal",
        labels=False,
        widgets=[
            PushButton(
                name="again",
                text="Compare again",
                tooltip="Needed only where pixels were changed by a program that tells nobody.",
            ),
            PushButton(
                name="save_button",
                text="Save CSV …",
                tooltip="Two files: the numbers, a row a threshold, and the objects, a row each.",
            ),
        ],
    )


def _pixels(alignment: Alignment) -> int:
    count = 1
    for length in alignment.shape:
        count *= length
    return count


def _other_axes(alignment: Alignment) -> tuple[int, ...]:
    """Return the axes along which several planes were compared."""
    return tuple(axis for axis, n in enumerate(alignment.shape) if axis not in alignment.axes and n > 1)
