"""Channels of a microscope seen together, as the colours of one picture; each in an intensity window of its own."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from napari_fastsam.core.image.intensity import NormalizationRule, check_plane, to_rgb8, window_of
from napari_fastsam.errors import ImageError, ParameterError

MOST_CHANNELS = 3
COLOURED = (0.0, 255.0)
"""The contrast limits of what comes out of here: its values are shown already."""

_COLOURS = {2: ((1, 0, 1), (0, 1, 0)), 3: ((1, 0, 0), (0, 1, 0), (0, 0, 1))}
_SQUARES, _SIDE = 8, 256


class ChannelLike(Protocol):
    """One channel of a plane, (Y, X), that is read by rectangles: numpy, dask or zarr."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Its lengths."""

    def __getitem__(self, window: tuple[slice, slice], /) -> Any:
        """Return the pixels of some rows and columns."""


@dataclass(frozen=True, eq=False)
class ColourPlane:
    """Two or three channels of one plane as its colours, made when they are read.

    Attributes
    ----------
    channels
        Each (Y, X), all of one shape.
    limits
        The values of each that are shown as black and as full colour.
    """

    channels: tuple[ChannelLike, ...]
    limits: tuple[tuple[float, float], ...]

    @property
    def shape(self) -> tuple[int, int, int]:
        """``(H, W, 3)``."""
        height, width = self.channels[0].shape
        return height, width, 3

    @property
    def dtype(self) -> np.dtype[np.uint8]:
        """Colours are 8-bit."""
        return np.dtype(np.uint8)

    @property
    def ndim(self) -> int:
        """Rows, columns and colours."""
        return 3

    def __getitem__(self, window: tuple[slice, slice]) -> NDArray[np.uint8]:
        shown = [
            to_rgb8(np.asarray(channel[window]), limits)[..., 0]
            for channel, limits in zip(self.channels, self.limits, strict=True)
        ]
        colours = np.zeros((*shown[0].shape, 3), np.uint8)
        for levels, weights in zip(shown, _COLOURS[len(shown)], strict=True):
            colours[..., np.flatnonzero(weights)] = levels[..., None]
        return colours

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        colours = self[:, :]
        return colours if dtype is None else colours.astype(dtype)


def colour_plane(
    channels: Sequence[ChannelLike],
    rule: NormalizationRule = "percentiles",
    limits: Sequence[tuple[float, float] | None] | None = None,
) -> ColourPlane:
    """Show two or three channels of a plane together.

    Of three the first is red, the second green, the third blue; of two the first is magenta and the second green. So
    channels that show the same give a grey picture, which is what networks have seen most of.

    Parameters
    ----------
    channels
        Each (Y, X), of one shape and of real numbers.
    rule
        How the window of a channel is found, see `core.image.intensity.window_of`; of a large one from a sample.
    limits
        The window of each instead; None = by the rule.

    Raises
    ------
    ImageError
        If a channel is no plane of real numbers, or they differ in shape.
    ParameterError
        If there are not two or three, or not as many limits.
    """
    if len(channels) not in _COLOURS:
        raise ParameterError(f"{len(channels)} channels are to be seen together; expected 2 or 3")
    if limits is not None and len(limits) != len(channels):
        raise ParameterError(f"there are {len(limits)} contrast limits for {len(channels)} channels; expected one each")
    shapes = [tuple(int(n) for n in channel.shape) for channel in channels]
    if len(set(shapes)) > 1 or len(shapes[0]) != 2:
        raise ImageError(f"the channels have shapes {', '.join(map(str, shapes))}; expected planes (Y, X) of one shape")
    given = limits or [None] * len(channels)
    found = tuple(
        window_of(_sample(channel), rule) if own is None else own for channel, own in zip(channels, given, strict=True)
    )
    return ColourPlane(tuple(channels), found)


