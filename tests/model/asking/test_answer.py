"""Prompts to objects: thresholds, painting, the public names."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import napari_fastsam as fs
from first_look import box, middle
from napari_fastsam.core.objects.masks import CroppedMask
from napari_fastsam.core.prompts.prompts import Prompts
from napari_fastsam.core.prompts.selection import Selection
from napari_fastsam.errors import DatasetError, FastSAMError, ImageError, ModelError, ParameterError, PromptError
from napari_fastsam.model.asking.pixels import NetworkPixels
from napari_fastsam.model.asking.plane_prediction import predict_plane
from napari_fastsam.model.asking.segment import paint, predict, segment
from napari_fastsam.model.asking.thresholds import Thresholds
from napari_fastsam.model.network.segmenter import Model


class TestAnswer:
    def test_a_click_gives_the_object_clicked(
        self, nuclei: Model, sparse: np.ndarray, drawn: list[CroppedMask]
    ) -> None:
        points = np.array([middle(crop) for crop in drawn])
        found = segment(nuclei, sparse, Prompts(points=points))
        assert len(found) == len(drawn)
        for point, selection in zip(points, found, strict=True):
            if selection.mask is not None:
                assert selection.mask[tuple(point)]
        overlap = [s.crop.iou(crop) if s.crop else 0.0 for s, crop in zip(found, drawn, strict=True)]
        assert np.mean(overlap) > 0.55
        assert np.mean(np.array(overlap) >= 0.5) > 0.65

    def test_a_box_gives_the_object_boxed(self, nuclei: Model, sparse: np.ndarray, drawn: list[CroppedMask]) -> None:
        found = segment(nuclei, sparse, Prompts(boxes=[box(crop) for crop in drawn]))
        overlap = [s.crop.iou(crop) if s.crop else 0.0 for s, crop in zip(found, drawn, strict=True)]
        assert np.mean(overlap) > 0.55
        assert np.mean(np.array(overlap) >= 0.5) > 0.65

    def test_one_pass_when_the_first_look_has_it(
        self, nuclei: Model, sparse: np.ndarray, drawn: list[CroppedMask], counted: list[tuple[int, int]]
    ) -> None:
        best = nuclei.segment(sparse).masks[0]
        counted.clear()
        (found,) = segment(nuclei, sparse, Prompts(points=[middle(best)]))
        assert found.found
        assert counted == [(256, 256)]
        assert "closer" not in found.reason

    def test_all_kinds_at_once_in_order(self, nuclei: Model, sparse: np.ndarray) -> None:
        crop = nuclei.segment(sparse).masks[0]
        y0, x0, y1, x1 = box(crop)
        row, column = middle(crop)
        outline = [[y0, x0], [y0, x1 - 1], [y1 - 1, x1 - 1], [y1 - 1, x0]]
        prompts = Prompts(
            points=[[row, column]], point_objects=[3], boxes=[[y0, x0, y1, x1]], outlines=[outline],
            scribbles=[[[row, column - 2], [row, column + 2]]],
        )  # fmt: skip
        found = segment(nuclei, sparse, prompts)
        assert [s.prompt.kind for s in found] == ["point", "box", "outline", "scribble"]
        for selection in found:
            assert selection.crop is not None
            assert selection.crop.iou(crop) > 0.7, selection

    def test_no_prompts(self, nuclei: Model, sparse: np.ndarray) -> None:
        assert segment(nuclei, sparse, Prompts()) == []

    def test_wrong_parameters_are_named(self, nuclei: Model, sparse: np.ndarray) -> None:
        with pytest.raises(ParameterError, match="conf is 3"):
            segment(nuclei, sparse, Prompts(), conf=3)
        with pytest.raises(ParameterError, match="imgsz is 7"):
            segment(nuclei, sparse, Prompts(), imgsz=7)
        with pytest.raises(ImageError):
            segment(nuclei, np.zeros((0, 4)), Prompts())


class TestThresholds:
    def test_a_click_takes_what_passes_the_thresholds_first(self, nuclei: Model, sparse: np.ndarray) -> None:
        seen = predict_plane(nuclei, sparse)
        points = [middle(c) for c in seen.proposals.instances(0.25, 0.7).masks]
        (sure, _), (unsure, _) = (
            seen.select_from_cache(Prompts(points=points).queries, Thresholds(conf=c)) for c in (0.25, 0.8)
        )
        assert all(s.score > 0.25 for s in sure)
        low = [s for s in unsure if s.score <= 0.8]
        assert low
        assert all("below the confidence threshold" in s.reason for s in low)
        assert not any("below the confidence threshold" in s.reason for s in sure)

    def test_areas_hold_for_every_kind_of_prompt(self, nuclei: Model, sparse: np.ndarray) -> None:
        seen = predict_plane(nuclei, sparse)
        crop = seen.proposals.instances(0.25, 0.7).masks[0]
        y0, x0, y1, x1 = box(crop)
        outline = [[y0, x0], [y0, x1 - 1], [y1 - 1, x1 - 1], [y1 - 1, x0]]
        prompts = Prompts(points=[middle(crop)], point_objects=[1], boxes=[box(crop)], outlines=[outline])
        for limits in ({"min_area": 3 * crop.area}, {"max_area": crop.area / 4}):
            selections, missing = seen.select_from_cache(prompts.queries, Thresholds(**limits))
            while missing:
                list(seen.predict_crops(missing))
                selections, missing = seen.select_from_cache(prompts.queries, Thresholds(**limits))
            for selection in selections:
                area = None if selection.crop is None else selection.crop.area
                assert area is None or limits.get("min_area", 0) <= area <= limits.get("max_area", np.inf)
                for candidate in selection.candidates:
                    assert limits.get("min_area", 0) <= candidate.crop.area <= limits.get("max_area", np.inf)
            box_answer = next(s for s in selections if s.prompt.kind == "box")
            assert not box_answer.found
            assert "smaller or larger than the area allows" in box_answer.reason

    def test_a_value_out_of_range_is_named(self) -> None:
        with pytest.raises(ParameterError, match="min_area 9 is above max_area 3"):
            Thresholds(min_area=9, max_area=3)


def test_painted_selections_keep_their_place(nuclei: Model, sparse: np.ndarray) -> None:
    crops = nuclei.segment(sparse).masks
    prompts = Prompts(points=[middle(crops[0]), [-5, -5], middle(crops[1])])
    found = segment(nuclei, sparse, prompts)
    labels = paint(found, sparse.shape)
    assert set(np.unique(labels).tolist()) == {0, 1, 3}
    assert (labels[labels == 3] == 3).sum() == found[2].crop.area  # type: ignore[union-attr]
    assert set(np.unique(paint(found, sparse.shape, ids=[5, 6, 9])).tolist()) == {0, 5, 9}


@pytest.mark.parametrize("options", [{"tiled": True, "scale": 1.0}, {"diameter": 20}, {"tiled": False}])
def test_contrast_limits_may_be_an_array(nuclei: Model, sparse: np.ndarray, options: dict) -> None:
    limits = np.percentile(sparse, [1, 99.9])
    found = segment(nuclei, sparse, contrast_limits=limits, **options)
    same = segment(nuclei, sparse, contrast_limits=(float(limits[0]), float(limits[1])), **options)
    assert np.array_equal(found.to_labels(), same.to_labels())


@pytest.mark.parametrize(
    ("ask", "error", "said"),
    [
        (lambda model, _: segment(model, "a.png"), ImageError, "the image is 'a.png'; expected an array of pixels"),
        (lambda model, _: model.segment(Path("a.png")), ImageError, r"a\.png.*; expected an array of pixels"),
        (lambda _, image: segment("nuclei", image), ModelError, r"expected a loaded one: load_model\('nuclei'\)"),
        (lambda _, image: predict("nuclei", image), ModelError, "model is 'nuclei'"),
        (lambda _, image: fs.segment_stack("nuclei", image[None]), ModelError, "model is 'nuclei'"),
        (lambda *_: fs.load_model(None), ModelError, "the model is None; expected the name of one"),
        (lambda model, image: segment(model, image, [[9, 9]]), PromptError, "prompts is of type list; expected Prom"),
        (lambda model, image: predict(model, image).select({"points": []}), PromptError, "prompts is of type dict"),
        (lambda model, image: fs.select(model.segment(image), [[9, 9]]), PromptError, "prompts is of type list"),
        (lambda model, image: segment(model, image, conf="0.4"), ParameterError, "conf is '0.4'; expected a number"),
        (lambda model, image: model.segment(image).filter(max_area="9"), ParameterError, "max_area is '9'; expected a"),
        (
            lambda model, image: segment(model, image, Prompts(texts="a"), text_encoder="RN50"),
            ParameterError,
            r"text_encoder is 'RN50'; expected what load_text_encoder\('RN50'\) returns",
        ),
        (lambda model, image: segment(model, image[None], channels=0), ParameterError, "channels is 0; expected posi"),
        (
            lambda model, image: segment(model, image[None], channels=["DAPI"]),
            ParameterError,
            r"channels is \['DAPI'\]",
        ),
        (lambda model, _: fs.evaluate(model, "data"), DatasetError, r"expected what read_dataset\('data'\) returns"),
    ],
    ids=lambda value: "" if not isinstance(value, str) else value[:30],
)
def test_what_is_of_another_type_is_named_with_what_to_give(
    nuclei: Model,
    sparse: np.ndarray,
    ask: Callable[[Model, np.ndarray], object],
    error: type[FastSAMError],
    said: str,
) -> None:
    with pytest.raises(error, match=said):
        ask(nuclei, sparse)


def test_a_click_beside_the_image_is_told_once(nuclei: Model, sparse: np.ndarray) -> None:
    (selection,) = segment(nuclei, sparse, Prompts(points=[[-3, 9]]))
    height, width = sparse.shape
    assert selection.reason == f"outside the image of {height} × {width} pixels"


def test_an_input_size_of_nothing_is_named(nuclei: Model, sparse: np.ndarray) -> None:
    with pytest.raises(ParameterError, match="imgsz is 0"):
        segment(nuclei, sparse, imgsz=0)


@pytest.mark.parametrize("tiled", [False, True])
def test_a_lower_floor_keeps_what_is_less_sure(nuclei: Model, sparse: np.ndarray, tiled: bool) -> None:
    prompts = Prompts(points=[[row, column] for row in range(3, 100, 12) for column in range(3, 100, 12)])
    usual, lower = (
        predict(nuclei, sparse, tiled=tiled, scale=1.0, **floor).select(prompts, conf=0.001, refine=False)
        for floor in ({}, {"conf_floor": 0.001})
    )
    assert sum(one.found for one in lower) > sum(one.found for one in usual)


def test_old_names_say_what_to_use_instead(nuclei: Model, sparse: np.ndarray) -> None:
    prompts = Prompts(points=[[20, 20], [60, 80]])
    expected = paint(segment(nuclei, sparse, prompts), sparse.shape)
    with pytest.deprecated_call(match="answer is deprecated; use segment"):
        np.testing.assert_array_equal(paint(fs.answer(nuclei, sparse, prompts), sparse.shape), expected)
    with pytest.deprecated_call(match="answer_large is deprecated"):
        assert len(fs.answer_large(nuclei, sparse, prompts, scale=1.0)) == 2
    with pytest.deprecated_call(match="segment_tiled is deprecated"):
        assert len(fs.segment_tiled(nuclei, sparse, scale=1.0)) > 10


def test_one_pass_answers_prompt_after_prompt(
    nuclei: Model, sparse: np.ndarray, drawn: list[CroppedMask], counted: list[tuple[int, int]]
) -> None:
    prediction = predict(nuclei, sparse)
    passes = len(counted)
    points = [middle(crop) for crop in nuclei.segment(sparse).masks[:5]]
    counted.clear()
    for point in points:
        (one,) = prediction.select(Prompts(points=[point]))
        assert one.found
        assert not one.refined, "one click chooses, and corrects nothing"
        (again,) = prediction.select(Prompts(points=[point]), refine=False)
        assert again.crop is one.crop
    assert (passes, counted) == (1, [])


def test_a_refiner_is_asked_once_and_its_object_is_the_answer(nuclei: Model, sparse: np.ndarray) -> None:
    class Halving:
        """Cuts off the lower half of every object."""

        def refine(self, plane: NetworkPixels, selections: Sequence[Selection]) -> list[Selection]:
            return [self.halved(plane, selection) for selection in selections]

        def halved(self, plane: NetworkPixels, selection: Selection) -> Selection:
            candidate = selection.candidate
            if candidate is None:
                return selection
            pixels = candidate.crop.pixels.copy()
            pixels[len(pixels) // 2 :] = False
            assert plane.pixels(*candidate.crop.window).shape == (*pixels.shape, 3)
            half = replace(
                candidate, crop=CroppedMask(candidate.crop.top, candidate.crop.left, pixels), source="refined"
            )
            return replace(selection, candidates=(half,), chosen=0, refined=True)

    prompts = Prompts(points=[middle(nuclei.segment(sparse).masks[0]), [-5, -5]])
    for tiled in (False, True):
        whole, _ = segment(nuclei, sparse, prompts, refine=False, tiled=tiled)
        half, beyond = segment(nuclei, sparse, prompts, refine=Halving(), tiled=tiled)
        assert whole.crop is not None
        assert half.crop is not None
        assert 0 < half.crop.area < whole.crop.area
        assert (half.refined, beyond.refined, whole.refined) == (True, False, False)


def test_everything_by_size_is_what_the_model_finds(nuclei: Model, sparse: np.ndarray) -> None:
    found = segment(nuclei, sparse, min_area=30)
    expected = nuclei.segment(sparse).filter(min_area=30)
    np.testing.assert_array_equal(np.asarray(found.to_labels()), expected.to_labels())
    labels = np.zeros(sparse.shape, np.int32)
    assert len(segment(nuclei, sparse, labels=labels)) == labels.max()
    with pytest.raises(ParameterError, match="labels has shape"):
        segment(nuclei, sparse, labels=labels[1:])


def test_thresholds_are_values() -> None:
    assert replace(Thresholds(), conf=0.5).conf == 0.5
