"""What the correcting network sees of a window, as an array."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_fastsam.core.correcting.clicks import Clicks
from napari_fastsam.core.correcting.windows import CorrectionWindow

DISK = 2.0
"""Cells around a click that its disk fills."""

CONE = 16.0
"""Cells from a click at which its cone has fallen to 0."""


@dataclass(frozen=True, eq=False)
class WindowInput:
    """A window as it is shown to the network.

    Attributes
    ----------
    window
        Where on the plane.
    picture, inside
        (3, S, S) and (S, S), as `core.correcting.windows.read_picture` gives them.
    prior
        (S, S) how much of each cell the mask so far covers, 0 … 1; None = there is none.
    clicks
        (N, 2) rows and columns in cells, also of those outside the window.
    positive
        (N,) bool.
    """

    window: CorrectionWindow
    picture: NDArray[np.float32]
    inside: NDArray[np.float32]
    prior: NDArray[np.float32] | None
    clicks: NDArray[np.float64]
    positive: NDArray[np.bool_]

    @classmethod
    def of(
        cls,
        window: CorrectionWindow,
        seen: tuple[NDArray[np.float32], NDArray[np.float32]],
        prior: NDArray[np.float32] | None,
        clicks: Clicks,
    ) -> WindowInput:
        """Return the input of a window with what was read there, a mask and clicks of the plane."""
        return cls(window, *seen, prior, window.to_cells(clicks.pixels, len(seen[1])), clicks.positive)

    def channels(self) -> NDArray[np.float32]:
        """Return (CHANNELS, S, S) in the order of `network.CHANNELS`."""
        cells = len(self.inside)
        mask = np.zeros((2, cells, cells), np.float32)
        if self.prior is not None:
            mask[0], mask[1] = self.prior, 1
        maps = [*_click_maps(self.clicks[self.positive], cells), *_click_maps(self.clicks[~self.positive], cells)]
        return np.concatenate([self.picture, mask, self.inside[None], np.stack(maps)]).astype(np.float32)


def _click_maps(clicks: NDArray[np.float64], cells: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return disk and cone of clicks of one sign: (cells, cells) 0 … 1 each."""
    near = clicks[((clicks > -CONE) & (clicks < cells + CONE)).all(axis=1)]
    if not len(near):
        nothing = np.zeros((cells, cells), np.float32)
        return nothing, nothing
    grid = np.arange(cells)
    down = (grid[None] - near[:, :1]) ** 2
    across = (grid[None] - near[:, 1:]) ** 2
    distance = np.sqrt((down[:, :, None] + across[:, None]).min(axis=0)).astype(np.float32)
    return np.clip(DISK + 0.5 - distance, 0, 1), np.clip(1 - distance / CONE, 0, 1)
