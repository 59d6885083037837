"""What training shows to the network."""

from __future__ import annotations

import numpy as np
import pytest

from napari_fastsam.core.image.intensity import to_rgb8
from napari_fastsam.errors import LabelsError
from napari_fastsam.model.training.crops import (
    GREY,
    AnnotatedPlane,
    Augmentation,
    TrainingCrops,
    collate,
    diameters_of,
    vary,
)

AS_IT_IS = Augmentation(zoom=1, stretch=1, turn=0, invert=0, light=0, blur=0, noise=0)


@pytest.fixture(scope="module")
def planes(picture) -> list[AnnotatedPlane]:
    return [
        AnnotatedPlane.of(name, kind, to_rgb8(picture(name)), picture(f"{name}_labels"))
        for name, kind in (("sparse", "fluorescence"), ("tissue", "tissue"), ("wide", "fluorescence"))
    ]


def crops_of(
    planes: list[AnnotatedPlane], size: float = 28, augmentation: Augmentation | None = None, **options
) -> TrainingCrops:
    scales = np.array([size / plane.diameter for plane in planes])
    return TrainingCrops(planes, 128, scales, 64, augmentation or Augmentation(), **options)


def test_a_plane_is_numbered_without_gaps_and_measured() -> None:
    labels = np.zeros((40, 50), int)
    labels[0:10, 0:10], labels[20:40, 20:40] = 7, 70_000
    plane = AnnotatedPlane.of("a", "", np.zeros((40, 50, 3), np.uint8), labels)
    assert np.unique(plane.labels).tolist() == [0, 1, 2]
    assert (plane.labels[25, 25], plane.labels.dtype) == (2, np.uint16)
    # the equivalent diameters of squares of 10 and 20 pixels
    np.testing.assert_allclose(diameters_of(labels), [11.2838, 22.5676], atol=1e-4)
    assert plane.diameter == pytest.approx((11.2838 + 22.5676) / 2, abs=1e-4)


def test_a_plane_all_of_one_object_has_no_background() -> None:
    plane = AnnotatedPlane.of("a", "", np.zeros((8, 8, 3), np.uint8), np.full((8, 8), 3))
    assert (plane.labels == 1).all()
    beside = AnnotatedPlane.of("a", "", np.zeros((1, 3, 3), np.uint8), np.array([[-1, 0, 5]]))
    assert beside.labels.tolist() == [[1, 0, 2]]


def test_a_plane_without_objects_has_no_diameter() -> None:
    assert np.isnan(AnnotatedPlane.of("a", "", np.zeros((8, 8, 3), np.uint8), np.zeros((8, 8), int)).diameter)


def test_labels_that_do_not_fit_are_refused_by_name() -> None:
    with pytest.raises(LabelsError, match="cells_3"):
        AnnotatedPlane.of("cells_3", "", np.zeros((8, 9, 3), np.uint8), np.zeros((9, 8), int))


def test_more_objects_than_can_be_numbered_are_refused() -> None:
    with pytest.raises(LabelsError, match=r"65,536 objects"):
        AnnotatedPlane.of("a", "", np.zeros((256, 256, 3), np.uint8), np.arange(1, 65_537).reshape(256, 256))


def test_boxes_are_those_of_the_masks(planes) -> None:
    crops = crops_of(planes)
    seen = 0
    for index in range(30):
        crop = crops[index]
        assert np.unique(crop["masks"][crop["masks"] > 0]).tolist() == list(range(1, len(crop["bboxes"]) + 1))
        for number, (x, y, width, height) in enumerate(crop["bboxes"] * 128, start=1):
            rows, columns = np.nonzero(crop["masks"] == number)
            found = (columns.min(), columns.max() + 1, rows.min(), rows.max() + 1)
            assert found == pytest.approx((x - width / 2, x + width / 2, y - height / 2, y + height / 2), abs=1e-3)
            seen += 1
    assert seen > 50


def test_objects_come_at_the_wanted_size(planes) -> None:
    for plane in planes:
        crops = crops_of([plane], size=20, augmentation=AS_IT_IS)
        whole = []
        for index in range(40):
            masks, boxes = crops[index]["masks"], crops[index]["bboxes"] * 128
            for number, (x, y, width, height) in enumerate(boxes, start=1):
                if min(x - width / 2, y - height / 2) > 0 and max(x + width / 2, y + height / 2) < 128:
                    whole.append(2 * np.sqrt((masks == number).sum() / np.pi))
        assert np.median(whole) == pytest.approx(20, rel=0.15)


def test_the_same_seed_epoch_and_index_give_the_same_crop(planes) -> None:
    first, second, other_seed = crops_of(planes), crops_of(planes), crops_of(planes, seed=1)
    np.testing.assert_array_equal(first[5]["img"], second[5]["img"])
    assert (first[5]["img"] != first[6]["img"]).any()
    assert (first[5]["img"] != other_seed[5]["img"]).any()
    second.epoch = 1
    assert (first[5]["img"] != second[5]["img"]).any()


