"""Crops for training, cut and varied on the device that trains: thousands a second on a GPU.

`crops.TrainingCrops` makes one crop at a time on a processor, which keeps a GPU waiting. Here all planes lie in the
device's memory, and a batch of crops is cut from them at once. What is cut is the same: a random affine map brings each
plane's objects to one size and varies them around it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor

from napari_fastsam.model.training.atlas import LEVELS, Atlas, Views
from napari_fastsam.model.training.crops import AnnotatedPlane
from napari_fastsam.model.training.light import Light
from napari_fastsam.model.training.rendered import Rendered

_SMALLEST_AREA, _SMALLEST_SHARE = 16, 0.2
_MOST_CROPS = 8
_MOST_OBJECTS = 200
_MOST_ENLARGED = 5.0


@dataclass(frozen=True)
class Variety:
    """How the geometry of crops is varied.

    Attributes
    ----------
    zoom, wide
        Factors by which objects are enlarged or reduced at most, evenly on a logarithmic scale: usually, and for a
        share of `wide_share`. The wide ones teach what a first look at an unknown image shows.
    wide_share
        As above.
    stretch, turn
        As in `crops.Augmentation`.
    """

    zoom: float = 1.8
    wide: float = 4.0
    wide_share: float = 0.25
    stretch: float = 1.2
    turn: float = 0.4


@dataclass(eq=False)
class DeviceCrops:
    """Batches of random crops, as ultralytics' loss wants them.

    Attributes
    ----------
    planes, size, scales
        As in `crops.TrainingCrops`.
    device
        Where crops are made.
    variety
        How the geometry is varied.
    vary
        Changes how crops look: `light.Light`, or None.
    render
        Replaces crops by artificial ones: `rendered.Rendered`, or None.
    seed
        Of all that is drawn.
    """

    planes: Sequence[AnnotatedPlane]
    size: int
    scales: NDArray[np.float64]
    device: torch.device
    variety: Variety = field(default_factory=Variety)
    vary: Light | None = None
    render: Rendered | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        """Say how often each plane is taken: large ones and common kinds more often, but only by a root."""
        self._atlas = Atlas(self.planes, self.device)
        self._rng = np.random.default_rng(self.seed)
        self._generator = torch.Generator(self.device).manual_seed(self.seed)
        areas = np.array([math.prod(plane.labels.shape) for plane in self.planes])
        chances = np.sqrt(np.clip(areas * self.scales**2 / self.size**2, 1, _MOST_CROPS))
        groups = np.array([plane.group for plane in self.planes])
        for group in np.unique(groups):
            members = groups == group
            chances[members] *= np.sqrt(members.sum()) / chances[members].sum()
        self._chances = chances / chances.sum()
        boxes = [[box for box in ndimage.find_objects(plane.labels) if box is not None] for plane in self.planes]
        middles = [[((b[1].start + b[1].stop) / 2, (b[0].start + b[0].stop) / 2) for b in found] for found in boxes]
        self._counts = np.array([len(found) for found in middles])
        self._first = np.concatenate([[0], np.cumsum(self._counts)[:-1]])
        self._middles = np.array([middle for found in middles for middle in found] or [(0.0, 0.0)])
        self._sides = np.array([plane.labels.shape[::-1] for plane in self.planes], np.float64)
        self._density = self._counts / areas
        usual = np.array([0.0 if math.isnan(plane.diameter) else plane.diameter for plane in self.planes])
        self._usual_areas = math.pi / 4 * usual**2
        self._complete = torch.tensor([plane.complete for plane in self.planes], device=self.device)
        self._most = max((int(plane.labels.max()) for plane in self.planes), default=0)

    def batch(self, count: int) -> dict[str, Any]:
        """Return a batch.

        Returns
        -------
        dict
            As of `crops.collate`, on the device: ``img`` (B, 3, size, size) uint8, ``masks`` (B, size, size) int64,
            ``bboxes`` (N, 4), ``cls`` (N, 1), ``batch_idx`` (N,), and ``undecided`` (B, size, size) bool where it is
            not known whether there is an object.
        """
        views = self._views(count)
        pictures, labels, inside, ignored = self._atlas.cut(views, self.size)
        incomplete = ~self._complete[torch.from_numpy(views.planes).to(self.device)]
        unknown = ((incomplete[:, None, None] & inside) | ignored) & (labels == 0)
        scales = np.abs(np.linalg.det(views.forward))
        usual = torch.from_numpy(self._usual_areas[views.planes] * scales).to(self.device, torch.float32)
        if self.render is not None:
            pictures, labels, unknown = self.render(pictures, labels, unknown, self._generator)
        if self.vary is not None:
            pictures = self.vary(pictures, self._generator)
        masks, boxes, images, slivers = objects_of(labels, usual)
        return {
            "img": pictures.round().clamp(0, 255).to(torch.uint8),
            "masks": masks,
            "bboxes": boxes / self.size,
            "cls": torch.zeros(len(boxes), 1, device=self.device),
            "batch_idx": images.float(),
            "undecided": unknown | slivers,
        }

    def _views(self, count: int) -> Views:
        rng, how = self._rng, self.variety
        planes = rng.choice(len(self.planes), count, p=self._chances)
        most = np.where(rng.random(count) < how.wide_share, how.wide, how.zoom)
        scale = self.scales[planes] * np.exp(rng.uniform(-1, 1, count) * np.log(most))
        # more objects than this cost more time than they teach
        scale = np.maximum(scale, self.size * np.sqrt(self._density[planes] / _MOST_OBJECTS))
        scale = np.minimum(scale, np.maximum(_MOST_ENLARGED, self.scales[planes]))
        forward = _turned(rng, how, count) * scale[:, None, None]
        levels = np.round(np.clip(np.log2(1 / scale), 0, LEVELS - 1)).astype(np.int64)
        # prediction reduces by plain interpolation: both kinds are learnt
        levels = np.where(rng.random(count) < 0.5, levels, np.maximum(levels - 1, 0))
        half = self.size / scale / 2
        sides = self._sides[planes]
        around = (rng.random(count) < 0.5) & (self._counts[planes] > 0)
        chosen = self._first[planes] + (rng.random(count) * self._counts[planes]).astype(np.int64)
        objects = self._middles[np.minimum(chosen, len(self._middles) - 1)]
        objects = objects + rng.uniform(-0.8, 0.8, (count, 2)) * half[:, None]
        centres = np.where(around[:, None], objects, rng.uniform(0, 1, (count, 2)) * sides)
        low = np.minimum(half[:, None] * 0.9, sides / 2)
        return Views(planes, forward, np.clip(centres, low, sides - low), levels)


def _turned(rng: np.random.Generator, how: Variety, count: int) -> NDArray[np.float64]:
    """Return random 2 x 2 maps of x, y: quarter turns, mirror, a little stretch, and now and then any angle."""
    angle = math.pi / 2 * rng.integers(4, size=count)
    angle = angle + np.where(rng.random(count) < how.turn, rng.uniform(-math.pi / 4, math.pi / 4, count), 0)
    stretch = np.exp(rng.uniform(-1, 1, count) * math.log(how.stretch))
    mirror = np.where(rng.random(count) < 0.5, -1.0, 1.0)
    cosine, sine = np.cos(angle), np.sin(angle)
    turned = np.stack([np.stack([cosine, -sine], -1), np.stack([sine, cosine], -1)], -2)
    diagonal = np.stack([stretch * mirror, 1 / stretch], -1)
    maps: NDArray[np.float64] = turned * diagonal[:, None, :]
    return maps


def objects_of(labels: Tensor, usual_areas: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Give the objects of crops new numbers, and find their boxes; slivers of objects at the edges are left out.

    Parameters
    ----------
    labels
        (B, H, W) int64, 0 = background.
    usual_areas
        (B,) what an object's area usually is, in crop pixels.

    Returns
    -------
    masks
        (B, H, W) int64, k + 1 on a crop's k-th object.
    boxes
        (N, 4) centre x, centre y, width, height in pixels, crop by crop.
    images
        (N,) the crop that each box is of.
    slivers
        (B, H, W) bool, where objects were left out.
    """
    count, height, width = labels.shape
    most = int(labels.max()) + 1
    starts = labels > 0
    starts[..., 1:] &= labels[..., 1:] != labels[..., :-1]
    ends = labels > 0
    ends[..., :-1] &= labels[..., 1:] != labels[..., :-1]
    # runs along rows: as many ends as starts, in the same order
    image, row, left = starts.nonzero(as_tuple=True)
    right = ends.nonzero(as_tuple=True)[2] + 1
    key = image * most + labels[image, row, left]

    def reduced(values: Tensor, how: str, start: int) -> Tensor:
        table = torch.full((count * most,), start, dtype=torch.int64, device=labels.device)
        return table.scatter_reduce_(0, key, values, how).view(count, most)

    x0, x1 = reduced(left, "amin", width), reduced(right, "amax", 0)
    y0, y1 = reduced(row, "amin", height), reduced(row + 1, "amax", 0)
    areas = reduced(right - left, "sum", 0)
    cut = (x0 == 0) | (y0 == 0) | (x1 == width) | (y1 == height)
    kept = (areas >= _SMALLEST_AREA) & ~(cut & (areas < _SMALLEST_SHARE * usual_areas[:, None]))
    numbers = kept.cumsum(1) * kept
    masks = numbers.view(-1)[torch.arange(count, device=labels.device)[:, None, None] * most + labels]
    images, which = kept.nonzero(as_tuple=True)
    box = torch.stack([x0 + x1, y0 + y1, 2 * (x1 - x0), 2 * (y1 - y0)], -1)[images, which].float() / 2
    return masks, box, images, (labels > 0) & (masks == 0)
