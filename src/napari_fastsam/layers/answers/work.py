"""What the network is made to do: which work, what came of it, and what is not tried again."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from napari_fastsam.errors import DeviceError, FastSAMError, ModelError

if TYPE_CHECKING:
    from napari.layers import Labels

    from napari_fastsam.layers.answers.request import Request


@dataclass(frozen=True)
class RunSummary:
    """What a run did.

    Attributes
    ----------
    found
        Number of objects.
    seconds
        ``network``: what was not kept from an earlier run, with loading the model; ``selection``: stage two;
        ``drawing``.
    message
        What the dock's status says.
    unanswered
        A sentence for each prompt without an object of its own.
    """

    found: int = 0
    seconds: dict[str, float] = field(default_factory=dict)
    message: str = ""
    unanswered: tuple[str, ...] = ()


@dataclass(frozen=True)
class Work:
    """What is under way in a thread.

    Attributes
    ----------
    kind
        What.
    request
        What is answered by it.
    user_initiated
        Whether the user asked for it, and not a change of a layer or a slider.
    model
        Name and device of the model, where it does not answer a request.
    asked_again
        Whether something was asked after it had been cancelled, and before it had ended.
    """

    kind: Literal["warm up", "segment", "download"]
    request: Request | None = None
    user_initiated: bool = False
    model: tuple[str, str] | None = None
    asked_again: bool = False


@dataclass(frozen=True, eq=False)
class Added:
    """What was added last, all of it: it does not come again by itself.

    Attributes
    ----------
    request
        What it answered.
    layer
        Where it is.
    """

    request: Request
    layer: Labels


@dataclass(frozen=True)
class Failure:
    """What failed, so that live updates do not try it again and again; Run does.

    Attributes
    ----------
    model
        Name and device, if nothing can be done with that model there.
    asked
        What was asked for.
    message
        What the user was told.
    """

    model: tuple[str, str] | None
    asked: Hashable
    message: str

    @classmethod
    def of(cls, work: Work, error: Exception) -> Failure:
        """Return what a failure of work means."""
        request = work.request
        if request is None:
            return cls(work.model, None, error_message(error))
        chosen = request.controls.model, request.controls.device
        about_model = isinstance(error, ModelError | DeviceError) and not request.read.prompts.searches
        return cls(chosen if about_model else None, _asked(request), error_message(error))

    def concerns(self, request: Request) -> bool:
        """Whether a request would fail in the same way."""
        return self.asked == _asked(request) or self.model == (request.controls.model, request.controls.device)


def error_message(error: Exception) -> str:
    """Return what the user is told of an error."""
    if isinstance(error, FastSAMError):
        return str(error)
    return f"Something went wrong ({type(error).__name__}: {error}). Run tries again."


def same_place(request: Request, other: Request) -> bool:
    """Whether two requests ask for the same on one plane: the result of one may stay while the other runs."""
    ours, theirs = request.controls, other.controls
    same = ours.image == theirs.image and ours.task == theirs.task
    return same and (request.plane.index, request.plane.axes) == (other.plane.index, other.plane.axes)


def _asked(request: Request) -> Hashable:
    """Return what of a request makes the network and the text model work."""
    controls = request.controls
    return request.key, controls.texts, controls.text_encoder if controls.texts else None
