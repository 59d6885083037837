"""Planes, objects and a short way to write them into a Labels layer."""

from __future__ import annotations

import numpy as np
from napari.layers import Image, Labels

from napari_fastsam.layers.labels.write import commit
from napari_fastsam.layers.planes.plane import Plane


def whole(shape: tuple[int, ...], index: tuple[int, ...] | None = None, axes: tuple[int, int] | None = None) -> Plane:
    first, second = axes or (len(shape) - 2, len(shape) - 1)
    index = index or (0,) * len(shape)
    return Plane(shape, shape, (first, second), index, index, 0, (0, 0, shape[first], shape[second]))


def blank(shape: tuple[int, ...], **kwargs) -> Image:
    return Image(np.zeros(shape), contrast_limits=(0, 1), **kwargs)


def two_objects(shape: tuple[int, int] = (8, 10)) -> np.ndarray:
    objects = np.zeros(shape, np.int32)
    objects[1:3, 1:4] = 1
    objects[4:7, 5:9] = 5
    return objects


def write(labels: Labels, image: Image, plane: Plane, objects: np.ndarray, **kwargs):
    return commit(labels, image, plane, objects, **{"scores": {}, "provenance": {}, **kwargs})


def coarse(shape: tuple[int, int], level: tuple[int, int], region: tuple[int, int, int, int]) -> Plane:
    return Plane(shape, level, (0, 1), (0, 0), (0, 0), 1, region)
