"""In which order objects are checked: by doubt, with a share at random, both fixed before the first answer."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_fastsam.core.review.error_rate import ErrorEstimate, estimate_errors

NONE = -1
"""No object is left."""

DOUBTFUL = 0.02
"""The doubt below which nothing tells objects apart: of those chance picks, so that all of them tell of the others."""


@dataclass(frozen=True, eq=False)
class ReviewOrder:
    """Two orders of N objects.

    Attributes
    ----------
    by_doubt
        (M,) the doubtful objects, counted from 0 among all, in the order in which they are checked.
    at_random
        (N,) all objects, in a random order.
    """

    by_doubt: NDArray[np.intp]
    at_random: NDArray[np.intp]

    @classmethod
    def of(cls, labels: NDArray[np.integer], doubts: NDArray[np.floating], seed: int) -> ReviewOrder:
        """Order objects.

        Parameters
        ----------
        labels, doubts
            (N,) number of each object, and how doubtful it is. Of like doubt, chance decides.
        seed
            The same numbers and the same seed give the same order.
        """
        doubts = np.asarray(doubts, np.float64)
        order = np.lexsort((random_numbers(labels, seed + 1), -doubts))
        return cls(order[doubts[order] >= DOUBTFUL], np.argsort(random_numbers(labels, seed), kind="stable"))


@dataclass(frozen=True)
class Progress:
    """How far a review has come.

    Attributes
    ----------
    by_doubt, at_random
        How many objects of each order stand above the last one that was answered in it, that one included.
    answers
        How many answers were given in either.
    """

    by_doubt: int = 0
    at_random: int = 0
    answers: int = 0


def is_random_turn(answers: int, share: float) -> bool:
    """Return whether the next object is one at random, if a share of all is to be."""
    return bool(np.floor((answers + 1) * share + 1e-9) > np.floor(answers * share + 1e-9))


def next_object(
    order: ReviewOrder,
    progress: Progress,
    checked: NDArray[np.bool_],
    share: float,
    later: NDArray[np.bool_] | None = None,
) -> tuple[int, bool]:
    """Return which object is to be checked next, and whether chance picked it.

    Parameters
    ----------
    order, progress
        The orders, and how far the review has come.
    checked
        (N,) which objects have an answer.
    share
        Of objects that chance picks, 0 … 1.
    later
        (N,) which are left for the end.

    Returns
    -------
    object, at_random
        `NONE` if all were checked.
    """
    random_turn = is_random_turn(progress.answers, share)
    for waiting in ([] if later is None else [checked | later]) + [checked]:
        doubtful = order.by_doubt[~waiting[order.by_doubt]]
        if len(doubtful) and not random_turn:
            return int(doubtful[0]), False
        left = order.at_random[~waiting[order.at_random]]
        if len(left):
            return int(left[0]), True
    return NONE, True


def after_answer(order: ReviewOrder, progress: Progress, number: int, at_random: bool) -> Progress:
    """Return how far the review has come when an object was answered, in the order that it was picked in."""
    line, so_far = (order.at_random, progress.at_random) if at_random else (order.by_doubt, progress.by_doubt)
    reached = max(so_far, int(np.flatnonzero(line == number)[0]) + 1)
    if at_random:
        return Progress(progress.by_doubt, reached, progress.answers + 1)
    return Progress(reached, progress.at_random, progress.answers + 1)


def estimate(
    order: ReviewOrder, progress: Progress, checked: NDArray[np.bool_], wrong: NDArray[np.bool_]
) -> ErrorEstimate:
    """Estimate how many objects are wrong.

    An answer that was taken back, or an object left for later, ends what counts of an order.

    Parameters
    ----------
    order, progress
        The orders, and how far the review has come.
    checked, wrong
        (N,) which objects have an answer, and which of these are wrong.
    """
    by_doubt = _above(order.by_doubt, progress.by_doubt, checked)
    at_random = _above(order.at_random, progress.at_random, checked)
    return estimate_errors(checked, wrong, by_doubt, at_random)


def _above(line: NDArray[np.intp], reached: int, checked: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return which objects stand in an order above the last that was answered, as far as all of them are checked."""
    first = line[: min(reached, len(line))]
    gaps = np.flatnonzero(~checked[first])
    above = np.zeros(len(checked), bool)
    above[first[: gaps[0]] if len(gaps) else first] = True
    return above


def random_numbers(labels: NDArray[np.integer], seed: int) -> NDArray[np.uint64]:
    """Return a random number for each label that stays its own whatever other labels come and go.

    Such *permanent random numbers* (Ohlsson, in *Business Survey Methods*, 1995, 153–169) let a random sample grow one
    by one. They come from SplitMix64 (Steele, Lea and Flood, *OOPSLA* 2014, 453–472).

    Parameters
    ----------
    labels
        (N,) whole numbers.
    seed
        Another seed, other numbers.
    """
    with np.errstate(over="ignore"):
        z = np.asarray(labels).astype(np.int64).astype(np.uint64)
        for add in (np.uint64(seed % (1 << 64)), np.uint64(0x9E3779B97F4A7C15)):
            z = _mixed(z * np.uint64(0x9E3779B97F4A7C15) + add)
    return z


def _mixed(z: NDArray[np.uint64]) -> NDArray[np.uint64]:
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))
