"""Whether there is anything to see in a plane: constant, saturated, without contrast.

A network finds nothing in such a plane, or the wrong things, and an empty result would look like an empty image.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from napari_fastsam.core.image.channels import ColourPlane
from napari_fastsam.core.image.intensity import PERCENTILES, NormalizationRule, window_of

SATURATED = 0.01
"""Share of the pixels at the highest value from which it is worth a word."""

FAINT = 0.03
"""Share of the window within which all intensities lie, below which there is hardly any contrast."""

_FEWEST_LEVELS = 4
_BITS = (8, 10, 12, 14, 16)
"""Of the detectors of microscopes: the highest value that one can give is one of these."""

_SQUARES, _SIDE = 8, 256


class Doubt(NamedTuple):
    """Why a plane may show nothing.

    Attributes
    ----------
    kind
        What it is, for several planes together: "constant".
    sentence
        What is told of this plane.
    """

    kind: str
    sentence: str


def doubts(plane: Any, limits: tuple[float, float] | None = None, rule: NormalizationRule = "type") -> list[Doubt]:
    """Return what is wrong with the intensities of a plane.

    Parameters
    ----------
    plane
        (Y, X) or (Y, X, 3 | 4), read by rectangles; of a large one squares spread over it are looked at. Of several
        channels seen together each is judged by itself.
    limits
        Values shown as black and white; None = by the rule.
    rule
        As in `core.image.intensity.window_of`.

    Raises
    ------
    ImageError
        If no value is finite.
    """
    if isinstance(plane, ColourPlane):
        named = [(f"channel {n} of those that are seen", c) for n, c in enumerate(plane.channels, start=1)]
        return [
            Doubt(f"{kind} in {name}", f"{name}: {sentence}")
            for (name, channel), own in zip(named, plane.limits, strict=True)
            for kind, sentence in doubts(channel, own)
        ]
    sample = spread_sample(plane)
    values = sample[..., :3] if sample.ndim == 3 else sample
    values = values[np.isfinite(values)] if values.dtype.kind == "f" else values
    if values.dtype == np.bool_ or not values.size:
        return []
    low, high = values.min(), values.max()
    if low == high:
        return [Doubt("constant", f"all pixels are {low}: there is nothing to see")]
    found = []
    share = float((values == high).mean())
    if sample.ndim == 2 and share >= SATURATED and _is_highest(high, values.dtype):
        found.append(
            Doubt("saturated", f"{share:.1%} of the pixels are saturated, at {high}: objects there run together")
        )
    black, white = limits or window_of(sample, rule)
    dark, bright = (float(v) for v in np.percentile(values, PERCENTILES))
    if bright - dark < FAINT * (white - black):
        found.append(
            Doubt(
                "without contrast",
                f"hardly any contrast: its values, {dark:g} to {bright:g}, are shown within {black:g} to {white:g}; "
                "name the values that are black and white, or take the image's percentiles (--contrast)",
            )
        )
    elif values.dtype.kind in "ui" and bright - dark < _FEWEST_LEVELS:
        found.append(Doubt("without contrast", f"hardly any contrast: its values are {dark:g} to {bright:g}"))
    return found


def summed_up(found: Sequence[tuple[str, Doubt]], count: int) -> list[str]:
    """Return a sentence for each kind of doubt.

    Parameters
    ----------
    found
        The name of a plane, and what is wrong with it.
    count
        How many planes there are.

    Examples
    --------
    >>> summed_up([("z 0", Doubt("constant", "all pixels are 0")), ("z 4", Doubt("constant", "all pixels are 7"))], 5)
    ['2 of 5 planes are constant: z 0, z 4']
    """
    kinds: dict[str, list[tuple[str, str]]] = {}
    for place, (kind, sentence) in found:
        kinds.setdefault(kind, []).append((place, sentence))
    return [_sentence(kind, planes, count) for kind, planes in kinds.items()]


def _sentence(kind: str, planes: Sequence[tuple[str, str]], count: int) -> str:
    if len(planes) == 1:
        ((place, sentence),) = planes
        return f"{place}: {sentence}" if place else sentence
    shown = ", ".join(place for place, _ in planes[:5]) + (f" and {len(planes) - 5} more" if len(planes) > 5 else "")
    return f"{len(planes)} of {count} planes are {kind}: {shown}"


def spread_sample(plane: Any) -> NDArray[Any]:
    """Return the pixels of a plane, or of a large one squares spread over it, side by side."""
    height, width = (int(n) for n in plane.shape[:2])
    if height * width <= (_SQUARES * _SIDE) ** 2:
        return np.asarray(plane[:, :])
    rows, columns = ([round(at) for at in np.linspace(0, n - min(n, _SIDE), _SQUARES)] for n in (height, width))
    side = min(height, width, _SIDE)
    return np.concatenate([_column(plane, rows, x, side) for x in columns], axis=1)


def _column(plane: Any, rows: Iterable[int], x: int, side: int) -> NDArray[Any]:
    return np.concatenate([np.asarray(plane[slice(y, y + side), slice(x, x + side)]) for y in rows])


def _is_highest(value: Any, dtype: np.dtype[Any]) -> bool:
    """Whether a detector, or the type of numbers, can give no higher value."""
    if dtype.kind not in "ui":
        return False
    return int(value) in (np.iinfo(dtype).max, *(2**bits - 1 for bits in _BITS))
