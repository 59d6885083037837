"""What the first line says of every state: words for a user, with what to do next."""

from __future__ import annotations

import pytest

from napari_fastsam.layers.answers.screen import State, Status
from napari_fastsam.widgets.common.headline import Mood
from napari_fastsam.widgets.segment import messages
from napari_fastsam.widgets.segment.presenter import present
from napari_fastsam.widgets.segment.tools import MODES

OURS = ("network result", "shown at", "alike by", "each its own", "outcome", "min_area", "max_area")
"""Words that say nothing to whoever did not write the program."""

WITHOUT_REQUEST = [
    State.NO_IMAGE,
    State.ALREADY_ADDED,
    State.LOADING_FIRST,
    State.CANCELLED,
    State.DOWNLOAD_CANCELLED,
    State.BUSY,
    State.NOTHING_TO_ADD,
    State.STILL_LINKING,
    State.STILL_FOLLOWING,
]


@pytest.mark.parametrize("state", WITHOUT_REQUEST, ids=lambda state: state.name)
def test_a_state_has_a_sentence_of_its_own(state):
    words = present(Status(state))
    assert words.message.endswith(".")
    assert [s for s in WITHOUT_REQUEST if present(Status(s)).message == words.message] == [state]


@pytest.mark.parametrize(
    ("state", "mood"),
    [
        (State.NO_IMAGE, Mood.NEXT),
        (State.WORKING, Mood.WORKING),
        (State.FAILED, Mood.WRONG),
        (State.NOTHING_TO_ADD, Mood.NOTHING),
        (State.ALREADY_ADDED, Mood.FOUND),
    ],
    ids=lambda value: value.name,
)
def test_the_icon_goes_with_the_state(state, mood):
    assert present(Status(state, text="the disk is full")).mood is mood


def test_what_work_says_of_itself_is_passed_on():
    assert present(Status(State.FAILED, text="the disk is full")).message == "the disk is full"


def test_each_tool_says_what_to_do_with_it():
    assert set(messages.WITH_TOOL) == {None, *MODES}
    assert len(set(messages.WITH_TOOL.values())) == len(messages.WITH_TOOL)


def test_no_message_has_a_word_of_ours():
    texts = [value for name, value in vars(messages).items() if name.isupper() and isinstance(value, str)]
    texts += messages.WITH_TOOL.values()
    texts.append(messages.areas_contradict("5 px", "3 px"))
    assert len(texts) > 25
    assert [text for text in texts if any(word in text for word in OURS)] == []
