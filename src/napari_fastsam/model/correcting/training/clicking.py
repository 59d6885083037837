"""The simulated user on a batch of windows, and the channels that show clicks to the network."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from scipy.ndimage import distance_transform_edt

from napari_fastsam.model.correcting.inputs import CONE, DISK

_FINE, _COARSE = 10, 12
"""Erosions by one and then by two cells that tell how deep a cell lies on a GPU: 34 cells at most."""


class ClickMaps:
    """Disks and cones of positive and negative clicks, (B, 4, S, S), as `inputs.WindowInput` draws them."""

    def __init__(self, count: int, cells: int, device: torch.device) -> None:
        self.maps = torch.zeros(count, 4, cells, cells, device=device)
        self._grid = torch.arange(cells, device=device, dtype=torch.float32)

    def add(
        self, at: torch.Tensor, positive: torch.Tensor, there: torch.Tensor, rows: torch.Tensor | None = None
    ) -> None:
        """Add a click to windows.

        Parameters
        ----------
        at
            (N, 2) row and column in cells.
        positive, there
            (N,) bool: its sign, and whether there is one at all.
        rows
            (N,) which windows; None = all.
        """
        down = (self._grid[None, :, None] - at[:, 0, None, None]) ** 2
        across = (self._grid[None, None, :] - at[:, 1, None, None]) ** 2
        distance = (down + across).sqrt()
        drawn = torch.stack([(DISK + 0.5 - distance).clamp(0, 1), (1 - distance / CONE).clamp(0, 1)], 1)
        sign = positive[:, None, None, None]
        new = torch.cat([drawn * sign, drawn * ~sign], 1) * there[:, None, None, None]
        if rows is None:
            torch.maximum(self.maps, new, out=self.maps)
        else:
            self.maps[rows] = torch.maximum(self.maps[rows], new)


def deep_cells(masks: torch.Tensor, loose: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return a cell of each mask that lies deep in it.

    Parameters
    ----------
    masks
        (N, 1, S, S) 0 or 1.
    loose
        (N,) 0 = the deepest cell; the larger, the more is left to chance.

    Returns
    -------
    at
        (N, 2) row and column.
    depth
        (N,) in cells; 0 = the mask is empty.
    """
    depth = _depth(masks)
    deepest = depth.amax((2, 3), keepdim=True)
    score = depth + torch.rand_like(depth) * (deepest * loose[:, None, None, None] + 0.01)
    chosen = torch.where(masks > 0, score, -1.0).flatten(1).argmax(1)
    side = masks.shape[-1]
    return torch.stack([chosen // side, chosen % side], 1), depth.flatten(1).gather(1, chosen[:, None])[:, 0]


def next_clicks(
    predicted: torch.Tensor, truth: torch.Tensor, loose: torch.Tensor, confirming: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return where the user clicks next.

    Parameters
    ----------
    predicted, truth
        (B, 1, S, S) above 0.5 inside the object.
    loose
        (B,) as in `deep_cells`.
    confirming
        (B,) bool: click on what is right already instead of on what is wrong.

    Returns
    -------
    at, positive, there
        As in `ClickMaps.add`.
    """
    mask, target = (predicted > 0.5).float(), (truth > 0.5).float()
    around = F.max_pool2d(target, 9, 1, 4) * (1 - target) * (1 - mask)
    confirm = confirming[:, None, None, None]
    missing = torch.where(confirm, target * mask, target * (1 - mask))
    surplus = torch.where(confirm, around, (1 - target) * mask)
    count = len(mask)
    at, depth = deep_cells(torch.cat([missing, surplus]), torch.cat([loose, loose]))
    tossed = confirming & (torch.rand(count, device=mask.device) < 0.5) & (depth[count:] > 0)
    positive = (depth[:count] >= depth[count:]) & ~tossed
    depth = torch.where(positive, depth[:count], depth[count:])
    return torch.where(positive[:, None], at[:count], at[count:]), positive, depth > 0


def _depth(masks: torch.Tensor) -> torch.Tensor:
    """Return how deep inside each cell of masks (N, 1, S, S) lies: exactly on a processor, by erosion on a GPU."""
    if masks.device.type == "cpu":
        single = masks[:, 0].numpy() > 0
        deep = [
            distance_transform_edt(np.pad(one, 1))[1:-1, 1:-1] if one.any() else np.zeros(one.shape) for one in single
        ]
        return torch.from_numpy(np.stack(deep).astype(np.float32))[:, None]
    total, left = masks.clone(), masks
    for step in range(_FINE + _COARSE):
        if step >= _FINE:
            left = -F.max_pool2d(-F.pad(left, (2,) * 4), 5, 1)
            total = total + 2 * left
            continue
        padded = -F.pad(left, (1,) * 4)
        if step % 2:
            left = -F.max_pool2d(padded, 3, 1)
        else:
            left = -torch.maximum(
                F.max_pool2d(padded[..., 1:-1], (3, 1), 1), F.max_pool2d(padded[..., 1:-1, :], (1, 3), 1)
            )
        total = total + left
    return total
