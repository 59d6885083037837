"""Pictures as CLIP sees them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

MEAN = (0.48145466, 0.4578275, 0.40821073)
STD = (0.26862954, 0.26130258, 0.27577711)
"""Of the pictures that CLIP learned from, by channel, from 0 to 1."""

_LONGEST = 4
"""Sides of the middle square that are enough to resample it; the rest of a long picture is never seen."""


def as_input(picture: torch.Tensor, side: int) -> torch.Tensor:
    """Resample a picture so that its shorter side fits, take the middle square, normalise.

    What CLIP does with PIL and torchvision, without torchvision: they differ by one grey level here and there.

    Parameters
    ----------
    picture
        (h, w, 3) uint8.
    side
        Of the network's input, in pixels.

    Returns
    -------
    torch.Tensor
        (3, side, side) float32.
    """
    import torch
    from torch.nn import functional

    picture = _middle(picture)
    height, width = picture.shape[:2]
    short = min(height, width)
    size = (side * height // short, side * width // short)
    levels = picture.permute(2, 0, 1)[None].float()
    # one way after the other, with whole grey levels between, as PIL does: edges overshoot otherwise
    for lengths in ((height, size[1]), size):
        if tuple(levels.shape[2:]) != lengths:
            levels = functional.interpolate(levels, lengths, mode="bicubic", antialias=True, align_corners=False)
            levels = levels.round().clamp(0, 255)
    top, left = (round((length - side) / 2) for length in size)
    square = levels[0, :, top : top + side, left : left + side] / 255
    mean, std = torch.tensor(MEAN), torch.tensor(STD)
    return (square - mean[:, None, None]) / std[:, None, None]


def _middle(picture: torch.Tensor) -> torch.Tensor:
    """Cut the ends off a picture that is so long that resampling all of it would take memory for nothing."""
    height, width = picture.shape[:2]
    most = _LONGEST * min(height, width) + 8
    ends = [max(length - most, 0) // 2 for length in (height, width)]
    return picture[ends[0] : height - ends[0], ends[1] : width - ends[1]]
