"""Crops that are cut, varied and drawn on the device that trains; here a processor."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from napari_fastsam.model.network.ultralytics_ import imported

with imported():
    from napari_fastsam.model.training.crops import AnnotatedPlane
    from napari_fastsam.model.training.device_crops import DeviceCrops, Variety, objects_of
    from napari_fastsam.model.training.light import Light, compressed, with_hot_pixels
    from napari_fastsam.model.training.rendered import Rendered, cells_of, look_of

CPU = torch.device("cpu")
STILL = Variety(zoom=1, wide=1, wide_share=0, stretch=1, turn=0)


def disks(name: str, diameter: int, count: int = 5, complete: bool = True, ground: int = 20) -> AnnotatedPlane:
    """Bright disks on a diagonal of a dark plane."""
    side = 2 * diameter * count
    rows, columns = np.mgrid[:side, :side]
    labels = np.zeros((side, side), np.uint16)
    for number in range(count):
        middle = diameter + 2 * diameter * number
        labels[np.hypot(rows - middle, columns - middle) < diameter / 2] = number + 1
    rgb = np.where(labels[..., None] > 0, 200, ground).astype(np.uint8).repeat(3, axis=2)
    return AnnotatedPlane.of(name, name, rgb, labels, complete=complete)


def crops_of(*planes: AnnotatedPlane, size: float = 24, **options: object) -> DeviceCrops:
    scales = np.array([size / plane.diameter for plane in planes])
    return DeviceCrops(planes, 128, scales, CPU, **{"variety": STILL} | options)


def test_boxes_and_masks_belong_together() -> None:
    batch = crops_of(disks("small", 8), disks("large", 60), variety=Variety()).batch(16)
    assert len(batch["bboxes"]) > 16
    for image in range(16):
        mask, boxes = batch["masks"][image], batch["bboxes"][batch["batch_idx"] == image] * 128
        assert np.unique(mask[mask > 0]).tolist() == list(range(1, len(boxes) + 1))
        for number, (x, y, width, height) in enumerate(boxes.tolist(), start=1):
            rows, columns = torch.nonzero(mask == number, as_tuple=True)
            found = (int(columns.min()), int(columns.max()) + 1, int(rows.min()), int(rows.max()) + 1)
            assert found == pytest.approx((x - width / 2, x + width / 2, y - height / 2, y + height / 2), abs=1e-3)


def test_objects_of_every_plane_come_at_the_wanted_size() -> None:
    for diameter in (8, 24, 60):
        batch = crops_of(disks("disks", diameter)).batch(12)
        areas = [
            float((batch["masks"][image] == number).sum())
            for image in range(12)
            for number, box in enumerate(batch["bboxes"][batch["batch_idx"] == image], start=1)
            if (box[:2] - box[2:] / 2 > 0.01).all() and (box[:2] + box[2:] / 2 < 0.99).all()
        ]
        assert len(areas) > 5
        assert 2 * np.sqrt(np.median(areas) / np.pi) == pytest.approx(24, rel=0.08)


def test_picture_and_labels_stay_together() -> None:
    batch = crops_of(disks("disks", 30), variety=Variety()).batch(8)
    inside = batch["masks"] > 0
    assert batch["img"][:, 0][inside].float().mean() > 180
    dark = ~inside & ~batch["undecided"] & (batch["img"][:, 0] != 114)
    assert batch["img"][:, 0][dark].float().mean() < 40


def test_slivers_at_the_edge_are_undecided() -> None:
    labels = torch.zeros(1, 64, 64, dtype=torch.int64)
    labels[0, 10:40, 10:40] = 7
    labels[0, 10:40, 62:] = 3
    masks, boxes, images, slivers = objects_of(labels, torch.tensor([900.0]))
    assert boxes.tolist() == [[25, 25, 30, 30]]
    assert images.tolist() == [0]
    assert torch.equal(masks[0] == 1, labels[0] == 7)
    assert torch.equal(slivers[0], labels[0] == 3)


def test_what_is_not_labelled_in_an_incomplete_plane_is_undecided() -> None:
    part = crops_of(disks("part", 24, complete=False)).batch(4)
    dark = part["img"][:, 0] < 40
    assert part["undecided"][dark].all()
    assert not part["undecided"][part["masks"] > 0].any()
    whole = crops_of(disks("whole", 24)).batch(4)
    assert not whole["undecided"][whole["img"][:, 0] < 40].any()


def test_rare_kinds_are_taken_more_often_than_their_number() -> None:
    """One of ten planes is darker: by the root of their numbers a quarter of the crops are of it."""
    batch = crops_of(disks("dark", 24, ground=5), *[disks("bright", 24)] * 9).batch(300)
    share = (batch["img"].flatten(1).amin(1) == 5).float().mean()
    assert float(share) == pytest.approx(1 / 4, abs=0.08)


def test_the_same_seed_gives_the_same_crops() -> None:
    first, second, other = (
        crops_of(disks("disks", 24), seed=seed, vary=Light(), variety=Variety()).batch(4) for seed in (1, 1, 2)
    )
    assert torch.equal(first["img"], second["img"])
    assert not torch.equal(first["img"], other["img"])


def test_light_changes_pictures_and_leaves_grey_grey() -> None:
    draw = torch.Generator().manual_seed(0)
    pictures = torch.from_numpy(disks("disks", 24).rgb[:128, :128]).permute(2, 0, 1).float().repeat(32, 1, 1, 1)
    varied = Light(tint=0)(pictures, draw)
    assert varied.min() >= 0
    assert varied.max() <= 255
    assert (varied[:, :1] - varied).abs().max() < 1e-3
    assert ((varied - pictures).abs().mean((1, 2, 3)) > 1).sum() > 28


def test_blocks_of_jpeg_keep_the_picture_and_lose_its_detail() -> None:
    draw = torch.Generator().manual_seed(0)
    grain = 100 + torch.rand(4, 3, 64, 64, generator=draw) * 6
    coarse = compressed(grain, draw)
    assert coarse.mean() == pytest.approx(103, abs=6)
    assert coarse.std() < 0.6 * grain.std()
    edge = torch.where(torch.arange(64) < 27, 20.0, 220.0).expand(1, 3, 64, 64)
    assert (compressed(edge, draw) - edge).abs().mean() < 25
    flat = torch.full((1, 3, 64, 64), 96.0)
    assert (compressed(flat, draw) - flat).abs().max() < 13


def test_hot_pixels_are_few_and_white_or_black() -> None:
    grey = torch.full((8, 3, 64, 64), 100.0)
    hot = with_hot_pixels(grey, torch.Generator().manual_seed(0))
    changed = hot != grey
    assert 0 < changed.float().mean() < 0.01
    assert set(hot[changed].unique().tolist()) <= {0.0, 255.0}


def test_cells_fill_the_plane_about_as_large_as_is_wanted() -> None:
    draw = torch.Generator().manual_seed(0)
    labels = cells_of(12, 160, 30.0, draw)
    sizes = [np.sqrt(np.median(np.unique(one[one > 0], return_counts=True)[1])) for one in labels.numpy()]
    assert 15 < np.median(sizes) < 60
    filled = (labels > 0).float().mean((1, 2))
    assert filled.max() > 0.99
    assert filled.min() < 0.9


def test_drawn_objects_can_be_seen() -> None:
    """Every picture differs at its objects or their edges from what is around them."""
    draw = torch.Generator().manual_seed(0)
    labels = torch.from_numpy(disks("disks", 24).labels[:192, :192].astype(np.int64)).repeat(40, 1, 1)
    pictures = look_of(labels, draw)
    inside = torch.nn.functional.max_pool2d((labels > 0).float()[:, None], 5, 1, 2)[:, 0] > 0
    ring = torch.nn.functional.max_pool2d((labels > 0).float()[:, None], 21, 1, 10)[:, 0] > 0
    contrasts = []
    for picture, near, around in zip(pictures[:, 0], inside, ring & ~inside, strict=True):
        contrasts.append(float((picture[near] - picture[around].median()).abs().mean()))
    assert np.quantile(contrasts, 0.1) > 8


def test_some_crops_are_replaced_by_drawn_ones() -> None:
    crops = crops_of(disks("part", 24, complete=False), render=Rendered(drawn=0.25, cells=0.25, diameter=24))
    batch = crops.batch(8)
    assert not batch["undecided"][2:4][batch["masks"][2:4] == 0].any()
    assert len(batch["bboxes"][batch["batch_idx"] < 2]) > 10
    assert batch["undecided"][4:].any()


def test_what_is_ignored_in_a_plane_is_undecided() -> None:
    whole = disks("whole", 24)
    ignored = np.zeros(whole.labels.shape, bool)
    ignored[:, : ignored.shape[1] // 2] = True
    plane = AnnotatedPlane.of("part", "", whole.rgb, whole.labels, ignored=ignored)
    batch = crops_of(plane).batch(16)
    dark = batch["img"][:, 0] < 40
    share = float(batch["undecided"][dark].float().mean())
    assert 0.2 < share < 0.8
    assert not batch["undecided"][batch["masks"] > 0].any()
