"""The controls of the dock *Compare*, and which layers they choose by themselves."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from magicgui.widgets import CheckBox, ComboBox, Container, FloatSlider, PushButton
from napari.layers import Labels

from napari_fastsam.widgets.common.controls import PREVIEW_KEY
from napari_fastsam.widgets.compare.output import RESULT_KEY

if TYPE_CHECKING:
    from napari.components import ViewerModel

_TRUTH = re.compile(r"truth|\bgt\b|_gt\b|ground|manual|annot|reference|expert", re.IGNORECASE)
"""What a layer's name has when it is somebody's ground truth."""


def suggested(there: list[Any], predicted: Any, truth: Any) -> tuple[Any, Any]:
    """Return which layers to choose.

    Parameters
    ----------
    there
        The layers that can be chosen, the lowest first.
    predicted, truth
        What is chosen; None for nothing.

    Returns
    -------
    predicted, truth
        What is chosen, as long as it is there. Else, for the truth, a layer whose name says so, or the second from
        above; for the segmentation the uppermost of the others. None if there is none. A preview has to be chosen by
        the person: it comes and goes while they are busy with something else.
    """
    predicted, truth = (value if value in there else None for value in (predicted, truth))
    there = [layer for layer in there if PREVIEW_KEY not in layer.metadata]
    if truth is None:
        free = [layer for layer in there if layer != predicted]
        named = [layer for layer in free if _TRUTH.search(layer.name)]
        left = free if predicted is not None else free[:-1]
        truth = next(reversed(named or left), None)
    if predicted is None:
        free = [layer for layer in there if layer != truth]
        predicted = free[-1] if free else None
    return predicted, truth


def layers_to_compare(viewer: ViewerModel) -> Callable[[Any], list[Labels]]:
    """Return a source of choices: all Labels layers, previews too, but no comparison."""

    def choices(_: Any) -> list[Labels]:
        return [layer for layer in viewer.layers if isinstance(layer, Labels) and RESULT_KEY not in layer.metadata]

    return choices


def make_controls(viewer: ViewerModel) -> list[Any]:
    """Make the controls in the order in which they stand in the dock. Their names are the dock's attributes."""
    choices = layers_to_compare(viewer)
    return [
        ComboBox(
            name="predicted",
            label="Segmentation",
            choices=choices,
            nullable=True,
            tooltip="The Labels layer to judge. The preview of the dock FastSAM works too, and is followed live.",
        ),
        ComboBox(
            name="truth",
            label="Ground truth",
            choices=choices,
            nullable=True,
            tooltip="The correct Labels layer: drawn or checked by a person.",
        ),
        ComboBox(
            name="scope",
            label="Compare",
            choices=[("plane shown", "plane"), ("all planes", "planes"), ("whole objects", "volume")],
            tooltip=(
                "The plane shown; every plane by itself, counted together; or objects that go through all axes, "
                "each with one label."
            ),
        ),
        FloatSlider(
            name="threshold",
            label="Match at IoU",
            value=0.5,
            min=0.5,
            max=0.95,
            step=0.01,
            tooltip="A true and a predicted object match at this IoU or more. Live.",
        ),
        CheckBox(
            name="solo",
            text="show only the comparison",
            value=True,
            tooltip="Hide both layers while the comparison is shown; uncheck to paint on them.",
        ),
    ]


def make_actions() -> Container[Any]:
    """Make the buttons that stay in sight below the controls."""
    return Container(
        name="actions",
        layout="horizontal",
        labels=False,
        widgets=[
            PushButton(
                name="again",
                text="Compare again",
                tooltip="Needed only if a script changed pixels without telling napari.",
            ),
            PushButton(
                name="save_button",
                text="Save CSV …",
                tooltip="Two files: one row per threshold, and one row per object.",
            ),
        ],
    )
