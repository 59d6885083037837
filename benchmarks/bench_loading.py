"""Loading the bundled model: a file read without running anything of it, and a network built anew."""

from __future__ import annotations

from pathlib import Path

import torch
from timing import alternate

from napari_fastsam.model.network.checkpoint import prepared, read_network
from napari_fastsam.model.network.segmenter import load_model


def _unrestricted(path: Path):
    """Read the same file as ultralytics does, with torch's own unpickler, which runs whatever a file says."""
    return prepared(torch.load(path, map_location="cpu", weights_only=False)["model"], "cpu")


def test_loading_the_bundled_model(benchmark, figure, model):
    benchmark.pedantic(lambda: load_model("nuclei", "cpu"), rounds=10, warmup_rounds=2)

    def ours():
        return prepared(read_network(model.path)[0], "cpu")

    def theirs():
        return _unrestricted(model.path)

    anew, pickled = alternate(ours, theirs, rounds=25)
    figure("the bundled model from its file, built anew", anew * 1e3, "ms")
    figure("  … beside torch's unrestricted loader", anew / pickled, "×")
