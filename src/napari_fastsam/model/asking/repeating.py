"""What was asked once, asked again: from how labels came about to the objects that a network finds there now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_fastsam.core.image.channels import COLOURED
from napari_fastsam.core.likeness.text import TextEncoder
from napari_fastsam.core.objects.masks import CroppedMask
from napari_fastsam.core.objects.painting import paint
from napari_fastsam.core.planes.linking import Linking
from napari_fastsam.core.prompts.prompts import Prompts
from napari_fastsam.core.prompts.selection import Selection
from napari_fastsam.core.results.provenance import Provenance
from napari_fastsam.core.results.result import ResultObject
from napari_fastsam.errors import ParameterError
from napari_fastsam.model.asking.segment import predict, segment
from napari_fastsam.model.asking.stack import segment_stack
from napari_fastsam.model.network.segmenter import Model

SAME_CHOICE = 0.5
"""IoU from which on a candidate is the object that was accepted before: it is taken, though another fits as well."""


@dataclass(frozen=True)
class Replay:
    """What is other than it was, when labels are made again.

    Attributes
    ----------
    model
        By name or path; None = the one that each label was made with.
    conf, iou, min_area, max_area
        Thresholds; None = as they were, or, with another model, what suits it.
    """

    model: str | None = None
    conf: float | None = None
    iou: float | None = None
    min_area: float | None = None
    max_area: float | None = None


@dataclass(frozen=True, eq=False)
class Repeated:
    """What was found.

    Attributes
    ----------
    labels
        (Y, X), or (N, Y, X) of planes that were linked; 0 = background.
    objects
        What is known of them.
    made
        How they came about.
    """

    labels: NDArray[np.int32]
    objects: tuple[ResultObject, ...]
    made: Provenance


def asked_again(entry: Provenance, replay: Replay) -> Provenance:
    """Return how labels come about now: as an entry says, but for what a replay says otherwise."""
    another = replay.model is not None and replay.model != entry.model
    given = {name: getattr(replay, name) for name in ("conf", "iou", "min_area", "max_area")}
    changed: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    if another:
        suited: dict[str, Any] = {"imgsz": None, "model_sha256": "", "conf": None, "iou": None}
        changed = {"model": replay.model, **suited, **changed}
    return replace(entry, labels=None, pixels=None, **changed)


def why_not(entry: Provenance) -> str:
    """Return why what an entry asked cannot be asked again; "" if it can."""
    if not entry.model:
        return "they were not made by this program"
    if entry.others is not None:
        return f"objects of {entry.others} were proposals too"
    if entry.classes:
        return "objects of one word share a number"
    if entry.stack_axis is not None and entry.task == "prompts":
        return "prompts were followed through planes"
    return ""


def repeat(
    made: Provenance,
    model: Model,
    pixels: ArrayLike,
    text_encoder: TextEncoder | None = None,
    before: NDArray[np.integer] | None = None,
) -> Repeated:
    """Ask again what was asked.

    Parameters
    ----------
    made
        How, as `asked_again` gives it.
    model
        The network that it names.
    pixels
        Of the region: (Y, X) or (Y, X, 3 | 4); of a stack (N, Y, X), planes first.
    text_encoder
        As in `segment`.
    before
        (Y, X) the labels there that prompts were answered with. Where one of a prompt's candidates is what a person
        accepted, who may have stepped to it, it is taken.

    Raises
    ------
    FastSAMError
        If it cannot be asked of these pixels or of this model.
    """
    reason = why_not(made)
    if reason:
        raise ParameterError(f"what made these labels cannot be asked again: {reason}")
    limits = COLOURED if made.channels else _pair(made.contrast_limits)
    shown = {"imgsz": made.imgsz, "contrast_limits": limits}
    at = {"diameter": made.diameter, "scale": made.scale}
    bounds = {"conf": made.conf, "iou": made.iou, "min_area": made.min_area, "max_area": made.max_area}
    bounds["conf"], bounds["iou"] = model.thresholds(made.conf, made.iou)
    made = replace(made, conf=bounds["conf"], iou=bounds["iou"])
    if made.stack_axis is not None:
        stack = segment_stack(model, pixels, linking=Linking(**dict(made.linking or {})), **shown, **at, **bounds)  # type: ignore[arg-type]
        return Repeated(stack.labels, _scored(stack.scores), made)
    if made.task == "everything" or made.prompts is None:
        found = segment(model, pixels, **shown, **at, **bounds, fine_edges=bool(made.fine_edges))  # type: ignore[call-overload]
        return Repeated(np.asarray(found.to_labels()), _scored(found.scores), made)
    selections = predict(model, pixels, **shown, **at).select(  # type: ignore[arg-type]
        Prompts.from_json(made.prompts),
        **bounds,
        text_encoder=text_encoder,
        text_threshold=made.text_threshold,
        text_best=bool(made.text_best),
        example_threshold=made.example_threshold,
        refine=made.refine is not False,
        fine_edges=bool(made.fine_edges),
    )
    return _painted([_chosen_as_before(one, before) for one in selections], made)


def _scored(scores: Any) -> tuple[ResultObject, ...]:
    return tuple(ResultObject(number, float(score)) for number, score in enumerate(scores, start=1))


def _painted(selections: Sequence[Selection], made: Provenance) -> Repeated:
    """Return the objects of prompts, each once."""
    by_mask: dict[Any, Selection] = {}
    for one in selections:
        if one.crop is not None:
            by_mask.setdefault(one.crop.key, one)
    found = list(by_mask.values())
    scores = [one.score + one.refined for one in found]  # what clicks shaped is sure
    labels = paint([one.crop for one in found], selections[0].shape if selections else (0, 0), scores=scores)
    objects = tuple(
        ResultObject(number, one.score, prompt=str(one.prompt), reason=one.reason)
        for number, one in enumerate(found, start=1)
    )
    return Repeated(labels, objects, made)


def _chosen_as_before(selection: Selection, before: NDArray[np.integer] | None) -> Selection:
    """Return a selection with the candidate chosen that is what was accepted, unless clicks shaped it."""
    if before is None or selection.refined or len(selection.candidates) < 2:
        return selection
    likeness = [_most_overlap(candidate.crop, before) for candidate in selection.candidates]
    best = int(np.argmax(likeness))
    is_it = likeness[best] >= SAME_CHOICE and likeness[best] > likeness[selection.chosen]
    return replace(selection, chosen=best) if is_it else selection


def _most_overlap(mask: CroppedMask, labels: NDArray[np.integer]) -> float:
    """Return the IoU of a mask with the label that has most of its pixels."""
    under = labels[mask.window][mask.pixels]
    numbers, counts = np.unique(under[under > 0], return_counts=True)
    if not len(numbers):
        return 0.0
    shared = int(counts.max())
    whole = int(np.count_nonzero(labels == numbers[np.argmax(counts)]))
    return shared / (whole + mask.area - shared)


def _pair(limits: Sequence[float] | None) -> tuple[float, float] | None:
    return None if limits is None else (float(limits[0]), float(limits[1]))
