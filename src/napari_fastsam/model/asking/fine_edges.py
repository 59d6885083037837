"""The correcting network without clicks as a polisher: what was proposed, with edges at the plane's full resolution."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from napari_fastsam.core.objects.instances import Instances
from napari_fastsam.core.objects.masks import CroppedMask
from napari_fastsam.core.prompts.queries import Query
from napari_fastsam.core.prompts.ranking import CORRECTED
from napari_fastsam.core.prompts.selection import Selection
from napari_fastsam.model.asking.pixels import NetworkPixels, PixelRectangles
from napari_fastsam.model.correcting.corrector import CorrectionRequest, WindowPredictor, correct

_BATCH = 32
"""Objects that the network sees together."""

_TRUSTED = 0.6
"""Polished masks that overlap less by IoU are something else: what was proposed stays."""


def polish(predictor: WindowPredictor, plane: NetworkPixels, masks: Sequence[CroppedMask]) -> list[CroppedMask]:
    """Return masks whose edges were drawn anew, one for each.

    Parameters
    ----------
    predictor
        The correcting network.
    plane
        Gives the pixels around the objects.
    masks
        In pixels of the plane.
    """
    polished: list[CroppedMask] = []
    for first in range(0, len(masks), _BATCH):
        some = [masks[i] for i in range(first, min(first + _BATCH, len(masks)))]
        found = correct(predictor, PixelRectangles(plane), [CorrectionRequest(mask=mask) for mask in some], looks=1)
        pairs = zip(some, found, strict=True)
        polished += [one.crop if one.crop.iou(mask) >= _TRUSTED else mask for mask, one in pairs]
    return polished


def polish_instances(predictor: WindowPredictor, plane: NetworkPixels, instances: Instances) -> Instances:
    """Return the objects of a plane with polished edges, in their order; their looks are those of what was proposed."""
    return with_masks(instances, polish(predictor, plane, instances.masks))


def with_masks(instances: Instances, masks: Sequence[CroppedMask]) -> Instances:
    """Return the same objects with other masks, one for each."""
    ends = [(m.top, m.left, m.window[0].stop, m.window[1].stop) for m in masks]
    return replace(instances, boxes=np.array(ends, np.float32).reshape(-1, 4), masks=tuple(masks))


def polish_selections(
    predictor: WindowPredictor, plane: NetworkPixels, selections: Sequence[Selection]
) -> list[Selection]:
    """Return selections whose proposed objects have polished edges; what a user gave or clicks changed stays."""
    return with_proposed_masks(selections, lambda masks: polish(predictor, plane, masks))


def with_proposed_masks(
    selections: Sequence[Selection], polished: Callable[[Sequence[CroppedMask]], Sequence[CroppedMask]]
) -> list[Selection]:
    """Return selections in which what was proposed has other masks, and all else is as it was."""
    proposed = [(i, s.candidate.crop) for i, s in enumerate(selections) if s.candidate is not None and _is_proposed(s)]
    result = list(selections)
    for (i, _), mask in zip(proposed, polished([crop for _, crop in proposed]), strict=True):
        candidates = list(selections[i].candidates)
        candidates[selections[i].chosen] = replace(candidates[selections[i].chosen], crop=mask)
        result[i] = replace(selections[i], candidates=tuple(candidates))
    return result


def _is_proposed(selection: Selection) -> bool:
    """Whether the chosen object is as the network or another program proposed it, in a tile or a closer look too."""
    query, candidate = selection.query, selection.candidate
    brought_along = isinstance(query, Query) and not query.from_proposals
    return candidate is not None and not brought_along and candidate.source not in CORRECTED
