"""Requests for everything on a large plane: all tiles, one after the other, and what is drawn beside them."""

from __future__ import annotations

from collections.abc import Iterator

from napari_fastsam.core.objects.instances import Instances
from napari_fastsam.layers.answers.editable_run import EditableRun
from napari_fastsam.layers.answers.kept import Kept
from napari_fastsam.layers.answers.on_plane import TilesAtPrompts
from napari_fastsam.layers.answers.request import Controls, Request
from napari_fastsam.layers.answers.results import Result, everything_in_tiles
from napari_fastsam.layers.answers.steps import through
from napari_fastsam.layers.planes.plane import Plane
from napari_fastsam.layers.prompts.layers import ReadPrompts
from napari_fastsam.model.asking.beside import BesideOthers
from napari_fastsam.model.asking.plane_scale import is_large
from napari_fastsam.model.asking.prediction import Prediction
from napari_fastsam.model.asking.tiled_prediction import TiledPrediction


class AllTiles(TilesAtPrompts):
    """A large plane in all its tiles; what is drawn is answered from those around it, as without the others."""

    name = "all tiles"

    def serves(self, controls: Controls, plane: Plane) -> bool:
        """Serve everything on large planes that are meant as a whole."""
        whole = controls.region == "plane" and controls.task == "everything"
        return whole and is_large(plane.shape, controls.imgsz)

    def waits_for_run(self, controls: Controls, read: ReadPrompts) -> bool:
        """Wait to be asked."""
        return True

    def work(self, kept: Kept, request: Request, user_initiated: bool) -> Iterator[str]:
        """Look where prompts are, then at tile after tile where somebody waits for it; what was begun goes on."""
        run = kept.runs.over_tiles(request)
        if run is None and user_initiated:
            yield f"loading {request.controls.model}"
            model = kept.networks.model_for(request)
            yield "measuring objects"
            run = kept.runs.begin_tiles(model, request)
        if run is None:
            return
        yield from self._look_at_prompts(kept, request, run)
        for step in through(kept, run) if user_initiated else ():
            yield step
            looked = False
            for look in self._look_at_prompts(kept, kept.runs.latest(request), run):
                looked = True
                yield look
            if looked:
                yield step  # what was found at prompts is shown before the next tile

    def result(self, kept: Kept, request: Request) -> Result | None:
        """Return what was found so far, as prompts corrected it."""
        run = kept.runs.over_tiles(request)
        if run is None:
            return None
        kept.runs.asked_beside(request)
        return everything_in_tiles(run, _prediction(kept, request, run), request, kept.numbering)

    def searched(self, kept: Kept, request: Request) -> Instances | None:
        """Return nothing: nothing is searched for."""
        return None

    def takes_minutes(self, kept: Kept, request: Request) -> bool:
        """Whether not all tiles were seen."""
        run = kept.runs.over_tiles(request)
        return run is None or not run.complete

    def is_outdated(self, kept: Kept, request: Request) -> bool:
        """Whether all tiles were seen: to look at all pixels again takes as long as to begin anew."""
        return kept.runs.may_be_outdated(request)

    def _look_at_prompts(self, kept: Kept, request: Request, run: EditableRun) -> Iterator[str]:
        return self.predict_crops(kept, request, _prediction(kept, request, run))


def _prediction(kept: Kept, request: Request, run: EditableRun) -> Prediction:
    """Return what answers prompts: from tiles at the run's scale, kept or yet to be seen."""

    def predict() -> Prediction:
        limits, grid = run.plan.contrast_limits, run.plan.grid
        seen = TiledPrediction(run.model, run.image, request.controls.tiling, limits, grid)
        return seen if request.others is None else BesideOthers(seen, request.others)

    return kept.prediction(request, predict)
