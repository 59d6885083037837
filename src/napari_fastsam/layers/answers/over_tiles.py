"""Requests for everything on a large plane: all tiles, one after the other."""

from __future__ import annotations

import time
from collections.abc import Iterator

from napari_fastsam.core.objects.instances import Instances
from napari_fastsam.layers.answers.kept import Kept
from napari_fastsam.layers.answers.predictors import Predictor
from napari_fastsam.layers.answers.request import Controls, Request
from napari_fastsam.layers.answers.results import DrawnAnswer, Result, tiled_result
from napari_fastsam.layers.answers.steps import Step
from napari_fastsam.layers.planes.plane import Plane
from napari_fastsam.layers.prompts.layers import ReadPrompts
from napari_fastsam.model.asking.plane_scale import is_large
from napari_fastsam.model.asking.tiled import TiledRun


class AllTiles(Predictor):
    """A large plane in all its tiles."""

    name, key = "all tiles", "tiles"
    begins_in_view = True

    def serves(self, controls: Controls, plane: Plane) -> bool:
        """Serve everything on large planes that are meant as a whole."""
        whole = controls.region == "plane" and controls.task == "everything"
        return whole and is_large(plane.shape, controls.imgsz)

    def waits_for_run(self, controls: Controls, read: ReadPrompts) -> bool:
        """Wait to be asked."""
        return True

    def work(self, kept: Kept, request: Request, user_initiated: bool) -> Iterator[str]:
        """Look at tile after tile; what was begun goes on."""
        run = kept.runs.over_tiles(request)
        if run is None:
            yield f"loading {request.controls.model}"
            model = kept.networks.model_for(request)
            yield "measuring objects"
            run = kept.runs.begin_tiles(model, request)
        yield from through(kept, run)

    def result(self, kept: Kept, request: Request) -> Result | None:
        """Return what was found so far."""
        run = kept.runs.over_tiles(request)
        return None if run is None else tiled_result(run, request)

    def drawn(self, kept: Kept, request: Request) -> DrawnAnswer | None:
        """Return nothing: nothing that was drawn is asked about."""
        return None

    def searched(self, kept: Kept, request: Request) -> Instances | None:
        """Return nothing: nothing is searched for."""
        return None

    def marked(self, kept: Kept, request: Request) -> Instances | None:
        """Return nothing: nothing is searched for."""
        return None

    def takes_minutes(self, kept: Kept, request: Request) -> bool:
        """Whether it does: always."""
        return True

    def is_outdated(self, kept: Kept, request: Request) -> bool:
        """Whether all tiles were seen: to look at all pixels again takes as long as to begin anew."""
        return kept.runs.may_be_outdated(request)


def through(kept: Kept, run: TiledRun) -> Iterator[str]:
    """Look at the tiles of a run that are left; yields what comes next."""
    start = time.perf_counter()
    for progress in run:
        kept.network_seconds = time.perf_counter() - start
        message = f"tile {progress.done} of {progress.total}, {progress.objects} objects so far"
        yield Step(message, progress.done, progress.total)
