"""Which objects answer a search by looks: by words, or by examples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_fastsam.core.likeness.exemplars import Exemplars, are_among, example_likeness
from napari_fastsam.core.likeness.likeness import usual_threshold
from napari_fastsam.core.likeness.text import TextEncoder, text_similarities
from napari_fastsam.core.objects.instances import Instances
from napari_fastsam.errors import ParameterError

WITHIN = 0.5
"""Share of an object's pixels that must lie in the boxes that restrict a search."""

_LEAST_SPREAD = 0.15
"""Of the range of all similarities."""

_AS_GOOD = 0.02
"""Splits whose errors differ by less are equally good."""

_FEW = 3
"""Of fewer objects nothing can be said about where their similarities split."""


@dataclass(frozen=True)
class Search:
    """How like a query or the examples an object must be.

    Attributes
    ----------
    text_threshold
        Lowest similarity (cosine) to a text, from -1 to 1; None = where `split` says that the plane's objects fall into
        two groups.
    best_only
        Take the best object of each text alone, whatever its similarity: FastSAM's rule.
    example_threshold
        Lowest likeness to the examples: 0 = the plane's average object, 1 = the examples; None = what
        `core.likeness.likeness.usual_threshold` says of as many examples.

    Raises
    ------
    ParameterError
        If a threshold is no finite number, or the first not from -1 to 1.
    """

    text_threshold: float | None = None
    best_only: bool = False
    example_threshold: float | None = None

    def __post_init__(self) -> None:
        if self.text_threshold is not None and not -1 <= self.text_threshold <= 1:
            raise ParameterError(f"text_threshold is {self.text_threshold!r}; expected a cosine, from -1 to 1")
        if self.example_threshold is not None and not np.isfinite(self.example_threshold):
            raise ParameterError(
                f"example_threshold is {self.example_threshold!r}; expected a number, "
                f"where 0 is the average object and 1 the examples"
            )


@dataclass(frozen=True, eq=False)
class Matches:
    """How N objects compare with one text, or with all examples together.

    Attributes
    ----------
    similarities
        (N,) how like it each object is.
    threshold
        The lowest that counted; NaN where only the best counts.
    answers
        (K,) indices of the objects that answer it, most similar first.
    reason
        Why these, or why none.
    """

    similarities: NDArray[np.float32]
    threshold: float
    answers: NDArray[np.intp]
    reason: str

    def reason_for(self, i: int) -> str:
        """Return why the i-th object is an answer."""
        similarity = float(self.similarities[i])
        return f"{'one of the examples' if similarity < self.threshold else self.reason}: {similarity:.3f}"


def search_by_text(
    instances: Instances,
    texts: Sequence[str],
    encoder: TextEncoder,
    allowed: NDArray[np.bool_],
    search: Search,
) -> list[Matches]:
    """Put texts to objects; one that several texts could have goes to the one that it is most similar to.

    Parameters
    ----------
    instances
        N objects that know their image.
    texts
        Q of them.
    encoder
        Compares words and pictures.
    allowed
        (N,) objects that may be answers.
    search
        What counts as similar enough.
    """
    similarities = text_similarities(instances, texts, encoder)
    enough, thresholds = _enough(similarities, allowed, search)
    best = np.where(enough, similarities, -np.inf).argmax(axis=0) if len(instances) else np.zeros(0, np.intp)
    found = []
    for query, text in enumerate(texts):
        why = f"most like “{text}”" if search.best_only else f"like “{text}” by {thresholds[query]:.3f} or more"
        own = enough[query] & (best == query)
        reason = why if own.any() else _why_none(instances, allowed, enough[query], f"no object is {why}")
        found.append(Matches(similarities[query], thresholds[query], _ranked(similarities[query], own), reason))
    return found


