"""What the dock *Compare* shows of a comparison: numbers, curve and table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from magicgui.widgets import Label

from napari_fastsam.core.judging.metrics import THRESHOLDS
from napari_fastsam.widgets.common.curves import Curves, Series
from napari_fastsam.widgets.common.frame import make_readable
from napari_fastsam.widgets.compare import messages
from napari_fastsam.widgets.compare.table import ObjectsTable

if TYPE_CHECKING:
    from napari_fastsam.layers.comparison.compare import Compared
    from napari_fastsam.layers.planes.alignment import Alignment


class ComparisonView:
    """The widgets, from top to bottom."""

    def __init__(self) -> None:
        self.numbers = Label(value="")
        self.curve = Curves("AP", "IoU", y_range=(0.0, 1.0), x_range=(THRESHOLDS[0], THRESHOLDS[-1]))
        self.table = ObjectsTable()
        make_readable(self.numbers.native)
        self.numbers.native.setToolTip(messages.DEFINITIONS)
        self.curve.setToolTip("Average precision at each IoU; the line is the threshold chosen.")

    def stand_in(self, rows: Any) -> None:
        """Take their places at the end of a vertical layout; the table takes the room that is left."""
        rows.addWidget(self.numbers.native)
        rows.addWidget(self.curve)
        rows.addWidget(self.table, 1)

    def show(self, compared: Compared, threshold: float) -> None:
        """Show a comparison at a threshold."""
        matchings = [compared.matching(t) for t in THRESHOLDS]
        self.numbers.value = messages.numbers(matchings, compared.matching(threshold))
        points = tuple((m.threshold, m.average_precision) for m in matchings)
        self.curve.show_series([Series("AP = hits / (hits + missed + false)", points)], marked=threshold)
        self.table.show_found(compared.found(threshold), _planes(compared.alignment))

    def clear(self) -> None:
        """Show nothing."""
        self.numbers.value = ""
        self.curve.show_series([])
        self.table.show_found(None)


def _planes(alignment: Alignment) -> tuple[int, ...]:
    """Return the axes along which several planes were compared."""
    if alignment.scope == "volume":
        return ()
    return tuple(axis for axis, n in enumerate(alignment.shape) if axis not in alignment.axes and n > 1)
