"""Annotated planes in the memory of the device that trains, from which batches of crops are cut at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from napari_fastsam.model.network.segmenter import GREY
from napari_fastsam.model.training.crops import AnnotatedPlane

LEVELS = 5
"""How often a plane is halved, the plane itself counted in."""


@dataclass(frozen=True)
class Views:
    """From which plane, and how, each crop of a batch is taken.

    Attributes
    ----------
    planes
        (B,) indices of planes.
    forward
        (B, 2, 2) maps from x, y in plane pixels to x, y in crop pixels.
    centres
        (B, 2) x, y in plane pixels of the crops' centres.
    levels
        (B,) how many times the plane is halved before it is sampled.
    """

    planes: NDArray[np.int64]
    forward: NDArray[np.float64]
    centres: NDArray[np.float64]
    levels: NDArray[np.int64]


class Atlas:
    """Planes and their labels in one flat piece of memory, so that pixels of many planes are read by one index.

    Parameters
    ----------
    planes
        What is held.
    device
        Where.
    """

    def __init__(self, planes: Sequence[AnnotatedPlane], device: torch.device) -> None:
        self.device = device
        pixels: list[Tensor] = []
        labels: list[Tensor] = []
        shapes = np.zeros((len(planes), LEVELS, 2), np.int64)
        begins = np.zeros((len(planes), LEVELS), np.int64)
        label_begins = np.zeros(len(planes), np.int64)
        filled = drawn = 0
        for index, plane in enumerate(planes):
            rgb = torch.from_numpy(np.ascontiguousarray(plane.rgb)).to(device)
            level = rgb.permute(2, 0, 1)[None].float()
            for number in range(LEVELS):
                height, width = level.shape[-2:]
                shapes[index, number], begins[index, number] = (height, width), filled
                packed = torch.zeros(height, width, 4, dtype=torch.uint8, device=device)
                if number == 0 and plane.ignored is not None:
                    packed[..., 3] = torch.from_numpy(plane.ignored.astype(np.uint8)).to(device)
                packed[..., :3] = level[0].round().clamp(0, 255).to(torch.uint8).permute(1, 2, 0)
                pixels.append(packed.view(torch.int32).flatten())
                filled += height * width
                if min(height, width) >= 2:
                    level = F.avg_pool2d(level, 2, ceil_mode=True, count_include_pad=False)
            label_begins[index] = drawn
            labels.append(torch.from_numpy(plane.labels.astype(np.int16)).to(device).flatten())
            drawn += plane.labels.size
        self.pixels, self.labels = torch.cat(pixels), torch.cat(labels)
        self.shapes = torch.from_numpy(shapes).to(device)
        self.begins = torch.from_numpy(begins).to(device)
        self.label_begins = torch.from_numpy(label_begins).to(device)

    def cut(self, views: Views, size: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Cut crops.

        Returns
        -------
        pictures
            (B, 3, size, size) float32, 0 to 255; grey outside of the plane.
        labels
            (B, size, size) int64 as in the plane; 0 outside.
        inside, ignored
            (B, size, size) bool: on the plane, and where nothing is known of it.
        """
        planes = torch.from_numpy(views.planes).to(self.device)
        levels = torch.from_numpy(views.levels).to(self.device)
        back = torch.from_numpy(np.linalg.inv(views.forward)).to(self.device, torch.float32)
        centres = torch.from_numpy(views.centres).to(self.device, torch.float32)
        along = torch.arange(size, device=self.device, dtype=torch.float32) - (size - 1) / 2
        x = back[:, 0, 0, None, None] * along + back[:, 0, 1, None, None] * along[:, None] + centres[:, :1, None]
        y = back[:, 1, 0, None, None] * along + back[:, 1, 1, None, None] * along[:, None] + centres[:, 1:, None]
        height, width = (self.shapes[planes, 0, axis][:, None, None] for axis in (0, 1))
        column, row = x.round().long(), y.round().long()
        inside = (column >= 0) & (column < width) & (row >= 0) & (row < height)
        where = row.clamp(min=0).minimum(height - 1) * width + column.clamp(min=0).minimum(width - 1)
        labels = self.labels[self.label_begins[planes][:, None, None] + where].long() & 0xFFFF
        labels = labels * inside
        pictures = self._interpolated(planes, levels, x, y)
        first = self.pixels[self.begins[planes, 0][:, None, None] + where]
        ignored = (first.view(torch.uint8).view(*first.shape, 4)[..., 3] > 0) & inside
        return torch.where(inside[:, None], pictures, float(GREY)), labels, inside, ignored

    def _interpolated(self, planes: Tensor, levels: Tensor, x: Tensor, y: Tensor) -> Tensor:
        height, width = (self.shapes[planes, levels, axis][:, None, None] for axis in (0, 1))
        begin = self.begins[planes, levels][:, None, None]
        reduced = torch.exp2(-levels.float())[:, None, None]
        x, y = (x + 0.5) * reduced - 0.5, (y + 0.5) * reduced - 0.5
        left, top = x.floor(), y.floor()
        right_share, lower_share = (x - left)[..., None], (y - top)[..., None]

        def at(row: Tensor, column: Tensor) -> Tensor:
            row = row.long().clamp(min=0).minimum(height - 1)
            column = column.long().clamp(min=0).minimum(width - 1)
            found = self.pixels[begin + row * width + column].view(torch.uint8)
            return found.view(*row.shape, 4)[..., :3].float()

        upper = torch.lerp(at(top, left), at(top, left + 1), right_share)
        lower = torch.lerp(at(top + 1, left), at(top + 1, left + 1), right_share)
        return torch.lerp(upper, lower, lower_share).permute(0, 3, 1, 2)
