"""Labels that are corrected: a label of a Labels layer, on one plane, as the mask that an object starts from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_fastsam.core.objects.masks import CroppedMask
from napari_fastsam.layers.labels.label_windows import Box, find_label, trimmed
from napari_fastsam.layers.labels.target import find_target, pixels_of
from napari_fastsam.layers.planes.plane import Plane

if TYPE_CHECKING:
    from napari.layers import Image, Labels


@dataclass(frozen=True, eq=False)
class LabelStart:
    """A label that an object starts from.

    Attributes
    ----------
    image
        The image that it is corrected on.
    layer, label
        The Labels layer, and the label in it.
    number
        The object number of the prompts that correct it.
    plane
        The plane and region on which it was clicked.
    yx
        A place in it, (2,) rows and columns of the region.
    mask
        Its pixels in the region; what was outside stays as it is.
    gone
        Whether it is in the layer no more.
    """

    image: Image
    layer: Labels
    label: int
    number: int
    plane: Plane
    yx: tuple[float, float]
    mask: CroppedMask
    gone: bool = False

    @property
    def called(self) -> str:
        """Its name at the beginning of a sentence."""
        return f"Label {self.label} of “{self.layer.name}”"

    def is_on(self, plane: Plane) -> bool:
        """Whether a plane is the one that it was clicked on, whatever region of it."""
        mine = (self.plane.image_shape, self.plane.axes, self.plane.index)
        return mine == (plane.image_shape, plane.axes, plane.index)

    def seen_on(self, plane: Plane, use_units: bool = True) -> LabelStart | None:
        """Return it in another region, or at another level, of its plane; None where it has no pixel there.

        Raises
        ------
        LabelsError
            If the layer does not fit the image any more.
        """
        if plane == self.plane:
            return self
        y, x = plane.data_to_region(self.plane.region_to_data([self.yx]))[0].tolist()
        if plane.level == self.plane.level:
            offset = np.subtract(self.plane.region[:2], plane.region[:2])
            mask = _clipped(self.mask.moved(*offset.tolist()), plane.shape)
        elif self.gone:
            return None
        else:
            mask = read_label(self.layer, self.image, plane, self.label, np.array([y, x]), use_units)
        if mask is None:
            return None
        return replace(self, plane=plane, mask=mask, yx=(y, x))

    def read_again(self, use_units: bool = True) -> LabelStart:
        """Return it with the pixels that its layer has now; `gone`, with those that it had, if there are none.

        Raises
        ------
        LabelsError
            If the layer does not fit the image any more.
        """
        mask = read_label(self.layer, self.image, self.plane, self.label, np.array(self.yx), use_units)
        return replace(self, gone=True) if mask is None else replace(self, mask=mask, gone=False)


@dataclass(frozen=True, eq=False)
class Replacement:
    """A label that an object of a result replaces.

    Attributes
    ----------
    start
        The label as it was when the object started from it.
    position
        In a stack the plane that the label was clicked on; None = the result is of that plane alone.
    """

    start: LabelStart
    position: int | None = None

    @property
    def label(self) -> int:
        """The label."""
        return self.start.label


def label_under(layer: Labels, image: Image, plane: Plane, yx: Sequence[float], use_units: bool = True) -> int:
    """Return the label at a place of a plane's region, (2,) rows and columns; 0 = none.

    Raises
    ------
    LabelsError
        If the layer cannot be written to, or its pixels are not the image's.
    """
    row, column = (int(np.floor(value + 0.5)) for value in yx)
    height, width = plane.shape
    if not (0 <= row < height and 0 <= column < width):
        return 0
    return int(_labels_in(layer, image, plane, (row, column, row + 1, column + 1), use_units)[0, 0])


def read_label(
    layer: Labels, image: Image, plane: Plane, label: int, yx: NDArray[np.float64], use_units: bool = True
) -> CroppedMask | None:
    """Return the pixels of a label in a plane's region; None if it has none there.

    On a large plane only what lies around a place is read, until the label ends; pieces further away stay unknown.

    Parameters
    ----------
    layer, image, plane, use_units
        As in `layers.labels.target.find_target`, which says what is raised.
    label
        The label.
    yx
        (2,) rows and columns of the region, on the label or near it.
    """
    in_memory = isinstance(pixels_of(layer), np.ndarray)
    return find_label(lambda box: _labels_in(layer, image, plane, box, use_units), plane.shape, label, yx, in_memory)


def _labels_in(layer: Labels, image: Image, plane: Plane, box: Box, use_units: bool) -> NDArray[np.integer]:
    """Return the labels of rows and columns ``y0, x0, y1, x1`` of a region, in its pixels."""
    top, left = plane.region[:2]
    part = replace(plane, region=(top + box[0], left + box[1], top + box[2], left + box[3]))
    target = find_target(layer, image, part, use_units=use_units)
    labels = np.asarray(pixels_of(layer)[target.slices])
    if labels.shape == part.shape:
        return labels
    middles = [
        (np.searchsorted(sources, np.arange(length)) + np.searchsorted(sources, np.arange(length), "right")) // 2
        for sources, length in zip(target.sources, part.shape, strict=True)
    ]
    return labels[np.ix_(*(np.minimum(m, n - 1) for m, n in zip(middles, labels.shape, strict=True)))]


def _clipped(mask: CroppedMask, shape: tuple[int, int]) -> CroppedMask | None:
    """Return what of a mask lies on a plane of ``(H, W)``; None = nothing."""
    top, left = max(mask.top, 0), max(mask.left, 0)
    bottom, right = min(mask.window[0].stop, shape[0]), min(mask.window[1].stop, shape[1])
    if top >= bottom or left >= right:
        return None
    return trimmed(top, left, mask.pixels[top - mask.top : bottom - mask.top, left - mask.left : right - mask.left])
