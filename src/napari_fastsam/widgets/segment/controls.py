"""The dock's controls: what there is to choose, from top to bottom in the order of use."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from magicgui.widgets import (
    CheckBox,
    ComboBox,
    Container,
    FloatSlider,
    FloatSpinBox,
    Label,
    PushButton,
    RadioButtons,
    SpinBox,
)
from napari.layers import Image, Labels, Points, Shapes
from qtpy.QtWidgets import QComboBox, QDoubleSpinBox, QFileDialog

from napari_fastsam.core.planes.linking import Linking
from napari_fastsam.core.planes.tiling import Tiling
from napari_fastsam.layers.answers.session import Controls
from napari_fastsam.model.asking.thresholds import Thresholds
from napari_fastsam.model.weights import own_models
from napari_fastsam.model.weights.formats import FILE_PATTERNS
from napari_fastsam.model.weights.weights import REGISTRY

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Layer

    from napari_fastsam.widgets.common.settings import DockSettings

DEVICES = ("auto", "cpu", "cuda", "mps")
FROM_FILE = "from a file …"
PREVIEW_KEY = "napari-fastsam preview"
"""A Labels layer whose metadata have this key is a dock's preview."""


class ModelBox(ComboBox):
    """Chooses a model of the registry, one of the person's own or a file; a path becomes a choice when it is set."""

    def __init__(self, value: str, **options: Any) -> None:
        self._paths: list[str] = []
        self._empty = False
        if value not in self.offered():
            self._paths.append(value)
        super().__init__(value=value, choices=lambda _: [] if self._empty else self._all(), **options)

    def offered(self) -> list[str]:
        """Return the names of the models that there are."""
        return [*(w.name for w in REGISTRY), *own_models.files()]

    def refresh(self) -> None:
        """Offer the models that there are now; what is chosen stays, also if its file is gone."""
        chosen = self.value
        if chosen != FROM_FILE and chosen not in [*self.offered(), *self._paths]:
            self._paths.append(chosen)
        with self.changed.blocked():
            # magicgui puts new choices behind those that stay: without any, the order is that of the list
            self._empty = True
            self.reset_choices()
            self._empty = False
            self.reset_choices()
            self.value = chosen

    def _all(self) -> list[str]:
        return [*self.offered(), *self._paths, FROM_FILE]

    @property
    def value(self) -> Any:
        """Name or path."""
        return super().value

    @value.setter
    def value(self, value: str | Path) -> None:
        name = str(value)
        if name not in self.choices:
            self._paths.append(name)
            self.reset_choices()
        ComboBox.value.fset(self, name)  # type: ignore[attr-defined]

    def ask_for_file(self, instead: str, exported: bool = False) -> None:
        """Let the person choose a checkpoint, or a model exported from one; without one, go back to `instead`."""
        offered = f"Models (*.pt {' '.join(FILE_PATTERNS)})" if exported else "*.pt"
        path, _ = QFileDialog.getOpenFileName(self.native, "A FastSAM or YOLO segmentation checkpoint", "", offered)
        self.value = path or instead


def layers_of(viewer: ViewerModel, kind: type[Layer]) -> Callable[[Any], list[Layer]]:
    """Return a source of choices: the viewer's layers of one kind, previews left out."""

    def choices(_: Any) -> list[Layer]:
        return [layer for layer in viewer.layers if isinstance(layer, kind) and PREVIEW_KEY not in layer.metadata]

    return choices


