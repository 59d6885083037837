"""The controls of the dock *Classes*, and where they stand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from magicgui.widgets import CheckBox, ComboBox, Container, PushButton
from napari.layers import Labels
from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_fastsam.widgets.common.controls import layers_of, make_compact
from napari_fastsam.widgets.common.fields import Fields
from napari_fastsam.widgets.common.frame import Frame, make_readable, scrolled
from napari_fastsam.widgets.common.tabbing import order_tabs

if TYPE_CHECKING:
    from napari.components import ViewerModel

WIDTH = 312
"""Screen pixels."""

_MARGINS = (8, 4, 8, 4)


def make_controls(viewer: ViewerModel) -> list[Any]:
    """Make the controls; their names are the dock's attributes."""
    labels = ComboBox(
        name="layer",
        choices=layers_of(viewer, Labels),
        nullable=True,
        tooltip="The Labels layer whose objects get classes.",
    )
    labels.null_string = "none yet"
    labels.reset_choices()
    return [
        labels,
        PushButton(name="add_button", text="Add class", tooltip="Another class, with the next free key."),
        CheckBox(
            name="coloured",
            text="colour by class",
            value=True,
            tooltip="Objects in the colours of their classes; unchecked, in the layer's own.",
        ),
        CheckBox(
            name="on_image",
            text="keys on the image",
            value=True,
            tooltip=(
                "A digit gives the object under the cursor its class, 0 takes it away; beside objects, the digit "
                "chooses the class of new ones. Unchecked, digits are napari's tools again."
            ),
        ),
    ]


def make_actions() -> Container[Any]:
    """Make the buttons that stay in sight below the controls."""
    return Container(
        name="actions",
        layout="horizontal",
        labels=False,
        widgets=[
            PushButton(name="undo_button", text="Undo", tooltip="Take the newest step back."),
            PushButton(name="redo_button", text="Redo", tooltip="Do again what was taken back last."),
        ],
    )


def make_frame(dock: Any, rows: QWidget) -> Frame:
    """Lay the dock out; returns what napari docks."""
    make_compact([*dock, dock.actions, dock.guess.image, dock.guess.model, dock.guess.sure])
    make_readable(dock.status.native)
    fields = Fields()
    fields.add("Labels", dock.layer.native)
    fields.add_wide(rows)
    fields.add_wide(dock.add_button.native)
    fields.add_wide(dock.coloured.native, dock.on_image.native)
    guess = dock.guess
    fields.add("Image", guess.image.native)
    fields.add("Model", guess.model.native)
    fields.add_wide(guess.guess_button.native, guess.ask_button.native)
    fields.add("Sure from", guess.sure.native)
    fields.add("", guess.all_planes.native)
    fields.add_wide(guess.accept_button.native, guess.save_button.native, guess.load_button.native)
    content = QWidget()
    column = QVBoxLayout(content)
    column.setContentsMargins(*_MARGINS)
    column.setSpacing(4)
    column.addWidget(fields)
    column.addStretch(1)
    area = scrolled(content)
    frame = Frame(area, [dock.actions.native, dock.status.native], width=WIDTH)
    dock.root_native_widget.setParent(frame)  # what is not shown yet waits in it
    dock.root_native_widget.hide()
    order_tabs(content, dock.actions.native)
    return frame
