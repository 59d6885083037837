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
    """Give the polarity to the selected points, if there are any, and to those that are added next."""
    value = POSITIVE if positive else NEGATIVE
    if "polarity" not in points.features:
        points.features = points.features.assign(
            polarity=pd.Categorical([POSITIVE] * len(points.data), categories=[POSITIVE, NEGATIVE])
        )
    selected = sorted(points.selected_data)
    points.feature_defaults = points.feature_defaults.assign(
        polarity=pd.Categorical([value], categories=[POSITIVE, NEGATIVE])
    )
    if selected and points.mode == "select":
        features = points.features.copy()
        features.loc[selected, "polarity"] = value
        points.features = features
        points.refresh_colors()


def adds_positive(points: Points) -> bool:
    """Return whether the next point will be positive."""
    defaults = points.feature_defaults
    return "polarity" not in defaults or str(defaults["polarity"].iloc[0]) != NEGATIVE


def set_object_number(points: Points, number: int) -> None:
    """Give the points that are added next this object number (0: each is an object of its own)."""
    if "object" not in points.features:
        points.features = points.features.assign(object=np.zeros(len(points.data), int))
    points.feature_defaults = points.feature_defaults.assign(object=number)


def object_number(points: Points) -> int:
    """Return the object number that the next point will get."""
    defaults = points.feature_defaults
    return int(defaults["object"].iloc[0]) if "object" in defaults else 0


def largest_object_number(points: Points) -> int:
    """Return the largest object number in use, at least 0."""
    if "object" not in points.features or not len(points.features):
        return 0
    numbers = pd.to_numeric(points.features["object"], errors="coerce").fillna(0)
    return max(0, int(numbers.max()))


def _place(image: Image) -> dict[str, Any]:
    return dict(placed_on(image, np.zeros(image.ndim), np.ones(image.ndim)))


def _size(image: Image) -> float:
    """Return a point size, in pixels of the image, that can be seen and hides little."""
    lengths = image.level_shapes[0][: image.ndim][-2:] if image.multiscale else image.data.shape[: image.ndim][-2:]
    return float(np.clip(max(lengths) / 100, 3, 40))
