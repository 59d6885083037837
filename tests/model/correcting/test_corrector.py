"""A mask and clicks to the mask that is meant: what every answer keeps to, whoever gives it."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_fastsam.core.correcting.clicks import NO_CLICKS, read_clicks
from napari_fastsam.core.objects.masks import CroppedMask
from napari_fastsam.model.correcting.corrector import CorrectionRequest, GaussianProcess, correct
from napari_fastsam.model.correcting.network import CorrectionNetwork, fused
from napari_fastsam.model.correcting.weights import NetworkPredictor

SHAPE = (90, 110)


def untrained():
    """A network that says anything at all: what is promised must not depend on what it has learnt."""
    torch.manual_seed(3)
    network = CorrectionNetwork((8, 8, 8))
    torch.nn.init.normal_(network.head.weight, std=3)
    return NetworkPredictor("untrained", 32, fused(network))


PREDICTORS = [pytest.param(GaussianProcess(), id="gaussian process"), pytest.param(untrained(), id="network")]
either = pytest.mark.parametrize("predictor", PREDICTORS)


def picture():
    """Two bright disks that touch, on dark noise."""
    rows, columns = np.mgrid[: SHAPE[0], : SHAPE[1]]
    plane = np.random.default_rng(0).normal(40, 6, SHAPE)
    for centre in (35, 65):
        plane[(rows - 45) ** 2 + (columns - centre) ** 2 <= 15**2] += 120
    return np.repeat(plane.clip(0, 255).astype(np.uint8)[..., None], 3, axis=2)


def disk(row, column, radius, shape=SHAPE):
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    return (rows - row) ** 2 + (columns - column) ** 2 <= radius**2


def cropped(mask):
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return CroppedMask(int(rows[0]), int(columns[0]), mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1])


def clicks(*made, shape=SHAPE):
    return read_clicks([(row, column) for row, column, _ in made], [sign for *_, sign in made], shape)[0]


def iou(crop, truth):
    mask = crop.full(truth.shape)
    return np.count_nonzero(mask & truth) / np.count_nonzero(mask | truth)


MADE = st.dictionaries(
    st.tuples(st.integers(0, SHAPE[0] - 1), st.integers(0, SHAPE[1] - 1)), st.booleans(), min_size=1, max_size=10
)


@either
@settings(max_examples=25)
@given(MADE, st.booleans(), st.randoms())
def test_clicks_are_honoured_in_whatever_order_they_were_made(predictor, made, masked, random):
    start = cropped(disk(45, 35, 12)) if masked else None
    places = list(made.items())
    answers = []
    for _ in range(2):
        read, _ = read_clicks([place for place, _ in places], [sign for _, sign in places], SHAPE)
        (found,) = correct(predictor, picture(), [CorrectionRequest(read, start)])
        mask = found.crop.full(SHAPE)
        for (row, column), sign in places:
            assert mask[row, column] == sign
        answers.append(mask)
        random.shuffle(places)
    assert np.array_equal(answers[0], answers[1])


@either
def test_objects_answered_together_are_as_if_asked_alone(predictor):
    requests = [
        CorrectionRequest(clicks((45, 35, 1), (45, 65, 0))),
        CorrectionRequest(clicks((45, 65, 1), (45, 35, 0)), cropped(disk(45, 60, 10))),
        CorrectionRequest(mask=cropped(disk(45, 35, 14))),
    ]
    together = correct(predictor, picture(), requests)
    for request, found in zip(requests, together, strict=True):
        (alone,) = correct(predictor, picture(), [request])
        assert np.mean(alone.crop.full(SHAPE) != found.crop.full(SHAPE)) < 1e-3


@either
def test_a_mask_without_clicks_and_nothing_at_all_are_requests_too(predictor):
    kept, nothing, empty = correct(
        predictor,
        picture(),
        [
            CorrectionRequest(mask=cropped(disk(45, 35, 14))),
            CorrectionRequest(),
            CorrectionRequest(clicks((5, 5, 0))),
        ],
    )
    assert kept.crop.area
    assert not kept.drawn
    assert nothing.crop.area == empty.crop.area == 0


@either
@pytest.mark.parametrize("shape", [(1, 1), (2, 300), (5, 5)])
def test_tiny_planes_are_planes(predictor, shape):
    plane = np.full((*shape, 3), 90, np.uint8)
    (found,) = correct(predictor, plane, [CorrectionRequest(clicks((0, 0, 1), shape=shape))])
    assert found.crop.full(shape)[0, 0]


@either
def test_an_object_of_three_pixels_and_one_of_the_whole_plane(predictor):
    tiny = np.zeros(SHAPE, bool)
    tiny[40, 50:53] = True
    everything = np.ones(SHAPE, bool)
    for truth, place in ((tiny, (40, 51, 1)), (everything, (89, 109, 1))):
        (found,) = correct(predictor, picture(), [CorrectionRequest(clicks(place), cropped(truth))])
        assert found.crop.full(SHAPE)[place[:2]]


@either
def test_a_hundred_clicks(predictor):
    truth = disk(45, 35, 15)
    places = np.random.default_rng(1).integers(0, SHAPE, (100, 2))
    read, _ = read_clicks(places, truth[tuple(places.T)], SHAPE)
    (found,) = correct(predictor, picture(), [CorrectionRequest(read, cropped(disk(45, 40, 15)))])
    mask = found.crop.full(SHAPE)
    assert mask[tuple(read.inside.T)].all()
    assert not mask[tuple(read.outside.T)].any()


@either
def test_what_was_extended_and_cut_is_counted(predictor):
    start = cropped(disk(45, 35, 14))
    (found,) = correct(predictor, picture(), [CorrectionRequest(clicks((45, 65, 1), (45, 30, 0)), start)])
    before, after = start.full(SHAPE), found.crop.full(SHAPE)
    assert found.extended == np.count_nonzero(after & ~before) > 0
    assert found.cut == np.count_nonzero(before & ~after) > 0


def test_only_the_window_of_a_large_plane_is_read():
    class Slide:
        shape = (16_384, 16_384, 3)
        read = 0

        def __getitem__(self, index):
            rows, columns = (range(*part.indices(length)) for part, length in zip(index, self.shape, strict=False))
            self.read += len(rows) * len(columns)
            return np.zeros((len(rows), len(columns), 3), np.uint8)

    slide = Slide()
    mask = CroppedMask(8000, 8000, np.ones((40, 40), bool))
    made = clicks((8020, 8050, 1), shape=(16_384, 16_384))
    (found,) = correct(GaussianProcess(), slide, [CorrectionRequest(made, mask)])
    assert found.crop.covers(np.array([[8020, 8050]])).all()
    assert slide.read < 3 * 160 * 160


def test_the_gaussian_process_draws_a_disk_from_a_click_inside_and_one_beside_it():
    (found,) = correct(
        GaussianProcess(), picture(), [CorrectionRequest(clicks((45, 35, 1), (45, 65, 0), (20, 35, 0)), diameter=30)]
    )
    assert iou(found.crop, disk(45, 35, 15)) > 0.6
    assert found.drawn


def test_the_gaussian_process_takes_a_box_for_what_may_be_the_object():
    (found,) = correct(GaussianProcess(), picture(), [CorrectionRequest(clicks((45, 35, 1)), box=(30, 20, 61, 51))])
    assert iou(found.crop, disk(45, 35, 15)) > 0.6
    assert not found.drawn
    assert CorrectionRequest().clicks is NO_CLICKS
