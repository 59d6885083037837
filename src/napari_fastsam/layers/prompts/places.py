"""What tells one prompt from another while they are edited: its kind, and where it lies in the image."""

from __future__ import annotations

from collections.abc import Hashable, Mapping

import numpy as np
from numpy.typing import NDArray

from napari_fastsam.core.prompts.prompts import Kind, PromptRef
from napari_fastsam.layers.planes.plane import Plane
from napari_fastsam.layers.prompts.layers import Field, ReadPrompts

FIELD_OF: Mapping[Kind, Field] = {"point": "points", "box": "boxes", "outline": "outlines", "scribble": "scribbles"}
"""Where `Prompts` holds the prompts that have an object each."""


def places(read: ReadPrompts, plane: Plane) -> dict[Field, dict[int, Hashable]]:
    """Return for each kind of prompt from the row in its layer to what identifies it.

    Two prompts at one place are told apart by their order.
    """
    found: dict[Field, dict[int, Hashable]] = {}
    for field, rows in read.rows.items():
        seen: dict[bytes, int] = {}
        found[field] = {}
        # counter-examples without an example are rows that no prompt was made of
        for row, coordinates in zip(rows, getattr(read.prompts, field), strict=False):
            place = _place(coordinates.reshape(-1, 2), plane)
            seen[place] = seen.get(place, 0) + 1
            found[field][row] = (field, place, seen[place])
    return found


def place_of(ref: PromptRef, read: ReadPrompts, plane: Plane) -> list[Hashable]:
    """Return what identifies the prompts that one object was asked for with."""
    field = FIELD_OF[ref.kind]
    by_row = places(read, plane)[field]
    return [by_row[read.rows[field][i]] for i in ref.indices]


def named(ref: PromptRef, read: ReadPrompts) -> str:
    """Name a prompt as its layer numbers it, counted from 1; a text by its words."""
    if ref.kind == "text":
        return f"“{read.prompts.texts[ref.indices[0]]}”"
    if ref.kind == "example":
        return str(ref)
    rows = read.rows[FIELD_OF[ref.kind]]
    return str(PromptRef(ref.kind, tuple(rows[i] for i in ref.indices)))


def _place(points_yx: NDArray[np.float64], plane: Plane) -> bytes:
    # in coordinates of the whole image, so that another region does not make it another prompt
    return (np.round(plane.region_to_data(points_yx), 3) + 0.0).tobytes()
