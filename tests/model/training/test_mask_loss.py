"""The loss of masks, against values worked out by hand."""

from __future__ import annotations

import math
from types import SimpleNamespace

import pytest
import torch

from napari_fastsam.model.network.ultralytics_ import imported

with imported():
    from ultralytics.nn.tasks import SegmentationModel
    from ultralytics.utils import DEFAULT_CFG

    from napari_fastsam.model.network.description import read_description
    from napari_fastsam.model.training.mask_loss import POINTS, PointMaskLoss
    from napari_fastsam.model.training.trainer import new_network


@pytest.fixture(scope="module")
def loss() -> PointMaskLoss:
    network = SegmentationModel("yolov8n-seg.yaml", nc=1, verbose=False)
    network.args = DEFAULT_CFG
    return PointMaskLoss(network)


def mask_loss(loss: PointMaskLoss, labels: torch.Tensor, prototypes: torch.Tensor, box: list[float]) -> float:
    """The loss of one anchor whose mask is the one prototype."""
    loss._labels = labels[None]
    size = torch.tensor([64.0, 64.0])
    found = loss.calculate_segmentation_loss(
        torch.tensor([[True]]), labels[None], torch.tensor([[0]]), torch.tensor([[box]]), torch.zeros(1, 1),
        prototypes[None, None], torch.ones(1, 1, 1), size,
    )  # fmt: skip
    return float(found)


def square() -> torch.Tensor:
    labels = torch.zeros(64, 64)
    labels[16:48, 16:48] = 1
    return labels


def test_a_network_that_says_nothing_pays_ln_2_and_half_the_dice(loss) -> None:
    count = POINTS**2
    expected = math.log(2) + 1 - (count + 1) / (0.5 * count + count + 1)
    # the object fills the box and what is around it
    everywhere = torch.ones(64, 64)
    assert mask_loss(loss, everywhere, torch.zeros(16, 16), [16, 16, 48, 48]) == pytest.approx(expected, abs=1e-4)


def test_a_right_mask_costs_next_to_nothing_and_a_wrong_one_much(loss) -> None:
    right = torch.where(square()[::4, ::4] > 0, 20.0, -20.0)
    box = [16, 16, 48, 48]
    assert mask_loss(loss, square(), right, box) < 0.1
    assert mask_loss(loss, square(), -right, box) > 10


def test_a_mask_that_runs_over_its_box_is_felt(loss) -> None:
    torch.manual_seed(0)
    over = torch.full((16, 16), 20.0)
    assert mask_loss(loss, square(), over, [16, 16, 48, 48]) > 3


def test_what_lies_far_outside_of_the_box_does_not_count(loss) -> None:
    torch.manual_seed(0)
    right = torch.where(square()[::4, ::4] > 0, 20.0, -20.0)
    noisy = right.clone()
    noisy[:3] = 20.0
    box = [24, 24, 44, 44]
    assert mask_loss(loss, square(), noisy, box) == pytest.approx(mask_loss(loss, square(), right, box), abs=1e-5)


def test_an_edge_within_a_prototype_cell_is_felt(loss) -> None:
    """Two objects whose edges lie 2 input pixels, half a cell, apart: each fits its own prototypes better."""
    torch.manual_seed(0)
    columns = (torch.arange(16) * 4 + 2.0).expand(16, 16)
    here, there = (5 * (edge - columns) for edge in (32.0, 34.0))
    labels = torch.zeros(64, 64)
    labels[:, :32] = 1
    box = [8, 8, 56, 56]
    assert mask_loss(loss, labels, here, box) < 0.8 * mask_loss(loss, labels, there, box)


def test_it_trains_a_network_on_a_batch_without_objects(loss) -> None:
    network = SegmentationModel("yolov8n-seg.yaml", nc=1, verbose=False).train()
    network.args = DEFAULT_CFG
    network.criterion = PointMaskLoss(network)
    empty = torch.zeros(0)
    batch = {
        "img": torch.rand(2, 3, 64, 64), "masks": torch.zeros(2, 64, 64), "bboxes": empty.reshape(0, 4),
        "cls": empty.reshape(0, 1), "batch_idx": empty,
    }  # fmt: skip
    total, parts = network.loss(batch, network(batch["img"]))
    total.sum().backward()
    assert math.isfinite(total.sum().item())
    assert SimpleNamespace(**parts).seg_loss == 0


def score_gradients(undecided: torch.Tensor) -> torch.Tensor:
    """Return the loss's gradient in the scores of 8 x 8 anchors of 8 px, (8, 8); there is no object."""
    torch.manual_seed(0)
    network = SegmentationModel("yolov8n-seg.yaml", nc=1, verbose=False).train()
    network.args = DEFAULT_CFG
    empty = torch.zeros(0)
    batch = {
        "masks": torch.zeros(1, 64, 64), "bboxes": empty.reshape(0, 4), "cls": empty.reshape(0, 1),
        "batch_idx": empty, "undecided": undecided[None],
    }  # fmt: skip
    said = network(torch.rand(1, 3, 64, 64))
    said["scores"].retain_grad()
    total, _ = PointMaskLoss(network)(said, batch)
    total.sum().backward()
    return said["scores"].grad[0, 0, :64].reshape(8, 8)


def test_where_nothing_is_decided_the_lack_of_an_object_is_not_taught() -> None:
    undecided = torch.zeros(64, 64, dtype=torch.bool)
    undecided[:, 32:] = True
    gradients = score_gradients(undecided)
    assert (gradients[:, :4] > 0).all()
    assert (gradients[:, 4:] == 0).all()


@pytest.mark.parametrize("name", ["yolov8n-seg.yaml", "yolo11n-seg.yaml", "yolo26n-seg.yaml"])
def test_an_object_is_learnt_whatever_is_undecided_around_it(name: str) -> None:
    """Everything but one object is undecided: its anchors still learn."""
    network = new_network(read_description(name)).train()
    network.args = DEFAULT_CFG
    labels = square()[None]
    batch = {
        "masks": labels, "bboxes": torch.tensor([[0.5, 0.5, 0.5, 0.5]]), "cls": torch.zeros(1, 1),
        "batch_idx": torch.zeros(1), "undecided": labels == 0,
    }  # fmt: skip
    said = network(torch.rand(1, 3, 64, 64))
    said["scores"].retain_grad()
    total, parts = PointMaskLoss(network)(said, batch)
    total.sum().backward()
    taught = said["scores"].grad[0, 0] != 0
    assert 0 < taught.sum() < len(taught) / 2
    assert parts["seg_loss"] > 0


def test_many_masks_of_an_image_are_told_by_some_of_them(loss) -> None:
    """Half of 400 masks are right: what is drawn at random says so."""
    torch.manual_seed(0)
    right = torch.where(square()[::4, ::4] > 0, 20.0, -20.0)
    signs = torch.where(torch.arange(400) % 2 == 0, 1.0, -1.0)
    loss._labels = square()[None]
    found = loss.calculate_segmentation_loss(
        torch.ones(1, 400, dtype=torch.bool), square()[None], torch.zeros(1, 400, dtype=torch.int64),
        torch.tensor([16.0, 16, 48, 48]).expand(1, 400, 4), torch.zeros(1, 1), right[None, None],
        signs[None, :, None], torch.tensor([64.0, 64.0]),
    )  # fmt: skip
    wrong = mask_loss(loss, square(), -right, [16, 16, 48, 48])
    assert float(found) == pytest.approx(wrong / 2, rel=0.25)
