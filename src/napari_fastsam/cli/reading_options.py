"""How images are read, for every command that reads them: channel, scene, contrast, size of a pixel."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import typer
from rich.markup import escape
from typer.core import TyperCommand

from napari_fastsam.errors import ParameterError

PERCENTILES = "percentiles"

Channels = Annotated[
    list[str] | None,
    typer.Option(
        "--channel",
        metavar="INDEX | NAME",
        help="Channel to use, from 0 or by name; repeat for two or three channels, seen together as colours.",
    ),
]
Contrast = Annotated[
    str | None,
    typer.Option(
        "--contrast",
        metavar="LOW HIGH | percentiles",
        help=escape("Intensities shown as black and white. [default: the model's]"),
        show_default=False,
    ),
]
Scene = Annotated[
    int | None,
    typer.Option(
        metavar="INDEX", min=0, help=escape("Image of a file that holds several. [default: the first]"),
        show_default=False,
    ),
]  # fmt: skip
PixelSize = Annotated[
    float | None,
    typer.Option(
        "--pixel-size", metavar="UM", help=escape("Of rows and columns, in micrometers. [default: as the file says]"),
        show_default=False,
    ),
]  # fmt: skip


class ReadingCommand(TyperCommand):
    """A command whose ``--contrast`` takes two numbers, or one word."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the two numbers into one argument, as options of click take a number of values that does not change."""
        joined: list[str] = []
        left = list(args)
        while left:
            joined.append(left.pop(0))
            if joined[-1] == "--contrast" and len(left) > 1 and all(map(_is_number, left[:2])):
                joined.append(f"{left.pop(0)} {left.pop(0)}")
        return super().parse_args(ctx, joined)


def parse_contrast(text: str | None) -> tuple[float, float] | Literal["percentiles"] | None:
    """Return what ``--contrast`` asks for.

    Raises
    ------
    ParameterError
        If it is neither two numbers in order nor the word.
    """
    if text is None:
        return None
    if text.strip() == PERCENTILES:
        return "percentiles"
    numbers = text.replace(",", " ").split()
    if len(numbers) == 2 and all(map(_is_number, numbers)):
        low, high = map(float, numbers)
        if low < high:
            return low, high
    raise ParameterError(
        f"contrast is {text!r}; expected the intensities that are black and white, such as --contrast 100 4000, or "
        f"{PERCENTILES}"
    )


def parse_channels(texts: list[str] | None) -> tuple[int | str, ...]:
    """Return what ``--channel`` asks for: positions, and names.

    Raises
    ------
    ParameterError
        If one is empty, or a number below 0.
    """
    found = tuple(int(text) if _is_whole(text) else text.strip() for text in texts or ())
    for one in found:
        if one == "" or (isinstance(one, int) and one < 0):
            raise ParameterError(f"channel is {one!r}; expected a number from 0, or a name such as --channel DAPI")
    return found


def check_pixel_size(size: float | None) -> float | None:
    """Return a size as it is.

    Raises
    ------
    ParameterError
        If it is none.
    """
    if size is not None and not 0 < size < float("inf"):
        raise ParameterError(f"pixel size is {size}; expected micrometers, more than 0")
    return size


def as_parameters(
    channels: list[str] | None, contrast: str | None, scene: int | None, pixel_size: float | None
) -> dict[str, Any]:
    """Return what is asked for as parameters of a recipe, those alone that are; errors as of the three above."""
    window = parse_contrast(contrast)
    asked: dict[str, Any] = {}
    if channels:
        asked |= {"channels": parse_channels(channels), "channel_limits": ()}
    if window == PERCENTILES:
        asked |= {"contrast": PERCENTILES, "contrast_limits": None}
    elif window is not None:
        asked |= {"contrast": None, "contrast_limits": window}
    if scene is not None:
        asked["scene"] = scene
    if check_pixel_size(pixel_size) is not None:
        asked["pixel_size"] = pixel_size
    return asked


def _is_whole(text: str) -> bool:
    return text.strip().lstrip("+-").isdecimal()


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
