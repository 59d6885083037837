"""What is asked, worked on and shown, step by step: without Qt, a viewer or a network."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from napari_fastsam.core.prompts.prompts import Prompts
from napari_fastsam.errors import ImageError, ModelError, ParameterError
from napari_fastsam.layers.answers.controller import Controller
from napari_fastsam.layers.answers.request import Controls, Request
from napari_fastsam.layers.answers.results import Result, SegmentedObject
from napari_fastsam.layers.answers.screen import State
from napari_fastsam.layers.planes.plane import Plane
from napari_fastsam.layers.prompts.collecting import ReadPrompts
from napari_fastsam.model.weights.weights import DownloadCancelled

SHAPE = (8, 8)


class Answers:
    """Stands for a session: a plane is in the cache once its work is done."""

    def __init__(self) -> None:
        self.points: list[tuple[float, float]] = []
        self.kept: set[object] = set()
        self.worked: list[Request] = []
        self.failing: Exception | None = None
        self.stale = False
        self.slow = False
        self.partial: dict[object, dict] = {}
        self.count = 1
        self.network_seconds = 0.0
        self.forgotten: list[object] = []
        self.in_place: list[Request] = []

    def request(self, controls: Controls, earlier: Request | None = None) -> Request:
        if controls.image == "broken":
            raise ImageError("There are no pixels here.")
        points = np.array(self.points, float).reshape(-1, 2)
        read = ReadPrompts(Prompts(points=points, texts=controls.texts), {"points": tuple(range(len(points)))})
        plane = Plane(SHAPE, SHAPE, (0, 1), (0, 0), (0, 0), 0, (0, 0, *SHAPE))
        return Request(controls, plane, read, None, (controls.image, controls.model), waits_for_run=self.slow)

    def result(self, request: Request) -> Result | None:
        if request.key not in self.kept:
            return None
        objects = tuple(SegmentedObject(i + 1, None, 0.9) for i in range(self.count))
        result = Result(request, objects, (), (), False, frozenset(), np.zeros(SHAPE, np.int32), 0.01)
        return replace(result, **self.partial.get(request.key, {}))

    def work(self, request: Request, user_initiated: bool = True):
        yield "looking"
        if self.failing is not None:
            raise self.failing
        self.worked.append(request)
        self.kept.add(request.key)
        self.partial.pop(request.key, None)
        self.network_seconds = 0.5
        yield "done"

    def warm_up(self, model: str, device: str):
        yield f"loading {model}"
        if self.failing is not None:
            raise self.failing

    def takes_minutes(self, request: Request) -> bool:
        return self.slow and (request.key not in self.kept or request.key in self.partial)

    def is_stale(self, request: Request) -> bool:
        return self.stale

    def frozen(self, result: Result) -> Result:
        return result

    def step(self, request: Request, direction: int) -> str:
        return f"point 1: candidate {2 + direction} of 3."

    def image_changed(self, image: object) -> None:
        self.forgotten.append(image)
        self.kept.clear()

    def layer_removed(self, layer: object) -> None:
        pass

    def forget_if_painted_over(self, request: Request) -> None:
        self.in_place.append(request)


class Desk:
    """Stands for the dock: what is set, what is shown and said; runs work when the test says so."""

    def __init__(self) -> None:
        self.set: Controls | None = Controls("cells")
        self.wrong: Exception | None = None
        self.is_live = self.has_preview = True
        self.drawn: Result | None = None
        self.removed = 0
        self.told: list[tuple[State, str]] = []
        self.reported: list[Exception] = []
        self.work_seen: list[str] = []
        self.answers = Answers()
        self.running = None
        self.cancelled = False
        self.controller = Controller(self.answers, self, self.make_jobs)

    # what shows answers

    def controls(self) -> Controls | None:
        if self.wrong is not None:
            raise self.wrong
        return self.set

    def draw(self, result: Result) -> None:
        self.drawn = result

    def show(self, result: Result) -> None:
        self.drawn = result

    def clear(self) -> None:
        self.drawn = None

    def remove(self) -> None:
        self.drawn, self.removed = None, self.removed + 1

    def tell(self, status) -> None:
        self.told.append((status.state, status.text))

    def report(self, error: Exception) -> None:
        self.reported.append(error)

    def work_changed(self, work) -> None:
        self.work_seen.append("" if work is None else work.kind)

    # what runs work

    def make_jobs(self, on_step, on_done):
        self.on_step, self.on_done = on_step, on_done
        return self

    def start(self, work, title, after_ms=0) -> None:
        assert self.running is None, "one piece of work at a time"
        self.running, self.cancelled = work(), False

    def cancel(self) -> None:
        self.cancelled = True

    def finish(self) -> None:
        """Let the work under way go on to its end."""
        work, error = self.running, None
        try:
            for step in () if self.cancelled else work:
                self.on_step(step)
        except Exception as raised:  # noqa: BLE001 - as the runner does
            error = raised
        self.running = None
        self.on_done(error, self.cancelled)

    @property
    def state(self) -> State:
        return self.told[-1][0]


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
def clicked(desk) -> Desk:
    """A click that was answered."""
    desk.answers.points.append((3, 3))
    desk.controller.update()
    desk.finish()
    assert desk.drawn is desk.controller.shown is not None
    return desk


# ---------------------------------------------------------------- asked, in the cache, worked on, shown


def test_without_an_image_nothing_is_asked(desk):
    desk.set = None
    desk.controller.update()
    assert (desk.state, desk.removed, desk.running) == (State.NO_IMAGE, 1, None)


def test_without_a_prompt_nothing_is_worked_on(desk):
    desk.controller.update()
    assert (desk.state, desk.running) == (State.NOTHING_ASKED, None)


def test_what_cannot_be_asked_is_said_and_not_reported(desk):
    for wrong, said in ((ParameterError("min is above max"), "min is above max"), (None, "There are no pixels here.")):
        desk.wrong, desk.set = wrong, Controls("broken")
        desk.controller.update()
        assert desk.told[-1] == (State.FAILED, said)
    assert desk.reported == []


def test_a_click_is_worked_on_and_shown_and_the_next_is_in_the_cache(desk):
    desk.answers.points.append((3, 3))
    desk.controller.update()
    assert desk.drawn is None
    assert desk.controller.work.kind == "segment"
    desk.finish()
    assert desk.state is State.ANSWERED
    assert desk.controller.work is None
    assert desk.work_seen == ["segment", ""]
    desk.answers.points.append((5, 5))
    desk.controller.update()
    assert len(desk.drawn.request.read.prompts) == 2
    assert desk.running is None
    assert len(desk.answers.worked) == 1


def test_what_changes_while_work_runs_is_answered_after_it_and_no_stale_answer_is_shown(desk):
    desk.answers.points.append((3, 3))
    desk.controller.update()
    desk.set = Controls("cells", model="another")
    desk.controller.update()
    first = desk.running
    desk.finish()
    assert desk.drawn is None, "it is for the other model"
    assert desk.running not in (None, first)
    desk.finish()
    assert desk.drawn.request.controls.model == "another"
    assert [r.controls.model for r in desk.answers.worked] == ["nuclei", "another"]


def test_a_result_stays_while_the_same_plane_is_worked_on_again_and_goes_for_another_image(clicked):
    clicked.set = Controls("cells", model="another")
    clicked.controller.update()
    assert clicked.drawn is not None
    clicked.finish()
    clicked.set = Controls("other cells")
    clicked.controller.update()
    assert clicked.drawn is clicked.controller.shown is None


def test_a_part_of_an_answer_is_shown_and_the_rest_worked_on(clicked):
    key = clicked.drawn.request.key
    clicked.answers.partial[key] = {"missing": ("a crop",)}
    clicked.controller.update()
    assert clicked.drawn.missing
    assert clicked.running is not None
    clicked.finish()
    assert clicked.drawn.complete


def test_while_live_is_off_only_run_answers(desk):
    desk.is_live = False
    desk.answers.points.append((3, 3))
    desk.controller.update()
    assert (desk.state, desk.running) == (State.LIVE_IS_OFF, None)
    desk.controller.run()
    desk.finish()
    assert desk.drawn is not None


def test_at_once_only_what_takes_no_more_than_pixels(clicked):
    clicked.answers.count = 2
    assert clicked.controller.draw_at_once()
    assert clicked.drawn.count == 2
    clicked.has_preview = False
    assert not clicked.controller.draw_at_once(), "a new layer has to wait until napari's event is over"
    clicked.has_preview = True
    clicked.set = Controls("cells", model="another")
    assert not clicked.controller.draw_at_once()
    assert clicked.running is None


# ---------------------------------------------------------------- run, cancel, wait


def test_run_while_it_runs_cancels(desk):
    desk.answers.points.append((3, 3))
    desk.controller.update()
    desk.controller.run()
    assert desk.cancelled
    desk.finish()
    assert (desk.state, desk.drawn, desk.controller.work) == (State.CANCELLED, None, None)


def test_run_while_the_model_is_loaded_runs_afterwards(desk):
    desk.is_live = False
    desk.controller.warm_up("nuclei", "cpu")
    desk.answers.points.append((3, 3))
    desk.controller.run()
    assert (desk.state, desk.cancelled) == (State.LOADING_FIRST, False)
    desk.finish()
    assert desk.controller.work.kind == "segment"
    desk.finish()
    assert desk.drawn is not None


def test_run_here_says_what_was_done(desk):
    assert desk.controller.run_here().found == 0
    desk.answers.points.append((3, 3))
    summary = desk.controller.run_here()
    assert (summary.found, desk.state, desk.running) == (1, State.ANSWERED, None)
    assert set(summary.seconds) == {"network", "selection", "drawing"}
    desk.answers.failing = ImageError("The disk was pulled out.")
    assert desk.controller.run_here().found == 0
    assert desk.told[-1] == (State.FAILED, "The disk was pulled out.")
    assert desk.reported == [desk.answers.failing]


def test_what_takes_minutes_waits_for_run(desk):
    desk.answers.slow = True
    desk.set = Controls("cells", task="everything")
    desk.controller.update()
    assert (desk.state, desk.running) == (State.WAITS_FOR_RUN, None)
    desk.controller.run()
    desk.finish()
    assert desk.drawn is not None


def test_what_a_long_run_has_found_so_far_is_drawn(desk, monkeypatch):
    desk.answers.slow = True
    desk.set = Controls("cells", task="everything")
    desk.controller.run()
    key = desk.controller.work.request.key
    desk.answers.kept.add(key)
    desk.answers.partial[key] = {"waiting": True}
    desk.on_step("tile 1 of 9")
    assert desk.drawn.waiting
    drawn = desk.drawn
    desk.on_step("tile 2 of 9")
    assert desk.drawn is drawn, "not more often than once in a while"
    assert desk.told[-1] == (State.WORKING, "tile 2 of 9")


# ---------------------------------------------------------------- what fails


def test_what_failed_is_not_tried_again_by_itself_but_by_run(desk):
    desk.answers.points.append((3, 3))
    desk.answers.failing = ModelError("mine.pt is damaged.")
    desk.controller.update()
    desk.finish()
    assert desk.reported == [desk.answers.failing]
    for _ in range(3):
        desk.answers.points.append((4, 4))
        desk.controller.update()
        assert desk.running is None
        assert desk.told[-1] == (State.FAILED, "mine.pt is damaged.")
    desk.answers.failing = None
    desk.controller.run()
    desk.finish()
    assert desk.drawn is not None
    assert desk.controller.failure is None


def test_a_model_that_cannot_be_loaded_is_not_tried_on_other_images_and_another_model_is(desk):
    desk.answers.failing = ModelError("mine.pt is damaged.")
    desk.controller.warm_up("mine.pt", "auto")
    desk.finish()
    desk.answers.points.append((3, 3))
    desk.set = Controls("other cells", model="mine.pt")
    desk.controller.update()
    assert desk.running is None
    desk.set = Controls("other cells", model="nuclei")
    desk.controller.update()
    assert desk.running is not None


def test_an_error_of_somebody_else_is_said_with_its_name(desk):
    desk.answers.points.append((3, 3))
    desk.answers.failing = KeyError("<b>x</b>")
    desk.controller.update()
    desk.finish()
    assert desk.reported == [desk.answers.failing]
    assert "KeyError" in desk.told[-1][1]
    assert "Run tries again" in desk.told[-1][1]


def test_the_failure_of_what_is_not_wanted_any_more_is_not_told(desk):
    desk.answers.points.append((3, 3))
    desk.answers.failing = ImageError("The pixels are gone.")
    desk.controller.update()
    desk.answers.stale = True
    desk.set = None
    desk.finish()
    assert desk.reported == []
    assert desk.state is State.NO_IMAGE


# ---------------------------------------------------------------- downloads


def test_a_download_is_said_and_followed_by_what_is_wanted(desk):
    desk.answers.points.append((3, 3))
    desk.controller.download(lambda: iter(["1 of 7 MB"]))
    assert desk.work_seen == ["download"]
    desk.controller.download(lambda: iter([]))
    assert desk.state is State.BUSY
    desk.finish()
    assert desk.controller.work.kind == "segment"


@pytest.mark.parametrize("error", [None, DownloadCancelled("cancelled")])
def test_a_download_that_is_cancelled(desk, error):
    desk.controller.download(lambda: iter([]))
    desk.running = None
    desk.on_done(error, True)
    assert (desk.state, desk.reported) == (State.DOWNLOAD_CANCELLED, [])


# ---------------------------------------------------------------- added, removed


def test_what_was_added_does_not_come_again_by_itself(desk):
    desk.set = Controls("cells", task="everything")
    desk.controller.update()
    desk.finish()
    result = desk.controller.to_add()
    desk.controller.was_added(result, "labels")
    assert desk.drawn is desk.controller.shown is None
    desk.controller.update()
    assert (desk.state, desk.drawn) == (State.ALREADY_ADDED, None)
    desk.controller.layer_removed("another layer", is_image=False)
    desk.controller.update()
    assert desk.drawn is None
    desk.controller.layer_removed("labels", is_image=False)
    desk.controller.update()
    assert desk.drawn is not None


def test_run_finds_again_what_was_added_when_it_is_pressed_twice(desk):
    desk.set = Controls("cells", task="everything")
    desk.controller.update()
    desk.finish()
    desk.controller.was_added(desk.controller.to_add(), "labels")
    desk.controller.run()
    assert (desk.state, desk.drawn) == (State.ALREADY_ADDED, None)
    desk.controller.run()
    assert desk.drawn is not None
    assert desk.answers.in_place, "pixels may have been painted over"


def test_words_that_were_added_do_not_come_again_with_the_next_prompt(desk):
    desk.set = Controls("cells", texts=("red cell",))
    desk.controller.update()
    desk.finish()
    desk.controller.was_added(desk.controller.to_add(), "labels")
    desk.answers.points.append((3, 3))
    desk.controller.update()
    assert desk.drawn.request.controls.texts == ()
    assert desk.controller.asking.peek(desk.set).controls.texts == ("red cell",)


@pytest.mark.parametrize(
    ("task", "working", "state"),
    [
        ("everything", False, State.STILL_LINKING),
        ("prompts", True, State.STILL_FOLLOWING),
        ("prompts", False, None),
    ],
)
def test_objects_of_a_stack_are_added_whole(clicked, task, working, state):
    clicked.set = Controls("cells", task=task)
    clicked.answers.partial["cells", "nuclei"] = {"waiting": True}
    clicked.controller.update()
    if not working:
        clicked.cancel()
        clicked.finish()
    result = clicked.controller.to_add()
    assert (result is None) == (state is not None)
    assert state is None or clicked.state is state


def test_nothing_to_add(desk):
    assert desk.controller.to_add() is None
    assert desk.state is State.NOTHING_TO_ADD


def test_other_pixels_take_what_is_shown_away(clicked):
    clicked.controller.image_changed("cells")
    assert clicked.drawn is clicked.controller.shown is None
    assert clicked.state is State.NOTHING_SHOWN
    assert clicked.answers.forgotten == ["cells"]


def test_larger_and_smaller_are_shown_and_said(clicked):
    clicked.controller.step(+1)
    assert clicked.told[-1] == (State.STEPPED, "point 1: candidate 3 of 3.")
    assert clicked.drawn is not None
