"""The objects of another program, from a Labels layer on the image, as proposals for a plane's region."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

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
    """What was read of a layer, until something happens to it."""

    def __init__(self, layer: Labels) -> None:
        self._outdated = True
        self._plane: Plane | None = None
        self._proposals: OtherProposals | None = None
        self._checksum = 0
        for emitter in layer_emitters(layer, "data", "paint", "labels_update", "set_data", "features"):
            emitter.connect(self._was_changed)

    def proposals(self, layer: Labels, image: Image, plane: Plane, use_units: bool) -> OtherProposals:
        """Return the objects on a plane; the same as before while their pixels are."""
        if self._proposals is None or self._outdated or plane != self._plane:
            labels = _labels_in(layer, find_region(layer, image, plane, use_units=use_units), plane.shape)
            checksum = zlib.crc32(np.ascontiguousarray(labels).data, zlib.crc32(layer.name.encode()))
            if self._proposals is None or plane != self._plane or checksum != self._checksum:
                self._proposals = OtherProposals.of_labels(labels, layer.name, _scores(layer))
            self._plane, self._checksum, self._outdated = plane, checksum, False
        return self._proposals

    def _was_changed(self, *_: Any) -> None:
        self._outdated = True


_READ: WeakKeyDictionary[Labels, _Read] = WeakKeyDictionary()


def proposals_on(layer: Labels | None, image: Image, plane: Plane, use_units: bool) -> OtherProposals | None:
    """Return what another program found in a plane's region; None if no layer is chosen.

    Equal, and the same object, as long as nothing changes in the region.

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
