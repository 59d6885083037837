"""The features of a Labels layer: a row a label, and one truth about each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from napari_fastsam.errors import LabelsError
from napari_fastsam.layers.labels.target import pixels_of

if TYPE_CHECKING:
    import pandas as pd
    from napari.layers import Labels, Layer

_SURER = ("score", "text", "similarity", "prompt", "why")
"""What a class has from the surer of two objects; other columns are the person's, and stay."""


def indexed(layer: Labels) -> pd.DataFrame:
    """Return the layer's features with the label that each row is about; without that column it is the row's place."""
    import pandas as pd  # here, and the dock opens without it

    table = pd.DataFrame(layer.features)
    return table if "index" in table else table.assign(index=np.arange(len(table)))


def axis_names(layer: Layer) -> list[str]:
    """Return the names of a layer's axes, fit for columns and files; the last two are y and x where they have none."""
    names = [str(name) for name in layer.axis_labels]
    if len(set(names)) < len(names) or any(not name.isidentifier() for name in names):
        return [*(f"axis{i}" for i in range(layer.ndim - 2)), "y", "x"]
    return names


def features_with(layer: Labels, new: pd.DataFrame) -> pd.DataFrame:
    """Return the layer's features with new rows; a leftover row of the same number goes."""
    import pandas as pd  # here, and the dock opens without it

    table = indexed(layer)
    table = table[~table["index"].isin(new["index"])]
    columns = [*table.columns, *new.columns.difference(table.columns, sort=False)]
    parts = [part for part in (table, new) if len(part)]  # of tables without rows, pandas before 3 warns
    return pd.concat(parts or [new], ignore_index=True).reindex(columns=columns)


def pixels_of_classes(layer: Labels, classes: Sequence[int]) -> dict[int, int]:
    """Return how many pixels of the layer each class has that is there."""
    import pandas as pd  # here, and the dock opens without it

    if not classes:
        return {}
    if layer.multiscale:  # too large to look at all of it, and nobody paints there
        table = pd.DataFrame(layer.features)
        known = {} if "area" not in table else dict(zip(table["index"], table["area"], strict=True))
        return {i: int(known[i]) for i in classes if known.get(i, 0) > 0}
    data = pixels_of(layer)
    parts = [data] if isinstance(data, np.ndarray) else (np.asarray(data[i]) for i in range(data.shape[0]))
    counts = Counter[int]()
    for part in parts:
        numbers, found = np.unique(part[np.isin(part, classes)], return_counts=True)
        counts.update(dict(zip(numbers.tolist(), found.tolist(), strict=True)))
    return dict(counts)


def with_classes(layer: Labels, new: pd.DataFrame, there: Mapping[int, int], same: Mapping[int, int]) -> pd.DataFrame:
    """Return new rows in which those of classes that are there already tell of all of the class.

    Parameters
    ----------
    layer
        Its features have what is known of them.
    new
        A row an object.
    there
        Pixels of each class that the layer has already.
    same
        How many of these are written once more.

    Raises
    ------
    LabelsError
        If a class has another name in the layer.
    """
    import pandas as pd  # here, and the dock opens without it

    table = indexed(layer)
    records = new.to_dict("records")
    for record in records:
        number = record["index"]
        if number not in there:
            continue
        record["area"] += there[number] - same.get(number, 0)
        known = table[table["index"] == number].to_dict("records")
        if not known:
            continue
        row, text = known[-1], record.get("text")
        before = row.get("text")
        if text and before and isinstance(before, str) and before != text:
            raise LabelsError(
                f'Label {number} of layer "{layer.name}" is the class “{before}”, and “{text}” has that number now. '
                "Choose a new layer, or give the words in the order in which they were given before."
            )
        surer = row.get("score", np.nan) >= record["score"]
        record.update({name: value for name, value in row.items() if name not in new or (surer and name in _SURER)})
    return pd.DataFrame(records, columns=[*new.columns, *table.columns.difference(new.columns, sort=False)])
