"""A run over all tiles of a large plane whose objects are corrected and added to layers while it goes on."""

from __future__ import annotations

from dataclasses import dataclass

from napari_fastsam.core.planes.editable_canvas import EditableCanvas
from napari_fastsam.model.asking.tiled import TiledRun


@dataclass(eq=False)
class EditableRun(TiledRun):
    """A run over all tiles, on a canvas that prompts change too.

    Attributes
    ----------
    canvas
        What is offered of what was found so far.
    """

    canvas: EditableCanvas
