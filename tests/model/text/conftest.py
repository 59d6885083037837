"""A small CLIP."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest
import torch

from napari_fastsam._vendor.clip.model import build_model
from napari_fastsam.model.text.encoder import ClipEncoder, load_text_encoder
from napari_fastsam.model.text.words import tokens


@pytest.fixture(scope="module")
def encoder(small_clip: Path) -> ClipEncoder:
    return load_text_encoder(small_clip, "cpu")


@pytest.fixture
def pictures() -> list[np.ndarray]:
    chance = np.random.default_rng(1)
    shapes = [(40, 40), (7, 60), (90, 20), (1, 1), (2, 3), (300, 200), (32, 32), (33, 64)]
    return [chance.integers(0, 256, (*shape, 3), np.uint8) for shape in shapes]


@pytest.fixture
def archive(small_clip: Path, tmp_path: Path) -> Path:
    """The small CLIP as CLIP is released: a TorchScript archive, with its three numbers."""
    network = build_model(torch.load(small_clip, weights_only=True)).float()
    for name, number in (("input_resolution", 32), ("context_length", 77), ("vocab_size", 49408)):
        if hasattr(network, name):
            delattr(network, name)
        network.register_buffer(name, torch.tensor(number))
    path = tmp_path / "archive.pt"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's own, of TorchScript
        inputs = torch.zeros(1, 3, 32, 32), torch.tensor([tokens("red")])
        torch.jit.save(torch.jit.trace(network, inputs), str(path))
    return path
