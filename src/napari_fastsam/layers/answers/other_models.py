"""Whether the other bundled model knows better what an image shows: it is tried where the first one is not sure."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from napari_fastsam.errors import FastSAMError
from napari_fastsam.layers.answers.other_sizes import MOST_SHOWN
from napari_fastsam.model.asking.descriptors import no_descriptors
from napari_fastsam.model.asking.thresholds import Thresholds

if TYPE_CHECKING:
    from napari_fastsam.layers.answers.request import Request
    from napari_fastsam.layers.answers.results import Result
    from napari_fastsam.layers.answers.session import Session
    from napari_fastsam.model.asking.prediction import Prediction
    from napari_fastsam.model.network.segmenter import Model

FIRST_MODEL, OTHER_MODEL = "nuclei", "microscopy"
"""What the dock begins with, and what knows more kinds of objects."""

UNSURE = 0.6
"""A model whose objects have a lower mean score sees something that it has not learnt."""

SURE = 0.8
"""From this mean score on no other model is tried."""

SURER = 0.03
"""By so much the other model's mean score has to be higher, where it is tried."""


def doubted_image(session: Session, result: Result) -> Hashable | None:
    """Return what tells one image from another, if the model for nuclei has looked at it and is not sure; else None."""
    request = result.request
    controls = request.controls
    if controls.model != FIRST_MODEL or controls.others is not None or controls.imgsz:
        return None
    if not result.complete or request.stack is not None or request.kind != "plane":
        return None
    if request.plane.shape[0] * request.plane.shape[1] > MOST_SHOWN:
        return None
    sureness = _mean_score(session, request)
    return None if sureness is None or sureness >= SURE else request.key


def other_model(session: Session, result: Result) -> Request | None:
    """Return a request for the same from the other model, or None if it cannot be asked."""
    controls = result.request.controls
    tiling = replace(controls.tiling, diameter=None)  # each model measures the size itself
    try:
        return session.request(replace(controls, model=OTHER_MODEL, tiling=tiling), result.request)
    except FastSAMError:
        return None


def try_model(session: Session, result: Result, other: Request, into: list[bool]) -> Iterator[str]:
    """Have the other model look; yields what comes next. For any thread.

    Parameters
    ----------
    session
        Keeps what the network says: a model that is chosen then answers at once.
    result
        What the first model answered.
    other
        From `other_model`.
    into
        Gets whether the other model knows better.
    """
    now = _mean_score(session, result.request) or 0.0
    if now >= UNSURE:
        yield from session.work(other, user_initiated=False)
    into.append(offers_other(now, _mean_score(session, other) or 0.0))


def offers_other(first: float, other: float) -> bool:
    """Tell by the mean scores of two models whether the second is to be offered (`benchmarks/other_model.py`)."""
    return first < UNSURE or (first < SURE and other >= first + SURER)


def mean_score_of(prediction: Prediction, model: Model) -> float:
    """Return the mean score of what a model finds on a plane with its own thresholds; 0 if that is nothing."""
    scores = prediction.objects(Thresholds(*model.thresholds()), no_descriptors).scores
    return float(scores.mean()) if len(scores) else 0.0


def _mean_score(session: Session, request: Request) -> float | None:
    """Return that of the plane and the model that a request names; None = the model has not seen it."""
    prediction = session.cache.get(request.key)
    if prediction is None:
        return None
    return mean_score_of(prediction, session.kept.networks.model_for(request))
