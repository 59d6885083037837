"""The tables of features that prompt layers come with: what a column's values mean."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd
    from napari.layers import Points, Shapes

POSITIVE_WORDS = frozenset({"positive", "foreground", "true", "+", ""})
NEGATIVE_WORDS = frozenset({"negative", "background", "false", "-"})
POSITIVE, NEGATIVE = "positive", "negative"
EXAMPLE, COUNTER_EXAMPLE = "example", "counter-example"
"""What the feature `polarity` says of a point or a shape that shows what the objects wanted are like, or unlike."""

EXPECTED_SIGN = f"{POSITIVE}, {NEGATIVE}, {EXAMPLE} or {COUNTER_EXAMPLE}"
_MOST = 2**53
"""Above, a column of floats does not tell one object number from the next."""


def feature_of(layer: Points | Shapes, names: Sequence[str]) -> tuple[str, list[Any]]:
    """Return the first of some features that a layer has, and its values; None for each row if it has none."""
    for name in names:
        if name in layer.features:
            return name, list(layer.features[name])
    return names[0], [None] * len(layer.data)


def as_word(value: object) -> str:
    """Return a value as a word in lower case; empty for a missing one."""
    return "" if is_missing(value) else str(value).strip().lower()


def as_number(value: Any) -> float | None:
    """Return a value as a number; None if it is none."""
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def as_object_number(value: object) -> int | None:
    """Return an object number, 0 for a missing one; None if it is no whole number from 0, or too large for one."""
    number = 0.0 if is_missing(value) or value == "" else as_number(value)
    return int(number) if number is not None and 0 <= number < _MOST and number.is_integer() else None


def object_numbers(layer: Points | Shapes) -> list[int]:
    """Return the object number of each row; 0 = none."""
    return [as_object_number(value) or 0 for value in feature_of(layer, ("object",))[1]]


def next_object(layer: Points | Shapes) -> int:
    """Return the object number that the next prompt of a layer will get; 0 = it is an object of its own."""
    defaults = layer.feature_defaults
    return (as_object_number(defaults["object"].iloc[0]) or 0) if "object" in defaults and len(defaults) else 0


def sign_of(value: object) -> str:
    """Return what a value of `polarity` or `label` says: positive, negative, example or counter-example.

    What says none of them counts as positive.
    """
    word = as_word(value)
    if word in (EXAMPLE, COUNTER_EXAMPLE):
        return word
    return NEGATIVE if word in NEGATIVE_WORDS or as_number(word) == 0 else POSITIVE


def meaning_of(value: object) -> bool | str | None:
    """Return whether a polarity or a label says positive, or else `EXAMPLE` or `COUNTER_EXAMPLE`; None = none of these.

    A missing value is positive.
    """
    word = as_word(value)
    if word in (EXAMPLE, COUNTER_EXAMPLE):
        return word
    if word in POSITIVE_WORDS | NEGATIVE_WORDS:
        return word in POSITIVE_WORDS
    number = as_number(word)
    return bool(number) if number in (0, 1) else None


def put_features(layer: Points | Shapes, features: pd.DataFrame) -> None:
    """Give a layer a table of features; what the next row will be like stays.

    napari takes the last row for that, each time a table is set.
    """
    wanted = layer.feature_defaults
    layer.features = features
    there = layer.feature_defaults
    layer.feature_defaults = there.assign(**{n: wanted[n].to_numpy(copy=True) for n in wanted if n in there})
    layer.refresh_colors()


def with_room_for(features: pd.DataFrame, number: int) -> pd.DataFrame:
    """Return features whose column `object` can hold an object number; it begins with 0 where it is new."""
    if "object" not in features:
        return features.assign(object=np.zeros(len(features), int))
    kind = features["object"].dtype
    if not isinstance(kind, np.dtype) or kind.kind not in "iufO":
        return features.assign(object=features["object"].astype(object))  # a number among words
    if kind.kind in "iu" and number > np.iinfo(kind).max:
        return features.assign(object=features["object"].astype(int))
    return features


def next_sign(layer: Points | Shapes) -> str:
    """Return what `sign_of` says of the next prompt of a layer."""
    defaults = layer.feature_defaults
    column = next((name for name in ("polarity", "label") if name in defaults), None)
    return POSITIVE if column is None else sign_of(defaults[column].iloc[0])


def is_missing(value: object) -> bool:
    """Whether a value is one of those that a column holds for rows that are older than the column."""
    return value is None or str(value) in ("nan", "NaT", "<NA>")
