"""Likeness is finite, and does not depend on orders, units or brightness offsets."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from napari_fastsam.core.likeness.descriptors import FORM
from napari_fastsam.core.likeness.likeness import Population, usual_ridge, usual_threshold

WIDTH = FORM + 4

# whole numbers: what is the same in all objects is exactly the same, in every order
tables = arrays(np.float32, st.tuples(st.integers(4, 25), st.just(WIDTH)), elements=st.integers(-5, 5).map(float))
counts = st.integers(1, 3)


def likeness(vectors, examples, against=0):
    rows = vectors[:examples], vectors[examples : examples + against]
    return Population.of(vectors).likeness(*rows)


@given(tables, counts, st.integers(0, 1))
def test_likeness_is_finite_and_the_average_object_has_none(vectors, examples, against):
    values = likeness(vectors, examples, against)
    assert values.shape == (len(vectors),)
    assert np.isfinite(values).all()
    assert values.mean() == pytest.approx(0, abs=1e-6) or (values == 1).all()


@given(tables, counts, st.integers(0, 1), st.randoms(use_true_random=False))
def test_orders_do_not_matter(vectors, examples, against, chance):
    order = chance.sample(range(len(vectors)), len(vectors))
    given_order = chance.sample(range(examples), examples)
    straight = likeness(vectors, examples, against)
    rows = vectors[given_order], vectors[examples : examples + against]
    np.testing.assert_allclose(Population.of(vectors[order]).likeness(*rows), straight[order], rtol=1e-4, atol=1e-4)


@given(tables, counts, st.integers(-3, 3), st.integers(-50, 50))
def test_units_do_not_matter(vectors, examples, power, offset):
    straight = likeness(vectors, examples)
    np.testing.assert_allclose(likeness(vectors * 2.0**power, examples), straight, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(likeness(vectors + np.float32(offset), examples), straight, rtol=1e-4, atol=1e-4)


@given(tables)
def test_an_example_is_no_less_like_itself_than_the_average(vectors):
    assert likeness(vectors, 1)[0] >= likeness(vectors, 1).mean() - 1e-6


def test_nothing_is_like_what_counter_examples_alone_tell_apart():
    alike = np.ones((5, WIDTH), np.float32)
    assert likeness(alike, 1).tolist() == [1] * 5
    assert likeness(alike, 1, 1).tolist() == [0] * 5
    assert likeness(alike, 0).tolist() == [0] * 5
    assert likeness(np.zeros((0, WIDTH), np.float32), 0).shape == (0,)


def test_many_counter_examples_weigh_no_more_than_one_an_example():
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(60, WIDTH)).astype(np.float32)
    population = Population.of(vectors)
    once, often = (population.likeness(vectors[:1], np.repeat(vectors[1:2], n, axis=0)) for n in (1, 30))
    np.testing.assert_allclose(often, once, atol=1e-6)


def test_the_fewer_examples_the_more_is_held_back_and_the_less_is_asked_for():
    assert [usual_ridge(count) for count in (1, 3, 10, 100)] == [3, 1, 0.3, 0.3]
    thresholds = [usual_threshold(count) for count in range(1, 30)]
    assert thresholds == sorted(thresholds)
    assert (thresholds[0], thresholds[-1]) == (0.2, 0.5)
