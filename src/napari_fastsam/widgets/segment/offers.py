"""Buttons below the first line that do what would give more, where little or nothing was found."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_fastsam.layers.answers.other_models import OTHER_MODEL
from napari_fastsam.layers.answers.remedies import lower_confidence
from napari_fastsam.widgets.common.headline import Offer

if TYPE_CHECKING:
    from napari_fastsam.layers.answers.remedies import Remedy
    from napari_fastsam.layers.answers.results import Result
    from napari_fastsam.layers.answers.session import Session
    from napari_fastsam.widgets.segment.panels import Panels


def offers_for(
    result: Result | None,
    panels: Panels,
    session: Session,
    size: Remedy | None = None,
    other_knows_better: bool = False,
) -> tuple[Offer, ...]:
    """Return what would help with an answer: set in the dock by a button, and answered as if set by hand.

    `size` is what a trial of other object sizes came to, `other_knows_better` one of the other model.
    """
    if result is None or not result.complete or result.request.stack is not None:
        return ()
    offers = []
    remedy = lower_confidence(result, session.kept.cache.get(result.request.key))
    if remedy is not None and remedy.confidence is not None:
        confidence, more = remedy.confidence, remedy.more
        offers.append(
            Offer(
                f"Lower confidence to {confidence:g} · {more} more",
                "As many objects are there of which the network is less sure.",
                lambda: _set(panels.thresholds.conf, confidence),
            )
        )
    if size is not None and size.diameter is not None:
        offers.append(_size_offer(size.diameter, size.more or 0, panels))
    if other_knows_better:
        offers.append(
            Offer(
                f"Use {OTHER_MODEL}",
                "The model for nuclei is not sure here; this one is, or knows more kinds of objects.",
                lambda: _set(panels.source.model, OTHER_MODEL),
            )
        )
    return tuple(offers)


def _size_offer(diameter: float, more: int, panels: Panels) -> Offer:
    thresholds = panels.thresholds
    text = f"Try objects of {thresholds.size_shown.text(diameter)}" if diameter else "Measure object size"
    tooltip = "So many more objects are found when they are taken to have this size: it was tried."
    return Offer(f"{text} · {more} more", tooltip, lambda: _set(thresholds.diameter, diameter))


def _set(control: object, value: object) -> None:
    control.value = value  # type: ignore[attr-defined]
