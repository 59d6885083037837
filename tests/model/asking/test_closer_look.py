"""The closer look where the first one saw nothing, or saw an object cut."""

from __future__ import annotations

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from first_look import box, middle
from napari_fastsam.core.image.geometry import Letterbox
from napari_fastsam.core.objects.masks import CroppedMask
from napari_fastsam.core.objects.proposals import Proposals
from napari_fastsam.core.prompts.prompts import PromptRef, Prompts
from napari_fastsam.model.asking import plane_prediction
from napari_fastsam.model.asking.crop_regions import CropRegion, crop_regions
from napari_fastsam.model.asking.plane_prediction import PlanePrediction, predict_plane
from napari_fastsam.model.asking.segment import predict, segment
from napari_fastsam.model.asking.thresholds import Thresholds
from napari_fastsam.model.network.segmenter import Model
from napari_fastsam.model.weights.card import FASTSAM, Card

TOO_SMALL = 64
"""An imgsz at which the first look misses most of the picture `sparse`."""


class TestCloserLook:
    def test_it_finds_what_the_first_look_misses(
        self, nuclei: Model, sparse: np.ndarray, drawn: list[CroppedMask], counted: list[tuple[int, int]]
    ) -> None:
        prompts = Prompts(boxes=[box(crop) for crop in drawn])
        seen = predict_plane(nuclei, sparse, TOO_SMALL)
        first, missing = seen.select_from_cache(prompts.queries, Thresholds())
        missed = [i for i, s in enumerate(first) if not s.found]
        assert len(missed) >= 3, "the first look has to miss something"
        assert len(missing) >= 1
        found = segment(nuclei, sparse, prompts, imgsz=TOO_SMALL)
        again = [i for i in missed if "seen only in a closer look" in found[i].reason]
        assert len(again) >= 3
        for i in missed:
            assert i in again or found[i].reason == "drawn from the box"
        for i in again:
            assert found[i].prompt == first[i].prompt == PromptRef("box", (i,))
            crop = found[i].crop
            assert crop is not None
            assert found[i].mask is not None
            assert found[i].mask.shape == sparse.shape
        assert np.mean([found[i].crop.iou(drawn[i]) for i in again]) > 0.5  # type: ignore[union-attr]

    def test_a_click_too(self, nuclei: Model, sparse: np.ndarray, drawn: list[CroppedMask]) -> None:
        points = np.array([middle(crop) for crop in drawn])
        seen = predict_plane(nuclei, sparse, TOO_SMALL)
        first, _ = seen.select_from_cache(Prompts(points=points).queries, Thresholds())
        missed = [i for i, s in enumerate(first) if not s.found]
        assert missed
        found = segment(nuclei, sparse, Prompts(points=points), imgsz=TOO_SMALL)
        closer = [i for i in missed if found[i].found]
        assert closer
        for i in closer:
            assert found[i].mask is not None
            assert found[i].mask[tuple(points[i])]

    def test_what_it_finds_respects_negative_points_and_points_inside(
        self, nuclei: Model, sparse: np.ndarray, drawn: list[CroppedMask]
    ) -> None:
        boxes = Prompts(boxes=[box(crop) for crop in drawn])
        found = segment(nuclei, sparse, boxes, imgsz=TOO_SMALL)
        i = next(i for i, s in enumerate(found) if "closer" in s.reason and s.found)
        assert found[i].crop is not None
        inside = middle(found[i].crop)
        (refined,) = segment(nuclei, sparse, Prompts(points=[inside], boxes=[boxes.boxes[i]]), imgsz=TOO_SMALL)
        assert refined.found
        assert refined.mask is not None
        assert refined.mask[tuple(inside)]
        (vetoed,) = segment(
            nuclei, sparse, Prompts(points=[inside], point_labels=[0], boxes=[boxes.boxes[i]]), imgsz=TOO_SMALL
        )
        assert vetoed.mask is None or not vetoed.mask[tuple(inside)]

    def test_nothing_there_is_said_after_it(self, nuclei: Model, counted: list[tuple[int, int]]) -> None:
        found = segment(nuclei, np.zeros((200, 200), np.uint8), Prompts(points=[[100, 100]]))
        assert [s.reason for s in found] == ["no object there, nor in a closer look"]
        assert len(counted) == 1 + 2

    @pytest.mark.parametrize(
        "prompts",
        [
            Prompts(points=[[-1, 5]]),
            Prompts(points=[[5, 199.5]]),
            Prompts(points=[[50, 400], [50, 300]], point_objects=[1, 1]),
            Prompts(boxes=[[-50, -50, 0, 0]]),
            Prompts(boxes=[[200, 0, 300, 100]]),
            Prompts(boxes=[[50, 50, 50, 90]]),
            Prompts(boxes=[[50, 50, 90, 50]]),
            Prompts(outlines=[[[-9, -9], [-9, -3], [-3, -3]]]),
            Prompts(scribbles=[[[-9, 5], [-9, 20]]]),
            Prompts(boxes=[[50, 50, 50, 50]]),
        ],
        ids=[
            "point",
            "point on the edge",
            "both of two",
            "box above",
            "box below",
            "flat",
            "thin",
            "outline",
            "scribble",
            "a point of a box",
        ],
    )
    def test_what_lies_outside_or_has_no_area_needs_none(
        self, nuclei: Model, prompts: Prompts, counted: list[tuple[int, int]]
    ) -> None:
        prediction = predict(nuclei, np.zeros((200, 200), np.uint8))
        (found,) = prediction.select(prompts)
        assert not found.found
        assert counted == [(200, 200)]
        prediction.release(prompts.queries, 0)

    @pytest.mark.parametrize("far", [1e30, 1e308])
    @pytest.mark.parametrize("tiled", [False, True])
    def test_a_prompt_may_go_on_far_beyond_the_image(self, nuclei: Model, far: float, tiled: bool) -> None:
        prediction = predict(nuclei, np.zeros((200, 200), np.uint8), tiled=tiled)
        prompts = Prompts(boxes=[[0, 0, far, far]], scribbles=[[[0, 0], [far, far]]])
        assert [one.found for one in prediction.select(prompts, refine=False)] == [False, False]
        prediction.release(prompts.queries, 0)

    def test_no_window_is_run_twice(
        self, nuclei: Model, sparse: np.ndarray, drawn: list[CroppedMask], counted: list[tuple[int, int]]
    ) -> None:
        prompts = Prompts(boxes=[box(drawn[0])] * 3, points=[[250, 3], [250, 3]])
        seen = predict_plane(nuclei, sparse, TOO_SMALL)
        rounds = 0
        selections, missing = seen.select_from_cache(prompts.queries, Thresholds())
        while missing:
            assert len(set(missing)) == len(missing)
            assert not set(missing) & set(seen.crops)
            list(seen.predict_crops(missing))
            selections, missing = seen.select_from_cache(prompts.queries, Thresholds())
            rounds += 1
        assert rounds
        passes = len(counted)
        assert passes == 1 + len(seen.crops)
        list(seen.predict_crops(list(seen.crops)))
        _, missing = seen.select_from_cache(prompts.queries, Thresholds(conf=0.5))
        assert missing == []
        assert len(counted) == passes
        assert len(selections) == 5

    def test_stop_is_asked_before_each_window(self, nuclei: Model, sparse: np.ndarray) -> None:
        seen = predict_plane(nuclei, sparse)
        windows = [CropRegion((0, 64), (c, c + 64), 64) for c in (0, 64, 128)]
        done: list[int] = []
        for number in seen.predict_crops(windows, stop=lambda: len(done) == 2):
            done.append(number)
        assert done == [1, 2]
        assert list(seen.crops) == windows[:2]
        assert list(seen.predict_crops(windows[2:], stop=lambda: True)) == []

    def test_bytes_held_grow_with_what_is_kept(self, nuclei: Model, sparse: np.ndarray) -> None:
        seen = predict_plane(nuclei, sparse)
        before = seen.nbytes
        assert before >= sparse.size * 3
        list(seen.predict_crops([CropRegion((0, 64), (0, 64), 128)]))
        assert seen.nbytes >= before + 32 * 32 * 32 * 4


