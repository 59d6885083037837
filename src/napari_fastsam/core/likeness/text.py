"""Words and objects: how like each query every object is."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from napari_fastsam.core.objects.cutouts import DEFAULT, Cutting, cutout
from napari_fastsam.core.objects.embeddings import Embed, embeddings_of, image_features_of
from napari_fastsam.core.objects.instances import Instances

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


def crop_kind(encoder: TextEncoder, cutting: Cutting = DEFAULT) -> Hashable:
    """Return what tells descriptions by this encoder, of objects cut out like this, from others."""
    return "cutout", encoder.key, cutting


def crop_maker(encoder: TextEncoder, cutting: Cutting = DEFAULT) -> Embed:
    """Return what describes objects by their pictures, for `core.objects.embeddings.embed`."""

    def make(instances: Instances, positions: Sequence[int]) -> NDArray[np.float32]:
        rgb = image_features_of(instances).rgb
        return encoder.encode_images([cutout(rgb, instances.masks[i], cutting) for i in positions])

    return make


def text_similarities(
    instances: Instances, texts: Sequence[str], encoder: TextEncoder, cutting: Cutting = DEFAULT
) -> NDArray[np.float32]:
    """Return how like each text every object is, encoding the objects that were not encoded yet.

    Parameters
    ----------
    instances
        The objects, with their image.
    texts
        Q queries.
    encoder
        What compares pictures and words.
    cutting
        How the objects are cut out.

    Returns
    -------
    numpy.ndarray
        (Q, N) float32, cosines from -1 to 1.

    Raises
    ------
    ParameterError
        If the instances do not know their image.
    PromptError
        If the encoder cannot read a text.
    """
    # a text that cannot be read is told before the objects are encoded
    words = encoder.encode_texts(texts) if len(texts) else None
    pictures = embeddings_of(instances, crop_kind(encoder, cutting), crop_maker(encoder, cutting))
    if words is None or not len(pictures):
        return np.zeros((len(texts), len(instances)), np.float32)
    similarities: NDArray[np.float32] = words @ pictures.T
    return similarities
