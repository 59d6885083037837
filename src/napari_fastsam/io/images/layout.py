"""What every image file is to the program: axes, channels, and planes that are read one at a time."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from napari_fastsam.core.image.scale import Scale
from napari_fastsam.errors import FastSAMError, ImageError, ParameterError

LARGE = 4096 * 4096
"""Planes of fewer pixels are read as a whole."""


class Layout(NamedTuple):
    """The axes of an image.

    Attributes
    ----------
    lengths
        Of the axes before a plane's own.
    plane
        ``(H, W)``.
    scale
        Of all axes.
    """

    lengths: tuple[int, ...]
    plane: tuple[int, int]
    scale: Scale


class ImageFile(ABC):
    """An image of a file that is open; a context manager.

    Attributes
    ----------
    layout
        Its axes; channels are one of them, named ``c``, unless they are the colours of a pixel.
    colours
        How many a pixel has: 1, 3 or 4, the fourth transparency.
    channels
        Names of the channels, in order; empty = the file does not say them.
    alike
        How many images of about this size the file holds, this one counted.
    missing
        Indices of planes that the file promises and does not hold.
    """

    layout: Layout
    colours: int = 1
    channels: tuple[str, ...] = ()
    alike: int = 1
    missing: tuple[tuple[int, ...], ...] = ()

    @abstractmethod
    def read(self, index: tuple[int, ...]) -> NDArray[np.generic]:
        """Return the plane at an index of the axes before its own: (Y, X) or (Y, X, 3 | 4), as the file has it."""

    def lazy(self, index: tuple[int, ...]) -> Any:
        """Return the same, to be read by rectangles; it may be read after this has been closed."""
        return self.read(index)

    def close(self) -> None:  # noqa: B027 - most have nothing to let go of
        """Let go of the file."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def chosen_scene(scene: int | None, count: int, path: Path) -> int:
    """Return which of the images of a file is meant: the first, unless another is named.

    Raises
    ------
    ParameterError
        If there is no such image.
    """
    if scene is None:
        return 0
    if not 0 <= scene < count:
        there = "only scene 0" if count == 1 else f"scenes 0 to {count - 1}"
        raise ParameterError(f"there is no scene {scene} in {path}; the file has {there}")
    return scene


def plane_index(plane: tuple[int, ...] | None, lengths: tuple[int, ...], names: Sequence[str]) -> tuple[int, ...]:
    """Return the index of the plane asked for, one number for each axis before the plane's own.

    Parameters
    ----------
    plane
        As in `images.read_plane`.
    lengths, names
        Of the axes before a plane's own.

    Raises
    ------
    ImageError
        If there are several planes and none is asked for.
    ParameterError
        If there is no such plane.
    """
    count = int(np.prod(lengths, dtype=np.int64))
    if plane is None:
        if count == 1:
            return (0,) * len(lengths)
        axes = " × ".join(f"{n} along {name}" for n, name in zip(lengths, names, strict=True))
        several = f", or {','.join(['0'] * len(lengths))} to {','.join(str(n - 1) for n in lengths)}"
        channels = "; or channels with --channel" if "c" in names else ""
        raise ImageError(
            f"a stack of {count} planes ({axes}), and one plane is segmented at a time: choose it with --plane 0 to "
            f"{count - 1}{several if len(lengths) > 1 else ''}{channels}"
        )
    if len(plane) == 1 and 0 <= plane[0] < count:
        return tuple(int(i) for i in np.unravel_index(plane[0], lengths)) if lengths else ()
    if len(plane) == len(lengths) and all(0 <= i < n for i, n in zip(plane, lengths, strict=True)):
        return plane
    raise ParameterError(
        f"plane is {','.join(map(str, plane))}; the file has {count}, counted from 0"
        + (f", as {' × '.join(map(str, lengths))} along {', '.join(names)}" if len(lengths) > 1 else "")
    )


def every_index(lengths: Sequence[int]) -> Iterator[tuple[int, ...]]:
    """Yield the indices of all planes in order, however many a file claims to have."""
    # numpy.ndindex makes a list of each axis first
    if not lengths:
        yield ()
        return
    for first in range(lengths[0]):
        for rest in every_index(lengths[1:]):
            yield first, *rest


def unique_axes(names: Sequence[str]) -> list[str]:
    """Return names of axes in lower case, those that come twice numbered."""
    axes: list[str] = []
    for name in map(str.lower, names):
        axes.append(name if name not in axes else f"{name}{len(axes)}")
    return axes


def absent(missing: Sequence[tuple[int, ...]], axes: Sequence[str], count: int) -> str:
    """Say which of the planes that a file promises, `count` of them, it does not hold."""
    names = [" ".join(f"{a} {i}" for a, i in zip(axes, index, strict=False)) or "its only one" for index in missing]
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    which = f"plane {names[0]} is" if len(names) == 1 else f"planes {', '.join(names[:5])}{more} are"
    return (
        f"{which} missing: the file says that it has {count}, and holds fewer; copy it again, with all files that "
        "belong to it, or choose another plane"
    )


def unreadable(path: object, error: BaseException) -> ImageError:
    """Return the error that says of an image why it cannot be read, whatever was raised."""
    if isinstance(error, FastSAMError):
        reason = str(error)
    elif isinstance(error, OSError) and error.strerror:
        reason = error.strerror
    elif isinstance(error, MemoryError):
        reason = f"it does not fit into memory. {error}"
    else:
        reason = (str(error).splitlines() or [""])[0] or type(error).__name__
    if "is not installed" in reason or "can not handle the given uri" in reason:  # imageio, of what Pillow knows not
        reason = "it is damaged, or of no known format"
    return ImageError(f"{path} cannot be read as an image: {reason}")
