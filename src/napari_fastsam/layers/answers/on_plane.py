"""Requests about one plane: in one pass of the network, or in the tiles around prompts."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from napari_fastsam.core.objects.embeddings import embed, missing_embeddings
from napari_fastsam.core.objects.instances import Instances
from napari_fastsam.errors import ImageError
from napari_fastsam.layers.answers.fine_edges import fine_instances, is_waiting
from napari_fastsam.layers.answers.kept import Kept
from napari_fastsam.layers.answers.predictors import Predictor
from napari_fastsam.layers.answers.request import Controls, Request
from napari_fastsam.layers.answers.results import DrawnAnswer, Result, answer_drawn, make_result, missing_for_drawn
from napari_fastsam.layers.answers.steps import Step, through
from napari_fastsam.layers.planes.channels import in_memory, lazy_together, read_together
from napari_fastsam.layers.planes.plane import Plane
from napari_fastsam.layers.prompts.layers import ReadPrompts
from napari_fastsam.model.asking.beside import BesideOthers
from napari_fastsam.model.asking.descriptors import descriptors_of, no_descriptors
from napari_fastsam.model.asking.plane_prediction import predict_plane
from napari_fastsam.model.asking.plane_scale import is_large, sampled_window, suited_imgsz
from napari_fastsam.model.asking.prediction import Prediction
from napari_fastsam.model.asking.tiled_prediction import TiledPrediction, middle_of

if TYPE_CHECKING:
    from napari.layers import Image

    from napari_fastsam.model.network.segmenter import Model


CROPS_SHARE = 4
"""The closer looks of one plane may take the cache's limit divided by this."""


