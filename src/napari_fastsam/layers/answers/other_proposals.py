"""The objects of another program, from a Labels layer on the image, as proposals for a plane's region."""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary, WeakValueDictionary

import numpy as np
from numpy.typing import NDArray

from napari_fastsam.layers.connections import layer_emitters
from napari_fastsam.layers.labels.features import indexed
from napari_fastsam.layers.labels.target import Target, find_region, pixels_of
from napari_fastsam.layers.planes.plane import Plane
from napari_fastsam.model.asking.beside import OtherProposals

if TYPE_CHECKING:
    from napari.layers import Image, Labels


class _Read:
    """What was read of a layer, plane by plane, as long as somebody uses it."""

    def __init__(self, layer: Labels) -> None:
        self._changes = 0
        self._on_planes: WeakValueDictionary[Plane, OtherProposals] = WeakValueDictionary()
        self._read_at: WeakKeyDictionary[OtherProposals, tuple[int, bytes]] = WeakKeyDictionary()
        for emitter in layer_emitters(layer, "data", "paint", "labels_update", "set_data", "features", "name"):
            emitter.connect(self._was_changed)

    def proposals(self, layer: Labels, image: Image, plane: Plane, use_units: bool) -> OtherProposals:
        """Return the objects on a plane; the same as before while their pixels, scores and name are."""
        target = find_region(layer, image, plane, use_units=use_units)  # it is the image that may have been moved
        known = self._on_planes.get(plane)
        changes, digest = (-1, b"") if known is None else self._read_at[known]
        if known is not None and changes == self._changes:
            return known
        labels, scores = _labels_in(layer, target, plane.shape), _scores(layer)
        now = blake2b(repr((layer.name, labels.dtype.str, sorted(scores.items()))).encode())
        now.update(np.ascontiguousarray(labels).data)
        if known is None or digest != now.digest():
            known = OtherProposals.of_labels(labels, layer.name, scores)
            self._on_planes[plane] = known
        self._read_at[known] = self._changes, now.digest()
        return known

    def _was_changed(self, *_: Any) -> None:
        self._changes += 1


_READ: WeakKeyDictionary[Labels, _Read] = WeakKeyDictionary()


def proposals_on(layer: Labels | None, image: Image, plane: Plane, use_units: bool) -> OtherProposals | None:
    """Return what another program found in a plane's region; None if no layer is chosen.

    Equal, and the same object, as long as nothing changes in the region and somebody holds it.

    Parameters
    ----------
    layer
        Its labels, of the image's shape and place.
    image, plane
        What is segmented.
    use_units
        False where the viewer leaves units out.

    Raises
    ------
    LabelsError
        If the layer does not lie on the image.
    """
    if layer is None:
        return None
    if layer not in _READ:
        _READ[layer] = _Read(layer)
    return _READ[layer].proposals(layer, image, plane, use_units)


def _labels_in(layer: Labels, target: Target, shape: tuple[int, int]) -> NDArray[np.integer]:
    """Return the labels of a region, in its pixels: of a finer layer the one in the middle of each."""
    labels = np.asarray(pixels_of(layer)[target.slices])
    if labels.shape == shape:
        return labels
    middles = []
    for source, length in zip(target.sources, shape, strict=True):
        first, last = (np.searchsorted(source, np.arange(length), side) for side in ("left", "right"))
        middles.append(np.clip((first + last) // 2, 0, max(len(source) - 1, 0)))
    return labels[np.ix_(*middles)]


def _scores(layer: Labels) -> dict[int, float]:
    """Return how sure each label is, if the layer's features say so."""
    if "score" not in layer.features:
        return {}
    table = indexed(layer)
    pairs = zip(table["index"], table["score"], strict=True)
    return {int(label): float(score) for label, score in pairs if label == label and score == score}
