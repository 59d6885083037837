"""Annotated images on the device, and windows around their objects."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from scipy import ndimage

from napari_fastsam.core.correcting.simulated_user import deepest
from napari_fastsam.core.objects.pixel_sums import numbered
from napari_fastsam.errors import LabelsError

LEVELS = 5
"""Pictures are kept at full size and halved four times, so that large objects are seen without aliasing."""

_SMALLEST_AREA = 12
_SMALLEST_WINDOW = 10.0
_WHOLE_IN_VIEW = 0.55
"""Share of windows that are centred on an object and fit it, as after a first look; the others lie around a click."""

_SUBPIXELS = ((-0.25, -0.25), (-0.25, 0.25), (0.25, -0.25), (0.25, 0.25))


@dataclass(frozen=True, eq=False)
class LabelledPicture:
    """One image to train on.

    Attributes
    ----------
    name, group
        Of the image, and its kind.
    rgb
        (H, W, 3) uint8 as the network sees it.
    labels
        (H, W) int32, 0 = background.
    objects
        (N, 8) float32: label, first row and column, last ones plus one, area, row and column of the deepest pixel.
    """

    name: str
    group: str
    rgb: NDArray[np.uint8]
    labels: NDArray[np.int32]
    objects: NDArray[np.float32]

    @classmethod
    def of(cls, name: str, group: str, rgb: NDArray[np.uint8], labels: NDArray[np.integer]) -> LabelledPicture:
        """Return the image with a table of its objects; those of less than 12 pixels are left out.

        Raises
        ------
        LabelsError
            If the labels have another shape.
        """
        if labels.shape != rgb.shape[:2]:
            raise LabelsError(f"{name}: labels of shape {labels.shape} do not fit an image of shape {rgb.shape[:2]}")
        numbers = numbered(labels)[1].astype(np.int32)
        rows = []
        for label, box in enumerate(ndimage.find_objects(numbers), start=1):
            mask = numbers[box] == label
            area = int(mask.sum())
            if area >= _SMALLEST_AREA:
                top, left = box[0].start, box[1].start
                row, column, _ = deepest(mask)
                rows.append((label, top, left, box[0].stop, box[1].stop, area, top + row, left + column))
        return cls(name, group, rgb, numbers, np.array(rows, np.float32).reshape(-1, 8))


@dataclass(frozen=True, eq=False)
class Windows:
    """A batch of windows around objects.

    Attributes
    ----------
    picture
        (B, 3, S, S) 0 … 1.
    cover
        (B, 1, S, S) how much of each cell the object covers.
    labels
        (B, 1, S, S) the labels at the cells' centres.
    label
        (B, 1, 1, 1) the object's own.
    inside
        (B, 1, S, S) 1 on the image, else 0.
    beyond
        (B,) the object's area beyond the window, in cells.
    """

    picture: torch.Tensor
    cover: torch.Tensor
    labels: torch.Tensor
    label: torch.Tensor
    inside: torch.Tensor
    beyond: torch.Tensor


class TrainingImages:
    """Pictures, as pyramids, and labels of many images in flat buffers on a device.

    Parameters
    ----------
    pictures
        What to train on; those without objects are left out.
    device
        Where windows are cut.
    """

    def __init__(self, pictures: Sequence[LabelledPicture], device: torch.device) -> None:
        kept = [picture for picture in pictures if len(picture.objects)]
        self.device = device
        self.groups = [picture.group for picture in kept]
        levels = [_pyramid(picture.rgb) for picture in kept]
        sizes = torch.tensor([[one.shape[:2] for one in pyramid] for pyramid in levels])
        areas = sizes.prod(dim=2)
        self._shapes = sizes.to(device)
        self._offsets = (areas.flatten().cumsum(0) - areas.flatten()).reshape(areas.shape).to(device)
        self._label_offsets = (areas[:, 0].cumsum(0) - areas[:, 0]).to(device)
        self._pixels = torch.cat([one.reshape(-1, 3) for pyramid in levels for one in pyramid]).to(device)
        self._labels = torch.cat([torch.from_numpy(picture.labels).flatten() for picture in kept]).to(device)
        tables = [np.column_stack([np.full(len(p.objects), i, np.float32), p.objects]) for i, p in enumerate(kept)]
        self.objects = torch.from_numpy(np.concatenate(tables)).to(device)
        self.chances = torch.from_numpy(_chances(self.groups, [len(t) for t in tables])).to(device)

    def draw(self, count: int) -> torch.Tensor:
        """Return (count,) indices into `objects`, so that rare kinds and sparse images come up, too."""
        return torch.multinomial(self.chances, count, replacement=True)

    def windows(self, chosen: torch.Tensor, cells: int, *, plain: bool = False) -> Windows:
        """Cut windows around objects.

        Parameters
        ----------
        chosen
            (B,) indices into `objects`.
        cells
            Along each side.
        plain
            Centred, upright and fitting, to measure with; else shifted, turned, mirrored, stretched, of many sizes.
        """
        rows = self.objects[chosen]
        image, label = rows[:, 0].long(), rows[:, 1].long()
        centre, side, matrix = self._frames(rows, image, cells, plain)
        steps = torch.arange(cells, device=self.device) - (cells - 1) / 2
        down, across = steps[None, :, None], steps[None, None, :]
        y, x = (
            _spread(centre[:, i]) + _spread(matrix[:, i, 0]) * down + _spread(matrix[:, i, 1]) * across for i in (0, 1)
        )
        per_cell = side / cells
        jitter = torch.zeros_like(side) if plain else torch.rand_like(side) * 1.1 - 0.6
        level = (per_cell.log2() + jitter).round().long().clamp(0, LEVELS - 1)
        cover = self._coverage(image, label, y, x, matrix)
        labels, inside = self._labels_at(image, y.round().long(), x.round().long())
        beyond = (rows[:, 6] / per_cell**2 - cover.sum((1, 2, 3))).clamp_min(0)
        picture = self._sampled(image, level, y, x)
        return Windows(
            picture, cover, labels[:, None].float(), label.float()[:, None, None, None], inside[:, None].float(), beyond
        )

    def _frames(
        self, rows: torch.Tensor, image: torch.Tensor, cells: int, plain: bool
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Return centres (B, 2) and sides (B,) in pixels, and the steps of a cell down and across (B, 2, 2)."""
        count, device = len(rows), self.device
        top_left, bottom_right, clicked = rows[:, 2:4], rows[:, 4:6], rows[:, 7:9]
        span = (bottom_right - top_left).amax(1).clamp_min(3)
        if plain:
            share = torch.full((count,), 0.5, device=device)
        else:
            fits = torch.rand(count, device=device) < _WHOLE_IN_VIEW
            fitting = 0.5 * torch.exp(torch.randn(count, device=device) * 0.22)
            share = torch.where(fits, fitting, 0.1 * torch.exp(torch.rand(count, device=device) * math.log(14.0)))
        largest = 2.0 * self._shapes[image, 0].amax(1).float()
        side = torch.minimum((span / share).clamp_min(_SMALLEST_WINDOW), largest)
        centre = (top_left + bottom_right - 1) / 2
        scale = side / cells
        if plain:
            return centre, side, torch.diag_embed(torch.stack([scale, scale], 1))
        shift = torch.where(fits, 0.09, 0.02) * side
        centre = torch.where(fits[:, None], centre, clicked) + torch.randn(count, 2, device=device) * shift[:, None]
        return centre, side, _turned(scale)

    def _sampled(self, image: torch.Tensor, level: torch.Tensor, y: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        """Return (B, 3, S, S) bilinear values 0 … 1 at places (B, S, S) in pixels, of a level of each image."""
        full, own = self._shapes[image, 0].float(), self._shapes[image, level]
        offset, width = _spread(self._offsets[image, level]), _spread(own[:, 1])
        low, high, share = [], [], []
        for axis, places in enumerate((y, x)):
            scaled = (places + 0.5) * _spread(own[:, axis] / full[:, axis]) - 0.5
            scaled = torch.minimum(scaled.clamp_min(0), _spread(own[:, axis] - 1).float())
            floor = scaled.floor()
            low.append(floor.long())
            high.append(torch.minimum(floor.long() + 1, _spread(own[:, axis] - 1)))
            share.append((scaled - floor)[..., None])

        def at(row: torch.Tensor, column: torch.Tensor) -> torch.Tensor:
            return self._pixels[offset + row * width + column].float()

        upper = torch.lerp(at(low[0], low[1]), at(low[0], high[1]), share[1])
        lower = torch.lerp(at(high[0], low[1]), at(high[0], high[1]), share[1])
        return torch.lerp(upper, lower, share[0]).permute(0, 3, 1, 2) / 255

    def _labels_at(self, image: torch.Tensor, y: torch.Tensor, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return labels at whole pixels (B, S, S), 0 beyond the image, and whether they are on it."""
        height, width = (_spread(side) for side in self._shapes[image, 0].unbind(1))
        inside = (y >= 0) & (y < height) & (x >= 0) & (x < width)
        row, column = torch.minimum(y.clamp_min(0), height - 1), torch.minimum(x.clamp_min(0), width - 1)
        found = self._labels[_spread(self._label_offsets[image]) + row * width + column]
        return torch.where(inside, found, 0), inside

    def _coverage(
        self, image: torch.Tensor, label: torch.Tensor, y: torch.Tensor, x: torch.Tensor, matrix: torch.Tensor
    ) -> torch.Tensor:
        """Return how much of each cell an object covers, (B, 1, S, S): bilinear at four places within the cell."""
        total = torch.zeros_like(y)
        for down, across in _SUBPIXELS:
            row = y + down * _spread(matrix[:, 0, 0]) + across * _spread(matrix[:, 0, 1])
            column = x + down * _spread(matrix[:, 1, 0]) + across * _spread(matrix[:, 1, 1])
            y0, x0 = row.floor(), column.floor()
            for dy, dx in ((0, 0), (0, 1), (1, 0), (1, 1)):
                weight = (1 - (row - y0 - dy).abs()) * (1 - (column - x0 - dx).abs())
                found, _ = self._labels_at(image, y0.long() + dy, x0.long() + dx)
                total += weight * (found == _spread(label))
        return total[:, None] / len(_SUBPIXELS)


def _spread(values: torch.Tensor) -> torch.Tensor:
    return values[:, None, None]


def _turned(scale: torch.Tensor) -> torch.Tensor:
    """Return (B, 2, 2) steps of a cell, turned, mirrored and stretched at random."""
    count, device = len(scale), scale.device

    def half() -> torch.Tensor:
        return torch.rand(count, device=device) < 0.5

    quarter = torch.randint(0, 4, (count,), device=device) * (math.pi / 2)
    angle = torch.where(half(), torch.rand(count, device=device) * 2 * math.pi, quarter)
    flip = torch.where(half(), -1.0, 1.0)
    stretch = torch.exp((torch.rand(count, device=device) - 0.5) * 0.4 * half())
    cos, sin = angle.cos() * scale, angle.sin() * scale
    rows = torch.stack([cos * stretch, -sin * flip / stretch], 1)
    columns = torch.stack([sin * stretch, cos * flip / stretch], 1)
    return torch.stack([rows, columns], 1)


def _pyramid(rgb: NDArray[np.uint8]) -> list[torch.Tensor]:
    """Return an image at full size and halved again and again, (h, w, 3) uint8 each."""
    level = torch.from_numpy(np.array(rgb)).permute(2, 0, 1)[None]
    levels = [level]
    for _ in range(LEVELS - 1):
        size = [max(side // 2, 1) for side in level.shape[-2:]]
        level = F.interpolate(level, size, mode="bilinear", antialias=True, align_corners=False)
        levels.append(level)
    return [one[0].permute(1, 2, 0).contiguous() for one in levels]


def _chances(groups: Sequence[str], objects: Sequence[int]) -> NDArray[np.float32]:
    """Return how often each object comes up: kinds by the root of their images, images by that of their objects."""
    names, counts = np.array(groups), np.array(objects)
    chance = np.sqrt(counts)
    for name in np.unique(names):
        of = names == name
        chance[of] *= math.sqrt(of.sum() + 4) / chance[of].sum()
    return np.repeat(chance / counts, counts).astype(np.float32)
