"""What is known of the objects of a Labels layer, so that they can be put in order: pixels, image, and features."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Image
from numpy.typing import NDArray

from napari_fastsam.core.results.result import too_high
from napari_fastsam.core.review.doubts import Doubts, find_doubts
from napari_fastsam.core.review.measured import MeasuredObjects, measure_objects
from napari_fastsam.errors import LabelsError
from napari_fastsam.layers.labels.features import indexed
from napari_fastsam.layers.labels.records import METADATA_KEY
from napari_fastsam.layers.labels.target import pixels_of

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Labels

MOST_PIXELS = 1 << 28
"""That are looked through for objects; four bytes each are held twice."""

KNOWN = ("score", "rival", "class_probability")
"""Columns that tell how sure the network, or a classifier, was."""


@dataclass(frozen=True, eq=False)
class LayerPixels:
    """What of layers is looked at in a thread.

    Attributes
    ----------
    labels
        The label image, whatever holds it.
    image
        The same pixels of an image; None = there is none.
    features
        Columns of `KNOWN` by label.
    confidence
        The threshold that scores had to pass; None = unknown.
    """

    labels: Any
    image: Any
    features: Mapping[str, Mapping[int, float]]
    confidence: float | None

    @property
    def pixels(self) -> int:
        """How many there are."""
        return prod(self.labels.shape)

    def measured(self) -> tuple[MeasuredObjects, Doubts]:
        """Measure the objects, and find out how doubtful each is. For any thread.

        Raises
        ------
        LabelsError
            If the labels cannot be read, or need more than 64 bits with a sign.
        """
        image = None if self.image is None else np.asarray(self.image)
        measured = measure_objects(np.asarray(self.labels), image)
        highest = int(measured.labels.max(initial=0))
        if highest > np.iinfo(np.int64).max:
            raise LabelsError(too_high(highest))
        known = {name: self._column(name, measured.labels) for name in self.features}
        return measured, find_doubts(measured, known, self.confidence)

    def _column(self, name: str, labels: NDArray[np.integer]) -> NDArray[np.float64]:
        values = self.features[name]
        return np.array([values.get(int(label), np.nan) for label in labels], np.float64)


def pixels_to_review(viewer: ViewerModel, layer: Labels) -> LayerPixels:
    """Return what is looked at of a layer, and of the image below it.

    Raises
    ------
    LabelsError
        If the layer is too large.
    """
    data = pixels_of(layer)
    if prod(data.shape) > MOST_PIXELS:
        raise LabelsError(
            f'Labels layer "{layer.name}" has {prod(data.shape) / 1e6:,.0f} million pixels, and up to '
            f"{MOST_PIXELS / 1e6:,.0f} million are reviewed at once: review a part of it, cropped into a layer."
        )
    table = indexed(layer)
    features = {
        name: dict(zip(table["index"].tolist(), _numbers(table[name]), strict=True)) for name in KNOWN if name in table
    }
    return LayerPixels(data, _image_of(viewer, tuple(data.shape)), features, _confidence(layer))


def _numbers(column: Any) -> list[float]:
    import pandas as pd  # here, and the dock opens without it

    numbers: list[float] = pd.to_numeric(column, errors="coerce").astype(float).tolist()
    return numbers


def _image_of(viewer: ViewerModel, shape: tuple[int, ...]) -> Any:
    """Return the pixels of the uppermost image of the same shape, the visible ones first; None if there is none."""
    fitting = [
        layer
        for layer in reversed(viewer.layers)
        if isinstance(layer, Image) and not layer.rgb and tuple(pixels_of(layer).shape) == shape
    ]
    return next((pixels_of(layer) for layer in sorted(fitting, key=lambda one: not one.visible)), None)


def _confidence(layer: Labels) -> float | None:
    """Return the lowest threshold that objects of a layer had to pass, where that is told."""
    entries = layer.metadata.get(METADATA_KEY)
    told = [
        entry["conf"]
        for entry in (entries if isinstance(entries, list) else [])
        if isinstance(entry, Mapping) and isinstance(entry.get("conf"), int | float)
    ]
    return float(min(told)) if told else None
