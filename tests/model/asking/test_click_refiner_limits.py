"""Clicks that make no sense, tiny and large planes, and what holds for clicks in whatever order."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import napari_fastsam as fs
from clicking import BOTH, FAR, LEFT, RIGHT, SHAPE, Given, clicked, disk, either, iou, mask_of, picture
from napari_fastsam.core.correcting.simulated_user import first_click, next_click
from napari_fastsam.model.asking import refining
from napari_fastsam.model.asking.click_refiner import ClickRefiner
from napari_fastsam.model.correcting import weights
from napari_fastsam.model.network.segmenter import Model


class TestBadInput:
    def test_clicks_outside_are_said(self) -> None:
        one = clicked(Given([BOTH]), (*LEFT, 1), (-4, 5, 1), (300, 2, 0))
        assert one.reason == "only object there; 2 clicks lie outside the image and are ignored"
        assert not one.refined
        beyond = clicked(Given([BOTH]), (-4, 5, 1))
        assert (beyond.found, "outside the image" in beyond.reason) == (False, True)

    def test_the_later_of_two_on_one_pixel_counts_and_that_is_said(self) -> None:
        negative = clicked(Given([BOTH]), (*LEFT, 1), (*RIGHT, 1), (*RIGHT, 0))
        positive = clicked(Given([BOTH]), (*LEFT, 1), (*RIGHT, 0), (*RIGHT, 1))
        assert (mask_of(negative)[RIGHT], mask_of(positive)[RIGHT]) == (False, True)
        for one in (negative, positive):
            assert one.reason.endswith("1 pixel was clicked with both signs; the last click counts")

    def test_clicks_where_nothing_was_measured(self, nuclei: Model) -> None:
        image = picture()[..., 0].astype(np.float32)
        image[40:50, 60:70] = np.nan
        one = clicked(fs.predict(nuclei, image), (*LEFT, 1), (45, 65, 0), (45, 62, 1))
        assert (mask_of(one)[45, 65], mask_of(one)[45, 62]) == (False, True)

    @either
    def test_a_hundred_clicks(self, refiner: ClickRefiner) -> None:
        rng = np.random.default_rng(1)
        places = rng.permutation(np.argwhere(np.ones(SHAPE)))[:100]
        clicks = [(int(y), int(x), int(disk(LEFT, 15)[y, x])) for y, x in places]
        mask = mask_of(clicked(Given([BOTH]), *clicks, refiner=refiner))
        assert [int(mask[y, x]) for y, x, _ in clicks] == [sign for *_, sign in clicks]

    @either
    def test_objects_of_three_pixels_and_of_the_whole_plane(self, refiner: ClickRefiner) -> None:
        tiny = np.zeros(SHAPE, bool)
        tiny[10, 10:13] = True
        mask = mask_of(clicked(Given([tiny]), (10, 10, 1), (10, 12, 0), refiner=refiner))
        assert (mask[10, 10], mask[10, 12]) == (True, False)
        mask = mask_of(clicked(Given([np.ones(SHAPE, bool)]), (*LEFT, 1), (5, 5, 0), refiner=refiner))
        assert (mask[LEFT], mask[5, 5]) == (True, False)

    @either
    @pytest.mark.parametrize("shape", [(1, 1), (1, 40), (2, 2)])
    def test_tiny_planes(self, refiner: ClickRefiner, shape: tuple[int, int]) -> None:
        tiny = Given(rgb=np.full((*shape, 3), 90, np.uint8))
        assert not clicked(tiny, (0, 0, 1), refiner=refiner).found
        whole = Given([np.ones(shape, bool)], tiny.rgb)
        assert mask_of(clicked(whole, (0, 0, 1), refiner=refiner)).all()
        gone = clicked(whole, (0, 0, 1), (0, 0, 0), refiner=refiner)
        assert not gone.found or not mask_of(gone)[0, 0]

    @pytest.mark.parametrize("content", [None, b"no weights"], ids=["missing", "damaged"])
    def test_without_weights_the_gaussian_process_answers(
        self, content: bytes | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        file = tmp_path / "corrections.pt"
        if content is not None:
            file.write_bytes(content)
        monkeypatch.setattr(weights, "BUNDLED_CORRECTIONS", file)
        caches = refining.default_refiner, weights.default_corrector
        for cache in caches:
            cache.cache_clear()
        try:
            prompts = fs.Prompts([LEFT, RIGHT], [1, 0], [1, 1])
            with pytest.warns(RuntimeWarning, match="Gaussian process") as said:
                found = [Given([BOTH]).select(prompts)[0] for _ in range(2)]
            assert len(said) == 1
            assert all(not mask_of(one)[RIGHT] for one in found)
        finally:
            for cache in caches:
                cache.cache_clear()


PLACES = st.tuples(st.integers(0, SHAPE[0] - 1), st.integers(0, SHAPE[1] - 1))

CLICKS = st.dictionaries(PLACES, st.booleans(), min_size=1, max_size=8)


@either
@settings(max_examples=25)
@given(CLICKS, st.booleans(), st.randoms(use_true_random=False))
def test_clicks_are_honoured_in_whatever_order(
    refiner: ClickRefiner, made: dict[tuple[int, int], bool], proposed: bool, random: object
) -> None:
    masks = []
    clicks = [(*place, int(sign)) for place, sign in {LEFT: True, **made}.items()]
    for _ in range(2):
        prediction = Given([BOTH] if proposed else [])
        masks.append(mask_of(clicked(prediction, *clicks, refiner=refiner)))
        assert [int(masks[-1][y, x]) for y, x, _ in clicks] == [sign for *_, sign in clicks]
        random.shuffle(clicks)  # type: ignore[attr-defined]
    np.testing.assert_array_equal(*masks)


@settings(max_examples=25)
@given(CLICKS)
def test_no_correction_changes_another_objects_pixels(made: dict[tuple[int, int], bool]) -> None:
    prediction, other = Given([BOTH, disk(FAR, 6)]), disk(FAR, 6)
    clicks = {place: sign and not other[place] for place, sign in made.items()}  # a click on the other speaks of it
    prompts = fs.Prompts([LEFT, FAR, *clicks], [1, 1, *clicks.values()], [1, 2, *[1] * len(clicks)])
    _, far = prediction.select(prompts)
    np.testing.assert_array_equal(mask_of(far), other)


def test_more_clicks_do_not_make_it_worse(
    nuclei: Model, fluorescence: np.ndarray, fluorescence_truth: np.ndarray
) -> None:
    prediction = fs.predict(nuclei, fluorescence)
    curves = []
    for number in range(3, 60, 6):
        truth = fluorescence_truth == number
        made, ious = [first_click(truth)], []
        for _ in range(6):
            one = clicked(prediction, *[(c.row, c.column, int(c.positive)) for c in made])
            ious.append(iou(mask_of(one), truth))
            wrong = next_click(mask_of(one), truth)
            made += [] if wrong is None else [wrong]
        curves.append(ious)
    mean = np.mean(curves, axis=0)
    assert (np.diff(mean) > -0.01).all(), mean
    assert mean[-1] > mean[0]


class Large:
    """A plane of 16,384 × 16,384 with a nucleus every 64 pixels, made where it is read."""

    shape = (16_384, 16_384)
    dtype = np.dtype(np.uint8)

    def __init__(self) -> None:
        self.read: list[int] = []

    def __getitem__(self, window: tuple[slice, slice]) -> np.ndarray:
        rows, columns = (np.arange(*s.indices(n)) % 64 - 32 for s, n in zip(window, self.shape, strict=True))
        self.read.append(len(rows) * len(columns))
        return np.where(rows[:, None] ** 2 + columns[None] ** 2 < 15**2, 190, 30).astype(np.uint8)


def test_of_a_large_plane_only_what_is_around_the_object_is_read(nuclei: Model) -> None:
    image = Large()
    prediction = fs.predict(nuclei, image)
    row, column = 8192 + 32, 4096 + 32
    first = clicked(prediction, (row, column, 1))
    assert first.crop is not None
    image.read.clear()
    one = clicked(prediction, (row, column, 1), (row, column + 12, 0))
    assert one.refined
    assert one.crop is not None
    assert one.crop.covers(np.array([[row, column], [row, column + 12]])).tolist() == [True, False]
    assert 0 < sum(image.read) < 3 * 128**2


def test_one_pass_of_the_network_is_enough(nuclei: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    prediction = fs.predict(nuclei, picture())

    def again(*_: object, **__: object) -> Callable[[], None]:
        raise AssertionError("a click needs no further pass")

    monkeypatch.setattr(Model, "propose", again)
    assert mask_of(clicked(prediction, (*LEFT, 1), (*RIGHT, 0)))[LEFT]
