"""Which layers hold prompts: one source a type of layer, which turns its rows into prompts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from napari_fastsam.layers.planes.plane import Plane
    from napari_fastsam.layers.prompts.collecting import PromptCollector


class Source(Protocol):
    """Turns the rows of one type of layer into prompts."""

    name: str
    """What the layer's rows are called: points, shapes, …"""

    def vertices(self, layer: Any) -> NDArray[np.float64]:
        """Return (V, D) coordinates of all rows, in the layer's own frame."""

    def read(self, layer: Any, vertices: NDArray[np.float64], plane: Plane, collector: PromptCollector) -> None:
        """Hand each row over, or say why it cannot be used.

        Parameters
        ----------
        layer
            Of the source's type.
        vertices
            What `vertices` returned, in the data coordinates of the image.
        plane
            The image's plane and region.
        collector
            Takes the prompts.
        """


SOURCES: dict[str, Source] = {}
"""By the name of the layer's class."""


def source_for(layer: Any) -> Source:
    """Return the source that reads a layer.

    Raises
    ------
    TypeError
        If no source does.
    """
    for kind in type(layer).__mro__:
        if kind.__name__ in SOURCES:
            return SOURCES[kind.__name__]
    raise TypeError(f"a {type(layer).__name__} layer holds no prompts; expected one of {', '.join(SOURCES)}")


def outside_reason(plane: Plane) -> str:
    """Say that a prompt lies beyond the region."""
    whole = plane.shape == tuple(plane.level_shape[axis] for axis in plane.axes)
    return "is outside the image" if whole else "is outside the part of the image that is used"
