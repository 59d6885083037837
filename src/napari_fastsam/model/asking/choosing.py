"""Queries → objects of one pass of the network: what passes the thresholds first, then everything that it proposed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from napari_fastsam.core.objects.instances import Instances
from napari_fastsam.core.objects.masks import LazyMasks
from napari_fastsam.core.objects.proposals import Proposals
from napari_fastsam.core.prompts.queries import Query
from napari_fastsam.core.prompts.selection import Selection, select_objects
from napari_fastsam.model.asking.crop_regions import CropRegion
from napari_fastsam.model.asking.thresholds import Thresholds

GENEROUS_IOU = 0.9
"""Suppression for the second question: nearly everything that the network proposed."""

PROMPT_IOU = 0.7
"""Suppression is not stricter than this for prompts: it would only take away what a person can step to."""

_BORDER = 1.5
"""Objects that come this close, in pixels, to where a crop was cut may be cut themselves."""


def choose(
    proposals: Proposals,
    queries: Sequence[Query],
    thresholds: Thresholds,
    place: Callable[[Instances], Instances] = lambda instances: instances,
) -> list[Selection]:
    """Choose among what one pass proposed: what passes the thresholds first, then everything.

    A box or an outline says where its object is and how large, which is worth more than a score: it always chooses
    among everything (benchmarks/prompt_accuracy.py: mean IoU 0.752 instead of 0.737).
    """
    sure = place(proposals.subset(proposals.ranks(thresholds.conf, max(thresholds.iou, PROMPT_IOU))))
    selections = select_objects(sure, queries)
    selections = [of_size(s, thresholds) if q.from_proposals else s for q, s in zip(queries, selections, strict=True)]
    again = [i for i, q in enumerate(queries) if q.from_proposals and (q.tells_size or not selections[i].found)]
    if not again:
        return selections
    suppressed = max(thresholds.iou, GENEROUS_IOU)
    everything = place(proposals.subset(proposals.ranks(min(thresholds.conf, proposals.conf_floor), suppressed)))
    for i, selection in zip(again, select_objects(everything, [queries[i] for i in again]), strict=True):
        other = of_size(selection, thresholds)
        if other.found:
            low = f", below the confidence threshold: {other.score:.2f}" if other.score <= thresholds.conf else ""
            selections[i] = replace(other, reason=other.reason + low)
    return selections


def of_size(selection: Selection, thresholds: Thresholds) -> Selection:
    """Leave out the candidates whose area is out of bounds."""
    unlimited = thresholds.min_area is None and thresholds.max_area is None
    if not selection.found or unlimited:
        return selection
    low, high = thresholds.min_area or 0, np.inf if thresholds.max_area is None else thresholds.max_area
    kept = tuple(c for c in selection.candidates if low <= c.crop.area <= high)
    if len(kept) == len(selection.candidates):
        return selection
    reason = "the right size among others there" if kept else "what fits is smaller or larger than the area allows"
    return replace(selection, candidates=kept, reason=reason)


def whole_on_plane(instances: Instances, region: CropRegion, shape: tuple[int, int]) -> Instances:
    """Place the instances of a crop on the plane, without those that the crop's border cuts.

    The plane's own border cuts nothing that could be seen whole.
    """
    y0, x0, y1, x1 = instances.boxes.T
    height, width = instances.shape
    whole = np.ones(len(instances), bool)
    whole &= (y0 > _BORDER) | (region.rows[0] == 0)
    whole &= (x0 > _BORDER) | (region.columns[0] == 0)
    whole &= (y1 < height - _BORDER) | (region.rows[1] == shape[0])
    whole &= (x1 < width - _BORDER) | (region.columns[1] == shape[1])
    kept = instances.subset(whole)
    top, left = region.rows[0], region.columns[0]
    masks = LazyMasks(lambda i: kept.masks[i].moved(top, left), np.arange(len(kept)))
    boxes = kept.boxes + np.array([top, left, top, left], np.float32)
    return Instances(boxes, kept.scores, masks, shape)
