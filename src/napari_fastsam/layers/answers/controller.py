"""From what the user wants now to an answer on the screen: request → in the cache? → work → show.

No Qt and no viewer here: what is set, what shows answers and what runs work in a thread are given to the controller.
It never shows a stale answer, because when work ends it asks again what is wanted *then*.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from napari_fastsam.errors import FastSAMError
from napari_fastsam.layers.answers.asking import Asking
from napari_fastsam.layers.answers.screen import MakeJobs, Screen, State, Status
from napari_fastsam.layers.answers.work import Failure, RunSummary, Work, error_message, same_place
from napari_fastsam.model.weights.weights import DownloadCancelled

if TYPE_CHECKING:
    from napari.layers import Labels, Layer

    from napari_fastsam.layers.answers.request import Request
    from napari_fastsam.layers.answers.results import Result
    from napari_fastsam.layers.answers.session import Session

DRAWN_MS = 50
"""The dock is on the screen by then."""

REDRAW_SECONDS = 1.0
"""What a long run has found so far is drawn not more often than this."""


class Controller:
    """Decides what is asked, worked on and shown.

    Parameters
    ----------
    session
        Answers requests, and keeps what it knows.
    screen
        What is set, and what shows answers.
    make_jobs
        Makes what runs work, such as `widgets.common.runner.Runner`.

    Attributes
    ----------
    shown
        The result on the screen; None = none.
    work
        What is under way; None = nothing.
    failure
        What is not tried again by itself; None = nothing failed.
    asking
        What a request follows from.
    """

    def __init__(self, session: Session, screen: Screen, make_jobs: MakeJobs) -> None:
        self._session, self._screen = session, screen
        self._jobs = make_jobs(self._step_done, self._work_ended)
        self.shown: Result | None = None
        self.work: Work | None = None
        self.failure: Failure | None = None
        self.asking = Asking(session)
        self._drawn = 0.0

    # ---------------------------------------------------------------- what is asked

    def request(self) -> Request | None:
        """Freeze what is asked for; None, having said why, if nothing can be."""
        try:
            controls = self._screen.controls()
            if controls is None:
                self.shown = None
                self._screen.remove()
                self._tell(State.NO_IMAGE)
                return None
            return self.asking.freeze(controls)
        except FastSAMError as error:
            self.forget_shown()  # it is not what is asked for, and nothing can be
            self._screen.clear()
            self._tell(State.FAILED, text=str(error))
            return None

    def _begin_anew(self) -> None:
        """Take the view as it is now, try once more what failed, and find again what was added."""
        self.asking.begin_anew()
        self.failure = None
        if (request := self.request()) is not None:
            self._session.forget_if_painted_over(request)

    def update(self, user_initiated: bool = False) -> None:
        """Answer what is asked for now from what is kept, and have the network do what is missing."""
        request = self.request()
        if request is None:
            return
        if not (user_initiated or self._screen.is_live):
            self._tell(State.LIVE_IS_OFF, request)
        elif self.asking.was_added(request):
            self._show_nothing(State.ALREADY_ADDED)
        elif request.is_empty:
            self._show_nothing(State.NOTHING_ASKED, request)
        else:
            self._answer(request, user_initiated)

    def draw_at_once(self) -> bool:
        """Draw the objects that are asked for where that takes no more than pixels; returns whether it was done.

        What else belongs to an answer is left to `update`, which has to follow. For calls from within an event of
        napari's: a new layer, or the progress bar of the network, which handles events, has to wait until that is over.
        """
        shown = self.shown
        if shown is None or not self._screen.is_live or not self._screen.has_preview:
            return False
        request = self.request()
        if request is None or request.key != shown.request.key or request.is_empty:
            return False
        result = self._session.result(request)
        if result is None or not result.complete:
            return False
        self._screen.draw(result)
        return True

    def run(self) -> None:
        """Answer what is asked for now, also what failed or was added; while work is under way, cancel it."""
        if self.work is not None and self.work.kind == "warm up":
            self.work = replace(self.work, user_initiated=True)
            self._tell(State.LOADING_FIRST)
        elif self.work is not None:
            self._jobs.cancel()
        elif (request := self.request()) is not None and self.asking.adds_nothing(request):
            self._show_nothing(State.ALREADY_ADDED)
        else:
            self._begin_anew()
            self.update(user_initiated=True)

    def run_here(self) -> RunSummary:
        """Answer what is asked for now before returning; the summary has no message."""
        self._begin_anew()
        request = self.request()
        if request is None:
            return RunSummary()
        if request.is_empty:
            self._show_nothing(State.NOTHING_ASKED, request)
            return RunSummary(unanswered=request.read.left_out)
        start = time.perf_counter()
        try:
            for step in self._session.work(request):
                self._tell(State.WORKING, text=step)
        except FastSAMError as error:
            self._tell(State.FAILED, text=str(error))
            self._screen.report(error)
            return RunSummary()
        network = time.perf_counter() - start
        result = self._session.result(request)
        if result is None:
            return RunSummary()
        drawing = self._show(result, self._session.network_seconds)
        seconds = {"network": network, "selection": result.seconds, "drawing": drawing}
        return RunSummary(result.count, seconds, unanswered=result.unanswered)

    def step(self, direction: int) -> None:
        """Take a larger (+1) or smaller (-1) object for the prompt last touched."""
        request = self.request()
        if request is None:
            return
        text = self._session.step(request, direction)
        if self._session.result(request) is not None and not request.is_empty:
            self.update(user_initiated=True)
        self._tell(State.STEPPED, text=text)

    # ---------------------------------------------------------------- what is added, and what goes away

    def to_add(self) -> Result | None:
        """Return what can be added now, which nothing changes any more; None, having said why, if nothing can be."""
        shown = None if self.shown is None else self._session.frozen(self.shown)
        if shown is not None and shown.waiting:
            linking = shown.request.controls.task == "everything"
            if linking or (self.work is not None and self.work.kind == "segment"):
                self._tell(State.STILL_LINKING if linking else State.STILL_FOLLOWING)
                return None
        if shown is None or not shown.count:
            self._tell(State.NOTHING_TO_ADD)
            return None
        return shown

    def was_added(self, result: Result, layer: Labels) -> None:
        """Remember that a result is in a layer: it is not shown any more, and does not come again by itself."""
        self.forget_shown()
        self._screen.clear()
        self.asking.added(result, layer)

    def forget_shown(self) -> None:
        """There is nothing on the screen any more, by whatever took it away."""
        self.shown = None

    def image_changed(self, image: Any) -> None:
        """Forget what was kept of an image whose data changed; what is shown of it lies on pixels that are gone."""
        self._session.image_changed(image)
        if self.shown is not None and image in self.shown.request.controls.images:
            self._show_nothing(State.NOTHING_SHOWN)

    def layer_removed(self, layer: Layer, is_image: bool) -> None:
        """Forget what was kept of an image that is gone; offer once more what was added to a layer that is."""
        if is_image:
            self._session.image_changed(layer)
        self._session.layer_removed(layer)
        self.asking.layer_removed(layer)

    # ---------------------------------------------------------------- work beside the viewer

    def warm_up(self, model: str, device: str) -> None:
        """Load torch and the model behind the dock, so that the first prompt need not wait for them."""
        self.work = Work("warm up", model=(model, device))
        # to import torch takes the interpreter from whoever draws: first the dock, then that
        self._jobs.start(lambda: self._session.warm_up(model, device), "FastSAM", after_ms=DRAWN_MS)

    def download(self, fetch: Callable[[], Iterator[str]]) -> None:
        """Fetch a model, unless something else is under way."""
        if self.work is not None:
            self._tell(State.BUSY)
            return
        self._begin(Work("download"))
        self._jobs.start(fetch, "Download")

    def _begin(self, work: Work) -> None:
        self.work = work
        self._screen.work_changed(work)

    def _start(self, request: Request, user_initiated: bool) -> None:
        if self.work is not None:
            # its end asks again what is wanted then
            again, user_initiated = self._jobs.cancelled, user_initiated or self.work.user_initiated
            self.work = replace(self.work, user_initiated=user_initiated, asked_again=again)
            return
        self._begin(Work("segment", request, user_initiated))
        self._jobs.start(lambda: self._session.work(request, user_initiated), "FastSAM")

    def _step_done(self, text: str) -> None:
        """Say what work does, and show what a long one has found so far."""
        looked = self.shown is not None and bool(self.shown.missing)  # what prompts waited for may be there
        if looked or time.monotonic() - self._drawn >= REDRAW_SECONDS:
            self._show_so_far()
        self._tell(State.WORKING, result=self.shown, text=text)

    def _show_so_far(self) -> None:
        """Show what a run over all tiles has found, with what is drawn by now, unless something else is asked for."""
        working = None if self.work is None else self.work.request
        if working is None or not working.over_tiles or self._session.is_stale(working):
            return
        if (request := self.request()) is None or not request.over_tiles or request.key != working.key:
            return
        result = self._session.result(request)
        if result is not None:
            self._screen.show(result)
            self.shown, self._drawn = result, time.monotonic()

    def _work_ended(self, error: Exception | None, cancelled: bool) -> None:
        work, self.work = self.work, None
        self._screen.work_changed(None, cancelled)
        if work is None:
            return
        if cancelled and (error is None or isinstance(error, DownloadCancelled)):
            if work.asked_again:
                self.update(work.user_initiated)
                return
            self._tell(State.DOWNLOAD_CANCELLED if work.kind == "download" else State.CANCELLED)
        elif error is not None:
            self._work_failed(work, error)
        elif work.kind == "segment" and work.request is not None:
            self._answer_found(work, work.request)
        else:
            self.update(work.user_initiated)

    def _answer_found(self, work: Work, request: Request) -> None:
        """Answer what is wanted now that work is done, and say how long that took if it was for this."""
        self.update(work.user_initiated and not request.waits_for_run)
        shown = self.shown
        answered = shown is not None and self.work is None and shown.request.key == request.key
        if shown is not None and answered and (shown.complete or not request.searches_tiles):
            self._tell(State.ANSWERED, shown.request, shown, self._session.network_seconds)

    def _work_failed(self, work: Work, error: Exception) -> None:
        if work.request is not None and self._session.is_stale(work.request):
            self.update(work.user_initiated)  # what failed is not wanted any more
            return
        if work.kind != "download":
            self.failure = Failure.of(work, error)
            self.update()  # something else may be wanted by now
        if self.work is None:
            self._tell(State.FAILED, text=error_message(error))
        self._screen.report(error)

    # ---------------------------------------------------------------- from an answer to the screen

    def _answer(self, request: Request, user_initiated: bool) -> None:
        result = self._session.result(request)
        if result is not None:
            self._show(result)
        elif self.shown is not None and not same_place(self.shown.request, request):
            self._show_nothing(State.NOTHING_SHOWN)
        if result is not None and result.complete:
            return
        if self.failure is not None and not user_initiated and self.failure.concerns(request):
            self._tell(State.FAILED, request, text=self.failure.message)
        elif user_initiated or not waits_for_user(self._session, request, result):
            self._start(request, user_initiated)
        elif self.work is None:
            self._tell(State.WAITS_FOR_RUN, request, result)

    def _show(self, result: Result, network_seconds: float = 0.0) -> float:
        """Draw a result; returns the seconds that it took."""
        start = time.perf_counter()
        self._screen.show(result)
        self.shown = result
        self._tell(State.ANSWERED, result.request, result, network_seconds)
        return time.perf_counter() - start

    def _show_nothing(self, state: State, request: Request | None = None) -> None:
        self.shown = None
        self._screen.clear()
        self._tell(state, request)

    def _tell(
        self,
        state: State,
        request: Request | None = None,
        result: Result | None = None,
        network_seconds: float = 0.0,
        text: str = "",
    ) -> None:
        self._screen.tell(Status(state, request, result, network_seconds, text))


def waits_for_user(session: Session, request: Request, result: Result | None) -> bool:
    """Return whether the user has to ask for it: it takes minutes, and drawn prompts have their answers."""
    answered = request.over_tiles if result is None else not result.missing
    return answered and session.takes_minutes(request)
