"""Small pictures of images, to find them by."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_fastsam.io.projects.project import ProjectImage

SIDE = 48
"""Pixels of the longer side."""

_MOST_READ = 4096
"""Rows and columns that are read at most, of the middle of a larger plane."""

_DARK, _BRIGHT = 1.0, 99.8
"""Percentiles shown as black and white."""


def thumbnail(image: ProjectImage) -> NDArray[np.uint8]:
    """Return a small picture of an image, (H, W, 3); of a stack its middle plane.

    Raises
    ------
    FastSAMError
        If the image cannot be read.
    """
    layout = image.input.describe()
    index = image.plane or tuple(n // 2 for n in layout.lengths)
    pixels = np.asarray(image.input.lazy(index)[tuple(map(_middle, layout.plane))])
    step = max(1, -(-max(pixels.shape[:2]) // SIDE))
    small = pixels[step // 2 :: step, step // 2 :: step].astype(np.float32)
    small = small[..., :3] if small.ndim == 3 and small.shape[-1] >= 3 else small.reshape(*small.shape[:2], -1)[..., :1]
    if pixels.dtype != np.uint8 or small.shape[-1] == 1:
        finite = small[np.isfinite(small)]
        low, high = np.percentile(finite, [_DARK, _BRIGHT]) if finite.size else (0.0, 1.0)
        small = np.nan_to_num((small - low) / max(float(high - low), 1e-9) * 255)
    return np.ascontiguousarray(np.broadcast_to(np.clip(small, 0, 255), (*small.shape[:2], 3)).astype(np.uint8))


def _middle(length: int) -> slice:
    first = max(0, (length - _MOST_READ) // 2)
    return slice(first, min(length, first + _MOST_READ))
