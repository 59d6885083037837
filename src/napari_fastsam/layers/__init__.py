"""Between napari's layers and the core: which plane is shown, its pixels, its prompts, and labels put back.

Only napari's public API is used here, and no Qt. Layers are touched on the main thread only.
"""

from __future__ import annotations

from napari_fastsam.layers.labels.write import Committed, commit, labels_like, make_preview, update_preview
from napari_fastsam.layers.planes.plane import Plane
from napari_fastsam.layers.planes.read import plane_shown, read_pixels
from napari_fastsam.layers.planes.transforms import (
    layer_affine,
    placed_on,
    points_between,
    units_apply,
    world_to_data,
)
from napari_fastsam.layers.prompts.layers import ReadPrompts, read_prompts

__all__ = [
    "Committed",
    "Plane",
    "ReadPrompts",
    "commit",
    "labels_like",
    "layer_affine",
    "make_preview",
    "placed_on",
    "plane_shown",
    "points_between",
    "read_pixels",
    "read_prompts",
    "units_apply",
    "update_preview",
    "world_to_data",
]
