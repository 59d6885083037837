"""The rows of a prompt layer at one moment, as a value, and the layer put back to them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Points, Shapes
from numpy.typing import NDArray

from napari_fastsam.layers.prompts.new import remove_rows

if TYPE_CHECKING:
    import pandas as pd

_STYLES: dict[type[Points | Shapes], tuple[str, ...]] = {
    Points: ("size", "symbol", "shown", "border_width"),
    Shapes: ("edge_width", "z_index"),
}
"""What each row has beside its coordinates and features, and colours follow the features."""


@dataclass(frozen=True, eq=False)
class PromptRows:
    """What a Points or Shapes layer held.

    Attributes
    ----------
    data
        Coordinates of each row, in the layer's own frame.
    forms
        Of each row of a Shapes layer what it is: rectangle, path, …
    features
        A row each.
    styles
        Sizes, symbols and the like, by name.
    next_object
        The object number that the next row would have got; None = the layer has no such column.
    """

    data: tuple[NDArray[np.float64], ...]
    forms: tuple[str, ...]
    features: pd.DataFrame
    styles: dict[str, Any]
    next_object: Any

    @classmethod
    def of(cls, layer: Points | Shapes) -> PromptRows:
        """Return what a layer holds now."""
        shapes = isinstance(layer, Shapes)
        rows = [np.array(row, np.float64) for row in layer.data] if shapes else [np.array(layer.data, np.float64)]
        defaults = layer.feature_defaults
        return cls(
            tuple(rows),
            tuple(map(str, layer.shape_type)) if shapes else (),
            layer.features.copy(),
            {name: _copied(getattr(layer, name)) for name in _STYLES[Shapes if shapes else Points]},
            defaults["object"].iloc[0] if "object" in defaults and len(defaults) else None,
        )

    @property
    def nbytes(self) -> int:
        """About what it takes."""
        cells = self.features.size + sum(np.size(style) for style in self.styles.values())
        return int(sum(row.nbytes for row in self.data) + 16 * cells)

    def is_same(self, other: PromptRows) -> bool:
        """Whether another has the same rows, with the same features."""
        return (
            self.forms == other.forms
            and len(self.data) == len(other.data)
            and all(map(np.array_equal, self.data, other.data))
            and (self.features.equals(other.features) or not len(self.features))
        )

    def put_into(self, layer: Points | Shapes) -> None:
        """Let a layer hold these rows again; what the next one will be like stays, but its object number."""
        defaults = layer.feature_defaults.copy()
        if len(self.features):
            self._put_rows(layer)
        elif len(layer.data):  # set to nothing, napari forgets what the next row will be like
            remove_rows(layer, set(range(len(layer.data))))
        if self.next_object is not None and "object" in layer.features:
            defaults = defaults.assign(object=self.next_object)
        _set_defaults(layer, defaults)

    def _put_rows(self, layer: Points | Shapes) -> None:
        current = {name: getattr(layer, name) for name in ("current_size", "current_symbol") if hasattr(layer, name)}
        defaults = layer.feature_defaults.copy()
        layer.selected_data = set()
        if isinstance(layer, Shapes):
            layer.data = list(zip(self.data, self.forms, strict=True))
        else:
            layer.data = self.data[0].copy()
        layer.features = self.features.copy()
        _set_defaults(layer, defaults)
        for name, values in self.styles.items():
            if not np.array_equal(getattr(layer, name), values):
                setattr(layer, name, _copied(values))
        for name, value in current.items():
            setattr(layer, name, value.item() if isinstance(value, np.ndarray) and value.ndim == 0 else value)
        layer.refresh_colors()


def _set_defaults(layer: Points | Shapes, defaults: pd.DataFrame) -> None:
    """Set what the next row will be like, but for columns that came since: napari takes the columns there are only."""
    there = layer.feature_defaults
    layer.feature_defaults = there.assign(**{c: defaults[c].to_numpy(copy=True) for c in defaults if c in there})


def _copied(values: Any) -> Any:
    return values.copy() if isinstance(values, np.ndarray) else list(values)
