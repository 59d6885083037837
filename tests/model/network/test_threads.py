"""Torch on one thread, and back."""

from __future__ import annotations

import threading

import pytest
import torch

from napari_fastsam.model.network.threads import on_one_thread


@pytest.fixture(autouse=True)
def two_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def threads_of_a_new_thread() -> int:
    """How many threads torch takes where it is called for the first time."""
    counts: list[int] = []
    new = threading.Thread(target=lambda: counts.append(torch.get_num_threads()))
    new.start()
    new.join()
    return counts[0]


def test_one_thread_within_and_as_many_as_before_afterwards():
    with on_one_thread():
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == 2
    assert threads_of_a_new_thread() == 2


def test_what_fails_within_leaves_nothing_behind():
    with pytest.raises(ZeroDivisionError), on_one_thread():
        raise ZeroDivisionError
    assert torch.get_num_threads() == threads_of_a_new_thread() == 2


def test_a_thread_that_begins_while_another_is_within_counts_as_before_too():
    counts: list[int] = []

    def click() -> None:
        with on_one_thread():
            counts.append(torch.get_num_threads())
        counts.append(torch.get_num_threads())

    with on_one_thread():
        other = threading.Thread(target=click)
        other.start()
        other.join()
    assert counts == [1, 2]
    assert torch.get_num_threads() == threads_of_a_new_thread() == 2
