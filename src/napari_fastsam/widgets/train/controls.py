"""The dock *Train*: what there is to choose, and the choices as a value."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from magicgui.widgets import CheckBox, ComboBox, Container, FloatSpinBox, LineEdit, PushButton, SpinBox
from napari.layers import Image, Labels, Shapes
from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_fastsam.errors import ParameterError
from napari_fastsam.model.weights import own_models, weights
from napari_fastsam.widgets.common.controls import DEVICES, layers_of
from napari_fastsam.widgets.common.fields import Fields
from napari_fastsam.widgets.common.folded import Folded
from napari_fastsam.widgets.common.model_box import FROM_FILE, ModelBox

if TYPE_CHECKING:
    from napari.components import ViewerModel

FROM_SCRATCH = "nothing (from scratch)"
WHICHEVER_SUITS = "whichever suits"
_SUITING = "auto"
_SCRATCH_NETWORK = "yolov8n-seg.yaml"
_AUTO = "auto"


@dataclass(frozen=True)
class Plan:
    """What to train, as a value.

    Attributes
    ----------
    file
        The checkpoint that will be written, in the folder of the person's own models.
    base
        What training starts from, as the command line takes it.
    epochs, imgsz
        None = chosen from the data.
    device, seed
        As the command line takes them.
    """

    file: Path
    base: str
    epochs: int | None = None
    imgsz: int | None = None
    device: str = "auto"
    seed: int = 0

    @property
    def name(self) -> str:
        """What the model will be called."""
        return self.file.stem

    def arguments(self, data: Path) -> list[str]:
        """Return the arguments of ``napari-fastsam`` that train it on a folder of annotated images."""
        arguments = ["train", str(data), "-o", str(self.file), "--base", self.base]
        if self.epochs is not None:
            arguments += ["--epochs", str(self.epochs)]
        if self.imgsz is not None:
            arguments += ["--imgsz", str(self.imgsz)]
        return [*arguments, "--device", self.device, "--seed", str(self.seed), "--progress", "json"]


class BaseBox(ModelBox):
    """Chooses what training starts from: a model that can be trained on, or nothing."""

    def offered(self) -> list[str]:
        """Return the names of the models that there are; exported ones cannot be trained on."""
        own = [name for name, path in own_models.files().items() if path.suffix.casefold() == ".pt"]
        return [WHICHEVER_SUITS, *(w.name for w in weights.REGISTRY), *own, FROM_SCRATCH]


def make_controls(viewer: ViewerModel, base: str) -> list[Any]:
    """Make the controls in the order in which they stand in the dock; their names are the dock's attributes."""
    return [
        ComboBox(
            name="image",
            label="Image",
            choices=layers_of(viewer, Image),
            tooltip="An image whose objects are labelled. Training uses its contrast limits.",
        ),
        ComboBox(
            name="truth",
            label="Labels",
            choices=layers_of(viewer, Labels),
            tooltip="Its objects, each with its own number. Each plane with an object counts as an image.",
        ),
        ComboBox(
            name="regions",
            label="Inside",
            choices=layers_of(viewer, Shapes),
            nullable=True,
            tooltip="A Shapes layer whose rectangles mark the fully labelled areas. -----: all of each labelled plane.",
        ),
        ComboBox(
            name="left_out",
            label="Leave out",
            choices=layers_of(viewer, Labels),
            nullable=True,
            tooltip="A Labels layer that you paint where you are not sure: nothing is learnt there.",
        ),
        _decided_row(),
        _pairs_row(),
        BaseBox(
            base,
            name="base",
            label="Base",
            tooltip="The model to start from. The closer it is to your images, the fewer of them it needs.",
        ),
        LineEdit(name="model_name", label="Name", tooltip="The name of the new model in the list of models."),
    ]


