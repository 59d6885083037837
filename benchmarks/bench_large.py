"""Large planes and stacks: what tiles and links cost beside the network itself."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from timing import alternate

import napari_fastsam as fs
from napari_fastsam.core.planes.linking import Linking, PlaneOverlaps, link
from napari_fastsam.core.planes.tiling import Tiling
from napari_fastsam.model.asking.stack import start_stack
from napari_fastsam.model.asking.thresholds import Thresholds
from napari_fastsam.model.asking.tiled import start_tiled
from napari_fastsam.samples import fluorescence_nuclei, nuclei_3d

CLICK = np.array([[126.0, 94.0]])


@pytest.fixture(scope="module")
def sample():
    """(520, 696)"""
    return fluorescence_nuclei()[0][0]


def test_tiles_beside_the_bare_passes(benchmark, figure, model, sample):
    plane = np.tile(sample, (5, 4))
    run = start_tiled(model, plane, Tiling(scale=1.4))
    pictures = [
        torch.rand(1, 3, *(-(-round(n * piece.grid.scale) // 32) * 32 for n in piece.tile.shape)).contiguous(
            memory_format=torch.channels_last
        )
        for piece in run.plan.pieces()
    ]

    def bare():
        with torch.inference_mode():
            for picture in pictures:
                model.network(picture)

    def tiled():
        return fs.segment(model, plane, tiled=True, scale=1.4, contrast_limits=(0, 80))

    count = len(benchmark.pedantic(tiled, rounds=1))
    ours, network = alternate(tiled, bare, rounds=3)
    figure(f"{count} objects of {plane.shape[0]} × {plane.shape[1]} pixels in {len(pictures)} tiles", ours, "s")
    figure("  … beside the bare passes over the tiles", ours / network, "×", 1.3)


def test_a_click_on_a_slide(benchmark, figure, model, sample):
    slide = np.tile(sample, (20, 20))
    place = CLICK + np.array([5200, 6960])

    def on_slide():
        return fs.segment(model, slide, fs.Prompts(points=place), contrast_limits=(0, 80))

    def on_small():
        return fs.segment(model, sample, fs.Prompts(points=CLICK), contrast_limits=(0, 80))

    assert benchmark.pedantic(on_slide, rounds=1)[0].found
    large, small = alternate(on_slide, on_small, rounds=5)
    figure(f"first click on a slide of {slide.shape[0]} × {slide.shape[1]} pixels", large, "s")
    figure("  … beside one on a picture of 520 × 696", large / small, "×", 2.5)


def test_linking_beside_the_network(benchmark, figure, model):
    stack = np.asarray(nuclei_3d()[0][0])
    run = start_stack(model, lambda plane: stack[plane], len(stack))

    def looks():
        run.kept.clear()
        for plane in range(len(stack)):
            run.predict(plane)

    looks()
    planes = [tuple(p.masks) for p in run.planes(Thresholds(*model.thresholds()))]
    known = PlaneOverlaps.of(planes, 1)
    benchmark.pedantic(lambda: link(planes, Linking(1)), rounds=3, warmup_rounds=1)
    all_of_it, again = alternate(lambda: link(planes, Linking(1)), lambda: link(known, Linking(1)), rounds=5)
    network, _ = alternate(looks, lambda: None, rounds=3)
    count = sum(map(len, planes))
    figure(f"linking {count} objects of {len(stack)} planes", all_of_it * 1e3, "ms")
    figure("  … beside the network on the same planes", all_of_it / network, "×", 0.5)
    figure("  … again with other parameters", again * 1e3, "ms")
