"""What is told of labels, once they were corrected: rows of the features, and how the labels came about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_fastsam.core.objects.measurements import is_measured
from napari_fastsam.layers.labels.features import axis_names, indexed

if TYPE_CHECKING:
    import pandas as pd
    from napari.layers import Labels

METADATA_KEY = "napari-fastsam"
"""Where a Labels layer's metadata keep the list of what was written into it."""


def features_after(
    layer: Labels,
    before: Mapping[int, int],
    after: Mapping[int, int],
    gone: Sequence[int],
    merged: Mapping[int, int],
    born: Mapping[int, int],
) -> pd.DataFrame | None:
    """Return the features of a layer whose labels were corrected; None if it has none.

    An *area* that was the number of pixels is counted anew; what else was measured of the labels that changed is not
    true any more, and is emptied. All other columns stay, such as classes.

    Parameters
    ----------
    layer
        As it was.
    before, after
        Pixels of labels in the part that was written to.
    gone
        Labels that are nowhere any more.
    merged
        From labels to the one that they are part of now.
    born
        From new labels to the one whose part they were.
    """
    import pandas as pd  # here, and the dock opens without it

    table = indexed(layer)
    if not len(table):
        return None
    table = table.reset_index(drop=True)
    index = table["index"].to_numpy()
    touched = list({*before, *after, *merged, *merged.values(), *gone})
    place = {int(index[i]): int(i) for i in np.flatnonzero(np.isin(index, touched))}  # the last row of each
    for label, into in merged.items():  # of two, the one with a row tells
        if into not in place and label in place:
            place[into] = place.pop(label)
            table.loc[place[into], "index"] = into
    rows = [
        table.iloc[[place[parent]]].assign(index=number, **({"area": after[number]} if "area" in table else {}))
        for number, parent in born.items()
        if parent in place
    ]
    changed = [i for i in place if i in merged.values() or before.get(i, 0) != after.get(i, 0)]
    if "area" in table and changed:
        more = [after.get(i, 0) - before.get(i, 0) for i in changed]
        table.loc[[place[i] for i in changed], "area"] += more
    table = pd.concat([table.drop(index=[place[i] for i in gone if i in place]), *rows], ignore_index=True)
    axes = axis_names(layer)
    measured = [name for name in table.columns if is_measured(str(name), axes)]
    if measured and (changed or rows):
        table[measured] = table[measured].astype(float)
        table.loc[np.isin(table["index"].to_numpy(), [*changed, *born]), measured] = np.nan
    return table


def metadata_after(layer: Labels, gone: Sequence[int], born: Mapping[int, int]) -> dict[str, Any] | None:
    """Return the metadata of a layer whose labels were corrected; None if nothing is told of how they came about."""
    entries = layer.metadata.get(METADATA_KEY)
    if not isinstance(entries, list):
        return None
    told = []
    for entry in entries:
        labels = entry.get("labels") if isinstance(entry, Mapping) else None
        if isinstance(labels, list):
            parts = [number for number, parent in born.items() if parent in labels]
            entry = {**entry, "labels": [i for i in labels if i not in set(gone)] + parts}
        told.append(entry)
    return {**layer.metadata, METADATA_KEY: told}
