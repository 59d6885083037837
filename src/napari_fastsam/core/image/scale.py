"""Where the pixels of an image lie in the world, axis by axis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Scale:
    """Where pixels lie in the world.

    Attributes
    ----------
    axes
        Names, such as ``("t", "z", "y", "x")``.
    scale
        Size of a pixel along each.
    units
        UDUNITS-2 names such as ``"micrometer"``; empty = not known.
    """

    axes: tuple[str, ...]
    scale: tuple[float, ...]
    units: tuple[str, ...]

    @classmethod
    def unknown(cls, axes: Sequence[str]) -> Scale:
        """Return axes of which only the names are known."""
        return cls(tuple(axes), (1.0,) * len(axes), ("",) * len(axes))


PLANE_SCALE = Scale.unknown(("y", "x"))
"""The axes of a plane of which nothing else is known."""
