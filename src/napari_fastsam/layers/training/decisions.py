"""What was decided in a session: which proposals went into a Labels layer, and which were seen and are no objects."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_fastsam.core.objects.masks import CroppedMask

if TYPE_CHECKING:
    from napari.layers import Image, Labels, Layer

    from napari_fastsam.layers.planes.plane import Plane


@dataclass(frozen=True, eq=False)
class Rejected:
    """A proposal that is no object.

    Attributes
    ----------
    index, axes
        Position of its plane on the image's axes, 0 on rows and columns; and which axes are these.
    top, left
        Row and column of its first pixel in the image.
    mask
        (Y, X) bool.
    """

    index: tuple[int, ...]
    axes: tuple[int, int]
    top: int
    left: int
    mask: NDArray[np.bool_]

    def draw(self, index: Sequence[int], bounds: tuple[int, int, int, int], onto: NDArray[np.bool_]) -> None:
        """Set its pixels in a part ``y0, x0, y1, x1`` of a plane, if it lies on that plane."""
        if tuple(index) != self.index:
            return
        y0, x0, y1, x1 = bounds
        height, width = self.mask.shape
        top, left = max(y0, self.top), max(x0, self.left)
        bottom, right = min(y1, self.top + height), min(x1, self.left + width)
        if top < bottom and left < right:
            part = self.mask[top - self.top : bottom - self.top, left - self.left : right - self.left]
            onto[top - y0 : bottom - y0, left - x0 : right - x0] |= part


@dataclass(frozen=True, eq=False)
class _Added:
    """What was added to a layer at once."""

    image: Image
    layer: Labels
    objects: Mapping[int, Rejected]
    """What was added, by its number in the layer: it is rejected once it is gone from there."""
    rejected: tuple[Rejected, ...]


class Decisions:
    """What was added to Labels layers in a session, and what was taken away before or after."""

    def __init__(self) -> None:
        self._added: list[_Added] = []

    def added(
        self,
        image: Image,
        layer: Labels,
        plane: Plane | None,
        objects: Mapping[int, CroppedMask],
        taken_away: Sequence[CroppedMask] = (),
    ) -> None:
        """Remember what was added to a layer, and what was not.

        Parameters
        ----------
        image, layer
            What it was found on, and what it was added to.
        plane
            Where; None = all that is remembered are the layers, as for tiles and stacks: what is gone there is not
            known to be background. The same goes for planes that were seen reduced, and layers of another shape.
        objects
            What was added, by its number in the layer.
        taken_away
            What was seen with it and is no object.
        """
        if plane is None or plane.level or tuple(layer.data.shape) != plane.image_shape:
            self._added.append(_Added(image, layer, {}, ()))
            return
        placed = {number: _placed(crop, plane) for number, crop in objects.items()}
        self._added.append(_Added(image, layer, placed, tuple(_placed(crop, plane) for crop in taken_away)))

    def forget(self, layers: Iterable[Layer]) -> None:
        """Forget what was found on one of these layers, or added to it: they get other contents."""
        gone = list(layers)
        self._added = [entry for entry in self._added if entry.image not in gone and entry.layer not in gone]

    def pairs(self) -> list[tuple[Image, Labels]]:
        """Return the layers that objects were added to, each with its image, once each, in this order."""
        found: list[tuple[Image, Labels]] = []
        for entry in self._added:
            if not any(entry.image == image and entry.layer == layer for image, layer in found):
                found.append((entry.image, entry.layer))
        return found

    def rejected(self, image: Image, layer: Labels) -> tuple[Rejected, ...]:
        """Return the proposals that are no objects: those taken away before the others were added, and since."""
        return tuple(
            one
            for entry in self._added
            if entry.image == image and entry.layer == layer
            for one in (*entry.rejected, *_gone(entry))
        )


def _gone(entry: _Added) -> Iterator[Rejected]:
    """Yield what was added and has no pixel in the layer any more."""
    data = np.asarray(entry.layer.data)
    for number, placed in entry.objects.items():
        window: list[int | slice] = list(placed.index)
        rows, columns = placed.axes
        height, width = placed.mask.shape
        window[rows], window[columns] = slice(placed.top, placed.top + height), slice(placed.left, placed.left + width)
        labels = data[tuple(window)]
        # what lies under another label now was split, joined or drawn anew, and is no background
        if not (labels == number).any() and not labels[placed.mask].any():
            yield placed


def _placed(crop: CroppedMask, plane: Plane) -> Rejected:
    y0, x0 = plane.region[:2]
    return Rejected(plane.index, plane.axes, y0 + crop.top, x0 + crop.left, np.asarray(crop.pixels, np.bool_))
