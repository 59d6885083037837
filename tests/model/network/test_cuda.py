"""On a GPU: the same objects as on the processor, and in half precision masks that hardly differ."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import napari_fastsam as fs
from napari_fastsam.core.judging.metrics import match

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA GPU, and torch sees none")

SAME = 0.995
"""IoU from which masks are the same for every use."""


@pytest.fixture(scope="module")
def on_cpu(fluorescence):
    return fs.load_model("nuclei", device="cpu").segment(fluorescence, contrast_limits=(0, 80))


def mean_iou(expected: fs.Instances, found: fs.Instances) -> float:
    """Of objects that overlap by half at least; all but one in a hundred have to."""
    at_half = match(found.to_labels(), expected.to_labels(), [0.5])[0]
    assert at_half.false_negatives <= len(expected) // 100
    return at_half.mean_matched_iou


def test_cuda_finds_what_the_processor_finds(fluorescence, on_cpu):
    found = fs.load_model("nuclei", device="cuda").segment(fluorescence, contrast_limits=(0, 80))
    assert abs(len(found) - len(on_cpu)) <= len(on_cpu) // 100
    assert mean_iou(on_cpu, found) > SAME


def test_half_precision_draws_the_same_masks(fluorescence, on_cpu):
    model = fs.load_model("nuclei", device="cuda")
    with torch.autocast("cuda", torch.float16):
        found = model.segment(fluorescence, contrast_limits=(0, 80))
    assert mean_iou(on_cpu, found) > SAME


def test_tiles_and_prompts_on_cuda(fluorescence):
    on = {name: fs.load_model("nuclei", device=name) for name in ("cpu", "cuda")}
    labels = {
        name: fs.segment(model, fluorescence, tiled=True, scale=1.0, contrast_limits=(0, 80)).to_labels()
        for name, model in on.items()
    }
    assert np.mean((labels["cpu"] > 0) == (labels["cuda"] > 0)) > SAME
    prompts = fs.Prompts(points=[[126, 94], [147, 244]])
    for one, other in zip(
        *(fs.segment(on[name], fluorescence, prompts, contrast_limits=(0, 80)) for name in on), strict=True
    ):
        assert np.count_nonzero(one.mask & other.mask) / np.count_nonzero(one.mask | other.mask) > 0.98


def test_what_does_not_fit_on_the_gpu_is_said(fluorescence):
    """A share of the memory so small that the plane does not fit: an error that says what to do, and then it works."""
    model = fs.load_model("nuclei", device="cuda")
    torch.cuda.set_per_process_memory_fraction(1e-5)
    try:
        with pytest.raises(fs.FastSAMError, match="memory"):
            model.segment(np.tile(fluorescence, (8, 8)), imgsz=8192)
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
        torch.cuda.empty_cache()
    assert len(model.segment(fluorescence, contrast_limits=(0, 80)))
