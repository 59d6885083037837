"""A controller with everything around it played by the test: without Qt, a viewer or a network."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from napari_fastsam.core.prompts.prompts import Prompts
from napari_fastsam.errors import ImageError
from napari_fastsam.layers.answers.controller import Controller
from napari_fastsam.layers.answers.request import Controls, Request
from napari_fastsam.layers.answers.results import Result, SegmentedObject
from napari_fastsam.layers.answers.screen import State
from napari_fastsam.layers.planes.plane import Plane
from napari_fastsam.layers.prompts.collecting import ReadPrompts

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

    def work_changed(self, work, cancelled=False) -> None:
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
