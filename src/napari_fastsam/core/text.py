"""Words and objects: how like each query every object is."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from napari_fastsam.core.appearance import Describe, appearance_of, described
from napari_fastsam.core.cutouts import CUTTING, Cutting, cutout
from napari_fastsam.core.instances import Instances

__all__ = ["TextEncoder", "crop_kind", "crop_maker", "text_similarities"]


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


def crop_kind(encoder: TextEncoder, cutting: Cutting = CUTTING) -> Hashable:
    """Return what tells descriptions by an encoder from others."""
    return encoder.key, cutting


def crop_maker(encoder: TextEncoder, cutting: Cutting = CUTTING) -> Describe:
    """Return what describes objects by their pictures: each cut out with its mask, and encoded."""

    def make(instances: Instances, positions: Sequence[int]) -> NDArray[np.float32]:
        rgb = appearance_of(instances).rgb
        return encoder.encode_images([cutout(rgb, instances.masks[i], cutting) for i in positions])

    return make


def text_similarities(
    instances: Instances, texts: Sequence[str], encoder: TextEncoder, cutting: Cutting = CUTTING
) -> NDArray[np.float32]:
    """Return how like each text every object is.

    Objects that were encoded before, by the same encoder and cut out in the same way, are not encoded again.

    Parameters
    ----------
    instances
        N objects that know their image.
    texts
        Q of them.
    encoder
        Compares words and pictures.
    cutting
        How the objects are cut out.

    Returns
    -------
    numpy.ndarray
        (Q, N) float32 cosines.

    Raises
    ------
    ParameterError
        If the instances do not know their image.
    """
    pictures = described(instances, crop_kind(encoder, cutting), crop_maker(encoder, cutting))
    if not len(instances) or not len(texts):
        return np.zeros((len(texts), len(instances)), np.float32)
    similarities: NDArray[np.float32] = encoder.encode_texts(texts) @ pictures.T
    return similarities
