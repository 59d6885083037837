"""Prompt layers that are set up rightly: in the image's coordinates, with their features and colours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Points, Shapes
from napari.utils.colormaps.standardize_color import transform_color

from napari_fastsam.layers.planes.transforms import placed_on
from napari_fastsam.layers.prompts.features import (
    COUNTER_EXAMPLE,
    EXAMPLE,
    NEGATIVE,
    POSITIVE,
    next_sign,
    object_numbers,
    put_features,
    with_room_for,
)
from napari_fastsam.layers.prompts.marks import COLOURS, METADATA_KEY, mark_next

if TYPE_CHECKING:
    import pandas as pd
    from napari.layers import Image

__all__ = ["COUNTER_EXAMPLE", "EXAMPLE", "NEGATIVE", "POSITIVE"]

_NEXT = ("current_size", "current_border_width", "current_symbol", "current_edge_width")


def new_points(image: Image, name: str = "FastSAM points") -> Points:
    """Make an empty Points layer for clicks on an image.

    Its features are `polarity` (positive: the object is here; negative: it is not; example, counter-example: objects
    like this one are wanted, or are not) and `object` (0: each positive point is an object of its own; points with the
    same number above 0 describe one object together).
    """
    import pandas as pd  # here, and the dock opens without it

    return Points(
        np.empty((0, image.ndim)),
        name=name,
        features=pd.DataFrame({"polarity": pd.Categorical([], categories=list(COLOURS)), "object": np.empty(0, int)}),
        feature_defaults={"polarity": POSITIVE, "object": 0},
        face_color="polarity",
        face_color_cycle=dict(COLOURS),
        border_color="white",
        size=_size(image),
        metadata={METADATA_KEY: "prompts"},
        **_place(image),
    )


def new_shapes(image: Image, name: str = "FastSAM shapes") -> Shapes:
    """Make an empty Shapes layer for boxes, outlines and scribbles on an image.

    Its feature is `polarity`: positive for a prompt; example, counter-example as for points.
    """
    import pandas as pd  # here, and the dock opens without it

    shapes = Shapes(
        None,
        ndim=image.ndim,
        name=name,
        features=pd.DataFrame({"polarity": pd.Categorical([], categories=list(COLOURS))}),
        feature_defaults={"polarity": POSITIVE},
        face_color="transparent",
        edge_color="polarity",
        edge_width=max(1, _size(image) / 5),
        metadata={METADATA_KEY: "prompts"},
        **_place(image),
    )
    # unlike Points, Shapes takes no colours by value when it is made
    shapes.edge_color_cycle_map = {name: transform_color(colour)[0] for name, colour in COLOURS.items()}
    return shapes


def set_polarity(layer: Points | Shapes, polarity: str) -> None:
    """Give a polarity, one of `COLOURS`, to the selected prompts, if there are any, and to those that are added next.

    A Points layer that says positive and negative with a `label` of 1 or 0 keeps that way for these two.
    """
    import pandas as pd  # here, and the dock opens without it

    before = features = layer.features
    column, value = "polarity", polarity
    if isinstance(layer, Points) and "polarity" not in features and "label" in features:
        column, value = "label", polarity
        if polarity in (POSITIVE, NEGATIVE):
            value = _label_like(features["label"], polarity == POSITIVE)
    if column not in features:
        features = features.assign(polarity=pd.Categorical([POSITIVE] * len(features), categories=list(COLOURS)))
    elif isinstance(features[column].dtype, pd.CategoricalDtype):
        if value not in features[column].cat.categories:
            features = features.assign(**{column: features[column].cat.add_categories([value])})
    elif features[column].dtype.kind in "iufb" and isinstance(value, str):
        features = features.assign(**{column: features[column].astype(object)})  # a word among numbers
    selected = sorted(layer.selected_data) if layer.mode == "select" else []
    if selected:
        features = features.copy()
        features.loc[selected, column] = value
    if features is not before:
        put_features(layer, features)
    default = pd.Series([value], dtype=layer.features[column].dtype if column in features else None)
    layer.feature_defaults = layer.feature_defaults.assign(**{column: default.to_numpy(copy=True)})
    mark_next(layer)


def next_polarity(layer: Points | Shapes) -> str:
    """Return the polarity, one of `COLOURS`, that the next prompt will have."""
    return next_sign(layer)


def _label_like(labels: pd.Series[Any], positive: bool) -> Any:
    """Return 1 or 0 in the way that a column writes it."""
    if labels.dtype.kind == "b":
        return positive
    return str(int(positive)) if labels.map(type).eq(str).any() else int(positive)


def add_point(points: Points, place: Any, polarity: str) -> None:
    """Add a point of an object of its own with a polarity; what the next one will be like stays.

    Parameters
    ----------
    points
        The layer.
    place
        (D,) in the layer's data.
    polarity
        One of `COLOURS`.
    """
    points.selected_data = set()  # or its sign is changed too
    defaults = points.feature_defaults.copy()
    set_polarity(points, polarity)
    if "object" in defaults:
        points.feature_defaults = points.feature_defaults.assign(object=0)
    points.add([place])
    if set(defaults) == set(points.features):
        points.feature_defaults = defaults
    else:
        set_polarity(points, POSITIVE)


def set_object_number(points: Points | Shapes, number: int) -> None:
    """Give the prompts that are added next this object number (0: each is an object of its own)."""
    features = with_room_for(points.features, number)
    if features is not points.features:
        put_features(points, features)
    points.feature_defaults = points.feature_defaults.assign(object=number)


def object_number(points: Points | Shapes) -> int:
    """Return the object number that the next point will get."""
    import pandas as pd  # here, and the dock opens without it

    defaults = points.feature_defaults
    number = pd.to_numeric(defaults["object"], errors="coerce").iloc[0] if "object" in defaults else 0
    return int(number) if np.isfinite(number) else 0


def largest_object_number(points: Points | Shapes) -> int:
    """Return the largest object number in use, at least 0."""
    return max(object_numbers(points), default=0)


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
    mark_next(layer)


def _place(image: Image) -> dict[str, Any]:
    return dict(placed_on(image, np.zeros(image.ndim), np.ones(image.ndim)))


def _size(image: Image) -> float:
    """Return a point size, in pixels of the image, that can be seen and hides little."""
    lengths = image.level_shapes[0][: image.ndim][-2:] if image.multiscale else image.data.shape[: image.ndim][-2:]
    return float(np.clip(max(lengths) / 100, 3, 16))