class OnePlane(Predictor, ABC):
    """What both ways to see one plane share: a prediction that answers prompts and is kept."""

    finding: ClassVar[str]
    looking: ClassVar[str]
    """What is said while the plane, and what a prompt needs of it, is shown to the network."""

    @abstractmethod
    def predict(self, model: Model, request: Request) -> Prediction:
        """Show a plane to the network, or prepare to do so where prompts are."""

    @abstractmethod
    def search(self, kept: Kept, request: Request, prediction: Prediction, user_initiated: bool) -> Iterator[str]:
        """Have the objects described that a search by words or examples compares; yields what comes next."""

    def work(self, kept: Kept, request: Request, user_initiated: bool) -> Iterator[str]:
        """Predict the plane, look closer where prompts need it, correct by clicks, and describe what is searched."""
        prediction = kept.cache.get(request.key)
        if prediction is None:
            yield f"loading {request.controls.model}"
            model = kept.networks.model_for(request)
            height, width = request.plane.shape
            yield f"{self.finding} in {width} × {height} pixels"
            prediction = kept.prediction(request, lambda: self._predict(kept, model, request))
        yield from self.predict_crops(kept, request, prediction)
        if request.read.prompts.queries:
            # corrections are remembered: dozens of them would hold up the main thread for seconds
            answer_drawn(prediction, request, kept.numbering)
        if is_waiting(prediction, request):
            yield "drawing fine edges"
            with kept.timed():
                fine_instances(prediction, prediction.objects(request.controls.thresholds, no_descriptors))
        if request.controls.task == "prompts" and request.read.prompts.searches:
            yield from self.search(kept, request, prediction, user_initiated)

    def _predict(self, kept: Kept, model: Model, request: Request) -> Prediction:
        """Return what the network says of a plane, beside what others found on it if anything is."""
        if request.others is None:
            return self.predict(model, request)
        kept_before = kept.cache.get(request.network_key)
        return BesideOthers(kept_before or self.predict(model, request), request.others)

    def predict_crops(self, kept: Kept, request: Request, prediction: Prediction) -> Iterator[str]:
        """Look closer, or at more tiles, where prompts need it; yields what comes next."""
        while request.read.prompts.queries:
            pending = missing_for_drawn(prediction, request)
            if not pending:
                return
            for one in pending:
                yield self.looking
                with kept.timed():
                    for _ in prediction.predict_crops([one]):
                        pass
            prediction.release(request.read.prompts.queries, kept.cache.limit // CROPS_SHARE)
            kept.cache.trim()

    def result(self, kept: Kept, request: Request) -> Result | None:
        """Answer from the prediction that is kept."""
        prediction = kept.cache.get(request.key)
        if prediction is None or is_waiting(prediction, request):
            return None
        encoder, searched = kept.networks.loaded_encoder(request), self.searched(kept, request)
        return make_result(prediction, request, kept.numbering, encoder, searched)

    def drawn(self, kept: Kept, request: Request) -> DrawnAnswer | None:
        """Answer the drawn prompts from the prediction that is kept."""
        prediction = kept.cache.get(request.key)
        return None if prediction is None else answer_drawn(prediction, request, kept.numbering)

    def is_outdated(self, kept: Kept, request: Request) -> bool:
        """Whether the pixels in memory differ from those that the network saw."""
        prediction, controls = kept.cache.get(request.key), request.controls
        if prediction is None or not in_memory(controls.image, controls.channels):
            return False  # what dask or zarr would have to read again is not worth the check
        try:
            seen = lazy_together(controls.image, request.plane, controls.channels)
            return not prediction.is_current(seen)
        except ImageError:
            return True  # whoever looks at it next says why


class WholePlane(OnePlane):
    """A plane in one pass."""

    name = key = "plane"
    begins_in_view = False
    finding = "finding all objects"
    looking = "looking closer at a prompt"

    def serves(self, controls: Controls, plane: Plane) -> bool:
        """Serve every plane that nothing else does."""
        return True

    def waits_for_run(self, controls: Controls, read: ReadPrompts) -> bool:
        """Begin at once: one pass takes no minutes."""
        return False

    def predict(self, model: Model, request: Request) -> Prediction:
        """Show all of a plane to the network."""
        controls = request.controls
        pixels = read_together(controls.image, request.plane, controls.channels)
        _require_numbers(pixels, controls.image)
        imgsz = controls.imgsz or suited_imgsz(model, pixels, controls.tiling, request.contrast_limits)
        prediction = predict_plane(model, pixels, imgsz, request.contrast_limits)
        # what every answer needs, computed here and not on the main thread
        prediction.proposals.instances(controls.thresholds.conf, controls.thresholds.iou)
        return prediction

    def search(self, kept: Kept, request: Request, prediction: Prediction, user_initiated: bool) -> Iterator[str]:
        """Have the plane's objects described."""
        encoder = yield from kept.networks.encoder_for(request)
        instances = prediction.objects(request.controls.thresholds, no_descriptors)
        for kind, make in descriptors_of(request.read.prompts, encoder, instances):
            if missing_embeddings(instances, kind):
                yield f"describing {len(missing_embeddings(instances, kind))} objects"
            with kept.describing, kept.timed():
                for done, total in embed(instances, kind, make):
                    yield Step(f"described {done} of {total} objects", done, total)

    def searched(self, kept: Kept, request: Request) -> Instances | None:
        """Return the plane's objects, once all of them are described."""
        instances, prompts = self.marked(kept, request), request.read.prompts
        if instances is None or not prompts.searches or not kept.networks.knows_texts(request):
            return None
        kinds = descriptors_of(prompts, kept.networks.loaded_encoder(request), instances)
        return None if any(missing_embeddings(instances, kind) for kind, _ in kinds) else instances

    def marked(self, kept: Kept, request: Request) -> Instances | None:
        """Return the plane's objects."""
        prediction = kept.cache.get(request.key)
        return None if prediction is None else prediction.objects(request.controls.thresholds, no_descriptors)

    def takes_minutes(self, kept: Kept, request: Request) -> bool:
        """Begin at once: one pass takes no minutes."""
        return False


class TilesAtPrompts(OnePlane):
    """A large plane in the tiles around prompts; in all of them for a search."""

    name, key = "tiles at prompts", "tiles"
    begins_in_view = True
    finding = "finding objects"
    looking = "looking at a prompt"

    def serves(self, controls: Controls, plane: Plane) -> bool:
        """Serve large planes that are meant as a whole."""
        return controls.region == "plane" and is_large(plane.shape, controls.imgsz)

    def waits_for_run(self, controls: Controls, read: ReadPrompts) -> bool:
        """Wait to be asked where all tiles have to be searched."""
        return read.prompts.searches

    def predict(self, model: Model, request: Request) -> Prediction:
        """Prepare to look at the tiles that prompts need, with the objects measured at the first prompt."""
        controls = request.controls
        pixels = lazy_together(controls.image, request.plane, controls.channels)
        limits = request.contrast_limits or sampled_window(model, pixels)
        prediction = TiledPrediction(model, pixels, controls.tiling, limits)
        queries = request.read.prompts.queries
        prediction.measure(middle_of(queries[0]) if queries else request.looking_at)
        return prediction

    def search(self, kept: Kept, request: Request, prediction: Prediction, user_initiated: bool) -> Iterator[str]:
        """Describe all objects, tile by tile, where somebody waits for it; what was begun goes on."""
        if not user_initiated and self.takes_minutes(kept, request):
            return
        encoder = yield from kept.networks.encoder_for(request)
        run = kept.runs.search(request)
        if run is None:
            yield "measuring objects"
            run = kept.runs.begin_search(kept.networks.model_for(request), request, encoder)
        yield from through(kept, run)
        yield f"comparing {len(run.everything)} objects"  # gathered here, and not on the main thread

    def searched(self, kept: Kept, request: Request) -> Instances | None:
        """Return all objects, once all tiles were seen."""
        if not request.read.prompts.searches or not kept.networks.knows_texts(request):
            return None
        run = kept.runs.search(request)
        return run.everything if run is not None and run.complete else None

    def marked(self, kept: Kept, request: Request) -> Instances | None:
        """Return all objects, once all tiles were seen."""
        return self.searched(kept, request)

    def takes_minutes(self, kept: Kept, request: Request) -> bool:
        """Whether tiles that are to be searched were not all seen."""
        run = kept.runs.search(request)
        return request.searches_tiles and (run is None or not run.complete)

    def is_outdated(self, kept: Kept, request: Request) -> bool:
        """Whether the tiles have other pixels, or all of them were searched and are asked for again."""
        answered = not request.searches_tiles or self.searched(kept, request) is not None
        return (answered and kept.runs.may_be_outdated(request)) or super().is_outdated(kept, request)


def _require_numbers(pixels: NDArray[Any], image: Image) -> None:
    # with contrast limits given they would be black, and "nothing found" would send a user to the wrong slider
    if pixels.dtype.kind == "f" and not np.isfinite(pixels).any():
        raise ImageError(
            f'Image "{image.name}" holds no finite value here (all NaN or infinite): choose another plane or image.'
        )
