"""What is kept of the network's answers, and what goes first."""

from __future__ import annotations

import threading
from dataclasses import dataclass

import pytest

from napari_fastsam.layers.answers.cache import PredictionCache


@dataclass
class Kept:
    """As large as it says: the cache asks for nothing else."""

    nbytes: int


@pytest.fixture
def cache():
    cache = PredictionCache(limit=100)
    for key in "abc":
        cache.put(key, Kept(30))
    return cache


def test_what_fits_stays(cache):
    assert [cache.get(key) is not None for key in "abc"] == [True, True, True]
    assert len(cache) == 3


def test_the_one_that_was_not_asked_for_the_longest_goes_first(cache):
    cache.get("a")
    cache.put("d", Kept(30))
    assert [cache.get(key) is not None for key in "abcd"] == [True, False, True, True]


def test_the_latest_stays_even_if_it_alone_takes_more(cache):
    cache.put("large", Kept(1000))
    assert len(cache) == 1
    assert cache.get("large") is not None


def test_looks_that_grew_are_counted_as_they_are_now(cache):
    cache.get("a").nbytes = 60
    cache.put("d", Kept(10))
    assert len(cache) == 3
    assert cache.get("b") is None


def test_forget_what_is_outdated(cache):
    cache.forget(lambda key: key in "ab")
    assert [cache.get(key) is not None for key in "abc"] == [False, False, True]


def test_threads_do_not_disturb_each_other():
    cache = PredictionCache(limit=500)
    failures = []

    def use(first: int) -> None:
        try:
            for i in range(first, first + 3000):
                cache.put(i % 50, Kept(20))
                cache.get((i * 7) % 50)
                if i % 97 == 0:
                    cache.forget(lambda key: key % 2 == 0)
        except Exception as error:  # noqa: BLE001 - whatever it is, the test says it
            failures.append(error)

    threads = [threading.Thread(target=use, args=(n * 1000,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert len(cache) <= 25