def channels_of(image: Any, channels: Sequence[int], axis: int = 0) -> list[ChannelLike]:
    """Return some channels of an image (Y, X and one further axis), as views where the image gives them.

    Raises
    ------
    ImageError
        If the image has no three axes.
    ParameterError
        If the axis or a channel is not there, one is named twice, or there are none or more than three.
    """
    data = image if hasattr(image, "shape") else np.asarray(image)
    if len(data.shape) != 3:
        raise ImageError(f"the image has shape {tuple(data.shape)}; expected rows, columns and one axis of channels")
    if isinstance(channels, str | int) or not all(isinstance(channel, int | np.integer) for channel in channels):
        raise ParameterError(f"channels is {channels!r}; expected positions from 0, such as [0] or [0, 2]")
    if not -3 <= axis < 3:
        raise ParameterError(f"the channels' axis is {axis}; expected 0, 1 or 2")
    check_channels(channels, int(data.shape[axis]))
    places: list[list[Any]] = [[slice(None)] * 3 for _ in channels]
    for place, channel in zip(places, channels, strict=True):
        place[axis] = channel
    return [data[tuple(place)] for place in places]


def find_channels(asked: Sequence[int | str], names: Sequence[str], count: int) -> tuple[int, ...]:
    """Return the positions of channels that are asked for by position, or by name in upper or lower case.

    Parameters
    ----------
    asked
        Positions from 0, and names; a number that is no position may be a name, such as 488.
    names
        Of an image's channels, in order; empty = not known.
    count
        How many there are.

    Raises
    ------
    ParameterError
        If one is not there, its name is that of several, or as `check_channels` has it; the message lists those that
        are there.
    """
    found = tuple(_find_channel(one, names, count) for one in asked)
    try:
        check_channels(found, count)
    except ParameterError as error:
        listed = _listed(names)
        raise ParameterError(f"{error}{f' ({listed})' if listed else ''}") from error
    return found


def _find_channel(asked: int | str, names: Sequence[str], count: int) -> int:
    text = str(asked).strip()
    if isinstance(asked, int) and (0 <= asked < count or text not in names):
        return asked
    found = [i for i, name in enumerate(names) if name == text]
    found = found or [i for i, name in enumerate(names) if name.casefold() == text.casefold()]
    if len(found) == 1:
        return found[0]
    if found:
        raise ParameterError(f"{len(found)} channels are called {text!r}; name one by position: {_listed(names)}")
    there = f"channels {_listed(names)}" if any(names) else f"{count} without names; name one from 0 to {count - 1}"
    raise ParameterError(f"there is no channel {text!r}; the image has {there}")


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f"{i} = {name}" for i, name in enumerate(names) if name)


def check_channels(channels: Sequence[int], count: int) -> None:
    """Say so if an image of `count` channels has not those.

    Raises
    ------
    ParameterError
        If one is not there or is named twice, or there are none or more than three.
    """
    if not 1 <= len(channels) <= MOST_CHANNELS:
        raise ParameterError(f"{len(channels)} channels are named; expected 1 to {MOST_CHANNELS}")
    if len(set(channels)) < len(channels):
        raise ParameterError(f"channels is {', '.join(map(str, channels))}; expected each once")
    missing = [channel for channel in channels if not 0 <= channel < count]
    if missing:
        there = "only channel 0" if count == 1 else f"channels 0 to {count - 1}"
        raise ParameterError(f"there is no channel {missing[0]}; the image has {there}")


def _sample(channel: ChannelLike) -> NDArray[Any]:
    """Return the values of a channel, or of a large one squares spread over it, side by side."""
    height, width = (int(n) for n in channel.shape)
    if height * width <= (_SQUARES * _SIDE) ** 2:
        return check_plane(channel[:, :])
    rows, columns = ([round(at) for at in np.linspace(0, n - min(n, _SIDE), _SQUARES)] for n in (height, width))
    squares = [
        np.asarray(channel[slice(y, y + _SIDE), slice(x, x + _SIDE)]).reshape(-1, 1) for y in rows for x in columns
    ]
    values = check_plane(np.concatenate(squares))
    side = math.isqrt(len(values))
    return values[: side * side].reshape(side, side)
