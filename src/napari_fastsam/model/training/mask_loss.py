"""The loss that training minimises: ultralytics' own, but masks are compared at points in and around their boxes.

Ultralytics compares whole frames and throws away what lies outside of each box, at a quarter of the resolution unless
one pays for more. A mask is used only in its box, and is interpolated between prototype cells there; so it is compared
at points in the box and a little around it, interpolated in the same way, with the labels at full resolution. That is
cheaper and teaches edges finer than a prototype cell. Comparing masks at random points goes back to Kirillov et al.,
"PointRend", CVPR 2020.

Where it is not known whether there is an object, the lack of one is not taught either.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from ultralytics.utils.loss import v8SegmentationLoss

if TYPE_CHECKING:
    from torch import Tensor, nn

POINTS = 26
"""Points along each side of a box."""

AROUND = 0.125
"""Share of a box's sides that is compared beyond each edge. Nothing else teaches a mask where to end: without this,
masks ran over their boxes, and the boxes cut them (area 7 % too large, centres a third of a pixel off)."""

MOST = 96
"""Masks that are compared in an image; of more anchors with an object, so many are drawn at random."""


class PointMaskLoss(v8SegmentationLoss):
    """Boxes, classes and distributions as ultralytics has them; masks at points: cross entropy and Dice."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__(model)
        self._entropy: Any = self.bce
        self.bce: Any = self._decided_entropy
        self._unknown: Tensor | None = None

    def loss(self, preds: dict[str, Any], batch: dict[str, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the loss of a batch and its parts.

        Parameters
        ----------
        preds
            What the network says in training.
        batch
            As `crops.collate` makes it; ``masks`` (B, H, W) hold k + 1 on the k-th object of the image, ``undecided``
            (B, H, W) is true where it is not known whether there is an object.
        """
        self._labels = batch["masks"]
        undecided = batch.get("undecided")
        self._unknown = None if undecided is None else at_anchors(undecided, preds["feats"])
        # ultralytics would enlarge the prototypes to the size of the masks; at their own size it leaves them alone
        proto = preds["proto"][0] if isinstance(preds["proto"], tuple) else preds["proto"]
        step = self._labels.shape[-1] // proto.shape[-1]
        found: tuple[Tensor, dict[str, Tensor]] = super().loss(
            preds | {"proto": proto}, batch | {"masks": self._labels[:, ::step, ::step]}
        )
        return found

    def _decided_entropy(self, scores: Tensor, wanted: Tensor) -> Tensor:
        """Return the cross entropy of the scores, (B, A, 1); 0 where an anchor has no object, but may have one."""
        entropy: Tensor = self._entropy(scores, wanted)
        if self._unknown is None:
            return entropy
        return entropy.masked_fill(self._unknown[..., None] & (wanted == 0), 0)

    def calculate_segmentation_loss(
        self,
        fg_mask: Tensor,
        masks: Tensor,
        target_gt_idx: Tensor,
        target_bboxes: Tensor,
        batch_idx: Tensor,
        proto: Tensor,
        pred_masks: Tensor,
        imgsz: Tensor,
    ) -> Tensor:
        """Return the mean mask loss over all anchors that have an object.

        Parameters
        ----------
        fg_mask
            (B, A) which anchors have an object.
        masks, batch_idx
            Not used; in ultralytics' signature.
        target_gt_idx, target_bboxes
            (B, A) k and (B, A, 4) x0, y0, x1, y1 in input pixels.
        proto, pred_masks
            (B, K, h, w) prototypes and (B, A, K) coefficients.
        imgsz
            Height and width of the input.
        """
        count, _, height, width = proto.shape
        counts = fg_mask.sum(1)
        most = min(MOST, max(1, int(counts.max())))
        order = torch.where(fg_mask, torch.rand(fg_mask.shape, device=proto.device), -1.0)
        drawn = order.topk(most, dim=1)
        anchors, there = drawn.indices, drawn.values >= 0

        def of(values: Tensor) -> Tensor:
            return values.gather(1, anchors[..., None].expand(-1, -1, values.shape[-1]))

        logits = torch.bmm(of(pred_masks), proto.flatten(2)).view(count * most, 1, height, width)
        grid = _points_in(of(target_bboxes / imgsz[[1, 0, 1, 0]]).flatten(0, 1))
        seen = F.grid_sample(logits, grid, padding_mode="border", align_corners=False)[:, 0]
        images = torch.arange(count, device=proto.device).repeat_interleave(most)
        wanted = target_gt_idx.gather(1, anchors).flatten() + 1
        truth = _labels_at(self._labels, images, grid) == wanted[:, None, None]
        # each stands for all of its image that were not drawn
        shares = there * (counts / there.sum(1).clamp(min=1))[:, None]
        differences = _difference(seen, truth.to(seen.dtype)) * shares.flatten()
        return differences.sum() / counts.sum().clamp(min=1)


def at_anchors(picture: Tensor, features: list[Tensor]) -> Tensor:
    """Return what a picture (B, H, W) holds at the middle of each anchor of feature maps (B, C, h, w): (B, A)."""
    levels = []
    for feature in features:
        step = picture.shape[-1] // feature.shape[-1]
        levels.append(picture[:, step // 2 :: step, step // 2 :: step].flatten(1))
    return torch.cat(levels, 1)


def _points_in(boxes: Tensor) -> Tensor:
    """Return a jittered grid of points in and around each box, (N, P, P, 2) x and y from -1 to 1 over the input."""
    count = len(boxes)
    margin = (boxes[:, 2:] - boxes[:, :2]) * AROUND
    boxes = torch.cat([boxes[:, :2] - margin, boxes[:, 2:] + margin], dim=1).clamp(0, 1)
    steps = torch.arange(POINTS, device=boxes.device, dtype=boxes.dtype)
    along_x = (steps + torch.rand(count, POINTS, device=boxes.device)) / POINTS
    along_y = (steps + torch.rand(count, POINTS, device=boxes.device)) / POINTS
    x = boxes[:, :1] + along_x * (boxes[:, 2:3] - boxes[:, :1])
    y = boxes[:, 1:2] + along_y * (boxes[:, 3:4] - boxes[:, 1:2])
    shape = (count, POINTS, POINTS)
    return torch.stack([x[:, None, :].expand(shape), y[:, :, None].expand(shape)], dim=-1) * 2 - 1


def _labels_at(labels: Tensor, images: Tensor, grid: Tensor) -> Tensor:
    """Return the labels (B, H, W) of images (N,) at points (N, P, P, 2)."""
    height, width = labels.shape[-2:]
    columns = ((grid[..., 0] + 1) / 2 * width).long().clamp_(0, width - 1)
    rows = ((grid[..., 1] + 1) / 2 * height).long().clamp_(0, height - 1)
    return labels[images[:, None, None], rows, columns]


def _difference(logits: Tensor, truth: Tensor) -> Tensor:
    """Return cross entropy plus Dice of each object, (N,)."""
    entropy: Any = F.binary_cross_entropy_with_logits(logits, truth, reduction="none").mean(dim=(1, 2))
    share = logits.sigmoid()
    overlap = 2 * (share * truth).sum(dim=(1, 2))
    both = share.sum(dim=(1, 2)) + truth.sum(dim=(1, 2))
    total: Tensor = entropy + 1 - (overlap + 1) / (both + 1)
    return total
