"""A model against annotated images."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from skimage.measure import regionprops

import napari_fastsam as fs
from napari_fastsam.core.judging.metrics import match
from napari_fastsam.core.objects.instances import Instances
from napari_fastsam.core.objects.masks import CroppedMask
from napari_fastsam.errors import ImageError, LabelsError, ParameterError
from napari_fastsam.model.correcting.corrector import GaussianProcess
from napari_fastsam.model.judging.click_validation import evaluate_clicks
from napari_fastsam.model.judging.validation import evaluate, innermost
from napari_fastsam.model.network.segmenter import Model
from napari_fastsam.model.weights.card import Card


@dataclass(frozen=True)
class Drawn:
    """An annotated image in memory."""

    name: str
    pixels: Any
    truth: Any
    group: str = ""

    def image(self) -> np.ndarray:
        return self.pixels

    def labels(self) -> np.ndarray:
        return self.truth


def squares(*corners: tuple[int, int]) -> np.ndarray:
    """Squares of 10 × 10 pixels, numbered as given."""
    labels = np.zeros((40, 60), np.int32)
    for number, (top, left) in enumerate(corners, start=1):
        labels[top : top + 10, left : left + 10] = number
    return labels


class Finds:
    """A model that finds what it is told; it has no network, so it can't be asked prompts."""

    device = "cpu"
    thresholds = Model.thresholds

    def __init__(self, labels: np.ndarray, card: Card | None = None) -> None:
        self.labels, self.card = labels, card or Card("told")
        self.asked: list[dict[str, Any]] = []

    def segment(self, image: np.ndarray, **settings: Any) -> Instances:
        self.asked.append(settings)
        return Instances.from_masks([self.labels == n for n in range(1, self.labels.max() + 1)])


def test_a_case_worked_by_hand() -> None:
    truth = squares((0, 0), (0, 20), (20, 0), (20, 40))
    # one as drawn, one shifted by 2 (IoU 8 / 12), one shifted by 4 (6 / 14), one that isn't there
    found = squares((0, 0), (0, 22), (24, 0), (5, 45))
    evaluation = evaluate(Finds(found), [Drawn("a", np.zeros((40, 60)), truth)], prompts=False)  # type: ignore[arg-type]
    (row,) = evaluation.images
    assert (row.name, row.objects, row.found, row.click_iou, row.box_iou) == ("a", 4, 4, (), ())
    figures = evaluation.summary().pooled
    assert figures.ap50 == pytest.approx(2 / 6)
    assert figures.ap75 == pytest.approx(1 / 7)
    # 0.5, 0.55, 0.6, 0.65 with two matches, 0.7 … 0.95 with one
    assert figures.ap == pytest.approx((4 * 2 / 6 + 6 * 1 / 7) / 10)
    assert figures.f1 == pytest.approx(4 / 8)
    assert figures.matched_iou == pytest.approx((1 + 8 / 12) / 2)


@pytest.mark.parametrize(
    ("card", "asked", "used"),
    [
        (Card("m"), {}, (0.25, 0.7)),
        (Card("m", conf=0.35, iou=0.4), {}, (0.35, 0.4)),
        (Card("m", conf=0.35, iou=0.4), {"conf": 0.0, "iou": 0.9}, (0.0, 0.9)),
    ],
    ids=["neither", "card", "asked"],
)
def test_thresholds_are_those_asked_for_or_the_cards(card: Card, asked: dict, used: tuple[float, float]) -> None:
    model: Any = Finds(squares((0, 0)), card)
    evaluation = evaluate(model, [Drawn("a", np.zeros((40, 60)), squares((0, 0)))], prompts=False, imgsz=96, **asked)
    (settings,) = model.asked
    assert (settings["conf"], settings["iou"], settings["imgsz"]) == (*used, 96)
    assert dict(evaluation.settings) == settings


def test_progress_and_cancel() -> None:
    model: Any = Finds(squares((0, 0)))
    images = [Drawn(str(i), np.zeros((40, 60)), squares((0, 0))) for i in range(4)]
    told: list[tuple[int, int]] = []
    evaluation = evaluate(
        model,
        iter(images),
        prompts=False,
        progress=lambda *at: told.append(at),
        cancel=lambda: len(told) == 2,
    )
    assert told == [(1, 4), (2, 4)]
    assert [row.name for row in evaluation.images] == ["0", "1"]


def test_a_gpu_is_warm_before_time_is_taken() -> None:
    model: Any = Finds(squares((0, 0)))
    model.device = "cuda"
    evaluate(model, [Drawn("a", np.zeros((40, 60)), squares((0, 0)))] * 3, prompts=False)
    assert len(model.asked) == 4


