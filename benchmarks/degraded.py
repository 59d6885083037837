"""Planes made worse in one way at a time, as microscopes, cameras and files do it."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

Plane = NDArray[np.generic]


def _levels(plane: Plane) -> NDArray[np.float64]:
    """Return a plane from 0 to 1 by its own lowest and highest value."""
    values = plane[..., :3].astype(np.float64) if plane.ndim == 3 else plane.astype(np.float64)
    low, high = values.min(), values.max()
    return (values - low) / max(high - low, 1e-9)


def _bytes(levels: NDArray[np.float64]) -> NDArray[np.uint8]:
    return (levels.clip(0, 1) * 255 + 0.5).astype(np.uint8)


def _per_channel(levels: NDArray[np.float64], values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return values of pixels that go with the channels of a plane."""
    return values[..., None] if levels.ndim == 3 else values


def inverted(plane: Plane, _: np.random.Generator) -> Plane:
    """Dark on bright becomes bright on dark."""
    return _bytes(1 - _levels(plane))


def shaded(plane: Plane, _: np.random.Generator) -> Plane:
    """A fifth of the light is left in one corner."""
    levels = _levels(plane)
    rows, columns = np.mgrid[0 : 1 : levels.shape[0] * 1j, 0 : 1 : levels.shape[1] * 1j]
    return _bytes(levels * _per_channel(levels, 1 - 0.8 * (rows + columns) / 2))


def with_hot_pixels(plane: Plane, rng: np.random.Generator) -> Plane:
    """One pixel of five hundred is as bright as can be, by far; 16 bits."""
    levels = _levels(plane)
    hot = rng.random(levels.shape[:2]) < 0.002
    return np.where(_per_channel(levels, hot.astype(float)) > 0, 65535, levels * 4000).astype(np.uint16)


def with_a_scale_bar(plane: Plane, _: np.random.Generator) -> Plane:
    """A bar is burnt in, as bright as can be; 16 bits."""
    levels = (_levels(plane) * 4000).astype(np.uint16)
    height, width = levels.shape[:2]
    levels[int(height * 0.93) : int(height * 0.93) + max(2, height // 60), int(width * 0.7) : int(width * 0.95)] = 65535
    return levels


def compressed(plane: Plane, _: np.random.Generator) -> Plane:
    """JPEG of quality 20."""
    coded = cv2.imencode(".jpg", _bytes(_levels(plane)), [cv2.IMWRITE_JPEG_QUALITY, 20])[1]
    return np.asarray(cv2.imdecode(coded, cv2.IMREAD_UNCHANGED))


def noisy(plane: Plane, rng: np.random.Generator) -> Plane:
    """Noise of an eighth of the range."""
    levels = _levels(plane)
    return _bytes(levels + rng.normal(0, 0.125, levels.shape))


def blurred(plane: Plane, _: np.random.Generator) -> Plane:
    """Out of focus: a Gaussian of two pixels."""
    levels = _levels(plane)
    return _bytes(gaussian_filter(levels, (2, 2, 0)[: levels.ndim]))


def dim(plane: Plane, _: np.random.Generator) -> Plane:
    """A sixteenth of the range, 8 bits."""
    return (_levels(plane) * 16 + 8).astype(np.uint8)


WAYS: dict[str, Callable[[Plane, np.random.Generator], Plane]] = {
    "inverted": inverted,
    "light falls off to a fifth": shaded,
    "hot pixels, 0.2 %": with_hot_pixels,
    "a burnt-in scale bar": with_a_scale_bar,
    "JPEG of quality 20": compressed,
    "noise of 1/8 of the range": noisy,
    "blur of 2 px": blurred,
    "16 grey levels": dim,
}


def degrade(plane: Plane, way: str) -> Plane:
    """Return a plane made worse in a way of `WAYS`; of any other name, as it is. The same plane gives the same."""
    return WAYS[way](plane, np.random.default_rng(0)) if way in WAYS else plane
