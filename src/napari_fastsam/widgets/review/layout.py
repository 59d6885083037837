"""The controls of the dock *Review*, and where they stand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from magicgui.widgets import ComboBox, Container, Label, PushButton
from napari.layers import Labels
from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_fastsam.widgets.common.controls import layers_of, make_compact
from napari_fastsam.widgets.common.fields import Fields
from napari_fastsam.widgets.common.folded import Folded
from napari_fastsam.widgets.common.frame import Frame, folded_text, make_readable, scrolled
from napari_fastsam.widgets.common.tabbing import order_tabs
from napari_fastsam.widgets.review import keys

if TYPE_CHECKING:
    from napari.components import ViewerModel

    from napari_fastsam.widgets.common.headline import Headline
    from napari_fastsam.widgets.common.icons import ThemedIcons

WIDTH = 312
"""Screen pixels."""

SHARES = (
    ("doubtful first", 1 / 3),
    ("half at random", 1 / 2),
    ("all at random", 1.0),
)
"""How often chance picks the next object."""


def make_controls(viewer: ViewerModel) -> list[Any]:
    """Make the controls. Their names are the dock's attributes."""
    return [
        ComboBox(
            name="labels_layer",
            choices=layers_of(viewer, Labels),
            nullable=True,
            tooltip="The Labels layer whose objects are checked, whoever made it.",
        ),
        ComboBox(
            name="order",
            choices=SHARES,
            tooltip=(
                "Doubtful objects come first, so that errors are found soon; every third is picked at random, to tell "
                "how many of the others are wrong. The more of these, the narrower the interval."
            ),
        ),
        Label(name="about", value=""),
    ]


def make_actions() -> Container[Any]:
    """Make the buttons."""

    def button(name: str, text: str, tooltip: str) -> PushButton:
        return PushButton(name=name, text=text, tooltip=tooltip)

    return Container(
        name="actions",
        labels=False,
        widgets=[
            button("right_button", "Right  R", "The object is right. (R)"),
            button("wrong_button", "Wrong  W", "The object is wrong; it stays as it is. (W)"),
            button("delete_button", "Delete  D", "The object is wrong: delete it, as one undo step. (D)"),
            button("correct_button", "Correct it  C", "Correct the object, with clicks in the dock FastSAM. (C)"),
            button("back_button", "Back", "Take the last answer back, and show that object again. (Backspace)"),
            button("later_button", "Later", "Leave this object for the end. (N)"),
            button("effort_button", "Save effort …", "Clicks and seconds an object, as CSV; they stay here."),
            button("anew_button", "Begin anew", "Forget all answers about this layer, and begin a new review."),
        ],
    )


def make_frame(dock: Any, headline: Headline, icons: ThemedIcons) -> Frame:
    """Put the dock's parts below each other."""
    make_compact([*dock, dock.actions])
    make_readable(dock.status.native)
    make_readable(dock.about.native)
    actions, fields = dock.actions, Fields()
    icons.fill(actions.right_button.native, "current", "highlight")
    fields.add("Labels", dock.labels_layer.native)
    fields.add("Order", dock.order.native)
    fields.add_wide(dock.about.native)
    fields.add_wide(actions.right_button.native, actions.wrong_button.native)
    fields.add_wide(actions.delete_button.native, actions.correct_button.native)
    fields.add_wide(actions.back_button.native, actions.later_button.native)
    fields.add_wide(actions.effort_button.native, actions.anew_button.native)
    content = QWidget()
    rows = QVBoxLayout(content)
    rows.setContentsMargins(8, 4, 8, 4)
    rows.setSpacing(4)
    rows.addWidget(fields)
    listed: Folded = folded_text("Shortcuts", keys.as_html(), "What each key does, here and on the image.")
    rows.addWidget(listed)
    rows.addStretch(1)
    area = scrolled(content)
    frame = Frame(area, [], above=[headline], width=WIDTH)
    dock.root_native_widget.setParent(frame)
    dock.root_native_widget.hide()
    order_tabs(headline, area)
    return frame
