"""The objects of a Labels layer in the colours of their classes, until its own colours are wanted again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.utils.colormaps import DirectLabelColormap
from numpy.typing import NDArray

if TYPE_CHECKING:
    from napari.layers import Labels

UNCLASSED = (0.55, 0.55, 0.55, 1.0)
"""The colour of objects without a class."""

PALE = 0.55
"""Opacity of the colour of a class that was guessed."""


class ClassColours:
    """Colours one layer by class, and gives it its own colours back."""

    def __init__(self) -> None:
        self._layer: Labels | None = None
        self._own: Any = None
        self._ours: Any = None

    def show(
        self,
        layer: Labels,
        classes: Mapping[int, str],
        colours: Mapping[str, str],
        guessed: Mapping[int, str] | None = None,
    ) -> None:
        """Colour a layer.

        Parameters
        ----------
        layer
            The layer; another one that was coloured gets its own colours back.
        classes
            The class of each label that has one.
        colours
            Class to ``"#rrggbb"``.
        guessed
            Classes that others probably have: in paler colours.
        """
        if layer != self._layer:
            self.restore()
            self._layer, self._own = layer, layer.colormap
        elif layer.colormap is not self._ours:
            self._own = layer.colormap  # somebody chose other colours meanwhile
        rgba = {name: _rgba(colour) for name, colour in colours.items()}
        direct: dict[int | None, NDArray[np.float64]] = {None: np.array(UNCLASSED), 0: np.zeros(4)}
        pale = {name: colour * (1, 1, 1, PALE) for name, colour in rgba.items()}
        direct |= {label: pale[name] for label, name in (guessed or {}).items() if name in pale}
        direct |= {label: rgba[name] for label, name in classes.items() if name in rgba}
        layer.colormap = DirectLabelColormap(color_dict=direct)
        self._ours = layer.colormap

    def restore(self) -> None:
        """Give the layer its own colours back, unless somebody chose others meanwhile."""
        layer, self._layer = self._layer, None
        if layer is not None and layer.colormap is self._ours:
            layer.colormap = self._own
        self._own = self._ours = None


def _rgba(colour: str) -> NDArray[np.float64]:
    return np.array([*(int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)), 1.0])
