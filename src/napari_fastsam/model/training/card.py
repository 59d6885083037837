"""What is written beside a trained model: how to use it, what it was made from, and how good it is."""

from __future__ import annotations

import dataclasses
import datetime
import math
from collections.abc import Sequence
from pathlib import Path
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from napari_fastsam.core.image.intensity import NormalizationRule
from napari_fastsam.core.judging.metrics import Matching, match
from napari_fastsam.core.judging.scores import Summary
from napari_fastsam.model.judging.validation import evaluate
from napari_fastsam.model.network.segmenter import Model
from napari_fastsam.model.training.crops import AnnotatedPlane, diameters_of
from napari_fastsam.model.training.settings import TrainingSettings, counted
from napari_fastsam.model.weights.card import Card

WINDOW: NormalizationRule = "percentiles"
"""The intensity window of models that are trained here: dim images are seen as bright as others."""

CONF, IOU = 0.4, 0.5
"""Thresholds while training goes on, and until better ones are known."""

_CONFS, _IOUS = (0.2, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6), (0.3, 0.4, 0.5, 0.6)

_SIZES = (1.0, 1.15, 1.3)
"""Times the size of training: objects that are shown a little larger have finer masks."""

_TOO_GOOD = (
    "There were too few images to hold some out: its figures were measured on the images that it learnt from, and are "
    "too good."
)


def card_of(
    name: str,
    base: str,
    base_card: Card | None,
    settings: TrainingSettings,
    training: Sequence[AnnotatedPlane],
    validation: Sequence[AnnotatedPlane],
) -> Card:
    """Return the card of a model before it is measured.

    Parameters
    ----------
    name
        Of the model.
    base, base_card
        What training started from, and its card; None = from scratch.
    settings, training, validation
        As in `training.Run`.
    """
    from napari_fastsam.version import __version__

    sizes = np.concatenate([diameters_of(plane.labels) for plane in training])
    groups = sorted({plane.group for plane in training} - {""})
    kinds = f" ({', '.join(groups)})" if groups else ""
    low, high = (round(float(v), 1) for v in np.percentile(sizes, [5, 95]))
    return Card(
        name=name,
        description=f"trained on {counted(training)}{kinds}, starting from {Path(base).name}",
        version=__version__,
        scale=settings.scale,
        shown_diameter=settings.object_size if settings.rescale else None,
        trained_imgsz=settings.imgsz,
        object_diameter=round(float(np.median(sizes)), 1),
        object_diameter_range=(low, high),
        window=WINDOW,
        box_pixels="centre",
        intensity="0.1 to 99.9 % of a plane's values to 0-255 where no contrast limits are given; one channel is "
        "repeated as red, green and blue",
        base="" if base_card is None else base_card.name,
        created=datetime.datetime.now(datetime.UTC).date().isoformat(),
        licence="AGPL-3.0",
        training_data=f"{counted(training)}{kinds} with {len(sizes):,} objects",
        validation_images=tuple(plane.name for plane in validation),
        notes="" if validation else _TOO_GOOD,
    )


def pooled(model: Model, planes: Sequence[AnnotatedPlane], conf: float, iou: float) -> list[Matching]:
    """Return the matchings of all planes together at thresholds of one's choice."""
    sums: list[Matching] = []
    for plane in planes:
        found = match(plane.decided(model.propose(plane.rgb).instances(conf, iou).to_labels()), plane.labels)
        sums = _added(sums, found)
    return sums


def mean_ap(matchings: Sequence[Matching]) -> float:
    """Return the mean average precision, 0 where there is nothing to divide by."""
    return float(np.nan_to_num(np.mean([matching.average_precision for matching in matchings])))


def tuned(model: Model, planes: Sequence[AnnotatedPlane]) -> Card:
    """Return the model's card with the thresholds, and the size to show objects at, that have the best mean AP."""
    card = model.card
    if card.shown_diameter is not None:
        sizes = [round(card.shown_diameter * factor, 1) for factor in _SIZES]
        looking = [dataclasses.replace(model, card=dataclasses.replace(card, shown_diameter=size)) for size in sizes]
        model = max(looking, key=lambda one: mean_ap(pooled(one, planes, CONF, IOU)))
    if all(plane.is_partly_labelled for plane in planes):
        # of what is found beside the labels nothing is known, and the lowest threshold would win
        return dataclasses.replace(model.card, conf=CONF, iou=IOU)
    totals: dict[tuple[float, float], list[Matching]] = {}
    for plane in planes:
        proposals = model.propose(plane.rgb)
        for conf in _CONFS:
            for iou in _IOUS:
                found = match(plane.decided(proposals.instances(conf, iou).to_labels()), plane.labels)
                totals[conf, iou] = _added(totals.get((conf, iou), []), found)
    conf, iou = max(totals, key=lambda key: mean_ap(totals[key]))
    return dataclasses.replace(model.card, conf=conf, iou=iou)


def measured(model: Model, planes: Sequence[AnnotatedPlane]) -> Card:
    """Return the model's card with its measures on planes, all together and by kind."""
    found = evaluate(model, [_Judged(plane) for plane in planes])
    measures = _figures(found.summary())
    if len(found.groups) > 1:
        for group in found.groups:
            measures |= {f"{key}, {group}": value for key, value in _figures(found.summary(group)).items()}
    return dataclasses.replace(model.card, metrics=MappingProxyType(measures))


def _figures(summary: Summary) -> dict[str, float]:
    values = {
        "ap50": summary.pooled.ap50, "ap75": summary.pooled.ap75, "ap": summary.pooled.ap, "f1": summary.pooled.f1,
        "click_iou": summary.click_iou, "box_iou": summary.box_iou,
    }  # fmt: skip
    return {key: 0.0 if math.isnan(value) else round(value, 3) for key, value in values.items()}


def _added(sums: list[Matching], found: list[Matching]) -> list[Matching]:
    return [a + b for a, b in zip(sums, found, strict=True)] if sums else found


@dataclasses.dataclass(frozen=True, eq=False)
class _Judged:
    """A plane in memory as `validation.evaluate` takes it."""

    plane: AnnotatedPlane

    @property
    def name(self) -> str:
        return self.plane.name

    @property
    def group(self) -> str:
        return self.plane.group

    def image(self) -> NDArray[np.uint8]:
        return self.plane.rgb

    def labels(self) -> NDArray[np.int32]:
        return self.plane.labels.astype(np.int32)
