"""What would give more where little or nothing was found: values that a dock can set, chosen by what is kept."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from napari_fastsam.model.asking.descriptors import no_descriptors
from napari_fastsam.model.asking.prediction import Prediction

if TYPE_CHECKING:
    from napari_fastsam.layers.answers.results import Result

LITTLE = 3
"""Objects on a whole plane: fewer are hardly what somebody looks for who asks for everything."""

LOWER = (0.3, 0.2, 0.1)
"""Confidences that are tried, from the highest on; below, it is mostly noise."""

ENOUGH = 2
"""Times as many objects, and so many more, that a lower confidence has to bring."""


@dataclass(frozen=True)
class Remedy:
    """What would help.

    Attributes
    ----------
    confidence, model, diameter
        What is to be set; None = that stays. An object size of 0 is measured.
    more
        Objects that it would bring; None = not known without the network.
    """

    confidence: float | None = None
    model: str | None = None
    diameter: float | None = None
    more: int | None = None


def lower_confidence(result: Result, prediction: Prediction | None) -> Remedy | None:
    """Return the highest confidence at which clearly more would be found, where little was; None if none would.

    Tried on what is kept, without the network.

    Parameters
    ----------
    result
        An answer to *everything* on a plane.
    prediction
        What the network said of that plane.
    """
    controls = result.request.controls
    if controls.task != "everything" or prediction is None or result.tiles is not None or result.count >= LITTLE:
        return None
    for conf in LOWER:
        if conf < controls.thresholds.conf:
            found = len(prediction.objects(replace(controls.thresholds, conf=conf), no_descriptors))
            if found >= max(ENOUGH * result.count, result.count + ENOUGH):
                return Remedy(confidence=conf, more=found - result.count)
    return None
