"""Where the correcting stage reads the pixels of a plane, small or large."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class NetworkPixels(Protocol):
    """A plane as the network sees it, read by rectangles."""

    @property
    def shape(self) -> tuple[int, int]:
        """``(H, W)`` of the plane."""

    @property
    def object_diameter(self) -> float | None:
        """What objects of the plane are usually across, in its pixels; None = nothing is known."""

    def pixels(self, rows: slice, columns: slice) -> NDArray[np.uint8]:
        """Return (h, w, 3) pixels at full resolution, as the network sees them; slices may have steps."""
