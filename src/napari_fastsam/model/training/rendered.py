"""Artificial crops: drawn objects in looks that no data set has, so that a network learns what an object is.

Shapes are those of a data set's labels, or cells that fill the plane or leave gaps between them. They are filled with
random textures, edged with random rims and halos, lit as a relief. Training on random looks goes back to Tobin et al.,
"Domain Randomization", IROS 2017, and for segmentation to Billot et al., "SynthSeg", Medical Image Analysis 86, 2023.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from napari_fastsam.model.training.light import Draw, gaussian, smooth_noise, uniform, wide_gaussian

_TABLE = 32


@dataclass(frozen=True)
class Rendered:
    """Replace some crops by artificial ones.

    Attributes
    ----------
    drawn
        Share of crops whose objects are kept and given another look.
    cells
        Share of crops that are replaced by cells.
    diameter
        Usual size of a cell in pixels.
    """

    drawn: float = 0.06
    cells: float = 0.06
    diameter: float = 36.0

    def __call__(self, pictures: Tensor, labels: Tensor, unknown: Tensor, draw: Draw) -> tuple[Tensor, Tensor, Tensor]:
        """Return pictures, labels and what is unknown of them, with the first of them artificial."""
        count = len(pictures)
        drawn, cells = round(self.drawn * count), round(self.cells * count)
        if drawn + cells == 0:
            return pictures, labels, unknown
        made = cells_of(cells, labels.shape[-1], self.diameter, draw) if cells else labels[:0]
        shapes = torch.cat([made, labels[cells : cells + drawn]])
        looks = look_of(shapes, draw)
        rest = cells + drawn
        known = torch.zeros_like(unknown[:rest])
        return (
            torch.cat([looks, pictures[rest:]]),
            torch.cat([shapes, labels[rest:]]),
            torch.cat([known, unknown[rest:]]),
        )


def cells_of(count: int, size: int, diameter: float, draw: Draw) -> Tensor:
    """Return (count, size, size) int64 labels of cells: Voronoi cells of jittered points, bent and stretched.

    In some pictures they touch everywhere, in others there are gaps, or some are missing.
    """
    device = draw.device
    zoom = diameter * torch.exp(uniform(count, -math.log(2), math.log(2.5), draw, 1, 1))
    angle, long = uniform(count, 0, math.pi, draw, 1, 1), torch.exp(uniform(count, 0, 0.9, draw, 1, 1))
    along = torch.arange(size, device=device, dtype=torch.float32)
    bend = smooth_noise(2 * count, size, 8, draw).view(2, count, size, size) * uniform(count, 0, 0.25, draw, 1, 1)
    x, y = along[None, None, :] / zoom, along[None, :, None] / zoom
    u = (torch.cos(angle) * x - torch.sin(angle) * y) / long.sqrt() + bend[0] + 100
    v = (torch.sin(angle) * x + torch.cos(angle) * y) * long.sqrt() + bend[1] + 100
    table = torch.rand(count, _TABLE * _TABLE, 2, generator=draw, device=device)
    table = (table - 0.5) * uniform(count, 0.4, 0.98, draw, 1, 1) + 0.5
    column, row = u.floor().long(), v.floor().long()
    first = torch.full_like(u, 1e9)
    second = torch.full_like(u, 1e9)
    cell = torch.zeros_like(column)
    which = torch.arange(count, device=device)[:, None, None]
    for down in range(-2, 3):
        for right in range(-2, 3):
            number = (row + down) % _TABLE * _TABLE + (column + right) % _TABLE
            seed = table[which, number]
            distance = torch.hypot(column + right + seed[..., 0] - u, row + down + seed[..., 1] - v)
            nearer = distance < first
            second = torch.where(nearer, first, torch.minimum(second, distance))
            cell, first = torch.where(nearer, number, cell), torch.where(nearer, distance, first)
    gap = uniform(count, -0.15, 0.25, draw, 1, 1).clamp(min=0)
    missing = uniform(count, -0.5, 0.7, draw, 1)
    there = torch.rand(count, _TABLE * _TABLE, generator=draw, device=device) > missing
    return (cell + 1) * (there[which, cell] & (second - first >= gap) & (first < 0.9))


def look_of(labels: Tensor, draw: Draw) -> Tensor:
    """Return pictures (B, 3, H, W), 0 to 255, of objects (B, H, W) in random looks."""
    count, size = len(labels), labels.shape[-1]
    device = draw.device

    def amount(low: float, high: float, share: float = 1.0) -> Tensor:
        there = uniform(count, 0, 1, draw, 1, 1, 1) < share
        return uniform(count, low, high, draw, 1, 1, 1) * there

    inside = (labels > 0).float()[:, None]
    number = 1 + int(labels.max())
    own = torch.randn(count, number, generator=draw, device=device).gather(1, labels.flatten(1)).view_as(inside)
    padded = F.pad(labels[:, None].float(), (1, 1, 1, 1), mode="replicate")
    edge = ((padded[..., 1:-1, 2:] != labels[:, None]) | (padded[..., 2:, 1:-1] != labels[:, None])).float()
    narrow = gaussian(edge, uniform(count, 0.6, 2.5, draw))
    narrow = narrow / narrow.amax((1, 2, 3), keepdim=True).clamp(min=1e-3)
    wide = wide_gaussian(edge, uniform(count, 4, 14, draw))
    wide = wide / wide.amax((1, 2, 3), keepdim=True).clamp(min=1e-3)
    uneven = (1 + 0.35 * smooth_noise(count, size, 12, draw)).clamp(min=0.1)
    height = gaussian(inside, uniform(count, 1.5, 4, draw))
    angle = uniform(count, 0, 2 * math.pi, draw, 1, 1, 1)
    relief = torch.cos(angle) * (height - height.roll(2, -1)) + torch.sin(angle) * (height - height.roll(2, -2))
    contrast, rim = amount(-110, 110, 0.7), amount(-170, 170, 0.75)
    # what nobody could see is not to be found
    faint = (contrast.abs() < 30) & (rim.abs() < 60)
    rim = torch.where(faint, torch.where(rim < 0, -1, 1) * amount(60, 170), rim)
    picture = (
        amount(30, 220)
        + texture(count, size, draw) * (amount(0, 25) * (1 - inside) + amount(0, 40) * inside)
        + inside * (contrast + own * amount(0, 30))
        + narrow * uneven * rim
        + wide * (1 - inside) * amount(-50, 90, 0.4)
        + relief * amount(0, 160, 0.25)
    )
    picture = gaussian(picture, uniform(count, 0.3, 1.4, draw)).clamp(0, 255)
    return picture.expand(-1, 3, -1, -1)


def texture(count: int, size: int, draw: Draw) -> Tensor:
    """Return (count, 1, size, size) noise of several finenesses with values around -1 to 1."""
    total = torch.zeros(count, 1, size, size, device=draw.device)
    for cells in (4, 16, 48, 120):
        total = total + smooth_noise(count, size, cells, draw) * uniform(count, 0, 1, draw, 1, 1, 1) ** 2
    return total / total.std((1, 2, 3), keepdim=True).clamp(min=1e-3)
