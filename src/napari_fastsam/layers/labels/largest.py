"""The largest label of a layer, which is looked for once: on 16,384 × 16,384 pixels that takes 0.07 s."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_fastsam.layers.labels.target import pixels_of

if TYPE_CHECKING:
    from napari.layers import Labels

_KEPT_FROM = 4096 * 4096
"""Layers of fewer pixels are looked at each time, so that it is noticed who writes into them and tells nobody."""


def largest_label(layer: Labels) -> int:
    """Return a number that no label of a layer, nor a row of its features, exceeds."""
    rows = _largest_row(layer)
    if layer.multiscale and rows:  # too large to look at all of it, and nobody paints there
        return max(0, rows)
    if np.prod(pixels_of(layer).shape, dtype=np.int64) < _KEPT_FROM:
        return max(0, rows, _look(layer))
    return max(0, rows, _KEPT.of(layer))


@contextmanager
def kept_largest(layer: Labels) -> Iterator[None]:
    """Keep what is known of a layer while this program writes into it, which tells what it writes and draws it anew."""
    _KEPT.writing.add(layer.unique_id)
    try:
        yield
    finally:
        _KEPT.writing.discard(layer.unique_id)


def _largest_row(layer: Labels) -> int:
    features = layer.features
    if "index" not in features or not len(features):
        return 0
    numbers = features["index"]
    return int(numbers.max()) if numbers.dtype.kind in "iu" else max(int(i) for i in numbers)


def _look(layer: Labels) -> int:
    data = pixels_of(layer)
    planes = [data] if isinstance(data, np.ndarray) else (np.asarray(data[i]) for i in range(data.shape[0]))
    return max((int(plane.max()) for plane in planes if plane.size), default=0)


class _Kept:
    """What is known of large layers, as long as napari tells of all that is written into them."""

    def __init__(self) -> None:
        self._known: dict[Hashable, int] = {}
        self._heard: set[Hashable] = set()
        self.writing: set[Hashable] = set()

    def of(self, layer: Labels) -> int:
        key = layer.unique_id
        if key not in self._known:
            self._known[key] = _look(layer)
            if key not in self._heard:
                self._heard.add(key)
                layer.events.paint.connect(self._painted)
                layer.events.set_data.connect(self._forget)
        return self._known[key]

    def _painted(self, event: Any) -> None:
        key = event.source.unique_id
        for atom in event.value:
            # of pixels, three values; of a brush more, with a name in napari 0.9
            written = atom[2] if len(atom) == 3 else getattr(atom, "new_value", None)
            if written is None:
                self._known.pop(key, None)
            elif key in self._known:
                self._known[key] = max(self._known[key], int(np.max(written)))

    def _forget(self, event: Any) -> None:
        if event.source.unique_id not in self.writing:
            self._known.pop(event.source.unique_id, None)


_KEPT = _Kept()
