"""The correcting network: a small U-Net that sees a picture, a mask and clicks, and says which mask was meant.

In the manner of RITM (Sofiiuk, Petrov and Konushin, Reviving iterative training with mask guidance for interactive
segmentation, 2021), small enough for a processor. Between the second and the third halving cells look at each other
(attention), so that what was clicked is compared with the whole window; a second output says how good the mask is.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F  # noqa: N812 - as everyone calls it
from torch import nn

CHANNELS = 10
"""Red, green, blue; the mask so far and whether there is one; inside the image; disks and cones of the clicks of either
sign. See `model.correcting.inputs`."""

_ATTENTION_AT = 2
"""The attention follows this stage of the encoder, from 0: at an eighth of the window's resolution."""


class Convolution(nn.Module):
    """Convolution and batch norm, which `fused` makes one."""

    def __init__(self, inputs: int, outputs: int, size: int = 3, stride: int = 1) -> None:
        super().__init__()
        self.conv: nn.Module = nn.Conv2d(inputs, outputs, size, stride, size // 2, bias=False)
        self.norm: nn.Module = nn.BatchNorm2d(outputs)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return (B, outputs, h, w)."""
        result: torch.Tensor = self.norm(self.conv(x))
        return result

    def fuse(self) -> None:
        """Fold the norm into the convolution, for inference."""
        from torch.nn.utils.fusion import fuse_conv_bn_eval

        if isinstance(self.conv, nn.Conv2d) and isinstance(self.norm, nn.BatchNorm2d):
            self.conv, self.norm = fuse_conv_bn_eval(self.conv, self.norm), nn.Identity()


class ResidualBlock(nn.Module):
    """Two convolutions around which the input goes on."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first, self.second = Convolution(channels, channels), Convolution(channels, channels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return (B, channels, h, w)."""
        return F.silu(x + self.second(F.silu(self.first(x))))


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
        Channels at the window's resolution and after each halving; five of them.
    """

    def __init__(self, widths: Sequence[int]) -> None:
        super().__init__()
        self.widths = tuple(widths)
        pairs = list(zip(self.widths, self.widths[1:], strict=False))
        self.stem = Convolution(CHANNELS, self.widths[0])
        self.down = nn.ModuleList([Convolution(a, b, stride=2) for a, b in pairs])
        self.encode = nn.ModuleList([ResidualBlock(b) for _, b in pairs])
        self.attention = CellAttention(self.widths[_ATTENTION_AT + 1])
        self.lateral = nn.ModuleList([Convolution(b, a, 1) for a, b in pairs])
        self.decode = nn.ModuleList([ResidualBlock(a) for a, _ in pairs])
        self.head = nn.Conv2d(self.widths[0], 1, 3, padding=1)
        self.quality = nn.Sequential(nn.Linear(2 * self.widths[-2] + 3, 64), nn.SiLU(), nn.Linear(64, 1))

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return what the network says of windows.

        Parameters
        ----------
        x
            (B, CHANNELS, S, S), S a multiple of 16, the picture 0 … 1.

        Returns
        -------
        logits
            (B, 1, S, S), above 0 inside the object.
        quality
            (B,) the logit of the IoU to be expected, with the whole of the object, beyond the window too.
        """
        prior, known = x[:, 3:4], x[:, 4:5]
        kept = [F.silu(self.stem(_normalised(x)))]
        for stage, (down, encode) in enumerate(zip(self.down, self.encode, strict=True)):
            h = encode(F.silu(down(kept[-1])))
            kept.append(self.attention(h) if stage == _ATTENTION_AT else h)
        h = deep = kept[-1]
        for stage in range(len(self.decode) - 1, -1, -1):
            h = F.interpolate(self.lateral[stage](h), scale_factor=2.0, mode="bilinear", align_corners=False)
            h = self.decode[stage](h + kept[stage])
            deep = h if stage == len(self.decode) - 1 else deep
        logits = self.head(h).float() + 2 * known * (2 * prior - 1)
        return logits, self._expected(logits.detach(), deep.float())

    def _expected(self, logits: torch.Tensor, deep: torch.Tensor) -> torch.Tensor:
        p = logits.sigmoid()
        rim = torch.cat([p[:, 0, 0], p[:, 0, -1], p[:, 0, :, 0], p[:, 0, :, -1]], 1).mean(1, keepdim=True)
        share = F.adaptive_avg_pool2d(p, deep.shape[-2:])
        within = (deep * share).sum((2, 3)) / (share.sum((2, 3)) + 1e-3)
        without = (deep * (1 - share)).sum((2, 3)) / ((1 - share).sum((2, 3)) + 1e-3)
        area = p.mean((1, 2, 3))[:, None]
        unsure = (1 - (2 * p - 1).abs()).mean((1, 2, 3))[:, None] / (area + 0.01)
        said: torch.Tensor = self.quality(torch.cat([within, without, area, unsure, rim], 1)).float()
        return said[:, 0]


def fused(network: CorrectionNetwork) -> CorrectionNetwork:
    """Make a network ready for inference, in place: norms folded, nothing to learn, fast memory layout."""
    network.eval()
    for module in network.modules():
        if isinstance(module, Convolution):
            module.fuse()
    for parameter in network.parameters():
        parameter.requires_grad_(False)
    return network.to(memory_format=torch.channels_last)


def _normalised(x: torch.Tensor) -> torch.Tensor:
    """Give the picture mean 0 and standard deviation 1 within the image: dim windows are seen as bright as others."""
    inside, rgb = x[:, 5:6], x[:, :3]
    count = 3 * inside.sum((1, 2, 3), keepdim=True).clamp_min(1.0)
    mean = (rgb * inside).sum((1, 2, 3), keepdim=True) / count
    spread = (((rgb - mean) ** 2 * inside).sum((1, 2, 3), keepdim=True) / count).sqrt()
    scaled = torch.cat([(rgb - mean) / (spread + 0.02) * inside, x[:, 3:]], 1)
    return scaled.contiguous(memory_format=torch.channels_last)
