"""How nearly another outline was taken instead: what suppression left out for an object, told when it is added."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_fastsam.core.objects.proposals import Proposals
from napari_fastsam.model.asking.descriptors import no_descriptors
from napari_fastsam.model.asking.prediction import Prediction

if TYPE_CHECKING:
    from napari_fastsam.layers.answers.results import Result

COLUMN = "rival"
"""Of the features: the score of the surest other outline; whoever reviews the objects looks there first."""


def rivals_of(result: Result, prediction: Prediction | None) -> dict[str, dict[int, float]]:
    """Return the column of rivals of a result, by object number; nothing where nothing was suppressed for any.

    Parameters
    ----------
    result
        What is added.
    prediction
        What the network said of its plane.
    """
    controls = result.request.controls
    if prediction is None or controls.task != "everything" or result.request.stack is not None:
        return {}
    if result.tiles is not None:
        return {}
    instances = prediction.objects(controls.thresholds, no_descriptors)
    if not isinstance(instances.proposals, Proposals):
        return {}
    scores = instances.proposals.rivals(instances.identities, controls.thresholds.iou)
    found = {
        number: float(scores[number - 1])
        for number, one in result.by_number.items()
        if number <= len(scores) and np.isfinite(scores[number - 1]) and not one.prompt
    }
    return {COLUMN: found} if found else {}
