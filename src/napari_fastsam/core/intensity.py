"""Any image plane as the uint8 RGB picture that the network sees."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_fastsam.errors import ImageError

PERCENTILES = (0.1, 99.9)
"""The window taken when none is given and the type has no natural one: robust against hot and dead pixels."""

_SAMPLE = 1_000_000


def check_plane(image: ArrayLike) -> NDArray[np.generic]:
    """Return `image` as an array that is one plane, or say why it is not.

    Raises
    ------
    ImageError
        If it is not (Y, X) or (Y, X, 3 | 4), has no pixels, or holds something other than real numbers.
    """
    plane = np.asarray(image)
    if plane.ndim not in (2, 3) or (plane.ndim == 3 and plane.shape[2] not in (3, 4)):
        raise ImageError(
            f"the image has shape {plane.shape}; expected one plane, (Y, X) or (Y, X, 3 | 4): index a stack first"
        )
    if 0 in plane.shape:
        raise ImageError(
            f"the image has shape {plane.shape} and so no pixels; choose another image or region"
        )
    if plane.dtype.kind not in "buif":
        raise ImageError(
            f"the image has dtype {plane.dtype}; expected real numbers: take a magnitude or convert it first"
        )
    return plane


def window_of(plane: NDArray[np.generic]) -> tuple[float, float]:
    """Return the intensity window of a plane for which none was given.

    uint8 keeps its whole range, bool is 0 … 1, colours that are floats within 0 … 1 keep that range; everything else
    takes the 0.1st and 99.9th percentile of its finite values (their minimum and maximum where those coincide).

    Raises
    ------
    ImageError
        If no value is finite.
    """
    if plane.dtype == np.uint8:
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
            raise ImageError(
                "the image holds no finite value (all NaN or infinite); choose another plane or image"
            )
        if plane.ndim == 3 and sample.min() >= 0 and sample.max() <= 1:
            return 0.0, 1.0
    low, high = (float(v) for v in np.percentile(sample.astype(np.float64, copy=False), PERCENTILES))
    return (low, high) if high > low else (float(sample.min()), float(sample.max()))


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
        (Y, X, 3) uint8. NaN is black; a constant image is black.

    Raises
    ------
    ImageError
        If the array is not a plane, has no finite value, or the limits are not two finite numbers in order.
    """
    plane = check_plane(image)
    low, high = _limits(contrast_limits) if contrast_limits is not None else window_of(plane)
    plane = plane[..., :3] if plane.ndim == 3 else plane
    grey = plane if plane.dtype == np.uint8 and (low, high) == (0, 255) else _stretch(plane, low, high)
    if grey.ndim == 2:
        return np.repeat(grey[:, :, None], 3, axis=2)
    return np.ascontiguousarray(grey)


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
    precise = np.float32 if plane.dtype in (np.float16, np.float32) else np.float64
    with np.errstate(over="ignore", invalid="ignore"):
        values = (plane.astype(precise) - precise(low)) * precise(255 / (high - low))
    np.nan_to_num(values, copy=False, nan=0.0, posinf=255.0, neginf=0.0)
    return (np.clip(values, 0, 255, out=values) + precise(0.5)).astype(np.uint8)


def _by_table(plane: NDArray[np.generic], low: float, high: float) -> NDArray[np.uint8]:
    """Stretch 8- and 16-bit integers by looking each up: faster than arithmetic on every pixel."""
    info = np.iinfo(plane.dtype)
    levels = (np.arange(info.min, info.max + 1, dtype=np.float64) - low) * (255 / (high - low))
    table = (np.clip(levels, 0, 255) + 0.5).astype(np.uint8)
    return table[plane.astype(np.int32) - info.min if info.min else plane]
