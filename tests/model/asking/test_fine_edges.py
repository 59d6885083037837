"""Edges drawn anew: of what was proposed, wherever the network saw it, and of nothing else."""

from __future__ import annotations

import numpy as np
import pytest

import napari_fastsam as fs
from napari_fastsam.model.asking.beside import OtherProposals

NUCLEUS = (126, 94)


@pytest.fixture(scope="module")
def cells(fluorescence):
    return fluorescence[:256, :320]


def with_and_without(model, image, prompts, **options):
    return [fs.segment(model, image, prompts, fine_edges=fine, **options)[0] for fine in (True, False)]


@pytest.mark.parametrize("tiled", [False, True])
def test_the_object_of_a_click_has_fine_edges_in_one_pass_and_in_tiles(nuclei, cells, tiled):
    fine, coarse = with_and_without(nuclei, cells, fs.Prompts(points=[NUCLEUS]), tiled=tiled)
    assert fine.crop.key != coarse.crop.key
    assert fine.crop.iou(coarse.crop) > 0.6
    assert fine.mask[NUCLEUS]


def test_what_another_program_proposed_has_fine_edges_too(nuclei, cells):
    labels = np.zeros(cells.shape, np.uint16)
    whole = fs.segment(nuclei, cells, fs.Prompts(points=[NUCLEUS]))[0].mask
    labels[2:, 3:] = whole[:-2, :-3]
    others = OtherProposals.of_labels(labels, "cellpose")
    prompts = fs.Prompts(boxes=[others.instances.boxes[0]])
    fine, coarse = with_and_without(nuclei, cells, prompts, others=others)
    assert fine.candidate.source == coarse.candidate.source == "cellpose"
    assert fine.crop.key != coarse.crop.key


def test_a_mask_that_was_given_and_an_outline_that_is_the_object_stay(nuclei, cells):
    outline = [[2, 2], [2, 60], [60, 2]]
    mask = np.zeros(cells.shape, bool)
    mask[100:130, 200:240] = True
    for prompts in (fs.Prompts(masks=[mask]), fs.Prompts(outlines=[outline])):
        fine, coarse = with_and_without(nuclei, cells, prompts)
        assert coarse.candidate.source in ("given", "corrected")
        assert fine.crop.key == coarse.crop.key
