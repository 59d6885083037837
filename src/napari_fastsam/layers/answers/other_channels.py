"""Where a prompt finds nothing: whether another channel of the same place shows something there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_fastsam.errors import ImageError
from napari_fastsam.layers.answers.results import Result
from napari_fastsam.layers.planes.channels import (
    Channel,
    axes_of_channels,
    layers_at,
    lazy_together,
    limits_of,
)
from napari_fastsam.model.asking.tiled_prediction import middle_of

if TYPE_CHECKING:
    from napari.components import ViewerModel

    from napari_fastsam.core.prompts.queries import Query
    from napari_fastsam.layers.answers.request import Request

_AROUND = 150
"""Pixels on each side of a place that are looked at."""

_RADII = (3, 8, 20, 48)
"""Half the sides of the squares in the middle that are compared with what is around them: objects of 8 to 200 px."""

SHOWS = 0.2
"""Share of a channel's range by which a place has to differ from its surroundings to show something: twice what noise
and shading do."""

_CLEARER = 2.0
"""Factor by which another channel has to show it better than the one that was searched."""


@dataclass(frozen=True)
class ChannelOffer:
    """A channel that shows something where a prompt found nothing.

    Attributes
    ----------
    searched
        What the channel is called in which nothing was found.
    channel
        The one that shows something.
    contrast
        By which share of its range the place differs from its surroundings there.
    """

    searched: str
    channel: Channel
    contrast: float

    @property
    def sentence(self) -> str:
        """What to tell the user."""
        return f"“{self.searched}” shows nothing there, “{self.channel.name}” does."

    @property
    def action(self) -> str:
        """What to do about it, as a button says it."""
        return f"Search in “{self.channel.name}”"


def other_channel(viewer: ViewerModel, result: Result) -> ChannelOffer | None:
    """Return the channel that shows most where a prompt without an object lies, or else the last one; None = no other.

    No network is asked: a square of pixels around the prompt is read from each channel of the place, which takes a few
    milliseconds where the pixels are in memory.
    """
    if result.missing or result.request.stack is not None:
        return None
    query = result.unfound[-1] if result.unfound else _touched(result)
    return None if query is None else channel_that_shows(viewer, result.request, middle_of(query))


def _touched(result: Result) -> Query | None:
    """Return the prompt that was placed last: where nothing is shown, a click may have drawn an object all the same."""
    queries = zip(result.request.identities, result.request.read.prompts.queries, strict=True)
    return next((query for name, query in queries if result.touched is not None and name.key == result.touched), None)


def channel_that_shows(viewer: ViewerModel, request: Request, place_yx: tuple[float, float]) -> ChannelOffer | None:
    """Return the channel that shows more than the one that was searched, at a row and column of a request's region.

    Channels are the image layers of the same shape and place, and the positions along a short axis of the image whose
    name is that of channels.
    """
    controls, plane = request.controls, request.plane
    if controls.image.rgb:
        return None
    others = _others(viewer, request)
    if not others:
        return None
    now = contrast_at(lazy_together(controls.image, plane, controls.channels), place_yx)
    offers = []
    for channel in others:
        try:
            contrast = contrast_at(channel.pixels(plane), place_yx, channel.limits)
        except (ImageError, OSError):
            continue  # a channel that cannot be read is none to offer
        if now < SHOWS <= contrast and contrast >= _CLEARER * now:
            offers.append(ChannelOffer(_searched(request), channel, contrast))
    return max(offers, key=lambda offer: offer.contrast, default=None)


def contrast_at(pixels: Any, place_yx: tuple[float, float], limits: tuple[float, float] | None = None) -> float:
    """Return by which share of its range a place differs from what is around it, at the size where it does most.

    Parameters
    ----------
    pixels
        (Y, X) or (Y, X, 3), read by rectangles.
    place_yx
        Row and column.
    limits
        Contrast limits: where next to nothing of them is used around the place, nothing is seen.

    Returns
    -------
    float
        0 … 1.
    """
    height, width = (int(n) for n in pixels.shape[:2])
    y, x = (int(np.clip(round(at), 0, n - 1)) for at, n in zip(place_yx, (height, width), strict=True))
    top, left = max(0, y - _AROUND), max(0, x - _AROUND)
    read = np.asarray(pixels[slice(top, y + _AROUND + 1), slice(left, x + _AROUND + 1)])
    planes = [read] if read.ndim == 2 else [read[..., colour] for colour in range(min(3, read.shape[2]))]
    return max(_contrast(np.asarray(plane, np.float64), y - top, x - left, limits) for plane in planes)


def _contrast(values: NDArray[np.float64], y: int, x: int, limits: tuple[float, float] | None) -> float:
    finite = values[np.isfinite(values)]
    if not finite.size:
        return 0.0
    low, high = (float(v) for v in np.percentile(finite, (0.1, 99.9)))
    span = max(high - low, 0.1 * (limits[1] - limits[0]) if limits is not None else 0.0)
    if span <= 0:
        return 0.0
    found, known = 0.0, np.isfinite(values)
    values = np.where(known, values, 0.0)
    for radius in _RADII:
        inner, outer = _square(y, x, radius), _square(y, x, 3 * radius)
        within = np.count_nonzero(known[inner])
        around = np.count_nonzero(known[outer]) - within
        if not within or not around:
            continue
        sum_within = float(values[inner].sum())
        surroundings = (float(values[outer].sum()) - sum_within) / around
        found = max(found, abs(sum_within / within - surroundings) / span)
    return min(found, 1.0)


def _square(y: int, x: int, radius: int) -> tuple[slice, slice]:
    return slice(max(0, y - radius), y + radius + 1), slice(max(0, x - radius), x + radius + 1)


def _others(viewer: ViewerModel, request: Request) -> list[Channel]:
    """Return the channels of a place that were not searched."""
    controls, plane = request.controls, request.plane
    image, seen = controls.image, [channel.image for channel in controls.channels]
    together = layers_at(viewer, image)
    others = [
        Channel(layer, limits_of(layer), together.index(layer))
        for layer in together
        if layer != image and not any(layer == one for one in seen)
    ]
    for axis in axes_of_channels(viewer, image, named=True):
        shown = {channel.position for channel in controls.channels if channel.axis == axis} or {plane.index[axis]}
        count = plane.image_shape[axis]
        others += [Channel(image, None, position, axis) for position in range(count) if position not in shown]
    return others


def _searched(request: Request) -> str:
    """Return what is called what was searched."""
    controls = request.controls
    return ", ".join(channel.name for channel in controls.channels) or controls.image.name
