"""What the network said about planes, kept as long as it fits."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable

from napari_fastsam.model.asking.prediction import Prediction

MEGABYTE = 1 << 20


class PredictionCache:
    """Predictions by key; the one that was not used for the longest time goes first. For any thread.

    Parameters
    ----------
    limit
        Bytes that all together may take. The latest stays even if it alone takes more.
    """

    def __init__(self, limit: int = 512 * MEGABYTE) -> None:
        self.limit = limit
        self._predictions: OrderedDict[Hashable, Prediction] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable) -> Prediction | None:
        """Return what is kept under `key`, or None."""
        with self._lock:
            prediction = self._predictions.get(key)
            if prediction is not None:
                self._predictions.move_to_end(key)
            return prediction

    def put(self, key: Hashable, prediction: Prediction) -> None:
        """Keep a prediction, and drop the oldest ones that no longer fit."""
        with self._lock:
            self._predictions[key] = prediction
            self._predictions.move_to_end(key)
            self._trim()

    def trim(self) -> None:
        """Drop the oldest predictions if they no longer fit: those that are kept grow as more is asked of them."""
        with self._lock:
            self._trim()

    def _trim(self) -> None:
        while len(self._predictions) > 1 and sum(kept.nbytes for kept in self._predictions.values()) > self.limit:
            self._predictions.popitem(last=False)

    def forget(self, outdated: Callable[[Hashable], bool]) -> None:
        """Drop all whose key is outdated."""
        with self._lock:
            for key in [key for key in self._predictions if outdated(key)]:
                del self._predictions[key]

    def __len__(self) -> int:
        """Return how many predictions are kept."""
        return len(self._predictions)
