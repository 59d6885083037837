"""In which order objects are checked."""

from __future__ import annotations

import numpy as np

from napari_fastsam.core.review.order import (
    NONE,
    Progress,
    ReviewOrder,
    after_answer,
    is_random_turn,
    next_object,
    random_numbers,
)


def test_a_share_of_turns_is_chance():
    for share in (0.0, 1 / 3, 0.5, 1.0):
        assert sum(is_random_turn(i, share) for i in range(300)) == round(300 * share)


def test_the_most_doubtful_come_first_and_chance_picks_between():
    order, progress = ReviewOrder.of(np.arange(1, 7), np.array([0.1, 0.9, 0.5, 0.3, 0.2, 0.8]), 4), Progress()
    checked = np.zeros(6, bool)
    picked = []
    while True:
        number, at_random = next_object(order, progress, checked, 1 / 3)
        if number == NONE:
            break
        checked[number] = True
        picked.append((number, at_random))
        progress = after_answer(order, progress, number, at_random)

    assert [at_random for _, at_random in picked] == [False, False, True] * 2
    assert sorted(number for number, _ in picked) == list(range(6))
    by_doubt = [number for number, at_random in picked if not at_random]
    assert by_doubt == [i for i in (1, 5, 2, 3, 4, 0) if i in by_doubt]


def test_where_nothing_is_doubtful_chance_picks_all():
    order = ReviewOrder.of(np.arange(1, 7), np.array([0.0, 0.5, 0.0, 0.01, 0.0, 0.0]), 4)
    assert order.by_doubt.tolist() == [1]
    assert sorted(order.at_random.tolist()) == list(range(6))

    checked = np.zeros(6, bool)
    assert next_object(order, Progress(), checked, 0.0) == (1, False)
    checked[1] = True
    assert next_object(order, Progress(1, 0, 1), checked, 0.0)[1]


def test_what_is_left_for_later_comes_when_nothing_else_is_left():
    order = ReviewOrder.of(np.arange(1, 4), np.array([0.9, 0.5, 0.1]), 0)
    later = np.array([True, False, False])
    checked = np.array([False, True, False])

    assert next_object(order, Progress(), checked, 0.0, later)[0] == 2
    assert next_object(order, Progress(), checked | [False, False, True], 0.0, later)[0] == 0


def test_a_label_keeps_its_random_number_whatever_others_come_and_go():
    few, many = np.array([3, 9, 70000]), np.arange(1, 80000)

    assert (random_numbers(few, 5) == random_numbers(many, 5)[few - 1]).all()
    assert (random_numbers(few, 5) != random_numbers(few, 6)).all()


def test_random_numbers_are_spread_evenly():
    numbers = random_numbers(np.arange(1, 20001), 1).astype(float) / 2**64
    counts, _ = np.histogram(numbers, 20, (0, 1))

    assert abs(counts - 1000).max() < 130  # four standard deviations
    assert abs(np.corrcoef(numbers[1:], numbers[:-1])[0, 1]) < 0.03
