"""Objects of another program beside the network's: clicks, steps, likeness and everything choose among both."""

from __future__ import annotations

import numpy as np
import pytest

from napari_fastsam.core.prompts.prompts import Prompts
from napari_fastsam.errors import ParameterError
from napari_fastsam.model.asking.beside import OtherProposals
from napari_fastsam.model.asking.segment import predict, segment
from napari_fastsam.model.network.segmenter import load_model

NUCLEUS = (126, 94)
"""A nucleus that the bundled network finds."""

NOTHING = (40, 300)
"""A place without any, where the other program has found something."""


@pytest.fixture(scope="module")
def model():
    return load_model("nuclei", "cpu")


@pytest.fixture(scope="module")
def cells(fluorescence):
    return fluorescence[:256, :320]


@pytest.fixture(scope="module")
def theirs(cells):
    """A large object around the nucleus, and one where the network has none."""
    labels = np.zeros(cells.shape, np.uint16)
    labels[96:160, 60:130] = 7
    labels[30:50, 290:310] = 9
    return OtherProposals.of_labels(labels, "cellpose", {7: 0.9, 9: 0.8})


def test_a_click_where_the_network_has_nothing_takes_the_others_object_and_says_so(model, cells, theirs):
    prompts = Prompts(points=[NOTHING])
    (found,) = predict(model, cells, others=theirs).select(prompts, refine=False)
    assert (found.crop.top, found.crop.left, found.crop.area) == (30, 290, 400)
    assert found.score == pytest.approx(0.8)
    assert found.candidate.source == "cellpose"
    assert "cellpose" in found.reason


def test_larger_and_smaller_step_through_the_objects_of_both(model, cells, theirs):
    prompts = Prompts(points=[NUCLEUS])
    (alone,) = predict(model, cells).select(prompts, refine=False)
    (both,) = predict(model, cells, others=theirs).select(prompts, refine=False)
    assert both.crop.key == alone.crop.key  # the smallest within reach, by the rule of clicks
    assert len(both.candidates) == len(alone.candidates) + 1
    step = both
    while step.candidate.source != "cellpose":
        assert step.larger() is not step
        step = step.larger()
    assert step.crop.area == 64 * 70


def test_a_box_chooses_what_overlaps_it_best_of_both(model, cells, theirs):
    (found,) = predict(model, cells, others=theirs).select(Prompts(boxes=[(96, 60, 160, 130)]), refine=False)
    assert found.candidate.source == "cellpose"
    assert found.crop.area == 64 * 70


def test_everything_is_of_both_and_of_two_that_overlap_the_surer(model, cells, theirs):
    alone = segment(model, cells)
    same = OtherProposals.of_labels(alone.to_labels(), "again", dict.fromkeys(range(1, len(alone) + 1), 0.01))
    assert len(segment(model, cells, others=same)) == len(alone)  # below the confidence threshold
    both = segment(model, cells, others=theirs)
    areas = both.areas.tolist()
    assert 400 in areas
    assert 64 * 70 in areas


def test_more_like_this_compares_the_objects_of_both(model, cells, theirs):
    prediction = predict(model, cells, others=theirs)
    found = prediction.select(Prompts(examples=[NUCLEUS]), example_threshold=0.0)
    keys = {one.crop.key for one in found if one.found}
    assert {mask.key for mask in theirs.instances.masks} & keys
    assert len(keys) > 2
    again = prediction.select(Prompts(examples=[NOTHING]), example_threshold=0.0)
    assert any(one.found and one.crop.area == 400 for one in again)  # an example may be the other program's


def test_clicks_of_both_signs_correct_what_the_other_program_proposed(model, cells, theirs):
    prompts = Prompts(points=[NOTHING, (32, 292)], point_labels=[1, 0], point_objects=[1, 1])
    (found,) = predict(model, cells, others=theirs).select(prompts)
    assert found.refined
    assert found.crop.covers(np.array([NOTHING]))[0]
    assert not found.crop.covers(np.array([(32, 292)]))[0]


def test_labels_of_another_plane_are_refused_by_name(model, cells):
    other = OtherProposals.of_labels(np.ones((8, 8), np.uint8), "cellpose")
    with pytest.raises(ParameterError, match="cellpose"):
        predict(model, cells, others=other)
    with pytest.raises(ParameterError, match="whole numbers"):
        OtherProposals.of_labels(np.ones((8, 8)), "cellpose")


def test_of_a_plane_in_tiles_examples_are_compared_with_the_networks_objects(model, cells, theirs):
    """No pixels of tiles are kept, by which the others' objects could be described."""
    prompts = Prompts(examples=[NUCLEUS])
    found = segment(model, cells, prompts, others=theirs, tiled=True)
    alone = segment(model, cells, prompts, tiled=True)
    assert [one.crop.key for one in found] == [one.crop.key for one in alone]


def test_everything_of_a_plane_in_tiles_is_looked_for_once(model, cells, theirs):
    labels, read = np.zeros(cells.shape, np.int32), []

    class Counted:
        shape = cells.shape

        def __getitem__(self, window):
            read.append(window)
            return cells[window]

    segment(model, Counted(), tiled=True, scale=1.0, contrast_limits=(0, 255), labels=labels, others=theirs)
    assert labels.any()
    assert len(read) == 1


def test_everything_of_both_goes_into_labels_that_are_given(model, cells, theirs):
    labels = np.zeros(cells.shape, np.int32)
    found = segment(model, cells, labels=labels, others=theirs)
    assert np.array_equal(labels, found.to_labels())