def search_by_examples(
    instances: Instances, exemplars: Exemplars, allowed: NDArray[np.bool_], search: Search
) -> Matches:
    """Put examples, as `core.prompts.examples.exemplars_of` gives them, to objects; the rest is as in `search_by_text`.

    What is an example itself is part of the answer, and a counter-example is not, whatever their likeness.
    """
    likeness = example_likeness(instances, exemplars)
    any_example, threshold = len(exemplars.examples) > 0, search.example_threshold
    if threshold is None:
        threshold = usual_threshold(len(exemplars.examples))
    enough = (likeness >= threshold) | are_among(instances, exemplars, exemplars.examples)
    enough &= ~are_among(instances, exemplars, exemplars.counter_examples) & allowed & any_example
    why = f"like the examples by {threshold:.2f} or more"
    none = f"no object is {why}" if any_example else "there is no example to compare with"
    reason = why if enough.any() else _why_none(instances, allowed, enough, none)
    answers = _ranked(likeness, enough)
    return Matches(likeness.astype(np.float32), threshold, answers, reason)


def _enough(
    similarities: NDArray[np.float32], allowed: NDArray[np.bool_], search: Search
) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Return for (Q, N) similarities which are enough, and the threshold of each query."""
    count = len(similarities)
    if search.best_only:
        enough = np.zeros(similarities.shape, bool)
        if allowed.any():
            enough[np.arange(count), np.where(allowed, similarities, -np.inf).argmax(axis=1)] = True
        return enough, np.full(count, np.nan)
    if search.text_threshold is not None:
        thresholds = np.full(count, search.text_threshold)
    else:
        thresholds = np.array([split(row) for row in similarities])
    return (similarities >= thresholds[:, None]) & allowed, thresholds


def _ranked(similarities: NDArray[np.floating], which: NDArray[np.bool_]) -> NDArray[np.intp]:
    index = np.flatnonzero(which)
    return index[np.argsort(-similarities[index], kind="stable")]


def _why_none(instances: Instances, allowed: NDArray[np.bool_], claimed: NDArray[np.bool_], otherwise: str) -> str:
    if not len(instances):
        return "no object was found at these thresholds"
    if not allowed.any():
        return "every object is vetoed by a negative point or outside of the boxes"
    return "what is like it is more like another text" if claimed.any() else otherwise


def split(similarities: NDArray[np.float32]) -> float:
    """Return where (N,) similarities fall into two groups: the lowest of the upper one.

    The split of least error between two normal distributions (Kittler and Illingworth, Pattern Recognition 19, 1986),
    which finds a few that stand out from many as well as two halves (benchmarks/text_threshold.py compares it with
    others). What one query calls similar is another's background, so no fixed value serves all. Of very few objects, or
    where all are alike, the most similar alone are above it.
    """
    values = np.sort(similarities.astype(np.float64))
    count = len(values)
    if count < _FEW or values[-1] - values[0] < 1e-6:
        return float(similarities.max(initial=-1.0))
    size = np.arange(1, count)
    sums, squares = np.cumsum(values), np.cumsum(values**2)
    error = np.zeros(count - 1)
    # a group of one or two has next to no spread of its own
    least = ((values[-1] - values[0]) * _LEAST_SPREAD) ** 2
    for n, total, square in (
        (size, sums[:-1], squares[:-1]),
        (count - size, sums[-1] - sums[:-1], squares[-1] - squares[:-1]),
    ):
        variance = np.maximum(square / n - (total / n) ** 2, 0) + least
        share = n / count
        error += share * np.log(variance) / 2 - share * np.log(share)
    # of splits that are about as good, the one at the widest gap: two that are alike are not torn apart
    gaps = np.where(error <= error.min() + _AS_GOOD, np.diff(values), -1.0)
    return float(np.float32(values[int(gaps.argmax()) + 1]))


def within_boxes(instances: Instances, boxes: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Tell which instances have at least half of their pixels in one of (B, 4) boxes; all do if there are none."""
    if not len(boxes):
        return np.ones(len(instances), bool)
    inside = np.zeros(len(instances), bool)
    for y0, x0, y1, x1 in boxes - 0.5:  # edges to centres
        top, left, bottom, right = instances.boxes.T
        near = (top < y1 + 1) & (left < x1 + 1) & (bottom > y0) & (right > x0) & ~inside
        for i in np.flatnonzero(near).tolist():
            crop = instances.masks[i]
            rows = np.arange(crop.top, crop.window[0].stop)
            columns = np.arange(crop.left, crop.window[1].stop)
            held = np.ix_((rows >= y0) & (rows < y1), (columns >= x0) & (columns < x1))
            inside[i] = np.count_nonzero(crop.pixels[held]) >= WITHIN * max(crop.area, 1)
    return inside
