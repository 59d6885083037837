"""How crops are made to look different from each other, on the device that trains.

Light, contrast, gamma and colour; dark on bright and bright on dark; gradients of illumination; blur, lost resolution
and halos; noise, hot pixels and JPEG's blocks: what tells one microscope from another, and no object from what is none.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

Draw = torch.Generator


@dataclass(frozen=True)
class Light:
    """How often crops are changed, as shares of them, and how much.

    Attributes
    ----------
    strength
        Of the changes of brightness, contrast, gamma and colour.
    invert, faint, shade, blur, coarse, halo, noise, hot, blocks, tint
        Shares of crops: turned round in intensity; of little contrast; unevenly lit; blurred; of less resolution; with
        halos as of phase contrast; noisy; with hot and dead pixels; compressed as JPEG; grey shown in a colour.
    """

    strength: float = 1.0
    invert: float = 0.2
    faint: float = 0.12
    shade: float = 0.25
    blur: float = 0.2
    coarse: float = 0.08
    halo: float = 0.12
    noise: float = 0.3
    hot: float = 0.05
    blocks: float = 0.1
    tint: float = 0.04

    def __call__(self, pictures: Tensor, draw: Draw) -> Tensor:
        """Return varied pictures: (B, 3, H, W) float32, 0 to 255."""
        steps: list[tuple[float, Callable[[Tensor, Draw], Tensor]]] = [
            (self.tint, tinted), (self.shade, shaded), (self.halo, haloed), (self.blur, blurred),
            (self.coarse, coarsened), (self.faint, fainter),
        ]  # fmt: skip
        for share, step in steps:
            pictures = _some(pictures, share, step, draw)
        pictures = relit(pictures, draw, self.strength)
        pictures = _some(pictures, self.invert, lambda some, _: 255 - some, draw)
        for share, step in ((self.noise, noisy), (self.hot, with_hot_pixels), (self.blocks, compressed)):
            pictures = _some(pictures, share, step, draw)
        return pictures


def _some(pictures: Tensor, share: float, step: Callable[[Tensor, Draw], Tensor], draw: Draw) -> Tensor:
    """Change a share of the pictures."""
    chosen = (torch.rand(len(pictures), generator=draw, device=pictures.device) < share).nonzero().flatten()
    if not len(chosen):
        return pictures
    return pictures.index_copy(0, chosen, step(pictures[chosen], draw).clamp(0, 255))


def uniform(count: int, low: float, high: float, draw: Draw, *shape: int) -> Tensor:
    """Return random numbers (count, *shape) from low to high."""
    return low + (high - low) * torch.rand(count, *shape, generator=draw, device=draw.device)


def relit(pictures: Tensor, draw: Draw, strength: float) -> Tensor:
    """Change contrast, brightness and gamma, and the colours of pictures that have any."""
    count = len(pictures)
    sample = pictures[:, :, ::8, ::8].flatten(1)
    low = sample.kthvalue(max(1, round(0.02 * sample.shape[1])), dim=1).values[:, None, None, None]
    gain = torch.exp(uniform(count, -0.5, 0.5, draw, 1, 1, 1) * strength)
    changed = (pictures - low) * gain + low + uniform(count, -20, 20, draw, 1, 1, 1) * strength
    gamma = torch.exp(uniform(count, -0.5, 0.5, draw, 1, 1, 1) * strength)
    gamma = torch.where(uniform(count, 0, 1, draw, 1, 1, 1) < 0.5, gamma, 1.0)
    changed = 255 * (changed.clamp(0, 255) / 255) ** gamma
    seen = pictures[:, :, ::8, ::8]
    coloured = ((seen[:, 0] - seen[:, 1]).abs() > 2).flatten(1).any(1)[:, None, None, None]
    tones = changed * (1 + uniform(count, -0.15, 0.15, draw, 3, 1, 1) * strength)
    what = uniform(count, 0, 1, draw, 1, 1, 1)
    order = torch.randperm(3, generator=draw, device=draw.device)
    tones = torch.where(what < 0.15, tones.mean(1, keepdim=True), torch.where(what < 0.28, tones[:, order], tones))
    return torch.where(coloured, tones, changed).clamp(0, 255)


def fainter(pictures: Tensor, draw: Draw) -> Tensor:
    """Take most of the contrast away."""
    left = uniform(len(pictures), 0.25, 0.7, draw, 1, 1, 1)
    level = uniform(len(pictures), 10, 200, draw, 1, 1, 1)
    return level + (pictures - pictures.mean((1, 2, 3), keepdim=True)) * left


def tinted(pictures: Tensor, draw: Draw) -> Tensor:
    """Show a picture in one colour."""
    tone = uniform(len(pictures), 0, 1, draw, 3, 1, 1)
    return pictures * tone / tone.amax(1, keepdim=True)


def smooth_noise(count: int, size: int, cells: int, draw: Draw) -> Tensor:
    """Return (count, 1, size, size) noise of about so many cells along a side, with values around -1 to 1."""
    coarse = torch.randn(count, 1, cells + 3, cells + 3, generator=draw, device=draw.device)
    return F.interpolate(coarse, size=(size, size), mode="bicubic", align_corners=False)


def shaded(pictures: Tensor, draw: Draw) -> Tensor:
    """Light a picture unevenly: a slope and soft spots, by a factor or by a sum."""
    count, size = len(pictures), pictures.shape[-1]
    along = torch.linspace(-1, 1, size, device=pictures.device)
    angle = uniform(count, 0, 2 * math.pi, draw, 1, 1, 1)
    slope = torch.cos(angle) * along[None, None, None, :] + torch.sin(angle) * along[None, None, :, None]
    field = slope * uniform(count, 0, 0.9, draw, 1, 1, 1)
    field = field + smooth_noise(count, size, 2, draw) * uniform(count, 0, 0.4, draw, 1, 1, 1)
    by_factor = uniform(count, 0, 1, draw, 1, 1, 1) < 0.6
    return torch.where(by_factor, pictures * torch.exp(field), pictures + 60 * field)


def gaussian(pictures: Tensor, sigmas: Tensor, reach: int = 7) -> Tensor:
    """Blur each picture by its own width, (B,) in pixels; widths are cut at `reach` pixels."""
    count, channels, height, width = pictures.shape
    offsets = torch.arange(-reach, reach + 1, device=pictures.device)
    kernels = torch.exp(-(offsets**2) / (2 * sigmas[:, None].clamp(min=0.05) ** 2))
    kernels = (kernels / kernels.sum(1, keepdim=True)).repeat_interleave(channels, 0)[:, None, None]
    flat = F.pad(pictures.reshape(1, count * channels, height, width), (reach,) * 4, mode="replicate")
    flat = F.conv2d(flat, kernels, groups=count * channels)
    flat = F.conv2d(flat, kernels.transpose(-1, -2), groups=count * channels)
    return flat.view(count, channels, height, width)


def wide_gaussian(pictures: Tensor, sigmas: Tensor) -> Tensor:
    """Blur by widths of several pixels, (B,): at a quarter of the resolution."""
    coarse = gaussian(F.avg_pool2d(pictures, 4, ceil_mode=True), sigmas / 4)
    return F.interpolate(coarse, size=pictures.shape[-2:], mode="bilinear", align_corners=False)


def blurred(pictures: Tensor, draw: Draw) -> Tensor:
    """Blur a little or more."""
    return gaussian(pictures, uniform(len(pictures), 0.4, 2.2, draw))


def coarsened(pictures: Tensor, draw: Draw) -> Tensor:
    """Lose resolution, as small objects that are shown enlarged have."""
    factor = float(uniform(1, 0.3, 0.6, draw))
    small = F.interpolate(pictures, scale_factor=factor, mode="area")
    return F.interpolate(small, size=pictures.shape[-2:], mode="bilinear", align_corners=False)


def haloed(pictures: Tensor, draw: Draw) -> Tensor:
    """Raise edges against their surroundings, near ones or wide ones."""
    around = wide_gaussian(pictures, uniform(len(pictures), 3, 20, draw))
    return pictures + uniform(len(pictures), 0.3, 1.5, draw, 1, 1, 1) * (pictures - around)


def noisy(pictures: Tensor, draw: Draw) -> Tensor:
    """Add noise: of the camera or of the light, fine or grainy, alike in all channels."""
    count, size = len(pictures), pictures.shape[-1]
    fine = torch.randn(count, 1, size, size, generator=draw, device=draw.device)
    grainy = F.interpolate(fine[..., : size // 2, : size // 2], size=(size, size), mode="bilinear") * 1.5
    noise = torch.where(uniform(count, 0, 1, draw, 1, 1, 1) < 0.7, fine, grainy)
    strength = uniform(count, 1, 5, draw, 1, 1, 1) ** 2
    of_light = uniform(count, 0, 1, draw, 1, 1, 1) < 0.4
    grey = pictures.mean(1, keepdim=True)
    return pictures + noise * strength * torch.where(of_light, (grey / 96 + 0.05).sqrt(), 1.0)


def with_hot_pixels(pictures: Tensor, draw: Draw) -> Tensor:
    """Set some pixels to white or black."""
    count, size = len(pictures), pictures.shape[-1]
    what = torch.rand(count, 1, size, size, generator=draw, device=draw.device)
    share = uniform(count, 0.0002, 0.004, draw, 1, 1, 1)
    return torch.where(what < share, 255.0, torch.where(what > 1 - share / 2, 0.0, pictures))


def compressed(pictures: Tensor, draw: Draw) -> Tensor:
    """Round the cosine transform of blocks of 8 x 8 pixels, as JPEG does."""
    count, channels, height, width = pictures.shape
    if height % 8 or width % 8:
        return pictures
    steps = torch.arange(8, device=pictures.device, dtype=torch.float32)
    basis = torch.cos(math.pi / 8 * (steps[None] + 0.5) * steps[:, None]) / 2
    basis[0] /= math.sqrt(2)
    blocks = pictures.view(count, channels, height // 8, 8, width // 8, 8).permute(0, 1, 2, 4, 3, 5)
    cosines = basis @ blocks @ basis.T
    coarse = uniform(count, 4, 24, draw, 1, 1, 1, 1, 1) * (1 + (steps[:, None] + steps) / 3)
    blocks = basis.T @ ((cosines / coarse).round() * coarse) @ basis
    return blocks.permute(0, 1, 2, 4, 3, 5).reshape(count, channels, height, width)
