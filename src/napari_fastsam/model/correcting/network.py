"""The correcting network: a small U-Net that sees a picture, a mask and clicks, and says which mask was meant.

In the manner of RITM (Sofiiuk, Petrov and Konushin, Reviving iterative training with mask guidance for interactive
segmentation, 2021), small enough for a processor. At its coarsest, cells look at each other (attention), so that what
was clicked is compared with the whole window; a second output says how good the mask is.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

CHANNELS = 10
"""Red, green, blue; the mask so far and whether there is one; inside the image; disks and cones of the clicks of either
sign. See `model.correcting.inputs`."""

SMALL = (16, 32, 48, 64)
"""Widths of the network that comes with the package: 0.27 million parameters."""


class NormedConvolution(nn.Module):
    """A 3 × 3 convolution and its batch norm, which `fuse` makes one."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv: nn.Module = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
        self.norm: nn.Module = nn.BatchNorm2d(outputs)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return (B, outputs, h, w)."""
        result: torch.Tensor = self.norm(self.conv(x))
        return result

    def fuse(self) -> None:
        """Fold the norm into the convolution, for inference."""
        if isinstance(self.conv, nn.Conv2d) and isinstance(self.norm, nn.BatchNorm2d):
            self.conv, self.norm = fuse_conv_bn_eval(self.conv, self.norm), nn.Identity()


class ResidualBlock(nn.Module):
    """Two convolutions around which the input goes on."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.first, self.second = NormedConvolution(inputs, outputs), NormedConvolution(outputs, outputs)
        self.skip = nn.Identity() if inputs == outputs else nn.Conv2d(inputs, outputs, 1, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return (B, outputs, h, w)."""
        return F.silu(self.second(F.silu(self.first(x))) + self.skip(x))


class CellAttention(nn.Module):
    """Every cell of a coarse map looks at every other."""

    def __init__(self, channels: int, heads: int = 4) -> None:
        super().__init__()
        self.heads = heads
        self.norm = nn.LayerNorm(channels)
        self.qkv, self.out = nn.Linear(channels, 3 * channels), nn.Linear(channels, channels)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return (B, channels, h, w)."""
        batch, channels, height, width = x.shape
        tokens = x.flatten(2).transpose(1, 2)
        parts = self.qkv(self.norm(tokens)).view(batch, height * width, 3, self.heads, channels // self.heads)
        query, key, value = parts.permute(2, 0, 3, 1, 4)
        seen = F.scaled_dot_product_attention(query, key, value).transpose(1, 2).reshape(batch, -1, channels)
        result: torch.Tensor = x + self.out(seen).transpose(1, 2).reshape(batch, channels, height, width)
        return result


class CorrectionNetwork(nn.Module):
    """Picture, mask and clicks → mask.

    Parameters
    ----------
    widths
        Channels at the window's resolution and after each halving.
    """

    def __init__(self, widths: Sequence[int] = SMALL) -> None:
        super().__init__()
        self.widths = tuple(widths)
        first, *_, last = self.widths
        pairs = list(zip(self.widths, self.widths[1:], strict=False))
        self.stem = nn.Conv2d(CHANNELS, first, 3, padding=1)
        self.encode = nn.ModuleList([ResidualBlock(a, b) for a, b in [(first, first), *pairs]])
        self.attention = CellAttention(last)
        self.decode = nn.ModuleList([ResidualBlock(a + b, a) for a, b in reversed(pairs)])
        self.head = nn.Conv2d(first, 1, 1)
        self.quality = nn.Sequential(nn.Linear(2 * self.widths[-2] + 3, 64), nn.SiLU(), nn.Linear(64, 1))

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return what the network says of windows.

        Parameters
        ----------
        x
            (B, CHANNELS, S, S), S a multiple of 2 to the number of halvings, the picture 0 … 1.

        Returns
        -------
        logits
            (B, 1, S, S), above 0 inside the object.
        quality
            (B,) the logit of the IoU to be expected, with the whole of the object, beyond the window too.
        """
        h = self.stem(x.contiguous(memory_format=torch.channels_last))
        kept = []
        for stage, encode in enumerate(self.encode):
            h = encode(F.max_pool2d(h, 2) if stage else h)
            kept.append(h)
        h = self.attention(h)
        maps = []
        for decode, skipped in zip(self.decode, kept[-2::-1], strict=True):
            h = F.interpolate(h, scale_factor=2.0, mode="bilinear", align_corners=False)
            h = decode(torch.cat([h, skipped], 1))
            maps.append(h)
        # the mask so far is the answer unless something speaks against it
        logits = self.head(h).float() + 2 * (2 * x[:, 3:4] - 1)
        return logits, self._expected(logits.detach().sigmoid(), maps[0].float())

    def _expected(self, mask: torch.Tensor, features: torch.Tensor) -> torch.Tensor:
        """Compare what lies within the mask with what lies around it."""
        rim = torch.cat([mask[:, 0, 0], mask[:, 0, -1], mask[:, 0, :, 0], mask[:, 0, :, -1]], 1).mean(1, keepdim=True)
        share = F.adaptive_avg_pool2d(mask, (features.shape[-2], features.shape[-1]))
        within = (features * share).sum((2, 3)) / (share.sum((2, 3)) + 1e-3)
        without = (features * (1 - share)).sum((2, 3)) / ((1 - share).sum((2, 3)) + 1e-3)
        area = mask.mean((1, 2, 3))[:, None]
        unsure = (1 - (2 * mask - 1).abs()).mean((1, 2, 3))[:, None] / (area + 0.01)
        expected: torch.Tensor = self.quality(torch.cat([within, without, area, unsure, rim], 1)).float()
        return expected[:, 0]


def fused(network: CorrectionNetwork) -> CorrectionNetwork:
    """Make a network ready for inference, in place: norms folded, nothing to learn, fast memory layout."""
    network.eval()
    for module in network.modules():
        if isinstance(module, NormedConvolution):
            module.fuse()
    for parameter in network.parameters():
        parameter.requires_grad_(False)
    return network.to(memory_format=torch.channels_last)
