"""From what there is to tell to words: what the status says of every state of the dock."""

from __future__ import annotations

from napari_fastsam.layers.answers.request import Request
from napari_fastsam.layers.answers.results import Result
from napari_fastsam.layers.answers.screen import State, Status
from napari_fastsam.widgets.segment import messages

Words = tuple[str, tuple[str, ...]]
"""A message, and its details."""

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


def present(status: Status) -> Words:
    """Return what to say of a status."""
    request, result = status.request, status.result
    if status.state in _FIXED:
        return _FIXED[status.state], ()
    if status.state is State.ANSWERED and result is not None:
        return messages.summary(result, status.network_seconds), result.unanswered
    if status.state is State.NOTHING_ASKED and request is not None:
        return messages.no_prompts(request), request.read.left_out
    if status.state is State.LIVE_IS_OFF and request is not None:
        return messages.live_is_off(request), ()
    if status.state is State.WAITS_FOR_RUN and request is not None:
        return _waits_for_run(request, result)
    return status.text, ()


def _waits_for_run(request: Request, result: Result | None) -> Words:
    """Say that the rest takes minutes, and comes when it is asked for."""
    if request.searches_tiles:
        return messages.LARGE_SEARCH, () if result is None else result.unanswered
    return (messages.LARGE_PLANE if result is None else messages.summary(result, 0.0)), ()