def make_controls(viewer: ViewerModel, settings: DockSettings) -> list[Any]:
    """Make all controls in the order in which they stand in the dock.

    Their names are the dock's attributes.
    """
    return [
        ComboBox(name="image", choices=layers_of(viewer, Image), tooltip="The image to segment."),
        ModelBox(
            settings.model,
            name="model",
            tooltip="nuclei comes with the plugin; FastSAM finds any object. Or a model of your own.",
        ),
        PushButton(
            name="download", text="Download", visible=False, tooltip="Fetch this model once; then it is offline."
        ),
        ComboBox(
            name="device",
            value=settings.device,
            choices=DEVICES,
            tooltip="Where the network runs. auto: a GPU if there is one.",
        ),
        _either(
            name="task",
            label="find",
            choices=[("at prompts", "prompts"), ("everything", "everything")],
            tooltip="The objects that you point at, or all that the network sees. (Shift-E)",
        ),
        _either(
            name="region",
            label="where",
            choices=[("plane", "plane"), ("view", "view"), ("all planes", "stack")],
            tooltip="The plane shown, what the canvas shows of it when you run or place a prompt, or all planes: "
            "objects are linked then, and those at prompts followed.",
        ),
        _stack(),
        ComboBox(
            name="points",
            choices=layers_of(viewer, Points),
            nullable=True,
            tooltip="Points: positive ones say where an object is, negative ones where it is not.",
        ),
        ComboBox(
            name="shapes",
            choices=layers_of(viewer, Shapes),
            nullable=True,
            tooltip="Rectangles are boxes, polygons and ellipses are outlines, lines and paths are scribbles.",
        ),
        PushButton(name="new_layers", text="New prompt layers", tooltip="A Points and a Shapes layer. (Shift-N)"),
        Container(
            name="next_point",
            layout="horizontal",
            labels=False,
            label="next point",
            widgets=[
                PushButton(
                    name="polarity", text="+", tooltip="Positive: the object is here; negative: not here. (Shift-T)"
                ),
                PushButton(
                    name="object",
                    text="each",
                    tooltip="Each point an object, or all of this number one. (Shift-O)",
                ),
            ],
        ),
        PushButton(
            name="example",
            label="",
            text="example",
            tooltip="The next points and shapes show what the objects wanted are like, or unlike. (Shift-X)",
        ),
        FloatSlider(
            name="conf",
            label="confidence",
            value=min(max(settings.conf, 0.05), 0.95),
            min=0.05,
            max=0.95,
            step=0.01,
            tooltip="Objects that the network is less sure of are left out. Live.",
        ),
        FloatSlider(
            name="iou",
            label="overlap",
            value=min(max(settings.iou, 0.1), 0.95),
            min=0.1,
            max=0.95,
            step=0.01,
            tooltip="Of two objects whose boxes overlap (IoU) by more, only the surer one stays. Live.",
        ),
        _areas(),
        SpinBox(
            name="imgsz",
            label="shown at",
            value=0,
            min=0,
            max=8192,
            step=32,
            tooltip="Pixels along the longer side in which the network sees the image; 0: what suits model and image.",
        ),
        FloatSpinBox(
            name="diameter",
            label="object size",
            value=0,
            min=0,
            max=100_000,
            step=1,
            tooltip="Diameter of the usual object in pixels: the scale follows from it; 0: measured in a first look.",
        ),
        CheckBox(name="live", text="live", value=settings.live, tooltip="The preview follows prompts and sliders."),
        Container(
            name="alternatives",
            layout="horizontal",
            labels=False,
            label="last prompt",
            widgets=[
                PushButton(name="smaller", text="smaller", tooltip="A smaller object for this prompt. (Shift-Down)"),
                PushButton(name="larger", text="larger", tooltip="A larger object for this prompt. (Shift-Up)"),
            ],
        ),
        ComboBox(
            name="labels",
            label="add to",
            choices=layers_of(viewer, Labels),
            nullable=True,
            tooltip="The Labels layer that takes the objects; ----- makes a new one.",
        ),
        CheckBox(
            name="preserve",
            text="keep what is labelled already",
            value=settings.preserve_labels,
            tooltip="Pixels that have a label in that layer keep it.",
        ),
        Container(
            name="outcome",
            layout="horizontal",
            labels=False,
            label="",
            widgets=[
                PushButton(
                    name="measure_button",
                    text="Measure",
                    tooltip="Area, place, shape and brightness of all objects of that layer, into its features.",
                ),
                PushButton(
                    name="recipe",
                    text="Save recipe …",
                    tooltip="What is asked for now as a file, to run it on many images: napari-fastsam run.",
                ),
            ],
        ),
    ]


def make_actions() -> Container[Any]:
    """Make the buttons that stay in sight below the controls."""
    return Container(
        name="actions",
        layout="horizontal",
        labels=False,
        widgets=[
            PushButton(name="run_button", text="Run", tooltip="Segment now; while it runs: cancel. (Shift-R)"),
            PushButton(
                name="add",
                text="Add to labels",
                tooltip="Put the preview into the Labels layer, as one undo step, and clear the prompts. (Shift-Enter)",
            ),
        ],
    )


