"""What a session keeps from request to request: predictions, runs, networks and numbers."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager

from napari_fastsam.layers.answers.cache import PredictionCache
from napari_fastsam.layers.answers.long_runs import LongRuns
from napari_fastsam.layers.answers.networks import Networks
from napari_fastsam.layers.answers.request import Request
from napari_fastsam.layers.contents import content_of
from napari_fastsam.layers.prompts.numbering import Numbering
from napari_fastsam.model.asking.prediction import Prediction


class Kept:
    """What a session keeps.

    Parameters
    ----------
    cache_limit
        Bytes that predictions may take.
    """

    def __init__(self, cache_limit: int) -> None:
        self.cache = PredictionCache(cache_limit)
        self.runs = LongRuns()
        self.networks = Networks()
        self.numbering = Numbering()
        self.network_seconds = 0.0
        """What the network took in the last work; 0 where everything was kept."""
        self.describing = threading.Lock()
        self._generations: dict[Hashable, int] = {}
        self._predicting = threading.Lock()

    def generation(self, *images: Hashable) -> int:
        """Return a number that is another one each time the data of one of these images are replaced."""
        return sum(self._generations.get(image, 0) for image in set(images))

    def forget_image(self, image: Hashable) -> None:
        """Forget what was kept of an image whose data changed, or that is gone."""
        self._generations[image] = self.generation(image) + 1
        self.cache.forget(lambda key: key[0] == image)  # type: ignore[index]
        self.runs.forget(image)

    def is_stale(self, request: Request) -> bool:
        """Return whether the image of a request has other data by now, or is gone. For any thread."""
        images = [content_of(image) for image in request.controls.images]
        seen = request.key[0]  # type: ignore[index]
        return seen != content_of(request.controls.image) or request.generation != self.generation(*images)

    def prediction(self, request: Request, predict: Callable[[], Prediction]) -> Prediction:
        """Return the prediction of a request's plane, made now unless another thread made it meanwhile."""
        with self._predicting:
            prediction = self.cache.get(request.key)
            if prediction is None:
                with self.timed():
                    prediction = predict()
                if not self.is_stale(request):  # nobody would ask for it again
                    self.cache.put(request.key, prediction)
            return prediction

    @contextmanager
    def timed(self) -> Iterator[None]:
        """Count the time within as the network's."""
        start = time.perf_counter()
        yield
        self.network_seconds += time.perf_counter() - start
