"""What the objects of a plane are seen in: its pixels, the network's feature maps, and descriptions that are kept."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class FeatureMap:
    """One level of a network's features.

    Attributes
    ----------
    values
        (h, w, C) floating point.
    stride
        Input pixels from one cell to the next; the first cell's edge lies on the input's edge.
    """

    values: NDArray[np.floating]
    stride: float


@dataclass(frozen=True, eq=False)
class ImageFeatures:
    """A plane's pixels and feature maps, from which its objects are described, and the embeddings made so far.

    Attributes
    ----------
    rgb
        (H, W, 3) uint8, the plane as the network sees it.
    maps
        The network's feature maps of the pass that found the objects, fine to coarse; empty where it has none to give.
    source
        Tells the network that the maps are from from others; empty where nobody knows.
    kept
        Descriptions by their kind, then by the object's identity (`Instances.identities`). Grows.
    """

    rgb: NDArray[np.uint8]
    maps: tuple[FeatureMap, ...] = ()
    source: str = ""
    kept: dict[Hashable, dict[int, NDArray[np.float32]]] = field(default_factory=dict, repr=False)

    @property
    def nbytes(self) -> int:
        """Bytes held, the pixels left out: whoever made this holds them too."""
        described = sum(v.nbytes for vectors in tuple(self.kept.values()) for v in tuple(vectors.values()))
        return described + sum(level.values.nbytes for level in self.maps)
