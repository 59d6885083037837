"""How long a correction of a label takes on labels of 16,384 × 16,384 pixels: pixels, undo step, features, screen.

On one plane, and on all planes that a label is on.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from napari.layers import Labels

from napari_fastsam.core.objects import editing
from napari_fastsam.layers.labels.editing import correct_labels, free_numbers, merge_labels, split_label
from napari_fastsam.layers.labels.layer_plane import LayerPlane, plane_at
from napari_fastsam.layers.labels.preview import pyramid

SIDE, PITCH, RADIUS = 16_384, 64, 26


@pytest.fixture(scope="module", params=["one level", "pyramid"])
def plane(request: pytest.FixtureRequest) -> LayerPlane:
    """65,536 disks, each with a row of features."""
    rows, columns = np.mgrid[:PITCH, :PITCH]
    disk = np.hypot(rows - PITCH / 2, columns - PITCH / 2) <= RADIUS
    count = SIDE // PITCH
    data = np.zeros((SIDE, SIDE), np.int32)
    for i in range(count):
        band = np.tile(disk, (1, count)) * (1 + i * count + np.repeat(np.arange(count), PITCH))
        data[i * PITCH : (i + 1) * PITCH] = band
    table = pd.DataFrame({"index": np.arange(1, count * count + 1), "area": int(disk.sum()), "class": "nucleus"})
    layer = Labels(data if request.param == "one level" else pyramid(data, (0, 1)), features=table)
    free_numbers(layer, 1)  # the largest number is looked for once
    return plane_at(layer, (0, 0), (0, 1))


def _place(i: int) -> tuple[float, float]:
    return 7000.0 + PITCH // 2 + (-7000 % PITCH), PITCH * (100 + i) + PITCH / 2


Verb = Callable[[LayerPlane, int, tuple[float, float], bool], object]
"""Corrects a label of a plane, that lies at a place, on this plane or on all."""


def _simple(function: Callable[..., Any]) -> Verb:
    return lambda plane, label, place, everywhere: correct_labels(
        plane, {label: place}, lambda window, label, _: function(window, label), everywhere
    )


def _split(plane: LayerPlane, label: int, place: tuple[float, float], everywhere: bool) -> object:
    numbers = free_numbers(plane.layer, 1)
    points = np.array([[place[0], place[1] - 10], [place[0], place[1] + 10]])

    def correction(window: Any, label: int, corner: tuple[int, int]) -> Any:
        return editing.split_between(window, label, points - corner, numbers)

    return split_label(plane, label, place, correction, numbers, everywhere)


def _merge(plane: LayerPlane, label: int, place: tuple[float, float], everywhere: bool) -> object:
    below = (place[0] + PITCH, place[1])
    return merge_labels(plane, {label: place, plane.label_at(below): below}, everywhere)


VERBS: dict[str, Verb] = {
    "delete": _simple(editing.delete),
    "fill holes": _simple(editing.fill_holes),
    "smooth": _simple(editing.smooth),
    "grow": _simple(editing.grow),
    "shrink": _simple(editing.shrink),
    "split": _split,
    "merge": _merge,
}


def _correct_others(benchmark: Any, plane: LayerPlane, verb: Verb, everywhere: bool) -> None:
    """Time a correction: each round of another label."""
    places = iter(range(40))

    def setup() -> tuple[tuple[Any, ...], dict[str, Any]]:
        while True:
            place = _place(next(places))
            label = plane.label_at(place)
            if label:
                return (plane, label, place, everywhere), {}

    benchmark.pedantic(verb, setup=setup, rounds=5)


@pytest.mark.parametrize("verb", VERBS)
def test_one_label(benchmark: Any, plane: LayerPlane, verb: str) -> None:
    _correct_others(benchmark, plane, VERBS[verb], everywhere=False)


@pytest.fixture(scope="module")
def stack() -> LayerPlane:
    """The first of two planes with the same 65,535 disks."""
    rows, columns = np.mgrid[:PITCH, :PITCH]
    disk = np.hypot(rows - PITCH / 2, columns - PITCH / 2) <= RADIUS
    count = SIDE // PITCH
    data = np.zeros((2, SIDE, SIDE), np.uint16)
    for i in range(count):
        numbers = np.minimum(1 + i * count + np.arange(count), 60_000).astype(np.uint16)
        data[:, i * PITCH : (i + 1) * PITCH] = np.tile(disk, (1, count)) * np.repeat(numbers, PITCH)
    table = pd.DataFrame({"index": np.arange(1, 60_001), "area": 2 * int(disk.sum()), "class": "nucleus"})
    layer = Labels(data, features=table)
    free_numbers(layer, 1)
    return plane_at(layer, (0, 0, 0), (1, 2))


@pytest.mark.parametrize("verb", ["delete", "fill holes", "grow", "split", "merge"])
def test_one_label_on_two_planes(benchmark: Any, stack: LayerPlane, verb: str) -> None:
    _correct_others(benchmark, stack, VERBS[verb], everywhere=True)
