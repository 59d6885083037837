"""Words and examples on a plane of any size: all objects are described as tile after tile is seen, then asked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from napari_fastsam.core.objects.embeddings import described, image_features_of
from napari_fastsam.core.objects.features import ImageFeatures
from napari_fastsam.core.objects.instances import Instances
from napari_fastsam.core.objects.masks import CroppedMask
from napari_fastsam.core.planes.tiling import Canvas
from napari_fastsam.model.asking.descriptions import Ways


@dataclass(frozen=True, eq=False)
class Looks:
    """What some objects look like.

    Attributes
    ----------
    seen_in
        What they were seen in, but for the pixels: whose features they are.
    descriptions
        One for each way, (N, D).
    """

    seen_in: ImageFeatures
    descriptions: tuple[NDArray[np.float32], ...]

    @classmethod
    def of(cls, instances: Instances, ways: Ways) -> Looks:
        """Describe instances that know their image."""
        seen = image_features_of(instances)
        without = tuple(replace(level, values=level.values[:0, :0].copy()) for level in seen.maps)
        vectors = tuple(described(instances, kind, make) for kind, make in ways(instances))
        return cls(ImageFeatures(np.zeros((0, 0, 3), np.uint8), without, seen.source), vectors)


Described = tuple[Sequence[int], Sequence[CroppedMask], Looks]
"""Of some objects their numbers on a canvas (0 = it was there already), masks and looks."""


def gathered(canvas: Canvas, pieces: Iterable[Described], ways: Ways) -> Instances:
    """Return all objects of a canvas as instances that can be asked by their looks, in the order of their numbers.

    Parameters
    ----------
    canvas
        Holds their scores and boxes once all pieces were seen.
    pieces
        The objects of each.
    ways
        As for `Looks.of`.
    """
    masks: dict[int, CroppedMask] = {}
    rows: dict[int, list[NDArray[np.float32]]] = {}
    seen_in = ImageFeatures(np.zeros((0, 0, 3), np.uint8))
    for numbers, found, looks in pieces:
        seen_in = looks.seen_in
        for i, number in enumerate(numbers):
            if number:
                masks[number] = found[i]
                rows[number] = [vectors[i] for vectors in looks.descriptions]
    count = len(canvas)
    everything = Instances(
        np.array(canvas.boxes, np.float32).reshape(-1, 4),
        np.array(canvas.scores, np.float32),
        tuple(masks[number] for number in range(1, count + 1)),
        (int(canvas.labels.shape[0]), int(canvas.labels.shape[1])),
        ranks=np.arange(count),
        image_features=replace(seen_in, kept={}),
    )
    for way, (kind, _) in enumerate(ways(everything)):
        image_features_of(everything).kept[kind] = {number - 1: vectors[way] for number, vectors in rows.items()}
    return everything
