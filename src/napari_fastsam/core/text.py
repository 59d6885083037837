"""Words and objects: how like each query every object is."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = ["TextEncoder"]


class TextEncoder(Protocol):
    """Brings pictures and words into one space, where likeness is the cosine.

    Anything that has these three stands in for CLIP: open_clip, BiomedCLIP, a model of one's own.

    Attributes
    ----------
    key
        Tells this encoder's descriptions from those of others.
    """

    @property
    def key(self) -> Hashable:
        """Anything hashable; equal for encoders that answer alike."""
        ...

    def encode_images(self, pictures: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        """Encode N pictures, each (h, w, 3) uint8 RGB of any size: (N, D) float32 of length 1."""
        ...

    def encode_texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Encode Q texts: (Q, D) float32 of length 1."""
        ...
