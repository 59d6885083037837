"""Whose objects are proposals beside the network's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from magicgui.widgets import ComboBox
from napari.layers import Labels

from napari_fastsam.widgets.common.controls import PREVIEW_KEY
from napari_fastsam.widgets.segment.parts.panel import Panel

if TYPE_CHECKING:
    from napari.components import ViewerModel


class OthersPanel(Panel):
    """A Labels layer that another program, or a colleague, has made.

    Parameters
    ----------
    viewer
        Holds the layers.
    """

    def __init__(self, viewer: ViewerModel) -> None:
        def there(_: object) -> list[Labels]:
            return [one for one in viewer.layers if isinstance(one, Labels) and PREVIEW_KEY not in one.metadata]

        self.others = ComboBox(
            name="others",
            choices=there,
            nullable=True,
            tooltip=(
                "Labels of another program, such as Cellpose or StarDist, or of a colleague: clicks, larger and "
                "smaller, more like this and everything choose among its objects too."
            ),
        )
        self.others.null_string = "of the network alone"
        self.others.reset_choices()
        super().__init__(self.others)
        self.tell_changed(self.others)
