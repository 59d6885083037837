"""Numbers of objects are stable while prompts come, move and go."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from napari_fastsam.layers.prompts.numbering import Numbering, PromptIdentity

PLANE = (0,)


def prompts(*keys: str) -> list[PromptIdentity]:
    return [PromptIdentity(key, ("point", row), key) for row, key in enumerate(keys)]


def test_numbers_count_from_1_in_order():
    assert Numbering().update(PLANE, prompts("a", "b", "c")) == [1, 2, 3]


def test_what_is_left_keeps_its_number_and_a_new_one_takes_the_lowest_free():
    numbering = Numbering()
    numbering.update(PLANE, prompts("a", "b", "c"))
    assert numbering.update(PLANE, prompts("b", "c")) == [2, 3]
    assert numbering.update(PLANE, prompts("b", "c", "d", "e")) == [2, 3, 1, 4]


def test_a_moved_prompt_keeps_its_number_even_where_a_lower_one_is_free():
    numbering = Numbering()
    numbering.update(PLANE, prompts("a", "b", "c"))
    numbering.update(PLANE, prompts("b", "c"))
    assert numbering.update(PLANE, prompts("b", "moved")) == [2, 3]


def test_a_moved_prompt_and_a_new_one_at_once():
    numbering = Numbering()
    numbering.update(PLANE, prompts("a", "b"))
    assert numbering.update(PLANE, [*prompts("a", "moved"), PromptIdentity("new", ("point", 2))]) == [1, 2, 3]


def test_kinds_are_told_apart_though_their_rows_are_equal():
    numbering = Numbering()
    numbering.update(PLANE, [PromptIdentity("a", ("point", 0)), PromptIdentity("box", ("box", 0))])
    assert numbering.update(PLANE, [PromptIdentity("other", ("box", 0))]) == [2]


def test_planes_are_numbered_apart_and_remembered():
    numbering = Numbering()
    numbering.update((0,), prompts("a", "b"))
    numbering.update((0,), prompts("b"))
    assert numbering.update((1,), prompts("z")) == [1]
    assert numbering.update((0,), prompts("b")) == [2]


def test_the_last_one_placed_moved_or_added_to_is_the_one_touched():
    numbering = Numbering()
    numbering.update(PLANE, prompts("a", "b"))
    assert numbering.touched(PLANE) == "b"
    numbering.update(PLANE, prompts("moved", "b"))
    assert numbering.touched(PLANE) == "moved"
    numbering.update(
        PLANE, [PromptIdentity("moved", ("point", 0), "moved"), PromptIdentity("b", ("point", 1), "b and one more")]
    )
    assert numbering.touched(PLANE) == "b"
    assert numbering.touched((7,)) is None


def test_steps_go_with_their_prompt():
    numbering = Numbering()
    numbering.update(PLANE, prompts("a", "b"))
    numbering.set_steps(PLANE, "b", -2)
    numbering.update(PLANE, prompts("a", "b", "c"))
    assert numbering.steps(PLANE, "b") == -2
    assert numbering.steps(PLANE, "a") == 0
    numbering.update(PLANE, prompts("a"))
    numbering.update(PLANE, prompts("a", "b"))
    assert numbering.steps(PLANE, "b") == 0, "another prompt at the same place starts from the best"


def test_after_clearing_numbers_begin_anew():
    numbering = Numbering()
    numbering.update(PLANE, prompts("a", "b"))
    numbering.forget(PLANE)
    assert numbering.update(PLANE, prompts("b")) == [1]


@given(st.lists(st.lists(st.integers(0, 8), unique=True), min_size=2, max_size=6))
def test_numbers_are_never_shared_and_never_change(states):
    numbering, before = Numbering(), {}
    for keys in states:
        named = [PromptIdentity(key, ("point", row)) for row, key in enumerate(keys)]
        now = dict(zip(keys, numbering.update(PLANE, named), strict=True))
        assert len(set(now.values())) == len(keys)
        assert all(number >= 1 for number in now.values())
        assert all(now[key] == number for key, number in before.items() if key in now)
        before = now
