"""Embeddings of objects, made once.

Embedding an object (a crop through CLIP, a pool of the network's features) takes longer than any comparison of
embeddings. So each is made once per plane and object; changed thresholds, queries and examples find it here.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from napari_fastsam.core.objects.features import ImageFeatures
from napari_fastsam.core.objects.instances import Instances
from napari_fastsam.errors import ParameterError

Embed: TypeAlias = Callable[[Instances, Sequence[int]], NDArray[np.float32]]
"""Embeds the objects at some positions: (n, D) float32."""

BATCH = 32
"""Objects that are embedded together: enough for a network to be busy, few enough that Cancel is heard soon."""


def image_features_of(instances: Instances) -> ImageFeatures:
    """Return what the plane of some instances is seen in.

    Raises
    ------
    ParameterError
        If they do not know their image.
    """
    if instances.image_features is None:
        raise ParameterError(
            "these instances do not know their image, which texts and examples need; expected instances from "
            "Model.segment, or from Instances.from_masks with image="
        )
    return instances.image_features


def missing_embeddings(instances: Instances, kind: Hashable) -> list[int]:
    """Return the positions of the instances that have no embedding of this kind yet."""
    kept = image_features_of(instances).kept.get(kind, {})
    return [i for i, identity in enumerate(instances.identities.tolist()) if identity not in kept]


def embed(instances: Instances, kind: Hashable, make: Embed) -> Iterator[tuple[int, int]]:
    """Make the embeddings that are not kept yet, in batches.

    Parameters
    ----------
    instances
        The objects.
    kind
        What tells these embeddings from others.
    make
        Embeds the objects at some positions of `instances`.

    Yields
    ------
    done, total
        Objects embedded so far, of those that were not. A caller may stop in between: what is done is kept.
    """
    image_features, missing = image_features_of(instances), missing_embeddings(instances, kind)
    kept = image_features.kept.setdefault(kind, {})
    identities = instances.identities.tolist()
    for start in range(0, len(missing), BATCH):
        positions = missing[start : start + BATCH]
        for i, vector in zip(positions, make(instances, positions), strict=True):
            kept[identities[i]] = vector
        yield start + len(positions), len(missing)


def embeddings_of(instances: Instances, kind: Hashable, make: Embed) -> NDArray[np.float32]:
    """Return the embeddings of all instances, (N, D), making those that are not kept yet."""
    for _ in embed(instances, kind, make):
        pass
    kept = image_features_of(instances).kept.get(kind, {})
    vectors = [kept[identity] for identity in instances.identities.tolist()]
    return np.stack(vectors) if vectors else np.zeros((0, 0), np.float32)