def test_what_cannot_be_judged_is_named(nuclei: Model) -> None:
    images = [
        (Drawn("stack", np.zeros((5, 40, 60)), squares((0, 0))), ImageError),
        (Drawn("dark", np.full((40, 60), np.nan), squares((0, 0))), ImageError),
        (Drawn("cut", np.zeros((40, 50)), squares((0, 0))), LabelsError),
        (Drawn("mask", np.zeros((40, 60)), squares((0, 0)) > 0), LabelsError),
        (Drawn("soft", np.zeros((40, 60)), squares((0, 0)) / 2), LabelsError),
    ]
    for image, error in images:
        with pytest.raises(error, match=f"^{image.name}: "):
            evaluate(nuclei, [image])
    with pytest.raises(ParameterError, match=r"conf is 1\.5"):
        evaluate(nuclei, [], conf=1.5)


def test_the_innermost_point() -> None:
    with_tail = np.zeros((9, 12), bool)
    with_tail[4:9, 0:5] = with_tail[6, :] = True
    assert innermost(with_tail) == (6, 2)
    assert innermost(np.ones((5, 7), bool)) in {(2, 2), (2, 3), (2, 4)}  # the array's edge is an edge
    assert innermost(np.ones((1, 1), bool)) == (0, 0)


def test_an_object_in_pieces_and_one_of_one_pixel_are_asked_for(nuclei: Model, picture: Callable) -> None:
    labels = np.zeros(picture("dense").shape[:2], np.int32)
    labels[10:30, 10:30], labels[100:140, 100:140], labels[200, 200] = 1, 1, 2
    row = evaluate(nuclei, [Drawn("a", picture("dense"), labels)]).images[0]
    assert len(row.click_iou) == len(row.box_iou) == 2
    assert all(0 <= v <= 1 for v in (*row.click_iou, *row.box_iou))


@pytest.mark.parametrize("number", [2_000_000_000_000, -1])
def test_the_numbers_of_objects_may_be_any(nuclei: Model, number: int) -> None:
    truth = np.where(squares((5, 5)) == 1, number, 0)
    (found,) = evaluate(nuclei, [Drawn("far", np.zeros((40, 60)), truth)]).images
    assert found.objects == len(found.click_iou) == len(found.box_iou) == 1


@pytest.mark.parametrize("stem", ["dense", "tissue"])
def test_numbers_are_those_of_the_python_face(nuclei: Model, picture: Callable, stem: str) -> None:
    image, truth = picture(stem), picture(f"{stem}_labels").astype(np.int32)
    evaluation = evaluate(nuclei, [Drawn(stem, image, truth, "kind")])
    (row,) = evaluation.images
    assert evaluation.model == "nuclei"
    assert evaluation.groups == ("kind",)
    labels = nuclei.segment(image, conf=nuclei.card.conf, iou=nuclei.card.iou).to_labels()
    assert row.matchings == tuple(match(labels, truth))
    assert row.seconds > 0
    regions = regionprops(truth)
    points = []
    for region in regions:
        r, c = innermost(region.image)
        points.append((r + region.bbox[0], c + region.bbox[1]))
    assert [truth[p] for p in points] == [region.label for region in regions]
    for prompts, ious in (
        (fs.Prompts(points=points), row.click_iou),
        (fs.Prompts(boxes=[region.bbox for region in regions]), row.box_iou),
    ):
        expected = [
            0.0 if s.crop is None else s.crop.iou(CroppedMask(*region.bbox[:2], region.image))
            for s, region in zip(fs.segment(nuclei, image, prompts, refine=False), regions, strict=True)
        ]
        assert ious == pytest.approx(expected)
        assert np.mean(expected) > 0.3


def test_the_model_knows_nuclei_and_not_noise(nuclei: Model, picture: Callable) -> None:
    image, truth = picture("sparse"), picture("sparse_labels").astype(np.int32)
    noise = np.random.default_rng(0).integers(0, 255, image.shape, np.uint8)
    good, bad = (evaluate(nuclei, [Drawn("a", i, truth)]).summary() for i in (image, noise))
    assert good.pooled.ap50 > 0.5 > 0.2 > bad.pooled.ap50
    assert good.click_iou > 0.5 > bad.click_iou


def test_no_objects_and_no_images(nuclei: Model) -> None:
    empty = Drawn("dark", np.zeros((64, 64), np.uint8), np.zeros((64, 64), np.int32))
    summary = evaluate(nuclei, [empty]).summary()
    assert (summary.images, summary.objects, summary.found) == (1, 0, 0)
    assert np.isnan([summary.pooled.ap50, summary.click_iou]).all()
    assert evaluate(nuclei, []).summary().images == 0


def test_labels_of_another_shape_are_named_before_anybody_clicks(nuclei: Model) -> None:
    cut = Drawn("cut", np.zeros((40, 50), np.uint8), squares((0, 0)))
    for model, start in ((nuclei, "point"), (None, "nothing")):
        with pytest.raises(LabelsError, match=r"^cut: "):
            evaluate_clicks(model, GaussianProcess(), [cut], clicks=1, start=start)
