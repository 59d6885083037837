"""Pictures of windows, varied so that the network learns edges and not kinds of things."""

from __future__ import annotations

import random

import torch
import torch.nn.functional as F

from napari_fastsam.model.correcting.training.images import Windows

_TILED = 0.6
"""Share of windows drawn anew in which objects first grow until they meet."""


def uniform(like: torch.Tensor, channels: int = 1) -> torch.Tensor:
    """Return (B, channels, 1, 1) numbers from 0 to 1 for a batch."""
    return torch.rand(len(like), channels, 1, 1, device=like.device)


def happens(like: torch.Tensor, chance: float) -> torch.Tensor:
    """Return (B, 1, 1, 1) bool, True with a chance."""
    return uniform(like) < chance


def smooth_field(like: torch.Tensor, knots: int) -> torch.Tensor:
    """Return (B, 1, S, S) smooth noise with a number of knots along each side."""
    coarse = torch.randn(len(like), 1, knots, knots, device=like.device)
    return F.interpolate(coarse, like.shape[-2:], mode="bicubic", align_corners=False)


def blurred(x: torch.Tensor, size: int, times: int) -> torch.Tensor:
    """Average over size × size cells, a number of times."""
    for _ in range(times):
        x = F.avg_pool2d(F.pad(x, (size // 2,) * 4, mode="replicate"), size, 1)
    return x


def vary(x: torch.Tensor) -> torch.Tensor:
    """Vary inversion, colour, illumination, contrast, gamma, sharpness and noise of pictures (B, 3, S, S) 0 … 1."""
    x = torch.where(happens(x, 0.2), 1 - x, x)
    x = _recoloured(x)
    lit = x * (1 + 0.35 * smooth_field(x, 3)) + 0.12 * smooth_field(x, 3)
    x = torch.where(happens(x, 0.3), lit, x)
    mean, gain = x.mean((2, 3), keepdim=True), torch.exp((uniform(x) - 0.6) * 1.6)
    x = ((x - mean) * gain + mean + (uniform(x) - 0.5) * 0.3).clamp(1e-4, 1)
    x = x ** torch.exp((uniform(x) - 0.5) * 1.2)
    x = _unsharp(x)
    return _noisy(x).clamp(0, 1)


def _recoloured(x: torch.Tensor) -> torch.Tensor:
    x = torch.where(happens(x, 0.15), x.mean(1, keepdim=True).expand_as(x), x)
    x = torch.where(happens(x, 0.25), x * (1 + (uniform(x, 3) - 0.5) * 0.6), x)
    mix = torch.randn(len(x), 3, 3, device=x.device) * 0.5 + torch.eye(3, device=x.device)
    mix = mix / mix.sum(2, keepdim=True).abs().clamp_min(0.3)
    return torch.where(happens(x, 0.1), torch.einsum("bij,bjhw->bihw", mix, x), x).clamp(0, 1)


def _unsharp(x: torch.Tensor) -> torch.Tensor:
    chance = uniform(x)
    for size, times, below in ((3, 1, 0.15), (3, 2, 0.23), (5, 2, 0.27)):
        x, chance = torch.where(chance < below, blurred(x, size, times), x), torch.where(chance < below, 1.0, chance)
    halved = F.interpolate(F.avg_pool2d(x, 2), scale_factor=2.0, mode="bilinear", align_corners=False)
    return torch.where(happens(x, 0.08), halved, x)


def _noisy(x: torch.Tensor) -> torch.Tensor:
    grain = torch.randn_like(x[:, :1]).expand_as(x)
    grain = torch.where(happens(x, 0.3), torch.randn_like(x), grain)
    grain = torch.where(happens(x, 0.4), 2 * blurred(grain, 3, 1), grain)
    return x + 0.08 * grain * uniform(x) ** 2 * happens(x, 0.6) * (0.3 + x)


def drawn_anew(windows: Windows) -> Windows:
    """Draw pictures from the labels: filled, outlined as by a membrane stain, or with a halo as in phase contrast.

    In some of them the objects grow until they meet, as cells of a tissue do.
    """
    labels, cover, beyond = windows.labels, windows.cover, windows.beyond
    tiled = happens(labels, _TILED)
    labels = torch.where(tiled, _grown(labels, random.randint(6, 40)), labels)
    own = (labels == windows.label).float()
    rim = torch.cat([own[:, 0, 0], own[:, 0, -1], own[:, 0, :, 0], own[:, 0, :, -1]], 1).sum(1)
    cover = torch.where(tiled, F.avg_pool2d(own, 3, 1, 1, count_include_pad=False), cover)
    # what has grown may go on beyond the window: about ten cells for each at its rim
    beyond = torch.where(tiled[:, 0, 0, 0], rim * 10, beyond)
    picture = _painted(labels, tiled).expand(-1, 3, -1, -1)
    return Windows(picture, cover, labels, windows.label, windows.inside, beyond)


def _grown(labels: torch.Tensor, steps: int) -> torch.Tensor:
    for step in range(steps):
        # squares and crosses in turn make octagons, which come close to circles
        if step % 2:
            near = F.max_pool2d(labels, 3, 1, 1)
        else:
            near = torch.maximum(F.max_pool2d(labels, (3, 1), 1, (1, 0)), F.max_pool2d(labels, (1, 3), 1, (0, 1)))
        labels = torch.where(labels > 0, labels, near)
    return labels


def _painted(labels: torch.Tensor, tiled: torch.Tensor) -> torch.Tensor:
    """Return (B, 1, S, S) 0 … 1."""
    fill = (labels > 0).float()
    soft = torch.where(happens(labels, 0.5), blurred(fill, 3, 1), blurred(fill, 5, 1))
    halo = blurred(fill, 9, 2) - blurred(fill, 3, 1)
    shade = torch.frac(torch.sin(labels * 12.9898 + uniform(labels) * 99) * 43758.5453).abs()
    style = torch.randint(0, 3, (len(labels), 1, 1, 1), device=labels.device)

    def strength(least: float, more: float, main: torch.Tensor) -> torch.Tensor:
        sign = torch.where(happens(labels, 0.5), -1.0, 1.0)
        minor = (uniform(labels) - 0.5) * 0.6 * happens(labels, 0.5)
        return torch.where(main, sign * (least + more * uniform(labels)), minor)

    x = strength(0.5, 1.0, (style == 0) | tiled) * _outlines(labels)
    x = x + strength(0.4, 1.0, style == 1) * soft * (1 - 0.7 * uniform(labels) * shade)
    x = x + strength(0.8, 2.0, (style == 2) & ~tiled) * halo
    x = x + 0.25 * uniform(labels) * _texture(labels) + 0.15 * smooth_field(labels, 3)
    x = x + 0.35 * uniform(labels) * happens(labels, 0.5) * _texture(labels) * soft
    spread = x.std((2, 3), keepdim=True) * (3 + 3 * uniform(labels)) + 1e-3
    return ((x - x.mean((2, 3), keepdim=True)) / spread + 0.5).clamp(0, 1)


def _outlines(labels: torch.Tensor) -> torch.Tensor:
    padded = F.pad(labels, (0, 1, 0, 1), mode="replicate")
    here = padded[..., :-1, :-1]
    edge = ((here != padded[..., 1:, :-1]) | (here != padded[..., :-1, 1:])).float()
    chance = uniform(labels)
    thick = torch.where(chance < 0.7, 3 * blurred(edge, 3, 2), 4 * blurred(edge, 5, 2))
    lines = torch.where(chance < 0.35, 2 * blurred(edge, 3, 1), thick).clamp(0, 1)
    return lines * (1 + 0.5 * smooth_field(labels, 8)).clamp(0.15, 2)


def _texture(like: torch.Tensor) -> torch.Tensor:
    texture = torch.randn_like(like) * uniform(like)
    for knots in (6, 16, 40):
        texture = texture + smooth_field(like, knots) * uniform(like)
    return texture