def filled(shape: tuple[int, int], boxes_xyxy: list[list[float]]) -> Proposals:
    """Proposals on a plane shown at its own scale, whose masks fill their boxes."""
    letterbox = Letterbox(shape, max(shape))
    assert letterbox.content == shape
    top, left = letterbox.padding
    height, width = letterbox.input
    count = len(boxes_xyxy)
    return Proposals(
        np.array(boxes_xyxy, np.float32).reshape(-1, 4) + np.array([left, top, left, top], np.float32),
        np.linspace(0.9, 0.8, count, dtype=np.float32),
        np.ones((count, 1), np.float32),
        np.ones((height // 4, width // 4, 1), np.float32),
        letterbox,
    )


class TestCutObjects:
    """In a closer look, what the crop cuts is left out and what the plane itself cuts is not."""

    SHAPE = (192, 320)

    @pytest.mark.parametrize(
        ("rows", "columns", "kept"),
        [
            ((0, 64), (0, 64), ["middle", "top", "left"]),
            ((0, 64), (10, 74), ["middle", "top"]),
            ((10, 74), (0, 64), ["middle", "left"]),
            ((10, 74), (10, 74), ["middle"]),
            ((128, 192), (10, 74), ["middle", "bottom"]),
            ((128, 192), (256, 320), ["middle", "bottom", "right"]),
        ],
        ids=["top left", "top", "left", "inside", "bottom", "bottom right"],
    )
    def test_each_side_is_judged_alone(
        self, nuclei: Model, rows: tuple[int, int], columns: tuple[int, int], kept: list[str]
    ) -> None:
        boxes_yx = {
            "middle": [20, 20, 34, 34],
            "top": [0, 20, 14, 34],
            "left": [20, 0, 34, 14],
            "bottom": [50, 20, 64, 34],
            "right": [20, 50, 34, 64],
        }
        seen = PlanePrediction(nuclei, np.zeros((*self.SHAPE, 3), np.uint8), filled(self.SHAPE, []))
        for name, (y0, x0, y1, x1) in boxes_yx.items():
            on_plane = [rows[0] + y0, columns[0] + x0, rows[0] + y1, columns[0] + x1]
            prompts = Prompts(boxes=[on_plane])
            window = CropRegion(rows, columns, 64)
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(plane_prediction, "crop_regions", lambda *_, window=window: [window])
                (first,), missing = seen.select_from_cache(prompts.queries, Thresholds())
                assert not first.found
                assert missing == ([] if window in seen.crops else [window])
                seen.crops[window] = filled((64, 64), [[b[1], b[0], b[3], b[2]] for b in boxes_yx.values()])
                (found,), missing = seen.select_from_cache(prompts.queries, Thresholds())
            assert missing == []
            assert found.found == (name in kept), name
            if found.crop is not None:
                assert box(found.crop) == on_plane
                assert found.mask is not None
                assert found.mask.shape == self.SHAPE
                assert found.prompt == PromptRef("box", (0,))
            seen.crops.clear()


class TestWindows:
    coordinate = st.floats(-50, 450)

    @given(st.lists(st.tuples(coordinate, coordinate), min_size=4, max_size=4), st.sampled_from([19.4, None]))
    def test_they_lie_on_the_plane_and_hold_what_they_are_for(
        self, corners: list[tuple[float, float]], diameter: float | None
    ) -> None:
        shape = (300, 400)
        card = Card(name="x", object_diameter=diameter) if diameter else FASTSAM
        prompts = Prompts(
            points=corners[:1], boxes=[[*corners[1], *corners[2]]], outlines=[corners], scribbles=[corners[2:]]
        )
        for query in prompts.queries:
            if not query.may_lie_on(shape):
                continue
            windows = crop_regions(query, shape, card)
            assert 1 <= len(windows) <= 2
            for window in windows:
                for (first, last), length in zip((window.rows, window.columns), shape, strict=True):
                    assert 0 <= first < last <= length
                assert 64 <= window.imgsz <= 1024
                assert window.imgsz % 32 == 0
                if query.kind == "point":
                    row, column = corners[0]
                    assert window.rows[0] - 0.5 <= row <= window.rows[1] - 0.5
                    assert window.columns[0] - 0.5 <= column <= window.columns[1] - 0.5

    def test_a_box_is_shown_at_the_size_that_the_model_knows(self) -> None:
        card = Card(name="x", object_diameter=20.0)
        prompts = Prompts(boxes=[[480, 480, 520, 520], [400, 400, 600, 600]])
        for i, extent in enumerate((40, 200)):
            close, wide = crop_regions(prompts.queries[i], (1000, 1000), card)
            for window, size in ((close, 40), (wide, 20)):
                shown = extent * window.imgsz / (window.rows[1] - window.rows[0])
                assert shown == pytest.approx(size, rel=0.3)
