"""Any image plane as the uint8 RGB picture that the network sees."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_fastsam.errors import ImageError

NormalizationRule = Literal["type", "percentiles"]
"""How a window is found where none is given; see `window_of`."""

PERCENTILES = (0.1, 99.9)
"""The window taken when none is given and the type has no natural one: robust against hot and dead pixels."""

_OUTLYING = 0.05
_FEWEST = 0.0005
"""Shares of the pixels: more is no outlier, and less the percentiles leave out as they are."""

_MOST_OUTLIERS = 3

_SAMPLE = 1_000_000

_LARGE_FOR_FLOAT32 = 1e38


def check_plane(image: ArrayLike) -> NDArray[np.generic]:
    """Return `image` as an array that is one plane, or say why it is not.

    Raises
    ------
    ImageError
        If it is not (Y, X) or (Y, X, 3 | 4), has no pixels, or holds something other than real numbers.
    """
    plane = np.asarray(image)
    if plane.ndim == 0 and plane.dtype.kind in "OSU":
        raise ImageError(
            f"the image is {plane.item()!r}; expected an array of pixels: read the file first, for instance with "
            "imageio.v3.imread"
        )
    if plane.ndim not in (2, 3) or (plane.ndim == 3 and plane.shape[2] not in (3, 4)):
        raise ImageError(
            f"the image has shape {plane.shape}; expected one plane, (Y, X) or (Y, X, 3 | 4): index a stack first"
        )
    if 0 in plane.shape:
        raise ImageError(f"the image has shape {plane.shape} and so no pixels; choose another image or region")
    _require_real(plane.dtype)
    return plane


def _require_real(dtype: np.dtype[np.generic]) -> None:
    if dtype.kind not in "buif":
        raise ImageError(f"the image has dtype {dtype}; expected real numbers: take a magnitude or convert it first")


def window_of(plane: NDArray[np.generic], rule: NormalizationRule = "type") -> tuple[float, float]:
    """Return the intensity window of a plane for which none was given.

    By ``"type"``, uint8 keeps its whole range, bool is 0 … 1, colours that are floats within 0 … 1 keep that range;
    everything else takes the 0.1st and 99.9th percentile of its finite values (their minimum and maximum where those
    coincide). By ``"percentiles"`` all but bool take percentiles, so that dim planes come out as bright as others.
    Percentiles are those of what was measured: a value that many pixels share, far from all others, is none (see
    `measured`).

    Raises
    ------
    ImageError
        If no value is finite, or they are no real numbers.
    """
    _require_real(plane.dtype)
    if plane.dtype == np.uint8 and rule == "type":
        return 0.0, 255.0
    if plane.dtype == np.bool_:
        return 0.0, 1.0
    values = plane[..., :3] if plane.ndim == 3 else plane
    step = max(1, int(np.sqrt(values.size / _SAMPLE)))
    sample = values[::step, ::step]
    if plane.dtype.kind == "f":
        sample = sample[np.isfinite(sample)]
        if not sample.size:
            sample = values[np.isfinite(values)]
        if not sample.size:
            raise ImageError("the image holds no finite value (all NaN or infinite); choose another plane or image")
        if plane.ndim == 3 and rule == "type" and sample.min() >= 0 and sample.max() <= 1:
            return 0.0, 1.0
    with np.errstate(over="ignore", invalid="ignore"):  # between numbers near the largest there are
        low, high = (float(v) for v in np.percentile(measured(sample.astype(np.float64, copy=False)), PERCENTILES))
    if not high > low:
        # next to all values are the same: what differs may be what is looked for, and the sample may have missed it
        finite = values[np.isfinite(values)] if plane.dtype.kind == "f" else values
        low, high = float(finite.min()), float(finite.max())
    return low, high


def measured(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Leave out what no detector has measured: a burnt-in scale bar, saturated rows, a number that stands for nothing.

    Such a value is the lowest or the highest of all, is shared by up to a twentieth of the pixels, and lies farther
    from the others than they from each other. Bright spots are no such thing: their edges fill the gap.

    Parameters
    ----------
    values
        Of any shape, finite.

    Returns
    -------
    numpy.ndarray
        The others, flat; `values` as they are where there is nothing to leave out.
    """
    for _ in range(_MOST_OUTLIERS):
        low, high = values.min(), values.max()
        at_low, at_high = values == low, values == high
        suspects = [share for share in (at_low.mean(), at_high.mean()) if _FEWEST < share <= _OUTLYING]
        others = values[~(at_low | at_high)] if suspects else values[:0]
        if not others.size or not others.max() > others.min():
            break
        spread = others.max() - others.min()
        outlying = np.zeros(values.shape, bool)
        for there, gap in ((at_low, others.min() - low), (at_high, high - others.max())):
            if gap > spread and _FEWEST < there.mean() <= _OUTLYING:
                outlying |= there
        if not outlying.any():
            break
        values = values[~outlying]
    return values


