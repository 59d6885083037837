"""Edges that the correcting network drew anew, kept as long as the prediction that they belong to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from napari_fastsam.core.objects.masks import CroppedMask
from napari_fastsam.errors import ParameterError
from napari_fastsam.model.asking.descriptors import no_descriptors
from napari_fastsam.model.asking.fine_edges import polish, with_masks, with_proposed_masks
from napari_fastsam.model.correcting.weights import default_corrector

if TYPE_CHECKING:
    from collections.abc import Hashable

    from napari_fastsam.core.objects.instances import Instances
    from napari_fastsam.core.prompts.selection import Selection
    from napari_fastsam.layers.answers.request import Request
    from napari_fastsam.model.asking.prediction import Prediction

_DRAWN: WeakKeyDictionary[Prediction, dict[Hashable, CroppedMask]] = WeakKeyDictionary()


def require_one_pass(request: Request) -> None:
    """Raise a ParameterError if fine edges are asked for where they are not drawn: in tiles and linked planes."""
    controls = request.controls
    linked = controls.task == "everything" and request.stack is not None
    if controls.fine_edges and (linked or request.over_tiles or request.searches_tiles):
        raise ParameterError(
            "Fine edges need a plane that is segmented in one pass, not in tiles or as linked planes: "
            "untick fine edges, or choose one plane, or the view."
        )


def is_waiting(prediction: Prediction, request: Request) -> bool:
    """Whether edges of all objects are asked for, and some are not drawn yet."""
    controls = request.controls
    if not (controls.fine_edges and (controls.task == "everything" or request.read.prompts.searches)):
        return False
    drawn = _DRAWN.get(prediction, {})
    return any(mask.key not in drawn for mask in prediction.objects(controls.thresholds, no_descriptors).masks)


def fine_instances(prediction: Prediction, instances: Instances) -> Instances:
    """Return the objects of a plane with fine edges."""
    return with_masks(instances, _polished(prediction, instances.masks))


def fine_selections(prediction: Prediction, selections: Sequence[Selection]) -> list[Selection]:
    """Return selections whose proposed objects have fine edges; what a user gave or clicks changed stays."""
    return with_proposed_masks(selections, lambda masks: _polished(prediction, masks))


def _polished(prediction: Prediction, masks: Sequence[CroppedMask]) -> list[CroppedMask]:
    drawn = _DRAWN.setdefault(prediction, {})
    new = {mask.key: mask for mask in masks if mask.key not in drawn}
    drawn |= zip(new, polish(default_corrector(), prediction, list(new.values())), strict=True)
    return [drawn[mask.key] for mask in masks]
