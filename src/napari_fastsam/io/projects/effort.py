"""What the labels of a project took: counted from the annotations of each image, kept in its state, summed as CSV."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from napari_fastsam.core.judging.replay import by_hand
from napari_fastsam.core.objects.pixel_sums import pixel_sums
from napari_fastsam.core.results.provenance import entries_of
from napari_fastsam.core.review.effort import EFFORT_KEY, Effort
from napari_fastsam.io.projects.steps import Annotation
from napari_fastsam.io.results.efforts import LabelledImage

if TYPE_CHECKING:
    import pandas as pd

    from napari_fastsam.io.projects.state import ImageState

PROVENANCE_KEY = "napari-fastsam"
"""Where a layer's metadata say how labels came about."""

_REVIEW = "review"
"""The column with what was answered about each object."""


def effort_of(annotation: Annotation) -> dict[str, float]:
    """Return what labels took.

    Returns
    -------
    dict
        ``clicks`` and ``seconds``, without the pauses; ``checked`` objects, of these ``right`` ones; and how many are
        ``untouched``: they have all pixels that they were accepted with, and no others.
    """
    labels, table = annotation.labels, annotation.features
    if labels is None:
        return {}
    effort = Effort.from_json(annotation.metadata.get(EFFORT_KEY))
    answers = [] if table is None or _REVIEW not in table else [str(one) for one in table[_REVIEW].fillna("") if one]
    now = pixel_sums(labels)
    kept = by_hand(entries_of(annotation.metadata.get(PROVENANCE_KEY)), now, prompted_in(table)).kept
    counts = {"checked": len(answers), "right": answers.count("right"), "untouched": len(now) - len(kept)}
    return {**effort.to_json(), **counts}


def prompted_in(features: pd.DataFrame | None) -> set[int]:
    """Return the labels that answer a prompt, by a table of features."""
    if features is None or "prompt" not in features or "index" not in features:
        return set()
    return {int(row) for row in features["index"][features["prompt"].fillna("").astype(str) != ""]}


def labelled_images(names: Iterable[str], states: Iterable[ImageState]) -> list[LabelledImage]:
    """Return what each image took, those without any object and any work left out.

    Parameters
    ----------
    names
        Of the images.
    states
        How far each is.
    """
    found = []
    for name, state in zip(names, states, strict=True):
        told = state.effort
        effort = Effort.from_json({"clicks": int(told.get("clicks", 0)), "seconds": told.get("seconds", 0.0)})
        if state.objects or effort.clicks:
            checked, right = (int(told.get(key, 0)) for key in ("checked", "right"))
            untouched = int(told["untouched"]) if "untouched" in told else None
            found.append(LabelledImage(name, state.objects, effort, checked, right, untouched))
    return found
