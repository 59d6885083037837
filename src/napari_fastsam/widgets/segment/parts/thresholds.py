"""What an object must reach, and at which size the network sees the image."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from magicgui.widgets import CheckBox, FloatSlider, FloatSpinBox, Label, SpinBox

from napari_fastsam.core.planes.tiling import Tiling
from napari_fastsam.errors import ParameterError
from napari_fastsam.layers.planes.transforms import pixel_area
from napari_fastsam.model.asking.thresholds import Thresholds
from napari_fastsam.widgets.common.controls import row
from napari_fastsam.widgets.common.units import InUnits
from napari_fastsam.widgets.segment import messages
from napari_fastsam.widgets.segment.parts.panel import Panel

if TYPE_CHECKING:
    from napari.layers import Image

    from napari_fastsam.widgets.common.settings import DockSettings


class ThresholdsPanel(Panel):
    """Confidence, overlap, areas, sizes, and whether the preview follows them.

    Parameters
    ----------
    settings
        The user's.

    Attributes
    ----------
    size_shown, areas_shown
        The fields for sizes, in the units of the image; `diameter` and `areas` have them in pixels.
    """

    def __init__(self, settings: DockSettings) -> None:
        self.conf = FloatSlider(
            name="conf",
            value=min(max(settings.conf, 0.05), 0.95),
            min=0.05,
            max=0.95,
            step=0.01,
            tooltip="Hide objects that the network is less sure of. Live.",
        )
        self.iou = FloatSlider(
            name="iou",
            value=min(max(settings.iou, 0.1), 0.95),
            min=0.1,
            max=0.95,
            step=0.01,
            tooltip="Of two objects whose boxes overlap by more (IoU), only the surer one stays. Live.",
        )
        self.areas: Any = row(
            "areas",
            _area("min_area", "Smaller objects are left out. Live."),
            Label(value="to"),
            _area("max_area", "Larger objects are left out. Live."),
        )
        self.imgsz = FloatSpinBox(
            name="imgsz",
            value=0,
            min=0,
            max=8192,
            step=32,
            tooltip="Longer side, in pixels, at which the network sees the image; auto: what suits model and image.",
        )
        self.imgsz.native.setDecimals(0)
        self.imgsz.native.setSpecialValueText("auto")  # of which the field for integers shows nothing
        self.diameter = FloatSpinBox(
            name="diameter",
            value=0,
            min=0,
            max=100_000,
            step=1,
            tooltip="Diameter of a typical object, which sets the scale; auto: it is measured.",
        )
        self.live = CheckBox(
            name="live", text="live", value=settings.live, tooltip="The preview follows prompts and sliders."
        )
        self.fine_edges = CheckBox(
            name="fine_edges",
            text="fine edges",
            value=False,
            tooltip="Edges of proposed objects are drawn anew at full resolution, which takes about as long as finding "
            "them. Not for everything in tiles or linked planes.",
        )
        self.size_shown = InUnits(1, self.diameter, zero="auto")
        self.areas_shown = InUnits(2, self.areas.min_area, self.areas.max_area, zero="any")
        super().__init__(self.conf, self.iou, self.areas, self.imgsz, self.diameter, self.fine_edges, self.live)
        self.tell_moved(self.conf, self.iou, self.areas.min_area, self.areas.max_area)
        self.tell_changed(self.imgsz, self.diameter, self.fine_edges, self.live)

    @property
    def thresholds(self) -> Thresholds:
        """What an object must reach; a `ParameterError` where that contradicts itself."""
        low, high = self.areas.min_area.value or None, self.areas.max_area.value or None
        if low is not None and high is not None and low > high:
            raise ParameterError(messages.areas_contradict(self.areas_shown.text(low), self.areas_shown.text(high)))
        return Thresholds(conf=self.conf.value, iou=self.iou.value, min_area=low, max_area=high)

    @property
    def tiling(self) -> Tiling:
        """How large objects are, and so how large planes are cut up."""
        return Tiling(diameter=self.diameter.value or None)

    def show_units(self, image: Image | None, axes: tuple[int, int] = (-2, -1)) -> None:
        """Give sizes in the units of an image along the axes that are rows and columns, in pixels where it has none."""
        area = None if image is None else pixel_area(image, axes)
        size = area**0.5 if area else None
        self.size_shown.show_in(size)
        self.areas_shown.show_in(size)

    def suit(self, conf: float | None, iou: float | None) -> None:
        """Set confidence and overlap, as near as the sliders go; None leaves them."""
        for control, value in ((self.conf, conf), (self.iou, iou)):
            if value is not None:
                control.value = min(max(value, control.min), control.max)


def _area(name: str, tooltip: str) -> SpinBox:
    return SpinBox(name=name, value=0, min=0, max=2**31 - 1, tooltip=tooltip)
