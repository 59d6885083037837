"""What stands between answers and whoever shows them: what there is to tell, and what a dock has to do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from napari_fastsam.layers.answers.request import Controls, Request
    from napari_fastsam.layers.answers.results import Result
    from napari_fastsam.layers.answers.work import Work


class State(Enum):
    """What there is to tell the user."""

    NO_IMAGE = auto()
    NOTHING_ASKED = auto()
    NOTHING_SHOWN = auto()
    LIVE_IS_OFF = auto()
    ALREADY_ADDED = auto()
    WAITS_FOR_RUN = auto()
    LOADING_FIRST = auto()
    WORKING = auto()
    ANSWERED = auto()
    STEPPED = auto()
    FAILED = auto()
    CANCELLED = auto()
    DOWNLOAD_CANCELLED = auto()
    BUSY = auto()
    NOTHING_TO_ADD = auto()
    STILL_LINKING = auto()
    STILL_FOLLOWING = auto()


@dataclass(frozen=True, eq=False)
class Status:
    """What there is to tell, and what of.

    Attributes
    ----------
    state
        What.
    request, result
        What is asked for, and its answer, where it is about them.
    network_seconds
        What the network took; 0 where its result was kept.
    text
        What work or a step says of itself, or what is wrong.
    """

    state: State
    request: Request | None = None
    result: Result | None = None
    network_seconds: float = 0.0
    text: str = ""


class Screen(Protocol):
    """What is set, and what shows answers: a dock, or what a test has instead."""

    @property
    def is_live(self) -> bool:
        """Whether the preview follows what changes."""

    @property
    def has_preview(self) -> bool:
        """Whether the preview's layer is there."""

    def controls(self) -> Controls | None:
        """Return what is set; None without an image, a `FastSAMError` where it cannot be answered."""

    def draw(self, result: Result) -> None:
        """Draw the objects of a result, and nothing else."""

    def show(self, result: Result) -> None:
        """Draw a result, and what belongs to it."""

    def clear(self) -> None:
        """Draw nothing."""

    def remove(self) -> None:
        """Take away what draws: there is no image."""

    def tell(self, status: Status) -> None:
        """Say what is going on."""

    def report(self, error: Exception) -> None:
        """Show an error that the user has to notice."""

    def work_changed(self, work: Work | None, cancelled: bool = False) -> None:
        """Show that work has begun, or ended: None. Unless it was cancelled, all that changed is asked for next."""


class Jobs(Protocol):
    """Runs one piece of work at a time beside the viewer; `widgets.common.runner.Runner` does."""

    def start(self, work: Callable[[], Iterator[str]], title: str | None, after_ms: int = 0) -> None:
        """Start work."""

    def cancel(self) -> None:
        """Ask the work to end."""

    @property
    def cancelled(self) -> bool:
        """Whether the work under way was asked to end."""


MakeJobs = Callable[[Callable[[str], None], Callable[[Exception | None, bool], None]], Jobs]
"""From what is called with each step, and at the end, to what runs work."""
