"""Masks as another network or a person would start an object with: near the truth, with a neighbour, half, a box."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F

from napari_fastsam.model.correcting.training.images import Windows
from napari_fastsam.model.correcting.training.variation import blurred, happens, smooth_field, uniform

_MASKS, _BOXES = 0.55, 0.13
"""Shares of windows that start with a mask and with a box; the others start with clicks alone."""

_BOX = 0.5
"""How much of a cell in a box is said to be covered, as in `corrector`."""


def first_masks(windows: Windows) -> tuple[torch.Tensor, torch.Tensor]:
    """Return what objects start with.

    Returns
    -------
    masks
        (B, 1, S, S) 0 … 1; 0 where there is none.
    known
        (B,) bool, whether there is one.
    """
    truth = windows.cover
    mask = torch.where(happens(truth, 0.25), torch.maximum(truth, _neighbour(windows)), truth)
    box = _extent(truth)
    mask = _bent(mask, box)
    mask = _as_from_prototypes(mask, box)
    kind = uniform(truth)
    none = torch.zeros_like(truth)
    masks = torch.where(kind < _MASKS, mask, torch.where(kind < _MASKS + _BOXES, _boxes(truth, box), none))
    return masks, (kind < _MASKS + _BOXES)[:, 0, 0, 0]


def _extent(mask: torch.Tensor) -> torch.Tensor:
    """Return (B, 4) first and last row and column of masks, in cells."""
    side = mask.shape[-1]
    index = torch.arange(side, device=mask.device, dtype=torch.float32)
    ends = []
    for axis in (3, 2):
        there = mask.amax(axis)[:, 0] > 0.5
        ends += [torch.where(there, index, float(side)).amin(1), torch.where(there, index, -1.0).amax(1)]
    return torch.stack(ends, 1)


def _span(box: torch.Tensor, side: int) -> torch.Tensor:
    """Return (B, 1, 1, 1) the longer side of boxes as a share of the window."""
    span = torch.maximum(box[:, 1] - box[:, 0], box[:, 3] - box[:, 2]).clamp(3, side) / side
    return span[:, None, None, None]


def _neighbour(windows: Windows) -> torch.Tensor:
    """Return the mask of the nearest other object, a little larger so that it touches."""
    labels = windows.labels
    others = ((labels > 0) & (labels != windows.label)).float()
    near = (blurred(windows.cover, 9, 3) + 1e-3 * torch.rand_like(labels)) * others
    number = labels.flatten(1).gather(1, near.flatten(1).argmax(1, keepdim=True))[:, :, None, None]
    return F.max_pool2d((labels == number).float() * others, 3, 1, 1)


def _bent(mask: torch.Tensor, box: torch.Tensor) -> torch.Tensor:
    """Move, scale and bend masks by what is little for their size, and cut some in two."""
    side = mask.shape[-1]
    span = _span(box, side) * 2
    rows, columns = ((box[:, 2 * i] + box[:, 2 * i + 1] + 1) / side - 1 for i in (0, 1))
    row, column = rows[:, None, None, None], columns[:, None, None, None]
    grid = (torch.arange(side, device=mask.device) + 0.5) / side * 2 - 1
    y, x = grid[None, None, :, None].expand_as(mask), grid[None, None, None].expand_as(mask)
    scale = torch.exp(torch.randn_like(span) * 0.14)
    strength, fine = uniform(mask) ** 2 * span * 0.16, 0.4 * uniform(mask)
    moved = []
    for place, centre in ((x, column), (y, row)):
        bend = (smooth_field(mask, 5) + fine * smooth_field(mask, 12)) * strength
        moved.append((place - centre) * scale + centre + torch.randn_like(span) * span * 0.05 + bend)
    bent = F.grid_sample(mask, torch.cat(moved, 1).permute(0, 2, 3, 1), align_corners=False)
    angle = uniform(mask) * 2 * math.pi
    across = (x - column) * angle.cos() + (y - row) * angle.sin()
    half = (across > (uniform(mask) - 0.6) * span * 0.7).float()
    return torch.where(happens(mask, 0.2), bent * half, bent)


def _as_from_prototypes(mask: torch.Tensor, box: torch.Tensor) -> torch.Tensor:
    """Give some masks the coarse edges of a network that draws in cells of several pixels."""
    chance, wide = uniform(mask), _span(box, mask.shape[-1]) > 0.3
    coarse = {
        cell: F.interpolate(F.avg_pool2d(mask, cell), scale_factor=float(cell), mode="bilinear", align_corners=False)
        for cell in (4, 8)
    }
    mask = torch.where(chance < 0.25, coarse[4], torch.where((chance < 0.35) & wide, coarse[8], mask))
    return torch.where(happens(mask, 0.7), ((mask - 0.5) * 8 + 0.5).clamp(0, 1), mask)


def _boxes(mask: torch.Tensor, box: torch.Tensor) -> torch.Tensor:
    """Return boxes about as a person draws them."""
    side = mask.shape[-1]
    drawn = box + torch.randn_like(box) * _span(box, side)[:, :, 0, 0] * side * 0.04
    index = torch.arange(side, device=mask.device)[None]
    rows = (index >= drawn[:, 0:1]) & (index <= drawn[:, 1:2])
    columns = (index >= drawn[:, 2:3]) & (index <= drawn[:, 3:4])
    return _BOX * (rows[:, None, :, None] & columns[:, None, None]).float()
