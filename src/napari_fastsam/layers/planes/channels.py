"""Channels of one place seen together: layers that lie on each other, or positions along an axis of one image."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_fastsam.core.image.channels import ColourPlane, colour_plane
from napari_fastsam.layers.contents import content_of
from napari_fastsam.layers.planes.plane import Plane
from napari_fastsam.layers.planes.read import PlanePixels, displayed_axes, read_pixels
from napari_fastsam.layers.planes.transforms import points_between, units_apply

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image

MOST_POSITIONS = 16
"""An axis with more of them is one of planes or times, and none of channels."""

_NAMES = ("c", "ch", "channel", "channels")
_SAME_PLACE = 0.5
"""Pixels that the corners of two layers may be apart: as much as would change which pixel is meant."""


@dataclass(frozen=True)
class Channel:
    """One channel among those that are seen together, frozen.

    Attributes
    ----------
    image
        Whose it is.
    limits
        Values that are shown as black and as full colour; None = by the rule for images that nobody set any for.
    position
        Which one it is: along `axis`, or among the layers of this place from the lowest one on.
    axis
        The image's axis along which its channels lie; None = the image is one channel.
    """

    image: Image
    limits: tuple[float, float] | None
    position: int
    axis: int | None = None

    @property
    def key(self) -> Hashable:
        """Equal where the same pixels are shown in the same way; without the image's data, which may be replaced."""
        return content_of(self.image), self.limits, self.position if self.axis is not None else None, self.axis

    @property
    def name(self) -> str:
        """What a user calls it."""
        return self.image.name if self.axis is None else f"channel {self.position} of {self.image.name}"

    def plane(self, plane: Plane) -> Plane:
        """Return a plane of the image at this channel."""
        return plane if self.axis is None else plane.at(self.axis, self.position)

    def pixels(self, plane: Plane) -> PlanePixels:
        """Return the channel's pixels on a plane, read by rectangles."""
        return PlanePixels(self.image, self.plane(plane))


def limits_of(image: Image) -> tuple[float, float] | None:
    """Return the contrast limits; None for colours, and where they say nothing: NaN would make no key equal another."""
    low, high = (float(value) for value in image.contrast_limits)
    return None if image.rgb or not np.isfinite([low, high]).all() else (low, high)


def channel_limits(channels: Sequence[Channel]) -> tuple[tuple[float, float], ...]:
    """Return the limits of all channels; none if one of them has none, and is shown by a rule."""
    limits = tuple(channel.limits for channel in channels if channel.limits is not None)
    return limits if len(limits) == len(channels) else ()


def layers_at(viewer: ViewerModel, image: Image) -> list[Image]:
    """Return the images without colours that have the shape and the place of one, itself too, the lowest first."""
    from napari.layers import Image as ImageLayer

    return [
        layer
        for layer in viewer.layers
        if isinstance(layer, ImageLayer) and not layer.rgb and (layer == image or _same_place(viewer, image, layer))
    ]


def channels_of_layers(viewer: ViewerModel, image: Image, ticked: Iterable[Image]) -> tuple[Channel, ...]:
    """Return the layers among `ticked` that lie at an image's place as channels, with their contrast limits.

    Their positions count the layers of the file that the image is from, as napari lists the channels of a file, or all
    layers of the place where they are from several.
    """
    together = layers_at(viewer, image)
    chosen = [layer for layer in together if any(layer == one for one in ticked)]
    paths = {layer.source.path for layer in chosen}
    known = [layer for layer in together if len(paths) > 1 or layer.source.path in paths]
    return tuple(Channel(layer, limits_of(layer), known.index(layer)) for layer in chosen)


def channels_along(viewer: ViewerModel, image: Image, axis: int, positions: Sequence[int]) -> tuple[Channel, ...]:
    """Return positions along an axis of an image as channels, each shown by the rule for images without limits.

    A layer has contrast limits for all its channels together, in which one may be bright and another black. None of
    them if the axis is one that the canvas shows as rows or columns.
    """
    if axis not in axes_of_channels(viewer, image):
        return ()
    length = int(image.level_shapes[0][axis])
    return tuple(Channel(image, None, position, axis) for position in positions if position < length)


def axes_of_channels(viewer: ViewerModel, image: Image, named: bool = False) -> list[int]:
    """Return the axes of an image along which channels may lie: short ones that are not shown; those named so first.

    With `named` only those whose name says so.
    """
    if image.rgb or image.ndim < 3:
        return []
    shown, lengths = displayed_axes(viewer, image), image.level_shapes[0]
    fitting = [a for a in range(image.ndim) if a not in shown and 1 < lengths[a] <= MOST_POSITIONS]
    said = [axis for axis in fitting if str(image.axis_labels[axis]).lower() in _NAMES]
    if named:
        return said
    return [*said, *(axis for axis in fitting if axis not in said)]


def read_together(image: Image, plane: Plane, channels: Sequence[Channel]) -> NDArray[Any]:
    """Read the pixels of a plane's region: the image's, or those of channels as colours, (Y, X, 3) uint8.

    Raises
    ------
    ImageError
        As in `read_pixels`; or if a channel holds no number.
    """
    if not channels:
        return read_pixels(image, plane)
    read = [read_pixels(channel.image, channel.plane(plane)) for channel in channels]
    return np.asarray(colour_plane(read, "percentiles", [channel.limits for channel in channels]))


def lazy_together(image: Image, plane: Plane, channels: Sequence[Channel]) -> PlanePixels | ColourPlane:
    """Return what `read_together` reads, to be read by rectangles."""
    if not channels:
        return PlanePixels(image, plane)
    pixels = [channel.pixels(plane) for channel in channels]
    return colour_plane(pixels, "percentiles", [channel.limits for channel in channels])


def in_memory(image: Image, channels: Sequence[Channel]) -> bool:
    """Whether all pixels are numpy's, and cost nothing to look at again."""
    return all(isinstance(layer.data, np.ndarray) for layer in (image, *(channel.image for channel in channels)))


def _same_place(viewer: ViewerModel, image: Image, other: Image) -> bool:
    shapes = [tuple(tuple(int(n) for n in shape) for shape in layer.level_shapes) for layer in (image, other)]
    if image.rgb or shapes[0] != shapes[1]:
        return False
    corners = np.array(list(product(*((-0.5, n - 0.5) for n in shapes[0][0]))))
    there = points_between(image, other, corners, use_units=units_apply(viewer))
    return bool((np.abs(there - corners) < _SAME_PLACE).all())
