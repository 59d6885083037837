"""Requests about a stack: all its planes, or those that an object is followed through."""

from __future__ import annotations

import time
from collections.abc import Iterator

from napari_fastsam.core.objects.instances import Instances
from napari_fastsam.layers.answers.kept import Kept
from napari_fastsam.layers.answers.predictors import Predictor, predictor_of
from napari_fastsam.layers.answers.request import Controls, Planes, Request
from napari_fastsam.layers.answers.results import DrawnAnswer, Result
from napari_fastsam.layers.answers.stack_results import followed_result, linked_result
from napari_fastsam.layers.answers.steps import Step
from napari_fastsam.layers.planes.plane import Plane
from napari_fastsam.layers.prompts.layers import ReadPrompts
from napari_fastsam.model.asking.stack import outward


class WholeStack(Predictor):
    """All planes along an axis; those with prompts are predicted by what serves single planes."""

    name = key = "stack"
    begins_in_view = False

    def serves(self, controls: Controls, plane: Plane) -> bool:
        """Serve stacks."""
        return controls.region == "stack"

    def waits_for_run(self, controls: Controls, read: ReadPrompts) -> bool:
        """Begin when prompts or controls change."""
        return False

    def work(self, kept: Kept, request: Request, user_initiated: bool) -> Iterator[str]:
        """Look at planes, the nearest first: all of them, or those that an object is followed through."""
        controls, run, stack = request.controls, kept.runs.over_planes(request), _stack_of(request)
        if run is None:
            yield f"loading {controls.model}"
            model = kept.networks.model_for(request)
            yield "choosing the scale of the stack"
            run = kept.runs.begin_planes(model, request, stack)
        for single in stack.by_position.values():
            yield from predictor_of(single).work(kept, single, user_initiated)
        start = time.perf_counter()
        for position in outward(stack.count, stack.current) if controls.task == "everything" else ():
            if position not in run.kept:
                seen = len(run.kept)
                yield Step(f"plane {position + 1}, {seen} of {stack.count} seen", seen, stack.count)
                run.predict(position)
                kept.network_seconds = time.perf_counter() - start
        while True:
            # what is imported and measured once, is so here and not on the main thread
            _, needed = self._result(kept, request)
            if not needed:
                return
            for position in sorted(needed):
                yield f"following, plane {position + 1}"
                run.predict(position)
            kept.network_seconds = time.perf_counter() - start

    def result(self, kept: Kept, request: Request) -> Result | None:
        """Answer from the planes that were seen."""
        return self._result(kept, request)[0]

    def drawn(self, kept: Kept, request: Request) -> DrawnAnswer | None:
        """Answer the drawn prompts of the plane that is shown."""
        stack = _stack_of(request)
        single = stack.by_position.get(stack.current)
        return None if single is None else predictor_of(single).drawn(kept, single)

    def searched(self, kept: Kept, request: Request) -> Instances | None:
        """Return nothing: looks are compared plane by plane."""
        return None

    def marked(self, kept: Kept, request: Request) -> Instances | None:
        """Return nothing: looks are compared plane by plane."""
        return None

    def takes_minutes(self, kept: Kept, request: Request) -> bool:
        """Begin without being asked."""
        return False

    def is_outdated(self, kept: Kept, request: Request) -> bool:
        """Whether planes in memory have other pixels."""
        return kept.runs.may_be_outdated(request)

    def _result(self, kept: Kept, request: Request) -> tuple[Result | None, set[int]]:
        """Answer from what is kept; also the planes that are missing to follow objects."""
        run, stack = kept.runs.over_planes(request), _stack_of(request)
        if run is None:
            return None, set()
        if request.controls.task == "everything":
            return linked_result(run, request, stack, kept.runs.overlaps(run, request)), set()
        return followed_result(
            run, request, stack, lambda single: predictor_of(single).drawn(kept, single), kept.numbering
        )


def _stack_of(request: Request) -> Planes:
    if request.stack is None:
        raise ValueError("expected a request about the planes of a stack")
    return request.stack
