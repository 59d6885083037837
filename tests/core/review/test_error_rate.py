"""How many objects are wrong: the interval covers the truth, whatever the share of errors and the order."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import hypergeom

from napari_fastsam.core.review.error_rate import estimate_errors, hypergeometric_interval
from napari_fastsam.core.review.order import Progress, ReviewOrder, after_answer, estimate, next_object
from napari_fastsam.errors import ParameterError


def review(wrong, doubts, seed, share, most, enough=None):
    """Let a person check objects, who stops after `most`, or once the interval is narrower than `enough` of all."""
    order, progress = ReviewOrder.of(np.arange(1, len(wrong) + 1), doubts, seed), Progress()
    checked = np.zeros(len(wrong), bool)
    for count in range(most):
        number, at_random = next_object(order, progress, checked, share)
        if number < 0:
            break
        checked[number] = True
        progress = after_answer(order, progress, number, at_random)
        if enough is not None and count % 25 == 24:
            said = estimate(order, progress, checked, checked & wrong)
            if said.high - said.low <= enough * len(wrong):
                break
    return estimate(order, progress, checked, checked & wrong)


def coverage(size, rate, informative, seed=0, rounds=100, share=1 / 3, most=90, enough=None):
    """Return in how many of many reviews the interval holds the truth, and the mean error of the estimate."""
    random = np.random.default_rng(seed)
    held, errors = 0, []
    for i in range(rounds):
        wrong = random.random(size) < rate
        doubts = random.random(size) + informative * wrong
        said = review(wrong, doubts, i, share, most, enough)
        held += said.low <= wrong.sum() <= said.high
        errors.append(said.wrong - wrong.sum())
    return held / rounds, np.array(errors)


@pytest.mark.parametrize("rate", [0.0, 0.005, 0.01, 0.05, 0.2])
@pytest.mark.parametrize("informative", [0.0, 0.5, 5.0, -5.0])
@pytest.mark.parametrize("size", [40, 400, 4000])
def test_the_interval_holds_the_truth_in_nine_of_ten_reviews(size, rate, informative):
    held, _ = coverage(size, rate, informative)

    assert held >= 0.9


@pytest.mark.parametrize("rate", [0.005, 0.05, 0.2])
@pytest.mark.parametrize("informative", [0.0, 5.0])
def test_it_holds_for_who_stops_as_soon_as_it_is_narrow_enough(rate, informative):
    held, _ = coverage(600, rate, informative, rounds=60, most=200, enough=0.12)

    assert held >= 0.9


def test_the_estimate_is_unbiased_though_the_doubtful_come_first():
    _, errors = coverage(400, 0.1, 0.7, rounds=400)

    assert abs(errors.mean()) < 3 * errors.std() / np.sqrt(len(errors))


def test_those_checked_by_doubt_alone_say_nothing_of_the_others():
    wrong = np.arange(100) < 10
    said = review(wrong, doubts=wrong.astype(float), seed=0, share=0.0, most=10)

    assert (said.found, said.low, said.high) == (10, 10, 100)
    assert np.isnan(said.wrong)


def test_no_error_found_still_leaves_an_upper_bound():
    said = review(np.zeros(1000, bool), np.zeros(1000), seed=1, share=1.0, most=100)

    assert (said.found, said.wrong, said.low) == (0, 0, 0)
    assert 25 <= said.high <= 36  # the rule of three, a little more for 97.5 %


def test_all_checked_leaves_no_doubt():
    wrong = np.arange(30) % 7 == 0
    said = review(wrong, np.random.default_rng(0).random(30), seed=0, share=1 / 3, most=99)

    assert said.low == said.high == said.wrong == wrong.sum()


def test_an_answer_taken_back_ends_what_counts_of_its_order():
    order = ReviewOrder.of(np.arange(1, 101), np.zeros(100), 0)
    checked = np.zeros(100, bool)
    checked[order.at_random[:50]] = True
    whole = estimate(order, Progress(0, 50, 50), checked, np.zeros(100, bool))
    checked[order.at_random[20]] = False
    part = estimate(order, Progress(0, 50, 50), checked, np.zeros(100, bool))

    assert (whole.sampled, part.sampled) == (50, 20)
    assert part.high > whole.high


def test_what_is_checked_besides_bounds_the_number_only():
    checked = np.zeros(100, bool)
    checked[:30] = True
    nothing = np.zeros(100, bool)
    said = estimate_errors(checked, checked & (np.arange(100) < 10), nothing, nothing)

    assert (said.low, said.high) == (10, 80)


def test_no_object_at_all_is_an_answer_too():
    nothing = np.zeros(0, bool)
    said = estimate_errors(nothing, nothing, nothing, nothing)

    assert (said.wrong, said.low, said.high) == (0, 0, 0)


@given(st.data())
def test_the_interval_is_that_of_the_two_tests_themselves(data):
    population = data.draw(st.integers(1, 60))
    sample = data.draw(st.integers(0, population))
    hits = data.draw(st.integers(0, sample))
    totals = np.arange(hits, population - sample + hits + 1)
    kept = totals[
        (hypergeom.sf(hits - 1, population, totals, sample) > 0.025)
        & (hypergeom.cdf(hits, population, totals, sample) > 0.025)
    ]

    assert hypergeometric_interval(hits, sample, population) == (kept.min(), kept.max())


@pytest.mark.parametrize(("numbers", "said"), [((5, 4, 10), "5 hits"), ((1, 11, 10), "sample of 11")])
def test_numbers_that_contradict_each_other_are_refused(numbers, said):
    with pytest.raises(ParameterError, match=said):
        hypergeometric_interval(*numbers)


def test_a_level_that_is_none_is_refused():
    with pytest.raises(ParameterError, match=r"1\.0 is none"):
        hypergeometric_interval(1, 2, 3, level=1.0)


def test_an_object_that_was_not_checked_counts_nowhere():
    some = np.array([True, False])
    with pytest.raises(ParameterError, match="not checked"):
        estimate_errors(some, some, ~some, some)
