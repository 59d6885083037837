"""Words and examples on a plane of any size: all objects are described as tile after tile is seen, then asked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from napari_fastsam.core.objects.embeddings import embeddings_of, image_features_of
from napari_fastsam.core.objects.features import ImageFeatures
from napari_fastsam.core.objects.instances import Instances
from napari_fastsam.core.objects.masks import CroppedMask
from napari_fastsam.core.planes.tiling import Canvas
from napari_fastsam.model.asking.descriptors import Descriptors


@dataclass(frozen=True, eq=False)
class ObjectEmbeddings:
    """The embeddings of some objects.

    Attributes
    ----------
    image_features
        What they were seen in, but for the pixels: whose features they are.
    vectors
        (N, D) from each descriptor.
    """

    image_features: ImageFeatures
    vectors: tuple[NDArray[np.float32], ...]

    @classmethod
    def of(cls, instances: Instances, descriptors: Descriptors) -> ObjectEmbeddings:
        """Embed instances that know their image."""
        seen = image_features_of(instances)
        without = tuple(replace(level, values=level.values[:0, :0].copy()) for level in seen.maps)
        vectors = tuple(embeddings_of(instances, kind, make) for kind, make in descriptors(instances))
        return cls(ImageFeatures(np.zeros((0, 0, 3), np.uint8), without, seen.source), vectors)


EmbeddedObjects = tuple[Sequence[int], Sequence[CroppedMask], ObjectEmbeddings]
"""Of some objects their numbers on a canvas (0 = it was there already), masks and embeddings."""


def gathered(canvas: Canvas, pieces: Iterable[EmbeddedObjects], descriptors: Descriptors) -> Instances:
    """Return all objects of a canvas with their embeddings, in the order of their numbers.

    Parameters
    ----------
    canvas
        Holds their scores and boxes once all pieces were seen.
    pieces
        The objects of each.
    descriptors
        As for `ObjectEmbeddings.of`.
    """
    masks: dict[int, CroppedMask] = {}
    rows: dict[int, list[NDArray[np.float32]]] = {}
    image_features = ImageFeatures(np.zeros((0, 0, 3), np.uint8))
    for numbers, found, embeddings in pieces:
        image_features = embeddings.image_features
        for i, number in enumerate(numbers):
            if number:
                masks[number] = found[i]
                rows[number] = [vectors[i] for vectors in embeddings.vectors]
    count = len(canvas)
    everything = Instances(
        np.array(canvas.boxes, np.float32).reshape(-1, 4),
        np.array(canvas.scores, np.float32),
        tuple(masks[number] for number in range(1, count + 1)),
        (int(canvas.labels.shape[0]), int(canvas.labels.shape[1])),
        ranks=np.arange(count),
        image_features=replace(image_features, kept={}),
    )
    for i, (kind, _) in enumerate(descriptors(everything)):
        image_features_of(everything).kept[kind] = {number - 1: vectors[i] for number, vectors in rows.items()}
    return everything