def make_compact(controls: list[Any]) -> None:
    """Let the controls be as narrow as a dock beside a picture should be."""
    for control in controls:
        if isinstance(control, ComboBox):
            control.native.setMinimumContentsLength(10)
            control.native.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        elif isinstance(control, Container):
            control.margins = (0, 0, 0, 0)
            make_compact(list(control))
        elif isinstance(control, SpinBox | FloatSpinBox):
            control.native.setMinimumWidth(70)
            # or each digit that is typed would ask for another answer
            control.native.setKeyboardTracking(False)
        elif isinstance(control, FloatSlider):
            readout = control.native.findChild(QDoubleSpinBox)
            # napari's style wants it wide, and leaves nothing for the slider
            width = readout.fontMetrics().horizontalAdvance("-0.000")
            readout.setStyleSheet(f"min-width: {width}px; max-width: {width}px; padding: 0 2px;")


def _either(choices: list[tuple[str, str]], **options: Any) -> RadioButtons:
    """Make buttons of which the first is chosen."""
    buttons = RadioButtons(choices=choices, orientation="horizontal", **options)
    buttons.value = choices[0][1]
    return buttons


def _stack() -> Container[Any]:
    """Make what is asked of all planes; shown where they are meant."""
    return Container(
        name="stack",
        label="planes",
        visible=False,
        labels=True,
        widgets=[
            ComboBox(name="axis", label="along", choices=[], tooltip="The axis along which the planes lie."),
            FloatSlider(
                name="overlap",
                label="alike by",
                value=Linking().min_overlap,
                min=0.05,
                max=0.95,
                step=0.01,
                tooltip="How much two masks on neighbouring planes overlap at least to be one object. Live.",
            ),
            Container(
                name="more",
                label="gap",
                layout="horizontal",
                labels=False,
                widgets=[
                    SpinBox(
                        name="gap",
                        value=0,
                        min=0,
                        max=20,
                        tooltip="Planes in a row in which an object may have been missed. Live.",
                    ),
                    CheckBox(name="divisions", text="divide", tooltip="An object may become two, as cells do. Live."),
                    PushButton(name="tracks", text="Tracks", tooltip="A Tracks layer of what was found on all planes."),
                ],
            ),
        ],
    )


def axes_of(image: Image) -> list[tuple[str, int]]:
    """Return the axes of an image but the last two, by name, the last of them first."""
    return [(f"{image.axis_labels[axis]} ({axis})", axis) for axis in reversed(range(image.ndim - 2))]


def _areas() -> Container[Any]:
    return Container(
        name="areas",
        label="area (px)",
        layout="horizontal",
        labels=False,
        widgets=[
            SpinBox(name="min_area", value=0, min=0, max=2**31 - 1, tooltip="Smaller objects are left out. Live."),
            Label(value="to"),
            SpinBox(
                name="max_area",
                value=0,
                min=0,
                max=2**31 - 1,
                tooltip="Larger objects are left out; 0: no limit. Live.",
            ),
        ],
    )


def freeze(dock: Any) -> Controls | None:
    """Return what is set in the dock as a value, or None if there is no image.

    Raises
    ------
    ParameterError
        If the thresholds contradict each other.
    """
    if dock.image.value is None:
        return None
    return Controls(
        image=dock.image.value,
        points=dock.points.value,
        shapes=dock.shapes.value,
        model=dock.model.value,
        device=dock.device.value,
        imgsz=dock.imgsz.value or None,
        task=dock.task.value,
        region=dock.region.value,
        thresholds=Thresholds(
            conf=dock.conf.value,
            iou=dock.iou.value,
            min_area=dock.areas.min_area.value or None,
            max_area=dock.areas.max_area.value or None,
        ),
        texts=dock.search.texts,
        exemplars=dock.search.exemplars,
        text_encoder=dock.search.text_encoder,
        search=dock.search.search,
        classes=dock.search.classes.value,
        tiling=Tiling(diameter=dock.diameter.value or None),
        axis=dock.stack.axis.value,
        linking=Linking(dock.stack.more.gap.value, dock.stack.overlap.value, dock.stack.more.divisions.value),
    )
