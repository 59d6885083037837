"""Where the pixels of an image lie in the world, axis by axis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace


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
    translation
        Where the first pixel lies along each, in the same units; empty = at 0.
    """

    axes: tuple[str, ...]
    scale: tuple[float, ...]
    units: tuple[str, ...]
    translation: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        """Say 0 for what is not said, so that what means the same is equal."""
        if not self.translation:
            object.__setattr__(self, "translation", (0.0,) * len(self.axes))

    @classmethod
    def unknown(cls, axes: Sequence[str]) -> Scale:
        """Return axes of which only the names are known."""
        return cls(tuple(axes), (1.0,) * len(axes), ("",) * len(axes))

    def subset(self, axes: Sequence[int]) -> Scale:
        """Return some of the axes, by position, in this order."""
        return Scale(
            tuple(self.axes[a] for a in axes),
            tuple(self.scale[a] for a in axes),
            tuple(self.units[a] for a in axes),
            tuple(self.translation[a] for a in axes),
        )

    def with_pixel_size(self, size: float, unit: str = "micrometer") -> Scale:
        """Return the same with rows and columns of pixels of another size; where they begin stays the same pixel."""
        steps, units, first = list(self.scale), list(self.units), list(self.translation)
        for axis in (-2, -1):
            first[axis] *= size / steps[axis]
            steps[axis], units[axis] = size, unit
        return replace(self, scale=tuple(steps), units=tuple(units), translation=tuple(first))


PLANE_SCALE = Scale.unknown(("y", "x"))
"""The axes of a plane of which nothing else is known."""
