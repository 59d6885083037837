"""Clicks shape the objects that prompts choose: what a person may rely on, whoever proposes and whoever corrects."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import napari_fastsam as fs
from napari_fastsam.core.correcting.simulated_user import first_click, next_click
from napari_fastsam.core.prompts.selection import Selection, select_objects
from napari_fastsam.model.asking import refining
from napari_fastsam.model.asking.click_refiner import ClickRefiner
from napari_fastsam.model.asking.prediction import Prediction
from napari_fastsam.model.asking.thresholds import Thresholds
from napari_fastsam.model.correcting import weights
from napari_fastsam.model.correcting.corrector import GaussianProcess
from napari_fastsam.model.network.segmenter import Model

SHAPE = (90, 110)
LEFT, RIGHT, FAR = (45, 36), (45, 64), (15, 100)


def disk(centre: tuple[int, int], radius: float, shape: tuple[int, int] = SHAPE) -> np.ndarray:
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    return (rows - centre[0]) ** 2 + (columns - centre[1]) ** 2 <= radius**2


BOTH = disk(LEFT, 15) | disk(RIGHT, 15)


def picture() -> np.ndarray:
    """Two bright disks that touch, and a small one far from them, on dark noise."""
    plane = np.random.default_rng(0).normal(40, 6, SHAPE)
    plane[BOTH | disk(FAR, 6)] += 120
    return np.repeat(plane.clip(0, 255).astype(np.uint8)[..., None], 3, axis=2)


class Given(Prediction):
    """A plane whose proposals are masks that a test gives."""

    def __init__(self, masks: Sequence[np.ndarray] = (), rgb: np.ndarray | None = None, scores: object = None) -> None:
        self.rgb = picture() if rgb is None else rgb
        self.found = fs.Instances.from_masks(np.array([*masks]).reshape(-1, *self.shape), scores)  # type: ignore[arg-type]
        self.read: list[tuple[slice, slice]] = []

    @property
    def shape(self) -> tuple[int, int]:
        return self.rgb.shape[0], self.rgb.shape[1]

    def defaults(self, conf: float | None, iou: float | None) -> tuple[float, float]:
        return conf or 0.5, iou or 0.5

    def select_from_cache(self, queries: object, thresholds: Thresholds) -> tuple[list[Selection], list[object]]:
        return select_objects(self.found, queries), []  # type: ignore[arg-type]

    def pixels(self, rows: slice, columns: slice) -> np.ndarray:
        self.read.append((rows, columns))
        return self.rgb[rows, columns]


NETWORK, PROCESS = ClickRefiner(weights.load_corrector()), ClickRefiner(GaussianProcess())
either = pytest.mark.parametrize("refiner", [pytest.param(NETWORK, id="network"), pytest.param(PROCESS, id="process")])


def clicked(
    prediction: Prediction, *clicks: tuple[int, int, int], refiner: ClickRefiner = NETWORK, **others: object
) -> Selection:
    """The object of clicks (row, column, label) that belong together."""
    prompts = fs.Prompts([c[:2] for c in clicks], [c[2] for c in clicks], [1] * len(clicks), **others)  # type: ignore[arg-type]
    (one,) = prediction.select(prompts, refine=refiner)
    return one


def mask_of(selection: Selection) -> np.ndarray:
    assert selection.mask is not None, selection.reason
    return selection.mask


def iou(mask: np.ndarray, truth: np.ndarray) -> float:
    return float(np.count_nonzero(mask & truth) / np.count_nonzero(mask | truth))


class TestClicks:
    @either
    def test_the_first_click_chooses_and_what_satisfies_it_stays(self, refiner: ClickRefiner) -> None:
        prediction = Given([BOTH])
        (chosen,) = prediction.select(fs.Prompts([LEFT]), refine=False)
        for clicks in ([(*LEFT, 1)], [(*LEFT, 1), (*RIGHT, 1)], [(*LEFT, 1), (2, 2, 0)]):
            one = clicked(prediction, *clicks, refiner=refiner)
            assert one.crop is chosen.crop
            assert (one.refined, one.reason) == (False, "only object there")
        assert not prediction.read, "nothing is asked about what satisfies all clicks"

    @either
    def test_a_negative_click_cuts_and_says_how_much(self, refiner: ClickRefiner) -> None:
        one = clicked(Given([BOTH]), (*LEFT, 1), (*RIGHT, 0), refiner=refiner)
        mask = mask_of(one)
        assert one.refined
        assert (mask[LEFT], mask[RIGHT]) == (True, False)
        extended, cut = (int(np.count_nonzero(changed)) for changed in (mask & ~BOTH, BOTH & ~mask))
        said = [f"extended by {extended} px"] if extended else []
        assert one.reason == ", ".join([*said, f"cut {cut} px"])
        assert one.candidate is not None
        assert (one.candidate.source, one.candidates[1].crop.area) == ("corrected", BOTH.sum())

    @either
    def test_a_satisfied_click_on_a_corrected_object_changes_nothing(self, refiner: ClickRefiner) -> None:
        clicks = [(*LEFT, 1), (*RIGHT, 0)]
        before = mask_of(clicked(Given([BOTH]), *clicks, refiner=refiner))
        for more in [(40, 34, 1), (80, 80, 0)]:
            np.testing.assert_array_equal(mask_of(clicked(Given([BOTH]), *clicks, more, refiner=refiner)), before)

    def test_a_click_at_the_edge_moves_the_edge_there_and_nothing_else(self) -> None:
        start = disk(LEFT, 15)
        one = clicked(Given([start]), (*LEFT, 1), (59, 36, 0))
        changed = np.argwhere(mask_of(one) != start)
        assert [59, 36] in changed.tolist()
        assert (np.abs(changed - (59, 36)).max(axis=0) <= 12).all()

    def test_the_network_finds_the_edge_between_two_that_touch(self) -> None:
        one = clicked(Given([BOTH]), (*LEFT, 1), (*RIGHT, 0))
        assert iou(mask_of(one), disk(LEFT, 15)) > 0.85

    @either
    def test_a_positive_click_extends(self, refiner: ClickRefiner) -> None:
        half = disk(LEFT, 15)
        half[45:] = False
        one = clicked(Given([half]), (38, 36, 1), (53, 36, 1), (*RIGHT, 0), refiner=refiner)
        mask = mask_of(one)
        assert one.refined
        assert "extended by" in one.reason
        assert mask[53, 36]
        assert iou(mask, disk(LEFT, 15)) > iou(half, disk(LEFT, 15))

    @either
    def test_where_nothing_was_proposed_clicks_draw(self, refiner: ClickRefiner) -> None:
        one = clicked(Given(), (*FAR, 1), refiner=refiner)
        assert (one.refined, one.reason) == (True, "drawn from clicks")
        assert iou(mask_of(one), disk(FAR, 6)) > 0.6

    def test_what_is_not_likely_is_nothing_to_start_from(self) -> None:
        unlikely = Given([BOTH], scores=[0.3])
        one = clicked(unlikely, (*FAR, 1), (*LEFT, 1))
        assert one.reason == "drawn from clicks"
        (chosen,) = unlikely.select(fs.Prompts([LEFT]), refine=False)
        assert chosen.crop is not None
        (box,) = unlikely.select(fs.Prompts(boxes=[[30, 21, 61, 80]]))
        assert box.crop is not None
        assert box.crop.area == BOTH.sum(), "a box says more than a score"

    def test_an_even_plane_says_nothing_to_a_single_click(self) -> None:
        even = Given(rgb=np.full((*SHAPE, 3), 7, np.uint8))
        assert clicked(even, (*LEFT, 1)).reason == "no object there"
        assert mask_of(clicked(even, (*LEFT, 1), (50, 40, 1))).any()

    def test_what_is_drawn_reaches_the_thresholds_or_is_none(self) -> None:
        (one,) = Given().select(fs.Prompts([FAR]), min_area=5000)
        assert not one.found
        assert "area" in one.reason

    def test_refine_false_only_chooses(self) -> None:
        (one,) = Given([BOTH]).select(fs.Prompts([LEFT, RIGHT], [1, 0], [1, 1]), refine=False)
        assert (one.found, one.reason) == (False, "every object there holds a negative point")

    def test_a_corrected_object_can_be_stepped_back_to_what_was_proposed(self) -> None:
        one = clicked(Given([BOTH]), (*LEFT, 1), (*RIGHT, 0))
        before = one.larger()
        assert (mask_of(before).sum(), before.refined) == (BOTH.sum(), False)
        assert before.smaller().refined


class TestSeveralObjects:
    @either
    def test_a_click_on_each_of_two_that_touch_gives_two(self, refiner: ClickRefiner) -> None:
        left, right = (mask_of(s) for s in Given([BOTH]).select(fs.Prompts([LEFT, RIGHT]), refine=refiner))
        assert (left[LEFT], left[RIGHT], right[LEFT], right[RIGHT]) == (True, False, False, True)

    def test_two_clicks_on_one_pixel_and_a_box_around_a_click_mean_one_object(self) -> None:
        prediction = Given([disk(LEFT, 15)])
        prompts = fs.Prompts([LEFT, LEFT], point_objects=[1, 2], boxes=[[30, 21, 61, 52]])
        assert {s.crop.area for s in prediction.select(prompts) if s.crop} == {disk(LEFT, 15).sum()}

    def test_a_click_beside_a_box_is_not_in_its_object(self) -> None:
        box, point = 1, 0
        found = Given([BOTH]).select(fs.Prompts([RIGHT], boxes=[[30, 21, 61, 52]]))
        assert [s.prompt.kind for s in found] == ["point", "box"]
        assert mask_of(found[box])[LEFT] != mask_of(found[box])[RIGHT]
        assert mask_of(found[point])[RIGHT]

    @pytest.mark.parametrize("number", [0, 7], ids=["without a number", "of no object"])
    def test_a_negative_click_belongs_to_the_object_that_it_falls_in(self, number: int) -> None:
        prediction = Given([BOTH, disk(FAR, 6)])
        prompts = fs.Prompts([LEFT, FAR, RIGHT], [1, 1, 0], [1, 2, number])
        pair, far = prediction.select(prompts)
        assert (pair.refined, far.refined) == (True, False)
        assert not mask_of(pair)[RIGHT]

    def test_one_with_a_number_speaks_of_that_object_only(self) -> None:
        pair, far = Given([BOTH, disk(FAR, 6)]).select(fs.Prompts([LEFT, FAR, RIGHT], [1, 1, 0], [1, 2, 2]))
        assert (pair.refined, far.refined) == (False, False)

    def test_clicks_on_one_object_leave_the_others_as_they_are(self) -> None:
        prediction = Given([BOTH, disk(FAR, 6)])
        before = prediction.select(fs.Prompts([LEFT, FAR, (15, 95)], [1, 1, 0], [1, 2, 2]))
        after = prediction.select(fs.Prompts([LEFT, FAR, (15, 95), RIGHT, (70, 36)], [1, 1, 0, 0, 1], [1, 2, 2, 1, 1]))
        np.testing.assert_array_equal(mask_of(before[1]), mask_of(after[1]))
        assert before[1].refined
        assert (mask_of(before[0]) != mask_of(after[0])).any()


class TestShapes:
    """Whatever says where an object is can be corrected, and starts from itself where nothing was proposed."""

    SHAPES = (
        ("boxes", [[30, 21, 61, 52]], "box"),
        ("outlines", [[[30, 21], [30, 51], [60, 51], [60, 21]]], "outline"),
        ("scribbles", [[[45, 28], [45, 44]]], "scribble"),
    )

    @pytest.mark.parametrize(("field", "drawn", "kind"), SHAPES, ids=[kind for *_, kind in SHAPES])
    def test_alone(self, field: str, drawn: list[object], kind: str) -> None:
        (one,) = Given().select(fs.Prompts(**{field: drawn}))  # type: ignore[arg-type]
        mask = mask_of(one)
        assert (
            one.reason
            == {
                "box": "drawn from the box",
                "outline": "the outline itself, as nothing was proposed there",
                "scribble": "drawn from clicks",
            }[kind]
        )
        assert one.refined == (kind != "outline")
        assert mask[LEFT]
        assert iou(mask, disk(LEFT, 15)) > 0.6

    @pytest.mark.parametrize(("field", "drawn", "kind"), SHAPES, ids=[kind for *_, kind in SHAPES])
    @pytest.mark.parametrize("proposed", [True, False])
    def test_with_clicks(self, field: str, drawn: list[object], kind: str, proposed: bool) -> None:
        prediction = Given([disk(LEFT, 15)] if proposed else [])
        shape = {field: drawn, f"{kind}_objects": [1]}
        mask = mask_of(clicked(prediction, (45, 36, 1), (45, 48, 0), **shape))
        assert (mask[45, 36], mask[45, 48]) == (True, False)

    def test_a_mask_that_a_user_has(self) -> None:
        start = {"masks": [BOTH], "mask_objects": [1]}
        one = clicked(Given(), (*RIGHT, 0), **start)
        assert one.refined
        assert one.reason.split("cut ")[1].endswith(" px")
        assert not mask_of(one)[RIGHT]
        (as_it_was,) = Given().select(fs.Prompts(masks=[BOTH]))
        assert (as_it_was.refined, mask_of(as_it_was).sum()) == (False, BOTH.sum())

    def test_a_mask_outside_the_plane_is_none(self) -> None:
        beyond = np.zeros((200, 200), bool)
        beyond[150:160, 150:160] = True
        one = clicked(Given(), (*LEFT, 0), masks=[beyond], mask_objects=[1])
        assert not one.found


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
