"""What tells one prompt from another while they are edited: its kind, and where it lies in the image."""

from __future__ import annotations

from collections.abc import Hashable

import numpy as np
from numpy.typing import NDArray

from napari_fastsam.core.prompts import Kind, PromptRef
from napari_fastsam.layers.plane import Plane
from napari_fastsam.layers.prompt_layers import ReadPrompts


def rows_of(read: ReadPrompts) -> dict[Kind, tuple[int, ...]]:
    """Return for each kind of prompt the rows of the layer that its prompts were read from."""
    return {
        "point": read.point_rows,
        "box": read.box_rows,
        "outline": read.outline_rows,
        "scribble": read.scribble_rows,
    }


def places(read: ReadPrompts, plane: Plane) -> dict[Kind, dict[int, Hashable]]:
    """Return for each kind of prompt from the row in its layer to what identifies it.

    Two prompts at one place are told apart by their order.
    """
    prompts = read.prompts
    coordinates: dict[Kind, list[NDArray[np.float64]]] = {
        "point": list(prompts.points),
        "box": [box.reshape(2, 2) for box in prompts.boxes],
        "outline": list(prompts.outlines),
        "scribble": list(prompts.scribbles),
    }
    found: dict[Kind, dict[int, Hashable]] = {}
    for kind, rows in rows_of(read).items():
        seen: dict[bytes, int] = {}
        found[kind] = {}
        for row, points_yx in zip(rows, coordinates[kind], strict=True):
            place = _place(points_yx, plane)
            seen[place] = seen.get(place, 0) + 1
            found[kind][row] = (kind, place, seen[place])
    return found


def named(ref: PromptRef, read: ReadPrompts) -> str:
    """Name a prompt as its layer numbers it, counted from 1."""
    rows = rows_of(read)[ref.kind]
    return str(PromptRef(ref.kind, tuple(rows[i] for i in ref.indices)))


def _place(points_yx: NDArray[np.float64], plane: Plane) -> bytes:
    # in coordinates of the whole image, so that another region does not make it another prompt
    return (np.round(plane.region_to_data(points_yx), 3) + 0.0).tobytes()
