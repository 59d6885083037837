"""How many of all objects are wrong, from those that were checked: an estimate, and an interval that holds.

Objects are checked in two orders at once, both fixed before the first answer: by doubt, the most doubtful first, and at
random. Those checked by doubt are where errors are expected: as a sample of all they would tell far too many. So the
population falls into two strata. Of the first, all that stand above the last one checked by doubt, every answer is
known, and their errors are counted. Those checked at random that are not among them are a simple random sample, without
replacement, of the second, the rest; which objects belong to which stratum does not depend on any answer. The number
wrong in the rest has the exact interval of the hypergeometric distribution, by inverting two one-sided tests: what
Clopper and Pearson (*Biometrika* 26, 1934, 404–413) do for the binomial, and Buonaccorsi (*The American Statistician*
41, 1987, 215–218) describes for finite populations. It covers with at least its nominal level whatever the share of
errors, also where none was found.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import NDArray

from napari_fastsam.errors import ParameterError

LEVEL = 0.95
"""Of the interval. Who stops as soon as the interval is narrow enough looks at it many times; tests hold its coverage
to 0.90 then, too."""


@dataclass(frozen=True)
class ErrorEstimate:
    """How many objects are wrong.

    Attributes
    ----------
    objects
        How many there are.
    checked, found
        How many were checked, and how many of those are wrong.
    sampled
        How many of the rest were checked at random: what the estimate of the rest rests on.
    wrong
        The estimate of how many are wrong, those found among them; NaN if none was checked at random and some are
        unknown.
    low, high
        The interval, both ends included.
    """

    objects: int
    checked: int
    found: int
    sampled: int
    wrong: float
    low: int
    high: int


def estimate_errors(
    checked: NDArray[np.bool_],
    wrong: NDArray[np.bool_],
    by_doubt: NDArray[np.bool_],
    at_random: NDArray[np.bool_],
    level: float = LEVEL,
) -> ErrorEstimate:
    """Estimate how many objects are wrong.

    Parameters
    ----------
    checked, wrong
        (N,) which objects were checked, and which are known to be wrong.
    by_doubt, at_random
        (N,) which stand above the last one that was checked in each order; all of them checked.
    level
        Of the interval, 0 … 1.

    Raises
    ------
    ParameterError
        If an object counts as sampled that was not checked, or a level is none.
    """
    if not ((by_doubt | at_random) <= checked).all():
        raise ParameterError("an object that was not checked cannot count as checked by doubt or at random")
    count, known_wrong = len(checked), int(np.count_nonzero(wrong & checked))
    known_right = int(np.count_nonzero(checked)) - known_wrong
    counted = int(np.count_nonzero(wrong & by_doubt))
    rest = count - int(np.count_nonzero(by_doubt))
    sample = at_random & ~by_doubt
    size, hits = int(np.count_nonzero(sample)), int(np.count_nonzero(wrong & sample))
    low, high = hypergeometric_interval(hits, size, rest, level)
    # what was checked besides, in an order of the person's own, bounds the number and tells nothing of the others
    low, high = (int(np.clip(counted + end, known_wrong, count - known_right)) for end in (low, high))
    if size:
        middle = float(np.clip(counted + rest * hits / size, low, high))
    else:
        middle = float(known_wrong) if known_wrong + known_right == count else float("nan")
    return ErrorEstimate(count, known_wrong + known_right, known_wrong, size, middle, low, high)


def hypergeometric_interval(hits: int, sample: int, population: int, level: float = LEVEL) -> tuple[int, int]:
    """Return between which numbers of hits a finite population has.

    Parameters
    ----------
    hits
        How many of the sample are hits.
    sample
        How many were drawn without replacement.
    population
        How many there are.
    level
        The coverage at the least, 0 … 1.

    Returns
    -------
    low, high
        Both included: all numbers that neither of two one-sided tests at ``(1 − level) / 2`` rejects.

    Raises
    ------
    ParameterError
        If the numbers contradict each other.
    """
    if not 0 <= hits <= sample <= population:
        raise ParameterError(f"{hits} hits in a sample of {sample} from {population}: expected 0 ≤ hits ≤ sample ≤ all")
    if not 0 < level < 1:
        raise ParameterError(f"a level of {level} is none; expected one between 0 and 1, such as {LEVEL}")
    tail = (1 - level) / 2
    least, most = hits, population - (sample - hits)

    def enough(total: int) -> bool:
        return bool(scipy.stats.hypergeom.sf(hits - 1, population, total, sample) > tail)

    def few_enough(total: int) -> bool:
        return bool(scipy.stats.hypergeom.cdf(hits, population, total, sample) > tail)

    low = least if hits == 0 else _first(enough, least, most)
    high = most if hits == sample else _first(lambda total: not few_enough(total), least, most + 1) - 1
    return low, max(high, low)


def _first(holds: Callable[[int], bool], low: int, high: int) -> int:
    """Return the first whole number from low to high for which something holds that then holds for all; else high."""
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle + 1, high)
    return low
