"""Corrected labels written back: each under its own number, and no other label touched."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_fastsam.core.objects.masks import CroppedMask
from napari_fastsam.layers.labels.features import pixels_of_classes

if TYPE_CHECKING:
    import pandas as pd
    from napari.layers import Labels


@dataclass(frozen=True, eq=False)
class Replaced:
    """The labels that objects replace on one plane.

    Attributes
    ----------
    labels
        From an object's number in the label image to the label that it keeps.
    starts
        From an object's number to the label's pixels in the region when the object started from them.
    """

    labels: Mapping[int, int]
    starts: Mapping[int, CroppedMask]

    def cleared(
        self, objects: NDArray[np.integer], starts: Mapping[int, NDArray[np.bool_]], current: NDArray[np.integer]
    ) -> NDArray[np.bool_]:
        """Return the pixels of a part that labels lose.

        Parameters
        ----------
        objects, current
            What the part holds of the result, and what the layer has there.
        starts
            `starts` on that part.
        """
        lost = np.zeros(objects.shape, bool)
        for number, start in starts.items():
            lost |= start & (objects != number) & (current == self.labels[number])
        return lost

    def kept(self, objects: NDArray[np.integer]) -> NDArray[np.int64]:
        """Return for each pixel of objects the label that its object keeps; 0 = none."""
        found = np.zeros(objects.shape, np.int64)
        for number, label in self.labels.items():
            found[objects == number] = label
        return found

    def parts(self, rows: slice, columns: slice) -> dict[int, NDArray[np.bool_]]:
        """Return `starts` on rows and columns of the region."""
        return {number: start.on(rows, columns) for number, start in self.starts.items()}


NOTHING_REPLACED = Replaced({}, {})
"""All objects are new."""


def areas_after(layer: Labels, features: pd.DataFrame, changed: Mapping[int, int]) -> pd.DataFrame:
    """Return features in which `area` stays true of labels that get other pixels; all else of them stays.

    Rows of labels that lose all of their pixels go.

    Parameters
    ----------
    layer
        As it is before it is written to.
    features
        A row a label, with `index`.
    changed
        How many pixels more, or fewer, each label will have.
    """
    if not changed:
        return features
    there = pixels_of_classes(layer, list(changed))
    gone = [label for label, more in changed.items() if there.get(label, 0) == -more > 0]
    features = features[~features["index"].isin(gone)].copy()
    for label, more in changed.items() if "area" in features else ():
        rows = features.index[(features["index"] == label) & (features["area"] == there.get(label, 0))]
        features.loc[rows, "area"] += more
    return features
