"""The class of each label, as a column of the features of a Labels layer, and the list of classes in its metadata."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from napari_fastsam.core.classes.classes import ClassList
from napari_fastsam.core.objects.pixel_sums import numbers_in
from napari_fastsam.errors import ParameterError
from napari_fastsam.layers.labels.features import indexed

if TYPE_CHECKING:
    import pandas as pd
    from napari.layers import Labels

COLUMN = "class"
"""Name of an object's class; "" = it has none."""

GUESS, PROBABILITY = "class_guess", "class_probability"
"""The class that a classifier gives an object, and how sure it is, 0 … 1; "" and NaN = it was not asked."""

LIST_KEY = "napari-fastsam classes"
"""Where a Labels layer's metadata keep the list of classes, as `ClassList.to_json` has it."""


def texts_in(layer: Labels, column: str = COLUMN) -> dict[int, str]:
    """Return what a column of texts says of each label, where it says anything."""
    if column not in layer.features:
        return {}
    table = indexed(layer)
    rows = zip(table["index"].tolist(), table[column].tolist(), strict=True)
    return {int(label): str(text) for label, text in rows if text and text == text and label == label}


def classes_of(layer: Labels) -> dict[int, str]:
    """Return the class of each label that has one."""
    return texts_in(layer)


def set_column(layer: Labels, values: Mapping[int, object], column: str = COLUMN, empty: object = "") -> None:
    """Write values of labels into a column of the features; rows and columns that are missing come to be.

    Parameters
    ----------
    layer
        The Labels layer; its other rows and columns stay.
    values
        From labels to their values.
    column, empty
        Which column, and what those have in it that have no value.
    """
    set_columns(layer, {column: values}, {column: empty})


def set_columns(layer: Labels, columns: Mapping[str, Mapping[int, object]], empty: Mapping[str, object]) -> None:
    """Write several columns at once; see `set_column`."""
    import pandas as pd  # here, and the dock opens without it

    table = indexed(layer).reset_index(drop=True)
    labels = list(dict.fromkeys(label for values in columns.values() for label in values))
    known = set(table["index"].tolist())
    missing = [label for label in labels if label not in known]
    if missing:
        new = pd.DataFrame({"index": missing})
        table = new if not len(table) else pd.concat([table, new], ignore_index=True)
    index = table["index"].tolist()
    for column, values in columns.items():
        before = _filled(table[column], empty[column]) if column in table else [empty[column]] * len(table)
        table[column] = [values.get(label, old) for label, old in zip(index, before, strict=True)]
    layer.features = table


def list_of(layer: Labels) -> ClassList:
    """Return the list of classes of a layer, with those that its objects have besides.

    A list that is damaged counts as none.
    """
    try:
        known = ClassList.from_json(layer.metadata[LIST_KEY]) if LIST_KEY in layer.metadata else ClassList()
    except ParameterError:
        known = ClassList()
    return known.with_all(tuple(sorted(set(classes_of(layer).values()))))


def set_list(layer: Labels, classes: ClassList) -> None:
    """Keep a list of classes with a layer."""
    layer.metadata = {**layer.metadata, LIST_KEY: classes.to_json()}


def class_of_new_objects(layer: Labels, numbers: Iterable[int]) -> dict[str, dict[int, str]]:
    """Return the column that new objects of a layer get: the class that is chosen; empty if there is none.

    Parameters
    ----------
    layer
        Where they are added.
    numbers
        Those of the objects.
    """
    chosen = list_of(layer).chosen if LIST_KEY in layer.metadata else ""
    return {COLUMN: dict.fromkeys(numbers, chosen)} if chosen else {}


def _filled(column: pd.Series, empty: object) -> list[object]:
    values: list[object] = column.tolist()
    return [empty if value is None or value != value else value for value in values]


def labels_in(layer: Labels) -> list[int]:
    """Return the labels of a layer: those with pixels; where it is too large to look at, those with a row."""
    from napari_fastsam.layers.labels.target import pixels_of

    data = pixels_of(layer)
    if isinstance(data, np.ndarray) and data.size <= MOST_LOOKED_AT:
        found: list[int] = numbers_in(data).tolist()
        return found
    return [int(number) for number in indexed(layer)["index"] if number == number and number != 0]


MOST_LOOKED_AT = 1 << 26
"""Pixels of a layer that are looked through for its labels."""
