"""Objects that were drawn by hand, as prompts."""

from __future__ import annotations

import numpy as np

from napari_fastsam.core.objects.masks import CroppedMask


def middle(crop: CroppedMask) -> np.ndarray:
    """The pixel of an object that is nearest to its mean."""
    pixels = np.argwhere(crop.pixels)
    return pixels[np.abs(pixels - pixels.mean(axis=0)).sum(axis=1).argmin()] + (crop.top, crop.left)


def box(crop: CroppedMask) -> list[int]:
    rows, columns = crop.window
    return [rows.start, columns.start, rows.stop, columns.stop]