def test_rare_kinds_are_seen_more_often_than_their_number(planes) -> None:
    tissue = next(p for p in planes if p.group == "tissue")
    others = [p for p in planes if p.group != "tissue"]
    many = TrainingCrops([tissue, *others * 8], 128, np.ones(17), 64)
    assert many._chances[0] == pytest.approx(1 / (1 + 4))
    assert many._chances.sum() == pytest.approx(1)


def test_what_lies_outside_of_the_image_is_grey_and_unlabelled() -> None:
    rgb, labels = np.full((30, 30, 3), 255, np.uint8), np.ones((30, 30), int)
    plane = AnnotatedPlane.of("small", "", rgb, labels)
    crop = TrainingCrops([plane], 128, np.ones(1), 8, AS_IT_IS)[0]
    grey = (crop["img"] == GREY).all(axis=0)
    assert grey.sum() == pytest.approx(128**2 - 30**2, abs=200)
    assert not crop["masks"][grey].any()
    assert len(crop["bboxes"]) == 1


def test_image_and_labels_stay_together(planes) -> None:
    """Bright nuclei on black: inside the labels it is bright, whatever the turn and the mirror."""
    (plane,) = (p for p in planes if p.name == "sparse")
    crops = crops_of([plane], augmentation=Augmentation(invert=0, light=0, blur=0, noise=0))
    for index in range(20):
        crop = crops[index]
        inside, outside = crop["masks"] > 0, (crop["masks"] == 0) & (crop["img"][0] != GREY)
        if inside.sum() > 200 and outside.sum() > 200:
            assert crop["img"][0][inside].mean() > 2 * crop["img"][0][outside].mean()


def test_a_grey_picture_stays_grey() -> None:
    grey = np.repeat(np.arange(64 * 64, dtype=np.uint16).reshape(64, 64, 1) % 200, 3, axis=2).astype(np.uint8)
    for seed in range(30):
        varied = vary(grey, np.random.default_rng(seed), Augmentation(noise=0.9))
        assert (varied[..., 0] == varied[..., 1]).all()
        assert (varied[..., 0] == varied[..., 2]).all()


def test_intensities_vary_and_stay_in_range() -> None:
    grey = np.full((32, 32, 3), 100, np.uint8)
    means = [vary(grey, np.random.default_rng(seed), Augmentation()).mean() for seed in range(60)]
    assert np.std(means) > 5
    assert (vary(grey, np.random.default_rng(0), AS_IT_IS) == grey).all()


def test_a_batch_tells_which_object_is_of_which_crop(planes) -> None:
    crops = crops_of(planes)
    batch = collate([crops[0], crops[1], crops[2]])
    counts = [len(crops[i]["bboxes"]) for i in range(3)]
    assert batch["img"].shape == (3, 3, 128, 128)
    assert [int((batch["batch_idx"] == i).sum()) for i in range(3)] == counts
    assert [int(m.max()) for m in batch["masks"]] == counts
    assert len(batch["bboxes"]) == len(batch["cls"]) == sum(counts)


def test_of_an_image_labelled_in_part_nothing_unlabelled_is_decided(planes) -> None:
    (plane,) = (p for p in planes if p.name == "sparse")
    part = AnnotatedPlane.of(plane.name, plane.group, plane.rgb, plane.labels, complete=False)
    for index in range(10):
        whole, crop = crops_of([plane])[index], crops_of([part])[index]
        np.testing.assert_array_equal(crop["undecided"], crop["masks"] == 0)
        assert not whole["undecided"][whole["masks"] > 0].any()
        assert whole["undecided"].mean() < 0.05


def test_what_is_ignored_is_undecided_and_the_rest_is_background(planes) -> None:
    (plane,) = (p for p in planes if p.name == "sparse")
    ignored = np.zeros(plane.labels.shape, bool)
    ignored[: len(ignored) // 2] = True
    part = AnnotatedPlane.of(plane.name, plane.group, plane.rgb, plane.labels, ignored=ignored)
    assert 0 < part.labels.max() < plane.labels.max()
    assert not (part.ignored & (part.labels > 0)).any()
    assert not part.ignored[len(ignored) // 2 + 40 :].any()
    shares = [crops_of([part])[index]["undecided"].mean() for index in range(20)]
    assert min(shares) < 0.1
    assert max(shares) > 0.4
    for index in range(20):
        crop = crops_of([part])[index]
        assert not crop["undecided"][crop["masks"] > 0].any()


def test_what_is_found_where_nothing_is_known_is_neither_right_nor_wrong(planes) -> None:
    (plane,) = (p for p in planes if p.name == "sparse")
    found = np.zeros(plane.labels.shape, np.int32)
    found[:10, :10], found[-10:, -10:] = 1, 2
    ignored = np.zeros(plane.labels.shape, bool)
    ignored[:20, :20] = True
    part = AnnotatedPlane.of("a", "", plane.rgb, np.where(ignored, 0, plane.labels), ignored=ignored)
    assert set(np.unique(part.decided(found))) == {0, 2}
    assert set(np.unique(plane.decided(found))) == {0, 1, 2}
