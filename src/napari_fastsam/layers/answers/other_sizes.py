"""Whether little was found because objects have another size: other sizes are tried, and what they give is kept."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from napari_fastsam.errors import FastSAMError
from napari_fastsam.layers.answers.predictors import predictor_of
from napari_fastsam.layers.answers.remedies import ENOUGH, LITTLE, Remedy
from napari_fastsam.model.asking.descriptors import no_descriptors

if TYPE_CHECKING:
    from collections.abc import Hashable

    from napari_fastsam.layers.answers.request import Request
    from napari_fastsam.layers.answers.results import Result
    from napari_fastsam.layers.answers.session import Session

FACTORS = (0.5, 2.0, 4.0)
"""Other sizes, as shares of the one that objects were taken to have."""

MOST_SHOWN = 2048 * 2048
"""Pixels of an input at which a size is tried: a pass over more takes seconds."""


def found_little(result: Result) -> bool:
    """Whether other sizes are worth a try: few objects on a whole plane, or none at a prompt that was drawn."""
    request = result.request
    if not result.complete or request.stack is not None or request.kind != "plane" or request.controls.imgsz:
        return False
    if request.controls.task == "everything":
        return result.count < LITTLE
    return bool(result.unfound)


def trial_of(request: Request) -> Hashable:
    """Return what tells one trial from another: the plane, the thresholds, and what was drawn."""
    prompts = tuple(identity.key for identity in request.identities)
    return request.key, request.controls.task, request.controls.thresholds, prompts


def other_sizes(session: Session, request: Request) -> list[Request]:
    """Return requests for the same with other object sizes, that of a size which is measured first.

    Whose inputs would be too large for a quick trial are left out.
    """
    prediction = session.cache.get(request.key)
    usual = None if prediction is None else prediction.object_diameter
    given = request.controls.tiling.diameter
    sizes: list[float | None] = [] if given is None else [None]
    if usual is not None:
        height, width = request.plane.shape
        shown = height * width * _gain(session, request, usual) ** 2
        sizes += [_rounded(usual * factor) for factor in FACTORS if shown / factor**2 <= MOST_SHOWN]
    found = []
    for size in sizes:
        tiling = replace(request.controls.tiling, diameter=size)
        try:
            found.append(session.request(replace(request.controls, tiling=tiling), request))
        except FastSAMError:  # a model that does not know at which size it knows objects
            continue
    return found


def try_sizes(session: Session, result: Result, others: Sequence[Request], into: list[Remedy]) -> Iterator[str]:
    """Ask for the same with other object sizes; yields what comes next. For any thread.

    Parameters
    ----------
    session
        Keeps what the network says: a size that is chosen is answered at once.
    result
        What gave little.
    others
        From `other_sizes`.
    into
        Gets what would give clearly more than that, if anything would.
    """
    request = result.request
    now = result.count if request.controls.task == "everything" else _found(session, request)[0]
    best: tuple[float, Remedy] | None = None
    for other in others:
        try:
            yield from session.work(other, user_initiated=False)
        except FastSAMError:
            continue
        count, sureness = _found(session, other)
        if count >= _enough(request, now) and (best is None or sureness > best[0]):
            best = sureness, Remedy(diameter=other.controls.tiling.diameter or 0.0, more=count - now)
    if best is not None:
        into.append(best[1])


def _enough(request: Request, now: int) -> int:
    """Return how many objects are clearly more: at prompts each counts."""
    return max(ENOUGH * now, now + ENOUGH) if request.controls.task == "everything" else now + 1


def _found(session: Session, request: Request) -> tuple[int, float]:
    """Return how many objects there are, and the sum of their scores."""
    prediction = session.cache.get(request.key)
    if prediction is None:
        return 0, 0.0
    if request.controls.task == "everything":
        found = prediction.objects(request.controls.thresholds, no_descriptors)
        return len(found), float(sum(found.scores))
    drawn = predictor_of(request).drawn(session.kept, request)
    scores = [one.score for one in ([] if drawn is None else drawn.selections) if one.crop is not None]
    return len(scores), float(sum(scores))


def _gain(session: Session, request: Request, usual: float) -> float:
    """Return at how many pixels of the input a pixel of the plane was shown."""
    shown = session.kept.networks.model_for(request).card.shown_diameter
    return 1.0 if shown is None else shown / usual


def _rounded(size: float) -> float:
    return float(round(size)) if size >= 10 else round(size, 1)
