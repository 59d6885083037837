"""Clicks shape the objects that prompts choose: what a person may rely on, whoever proposes and whoever corrects."""

from __future__ import annotations

import numpy as np
import pytest

import napari_fastsam as fs
from clicking import BOTH, FAR, LEFT, RIGHT, SHAPE, Given, clicked, disk, either, iou, mask_of
from napari_fastsam.model.asking.click_refiner import ClickRefiner


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
