"""What is asked for, time after time: a request follows from the one before, and from what was added since."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from napari_fastsam.layers.answers.work import Added
from napari_fastsam.layers.memento import Memento

if TYPE_CHECKING:
    from napari.layers import Labels, Layer

    from napari_fastsam.layers.answers.request import Controls, Request
    from napari_fastsam.layers.answers.results import Result
    from napari_fastsam.layers.answers.session import Session


class Asking:
    """Freezes requests, one after the other.

    Parameters
    ----------
    session
        Makes requests.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._asked: Request | None = None
        self._added: Added | None = None
        self._shown_once = False

    @property
    def asked(self) -> Request | None:
        """What was asked last; None = nothing was."""
        return self._asked

    def freeze(self, controls: Controls) -> Request:
        """Return what is asked for now, without what was searched for and is in a Labels layer.

        Raises
        ------
        FastSAMError
            If nothing can be asked.
        """
        self._asked = self._session.request(controls, self._asked)
        again = self._lasts(self._asked)
        if controls.task == "everything" and again and len(self._asked.read.prompts):
            # all of it is in a layer: what is drawn now adds to that
            return self._session.request(replace(controls, task="prompts", texts=(), exemplars=None), self._asked)
        if controls.task == "prompts" and again:
            # it would come again with the next prompt
            return self._session.request(replace(controls, texts=(), exemplars=None), self._asked)
        return self._asked

    def peek(self, controls: Controls) -> Request:
        """Return what is asked for now, all of it; errors are those of `freeze`."""
        return self._session.request(controls, self._asked)

    def begin_anew(self) -> None:
        """Take the view as it is when the next request is frozen, and find again what was added."""
        self._asked = self._added = None

    def added(self, result: Result, layer: Labels) -> None:
        """Remember that a result is in a layer."""
        self._added = Added(result.request, layer) if result.lasts else None
        self._shown_once = False

    def adds_nothing(self, request: Request) -> bool:
        """Whether a request would show again what was just added; asked a second time, that is what is wanted."""
        repeats = self.was_added(request) and not self._shown_once
        self._shown_once = True
        return repeats

    def memento(self) -> Memento:
        """Return what was added."""
        return Memento(None, self._added)

    def recall(self, memento: Memento) -> None:
        """Find again what was added since."""
        self._added = memento.rest

    def layer_removed(self, layer: Layer) -> None:
        """Forget what was added to a layer that is gone."""
        if self._added is not None and self._added.layer == layer:
            self._added = None

    def was_added(self, request: Request) -> bool:
        """Whether these very objects were added: prompts are cleared then, but what lasts would come again."""
        if request.controls.task == "everything":
            return self._lasts(request)
        return request.is_empty and self._asked is not None and self._asked is not request

    def _lasts(self, request: Request) -> bool:
        """Whether a request asks for what was added, apart from prompts in layers."""
        return (
            self._added is not None
            and request.commit_signature is not None
            and request.commit_signature == self._added.request.commit_signature
        )
