"""From what there is to tell to words: what the status says of every state of the dock."""

from __future__ import annotations

from typing import NamedTuple

from napari_fastsam.layers.answers.request import Request
from napari_fastsam.layers.answers.results import Result
from napari_fastsam.layers.answers.screen import State, Status
from napari_fastsam.widgets.common.headline import Mood
from napari_fastsam.widgets.segment import messages


class Words(NamedTuple):
    """A message, what else there is to say, and what kind of message it is."""

    message: str
    details: tuple[str, ...] = ()
    mood: Mood = Mood.NEXT


_FIXED = {
    State.NO_IMAGE: messages.NO_IMAGE,
    State.NOTHING_SHOWN: "",
    State.ALREADY_ADDED: messages.ALREADY_ADDED,
    State.LOADING_FIRST: messages.LOADING_FIRST,
    State.CANCELLED: messages.CANCELLED,
    State.DOWNLOAD_CANCELLED: messages.DOWNLOAD_CANCELLED,
    State.BUSY: messages.STILL_BUSY,
    State.NOTHING_TO_ADD: messages.NOTHING_TO_ADD,
    State.STILL_LINKING: messages.STILL_LINKING,
    State.STILL_FOLLOWING: messages.STILL_FOLLOWING,
}


_MOODS = {
    State.NO_IMAGE: Mood.NEXT,
    State.LOADING_FIRST: Mood.WORKING,
    State.WORKING: Mood.WORKING,
    State.FAILED: Mood.WRONG,
    State.NOTHING_TO_ADD: Mood.NOTHING,
    State.STILL_LINKING: Mood.NOTHING,
    State.STILL_FOLLOWING: Mood.NOTHING,
    State.ALREADY_ADDED: Mood.FOUND,
}


def present(status: Status, tool: str | None = None) -> Words:
    """Return what to say of a status: what there is, and what to do next with the tool that is chosen."""
    request, result, state = status.request, status.result, status.state
    mood = _MOODS.get(state, Mood.NEXT)
    if state in _FIXED:
        return Words(_FIXED[state], (), mood)
    if state is State.ANSWERED and result is not None:
        details = (*result.unanswered, messages.took(result, status.network_seconds))
        return Words(messages.summary(result), details, _mood_of(result))
    if state is State.NOTHING_ASKED and request is not None:
        return Words(messages.no_prompts(request, tool), request.read.left_out)
    if state is State.LIVE_IS_OFF and request is not None:
        return Words(messages.live_is_off(request))
    if state is State.WORKING and result is not None and result.tiles is not None:
        return Words(f"{messages.shaped(result)}{status.text}", result.unanswered, mood)
    if state is State.WAITS_FOR_RUN and request is not None:
        return _waits_for_run(request, result)
    return Words(status.text, (), mood)


def _mood_of(result: Result) -> Mood:
    """Return what kind of message an answer is."""
    if not result.complete:
        return Mood.WORKING
    return Mood.FOUND if result.count else Mood.NOTHING


def _waits_for_run(request: Request, result: Result | None) -> Words:
    """Say that the rest takes minutes, and comes when it is asked for."""
    if request.searches_tiles:
        return Words(messages.LARGE_SEARCH, () if result is None else result.unanswered)
    return Words(messages.LARGE_PLANE) if result is None else Words(messages.summary(result), result.unanswered)
