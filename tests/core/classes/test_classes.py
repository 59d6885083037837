"""The list of classes: names, colours, keys, and what it refuses."""

import json

import pytest

from napari_fastsam.core.classes.classes import ClassList, ObjectClass
from napari_fastsam.errors import ParameterError


@pytest.fixture
def two() -> ClassList:
    return ClassList().with_new("mitotic").with_new("interphase")


def test_new_classes_get_keys_and_colours_of_their_own(two):
    nine = two
    for _ in range(8):
        nine = nine.with_new()

    assert [one.key for one in nine.classes] == [1, 2, 3, 4, 5, 6, 7, 8, 9, None]
    assert len({one.colour for one in nine.classes[:9]}) == 9
    assert nine.names[2:4] == ("class 3", "class 4")


def test_a_free_name_and_a_free_key_are_taken_after_one_was_deleted(two):
    shorter = two.with_new().without("mitotic")

    assert shorter.with_new().classes[-1] == ObjectClass("class 4", shorter.with_new().classes[-1].colour, 1)
    assert shorter.with_new("class 4").with_new().names[-1] == "class 5"


def test_two_classes_of_one_name_are_refused(two):
    with pytest.raises(ParameterError, match='two classes of the name "mitotic"'):
        two.renamed("interphase", " mitotic ")
    with pytest.raises(ParameterError, match="mitotic"):
        two.with_new("mitotic")


def test_a_key_of_two_classes_is_refused_and_a_key_taken_over_is_exchanged(two):
    with pytest.raises(ParameterError, match="key 1 belongs to both"):
        ClassList((ObjectClass("a", "#000000", 1), ObjectClass("b", "#000000", 1)))
    swapped = two.with_key("mitotic", 2)

    assert {one.name: one.key for one in swapped.classes} == {"mitotic": 2, "interphase": 1}


@pytest.mark.parametrize(
    ("name", "colour", "key", "said"),
    [
        (" ", "#000000", 1, "no name"),
        ("a", "red", 1, "#rrggbb"),
        ("a", "#000000", 0, "1 to 9"),
        ("a", "#000000", True, "1 to 9"),
        ("a", "#000000", "1", "1 to 9"),
    ],
)
def test_what_is_no_class_is_refused(name, colour, key, said):
    with pytest.raises(ParameterError, match=said):
        ObjectClass(name, colour, key)


def test_renaming_and_deleting_the_chosen_class_changes_what_is_chosen(two):
    chosen = two.choosing("mitotic")

    assert chosen.renamed("mitotic", "dividing").chosen == "dividing"
    assert chosen.without("mitotic").chosen == ""
    assert chosen.without("interphase").chosen == "mitotic"
    with pytest.raises(ParameterError, match='no class "dead"'):
        two.without("dead")
    with pytest.raises(ParameterError, match="dead"):
        two.choosing("dead")


def test_a_list_survives_json(two):
    chosen = two.choosing("interphase").with_key("mitotic", None)

    assert ClassList.from_json(json.loads(json.dumps(chosen.to_json()))) == chosen


@pytest.mark.parametrize("content", [None, [], {}, {"classes": 3}, {"classes": [{}]}, {"classes": ["a"]}])
def test_other_json_is_refused(content):
    with pytest.raises(ParameterError):
        ClassList.from_json(content)
