"""CLIP: pictures of objects and words, brought into one space."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_fastsam.core.objects.embeddings import BATCH
from napari_fastsam.model.network.device import DeviceLike, resolve_device
from napari_fastsam.model.text.network import read_clip
from napari_fastsam.model.text.pictures import as_input
from napari_fastsam.model.text.words import tokens
from napari_fastsam.model.weights.weights import find, sha256_of

__all__ = ["DEFAULT_NAME", "ClipEncoder", "load_text_encoder"]

DEFAULT_NAME = "ViT-B/32"
"""The one that FastSAM and ultralytics use."""

_TEXTS = 256
"""Texts whose encodings are remembered."""


@dataclass(frozen=True, eq=False)
class ClipEncoder:
    """CLIP, ready to compare pictures and words: a `core.likeness.text.TextEncoder`. Threads may share it.

    Attributes
    ----------
    name
        As it was asked for.
    path
        The file.
    device
        ``"cpu"``, ``"cuda"``, ``"cuda:1"``, ``"mps"``.
    sha256
        Of the file.
    """

    name: str
    path: Path
    device: str
    sha256: str
    _network: Any = field(repr=False)
    _texts: OrderedDict[str, NDArray[np.float32]] = field(default_factory=OrderedDict, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @property
    def key(self) -> Hashable:
        """Equal for encoders from files with equal content."""
        return "clip", self.sha256

    def encode_images(self, pictures: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        """Encode N pictures, each (h, w, 3) uint8 RGB of any size: (N, D) float32 of length 1."""
        import torch

        side = self._network.visual.input_resolution
        encoded = [np.zeros((0, self._network.text_projection.shape[1]), np.float32)]
        for start in range(0, len(pictures), BATCH):
            with torch.inference_mode():
                # a copy where it must be: torch warns of arrays that are read-only
                batch = [
                    torch.from_numpy(np.require(p, requirements=("C", "W"))) for p in pictures[start : start + BATCH]
                ]
                inputs = torch.stack([as_input(picture, side) for picture in batch]).to(self.device)
                with self._lock:
                    encoded.append(_of_length_1(self._network.encode_image(inputs)))
        return np.concatenate(encoded)

    def encode_texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Encode Q texts: (Q, D) float32 of length 1. Each is encoded once and remembered.

        Raises
        ------
        PromptError
            If a text is empty, or longer than the network reads.
        """
        import torch

        read = {text: tokens(text, self._network.context_length) for text in texts}
        with self._lock:
            new = [text for text in read if text not in self._texts]
            for start in range(0, len(new), BATCH):
                some = new[start : start + BATCH]
                with torch.inference_mode():
                    inputs = torch.tensor([read[text] for text in some], device=self.device)
                    self._texts.update(zip(some, _of_length_1(self._network.encode_text(inputs)), strict=True))
            encoded = [self._texts[text] for text in texts]
            for text in read:
                self._texts.move_to_end(text)
            while len(self._texts) > _TEXTS:
                self._texts.popitem(last=False)
        return np.stack(encoded) if encoded else np.zeros((0, self._network.text_projection.shape[1]), np.float32)


def load_text_encoder(name_or_path: str | Path = DEFAULT_NAME, device: DeviceLike = "auto") -> ClipEncoder:
    """Load CLIP and make it ready to compare pictures and words.

    Parameters
    ----------
    name_or_path
        A name that CLIP is released under (``ViT-B/32``, ``ViT-B/16``, ``ViT-L/14``, ``RN50`` …) whose file is in the
        cache folder, or the path of a CLIP file.
    device
        As in `load_model`.

    Raises
    ------
    ModelError
        If the file is missing, truncated, refused by the restricted loader or not a CLIP.
    DeviceError
        If there is no such device.
    """
    path = find(name_or_path, "text")
    where = resolve_device(device)
    return ClipEncoder(str(name_or_path), path, where, sha256_of(path), read_clip(path, where))


def _of_length_1(vectors: Any) -> NDArray[np.float32]:
    # a copy: torch may use the memory of its output again
    lengths = vectors.norm(dim=-1, keepdim=True).clamp(min=1e-12)
    return np.array((vectors / lengths).float().cpu().numpy(), order="C")