def to_rgb8(image: ArrayLike, contrast_limits: tuple[float, float] | None = None) -> NDArray[np.uint8]:
    """Turn a plane into what the network was trained on.

    Parameters
    ----------
    image
        (Y, X) or (Y, X, 3 | 4), any real dtype. Alpha is left out.
    contrast_limits
        Values shown as black and white; None means those of `window_of`.

    Returns
    -------
    numpy.ndarray
        (Y, X, 3) uint8, never the memory of `image`. NaN is black; a constant image is black.

    Raises
    ------
    ImageError
        If the array is not a plane, has no finite value, or the limits are not two finite numbers in order.
    """
    plane = check_plane(image)
    low, high = _limits(contrast_limits) if contrast_limits is not None else window_of(plane)
    plane = plane[..., :3] if plane.ndim == 3 else plane
    as_it_is = plane.dtype == np.uint8 and (low, high) == (0, 255)
    levels = plane.astype(np.uint8, order="C") if as_it_is else _stretch(plane, low, high)
    return np.repeat(levels[:, :, None], 3, axis=2) if levels.ndim == 2 else levels


def _limits(limits: tuple[float, float]) -> tuple[float, float]:
    try:
        low, high = (float(v) for v in limits)
    except (TypeError, ValueError) as error:
        raise ImageError(f"contrast_limits is {limits!r}; expected two numbers, black and white") from error
    if not (np.isfinite(low) and np.isfinite(high) and low <= high):
        raise ImageError(f"contrast_limits is {limits!r}; expected two finite numbers, the lower first")
    return low, high


def _stretch(plane: NDArray[np.generic], low: float, high: float) -> NDArray[np.uint8]:
    if not high > low:
        return np.zeros(plane.shape, np.uint8)
    if plane.dtype.itemsize <= 2 and plane.dtype.kind in "ui":
        return _by_table(plane, low, high)
    single = plane.dtype in (np.float16, np.float32) and high - low < _LARGE_FOR_FLOAT32
    values: NDArray[np.floating] = plane.astype(np.float32 if single else np.float64)
    if not np.isfinite(high - low):
        values, low, high = values / 2, low / 2, high / 2
    precise = values.dtype.type
    with np.errstate(over="ignore", invalid="ignore"):
        values -= precise(low)
        values *= precise(255 / (high - low))
    np.nan_to_num(values, copy=False, nan=0.0, posinf=255.0, neginf=0.0)
    np.clip(values, 0, 255, out=values)
    values += precise(0.5)
    return values.astype(np.uint8)


def _by_table(plane: NDArray[np.generic], low: float, high: float) -> NDArray[np.uint8]:
    """Stretch 8- and 16-bit integers by looking each up: faster than arithmetic on every pixel."""
    info = np.iinfo(plane.dtype.name)
    levels = (np.arange(info.min, info.max + 1, dtype=np.float64) - low) * (255 / (high - low))
    table = (np.clip(levels, 0, 255) + 0.5).astype(np.uint8)
    shown: NDArray[np.uint8] = table[plane.astype(np.int32) - info.min if info.min else plane]
    return shown