def _decided_row() -> Container[Any]:
    """Make the row that says what of an image is decided."""
    return Container(
        name="partial",
        layout="horizontal",
        labels=False,
        label="Decided",
        tooltip="What of an image is decided: all of it, unless you say so here.",
        widgets=[
            CheckBox(
                name="partly",
                text="only these objects",
                tooltip="These objects and nothing else is decided: what is not labelled is no background.",
            ),
            PushButton(
                name="session_button",
                text="From this session",
                tooltip="Add all that you accepted in the dock FastSAM, with what you took away as background.",
            ),
        ],
    )


def _pairs_row() -> Container[Any]:
    """Make the buttons below the list of pairs."""
    return Container(
        name="pair_buttons",
        layout="horizontal",
        labels=False,
        label="Pairs",
        widgets=[
            PushButton(name="add_button", text="Add pair", tooltip="Add the image and its labels to the list."),
            PushButton(name="remove_button", text="Remove", tooltip="Remove the selected pairs from the list."),
            PushButton(
                name="save_button",
                text="Save …",
                tooltip="Write the pairs to a folder, to train on another computer: napari-fastsam train FOLDER.",
            ),
        ],
    )


def make_advanced(device: str) -> Container[Any]:
    """Make what the data decide unless a person does."""
    container: Container[Any] = Container(
        labels=False,
        widgets=[
            FloatSpinBox(
                name="epochs",
                label="Epochs",
                value=0,
                min=0,
                max=100_000,
                tooltip="How many times all images are seen. auto: more for few images.",
            ),
            FloatSpinBox(
                name="imgsz",
                label="Crop (px)",
                value=0,
                min=0,
                max=4096,
                step=32,
                tooltip="Side of the training crops in pixels. auto: by the size of the objects.",
            ),
            ComboBox(
                name="device",
                label="Device",
                value=device,
                choices=DEVICES,
                tooltip="Where to train. auto: a GPU if there is one, which is many times faster.",
            ),
            SpinBox(
                name="seed",
                label="Seed",
                value=0,
                min=0,
                max=2**31 - 1,
                tooltip="Training is random; the same number repeats the same draws.",
            ),
        ],
    )
    for control in (container.epochs, container.imgsz):
        control.native.setDecimals(0)
        control.native.setSpecialValueText(_AUTO)  # of which the field for integers shows nothing
    return container


def make_actions() -> Container[Any]:
    """Make the buttons that stay in sight."""
    return Container(
        name="actions",
        layout="horizontal",
        labels=False,
        widgets=[
            PushButton(
                name="train_button",
                text="Train",
                tooltip="Train on the pairs, in the background; while it runs: stop and keep the best so far.",
            ),
            PushButton(
                name="use_button",
                text="Use it now",
                enabled=False,
                tooltip="Choose the new model in the dock FastSAM, opening that dock if needed.",
            ),
        ],
    )


def folded_settings(advanced: Container[Any], reasons: QWidget) -> Folded:
    """Put what the data decide, and why, behind a title that unfolds it."""

    def build() -> QWidget:
        content, fields = QWidget(), Fields()
        column = QVBoxLayout(content)
        column.setContentsMargins(0, 0, 0, 0)
        for control in advanced:
            fields.add(control.label, control.native)
        column.addWidget(fields)
        column.addWidget(reasons)
        return content

    settings = Folded("Settings", build, "What the data decide unless you do.")
    settings.build()  # what is not shown yet waits in it
    return settings


def freeze(dock: Any) -> Plan:
    """Return what is set in the dock as a value.

    Raises
    ------
    ParameterError
        If the name will not do.
    ModelError
        If the model to start from is not there.
    """
    base = str(dock.base.value)
    if base == FROM_FILE:
        raise ParameterError("no model to start from is chosen; choose one, such as nuclei")
    file = own_models.path_for(dock.model_name.value)
    if base == FROM_SCRATCH:
        base = _SCRATCH_NETWORK
    elif base == WHICHEVER_SUITS:
        base = _SUITING
    else:
        weights.find(base)
    advanced = dock.advanced
    return Plan(
        file=file,
        base=base,
        epochs=int(advanced.epochs.value) or None,
        imgsz=int(advanced.imgsz.value) or None,
        device=str(advanced.device.value),
        seed=int(advanced.seed.value),
    )
