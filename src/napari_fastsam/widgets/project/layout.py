"""The controls of the dock *Annotate a folder*, and where they stand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from magicgui.widgets import CheckBox, Container, LineEdit, PushButton
from qtpy.QtWidgets import QLabel, QVBoxLayout, QWidget

from napari_fastsam.widgets.common.controls import make_compact
from napari_fastsam.widgets.common.fields import Fields
from napari_fastsam.widgets.common.frame import Frame, make_readable, scrolled
from napari_fastsam.widgets.common.tabbing import order_tabs
from napari_fastsam.widgets.project.images import ImagesList
from napari_fastsam.widgets.project.keys import KEYS

WIDTH = 312
"""Screen pixels."""

_MARGINS = (8, 4, 8, 4)


def make_controls() -> list[Any]:
    """Make the controls; their names are the dock's attributes."""
    return [
        PushButton(name="open_button", text="Open folder…", tooltip="Open a folder with images in it."),
        CheckBox(
            name="planes",
            text="planes apart",
            value=False,
            tooltip="Each plane of a stack is an image of its own. Counts when a folder is opened.",
        ),
        LineEdit(name="note", tooltip="Whatever you want to remember of this image."),
        PushButton(
            name="effort_button",
            text="Save effort …",
            tooltip="Clicks and seconds, and the share of objects that stayed as they were accepted, image by image.",
        ),
    ]


def make_actions() -> Container[Any]:
    """Make the buttons that stay in sight below the controls."""

    def button(method: str, text: str, tooltip: str) -> PushButton:
        return PushButton(name=f"{method}_button", text=text, tooltip=f"{tooltip} ({' / '.join(KEYS.keys_of(method))})")

    return Container(
        name="actions",
        layout="horizontal",
        labels=False,
        widgets=[
            button("previous_image", "◀", "The image before this one."),
            button("next_image", "▶", "The image after this one."),
            button("next_undone", "Next undone", "The next image that is neither done nor skipped."),
            button("done", "Done", "This image is done: on to the next that is not."),
            button("skip", "Skip", "Leave this image out: on to the next that is not done."),
        ],
    )


def make_frame(dock: Any, on_chosen: Callable[[int], object], folded: QWidget) -> tuple[Frame, ImagesList, QLabel]:
    """Lay the dock out, with something that unfolds at its end.

    Returns what napari docks, the list, and the line that says how far the folder is.
    """
    make_compact([*dock, dock.actions])
    make_readable(dock.status.native)
    images, progress = ImagesList(on_chosen), QLabel()
    make_readable(progress)
    for button in dock.actions:
        button.native.setMinimumWidth(24)
        button.native.setStyleSheet("padding: 2px 4px;")
    content = QWidget()
    column = QVBoxLayout(content)
    column.setContentsMargins(*_MARGINS)
    column.setSpacing(4)
    above, below = Fields(), Fields()
    above.add_wide(dock.open_button.native, dock.planes.native)
    below.add("Note", dock.note.native)
    below.add("", dock.effort_button.native)
    column.addWidget(above)
    column.addWidget(progress)
    column.addWidget(images, 1)
    column.addWidget(below)
    column.addWidget(folded)
    area = scrolled(content)
    frame = Frame(area, [dock.actions.native, dock.status.native], width=WIDTH)
    dock.root_native_widget.setParent(frame)  # what is not shown yet waits in it
    dock.root_native_widget.hide()
    order_tabs(content, dock.actions.native)
    return frame, images, progress
