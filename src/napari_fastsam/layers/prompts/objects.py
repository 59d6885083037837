"""Which object prompts speak of: the object numbers of rows, and of what is drawn next."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from napari_fastsam.layers.prompts.features import (
    NEGATIVE_WORDS,
    as_number,
    as_word,
    feature_of,
    next_object,
    object_numbers,
    put_features,
    with_room_for,
)
from napari_fastsam.layers.prompts.new import largest_object_number, set_object_number

if TYPE_CHECKING:
    from napari.layers import Points, Shapes


def free_number(layers: Iterable[Points | Shapes | None], taken: Iterable[int] = ()) -> int:
    """Return an object number that no row of some layers, and nothing else, has."""
    return max([0, *taken, *(largest_object_number(layer) for layer in layers if layer is not None)]) + 1


def set_next(layers: Iterable[Points | Shapes | None], number: int) -> None:
    """Let what is drawn next in some layers speak of one object; 0 = each prompt of an object of its own."""
    for layer in layers:
        if layer is not None and (number or "object" in layer.features) and next_object(layer) != number:
            set_object_number(layer, number)


def set_number(layer: Points | Shapes, rows: Iterable[int], number: int) -> None:
    """Give rows of a layer an object number; what the next one will be like stays."""
    wanted = sorted(rows)
    if not wanted:
        return
    features, is_new = with_room_for(layer.features, number).copy(), "object" not in layer.features
    features.loc[wanted, "object"] = number
    put_features(layer, features)
    if is_new:
        layer.feature_defaults = layer.feature_defaults.assign(object=0)


def number_of(layer: Points | Shapes, row: int) -> int:
    """Return the object number of a row; 0 = none."""
    return object_numbers(layer)[row]


def is_negative(layer: Points | Shapes, row: int) -> bool:
    """Whether a row says where an object is not."""
    word = as_word(feature_of(layer, ("polarity", "label"))[1][row])
    return word in NEGATIVE_WORDS or as_number(word) == 0


def rows_with(layer: Points | Shapes | None, number: int) -> list[int]:
    """Return the rows that have an object number."""
    if layer is None or number == 0:
        return []
    return [row for row, own in enumerate(object_numbers(layer)) if own == number]
