"""Prompt layers that are set up rightly: in the image's coordinates, with their features and colours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from napari.layers import Points, Shapes

from napari_fastsam.layers.transforms import placed_on

if TYPE_CHECKING:
    from napari.layers import Image

POSITIVE, NEGATIVE = "positive", "negative"
COLOURS = {POSITIVE: "#2ecc71", NEGATIVE: "#e74c3c"}
SHAPE_COLOUR = "#f1c40f"
_NEXT = ("current_size", "current_border_width", "current_symbol", "current_edge_width")
_NEGATIVE_WORDS = {NEGATIVE, "background", "false", "-", "0", "0.0"}


def new_points(image: Image, name: str = "FastSAM points") -> Points:
    """Make an empty Points layer for clicks on an image.

    Its features are `polarity` (positive: the object is here; negative: it is not) and `object` (0: each positive
    point is an object of its own; points with the same number above 0 describe one object together).
    """
    return Points(
        np.empty((0, image.ndim)),
        name=name,
        features=pd.DataFrame(
            {"polarity": pd.Categorical([], categories=[POSITIVE, NEGATIVE]), "object": np.empty(0, int)}
        ),
        feature_defaults={"polarity": POSITIVE, "object": 0},
        face_color="polarity",
        face_color_cycle=[COLOURS[POSITIVE], COLOURS[NEGATIVE]],
        border_color="white",
        size=_size(image),
        **_place(image),
    )


def new_shapes(image: Image, name: str = "FastSAM shapes") -> Shapes:
    """Make an empty Shapes layer for boxes, outlines and scribbles on an image."""
    return Shapes(
        None,
        ndim=image.ndim,
        name=name,
        face_color="transparent",
        edge_color=SHAPE_COLOUR,
        edge_width=max(1, _size(image) / 5),
        **_place(image),
    )


def set_polarity(points: Points, positive: bool) -> None:
    """Give the polarity to the selected points, if there are any, and to those that are added next.

    A layer that says it with a `label` of 1 or 0 keeps that way.
    """
    features = points.features
    if "polarity" not in features and "label" in features:
        column, value = "label", _label_like(features["label"], positive)
    else:
        column, value = "polarity", POSITIVE if positive else NEGATIVE
    if column not in features:
        features = features.assign(polarity=pd.Categorical([POSITIVE] * len(features), categories=[POSITIVE, NEGATIVE]))
    elif isinstance(features[column].dtype, pd.CategoricalDtype) and value not in features[column].cat.categories:
        features = features.assign(**{column: features[column].cat.add_categories([value])})
    selected = sorted(points.selected_data) if points.mode == "select" else []
    if selected:
        features = features.copy()
        features.loc[selected, column] = value
    if features is not points.features:
        points.features = features
        points.refresh_colors()
    default = pd.Series([value], dtype=points.features[column].dtype)
    points.feature_defaults = points.feature_defaults.assign(**{column: default.to_numpy(copy=True)})


def adds_positive(points: Points) -> bool:
    """Return whether the next point will be positive."""
    defaults = points.feature_defaults
    column = next((name for name in ("polarity", "label") if name in defaults), None)
    return column is None or str(defaults[column].iloc[0]).strip().lower() not in _NEGATIVE_WORDS


def _label_like(labels: pd.Series[Any], positive: bool) -> Any:
    """Return 1 or 0 in the way that a column writes it."""
    return str(int(positive)) if labels.map(type).eq(str).any() else int(positive)


def set_object_number(points: Points, number: int) -> None:
    """Give the points that are added next this object number (0: each is an object of its own)."""
    if "object" not in points.features:
        points.features = points.features.assign(object=np.zeros(len(points.data), int))
    points.feature_defaults = points.feature_defaults.assign(object=number)


def object_number(points: Points) -> int:
    """Return the object number that the next point will get."""
    defaults = points.feature_defaults
    number = pd.to_numeric(defaults["object"], errors="coerce").iloc[0] if "object" in defaults else 0
    return int(number) if np.isfinite(number) else 0


def largest_object_number(points: Points) -> int:
    """Return the largest object number in use, at least 0."""
    if "object" not in points.features or not len(points.features):
        return 0
    numbers = pd.to_numeric(points.features["object"], errors="coerce").replace([np.inf, -np.inf], np.nan).fillna(0)
    return max(0, int(numbers.max()))


def remove_rows(layer: Points | Shapes, rows: set[int]) -> None:
    """Remove points or shapes; what the next one will be like stays."""
    # to select them makes the layer take over what they have in common
    kept = {name: getattr(layer, name) for name in _NEXT if hasattr(layer, name)}
    defaults = layer.feature_defaults.copy()
    layer.selected_data = set(rows)
    layer.remove_selected()
    layer.feature_defaults = defaults
    for name, value in kept.items():
        # after `layer.data = fewer points` napari has an array without axes here, which its own setter refuses
        setattr(layer, name, value.item() if isinstance(value, np.ndarray) and value.ndim == 0 else value)


def _place(image: Image) -> dict[str, Any]:
    return dict(placed_on(image, np.zeros(image.ndim), np.ones(image.ndim)))


def _size(image: Image) -> float:
    """Return a point size, in pixels of the image, that can be seen and hides little."""
    lengths = image.level_shapes[0][: image.ndim][-2:] if image.multiscale else image.data.shape[: image.ndim][-2:]
    return float(np.clip(max(lengths) / 100, 3, 40))
