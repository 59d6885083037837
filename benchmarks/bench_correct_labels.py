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
from napari_fastsam.layers.labels.all_planes import correct_everywhere, merge_everywhere, split_everywhere
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


def _simple(function: Callable[..., Any]) -> Callable[[LayerPlane, int, tuple[float, float]], object]:
    return lambda plane, label, place: correct_labels(
        plane, {label: place}, lambda window, label, _: function(window, label)
    )


def _split(plane: LayerPlane, label: int, place: tuple[float, float]) -> object:
    numbers = free_numbers(plane.layer, 1)
    points = np.array([[place[0], place[1] - 10], [place[0], place[1] + 10]])
    return split_label(
        plane, label, place, lambda w, label, corner: editing.split_between(w, label, points - corner, numbers), numbers
    )


def _merge(plane: LayerPlane, label: int, place: tuple[float, float]) -> object:
    below = (place[0] + PITCH, place[1])
    return merge_labels(plane, {label: place, plane.label_at(below): below})


VERBS = {
    "delete": _simple(editing.delete),
    "fill holes": _simple(editing.fill_holes),
    "smooth": _simple(editing.smooth),
    "grow": _simple(editing.grow),
    "shrink": _simple(editing.shrink),
    "split": _split,
    "merge": _merge,
}


@pytest.mark.parametrize("verb", VERBS)
def test_one_label(benchmark: Any, plane: LayerPlane, verb: str) -> None:
    """Each round corrects another label."""
    places = iter(range(40))

    def setup() -> tuple[tuple[Any, ...], dict[str, Any]]:
        while True:
            place = _place(next(places))
            label = plane.label_at(place)
            if label:
                return (plane, label, place), {}

    benchmark.pedantic(VERBS[verb], setup=setup, rounds=5)


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


def _everywhere(function: Callable[..., Any]) -> Callable[[LayerPlane, int, tuple[float, float]], object]:
    return lambda plane, label, place: correct_everywhere(
        plane, {label: place}, lambda window, label, _: function(window, label)
    )


def _split_everywhere(plane: LayerPlane, label: int, place: tuple[float, float]) -> object:
    numbers = free_numbers(plane.layer, 1)
    points = np.array([[place[0], place[1] - 10], [place[0], place[1] + 10]])
    return split_everywhere(
        plane, label, place, lambda w, label, corner: editing.split_between(w, label, points - corner, numbers), numbers
    )


def _merge_everywhere(plane: LayerPlane, label: int, place: tuple[float, float]) -> object:
    below = (place[0] + PITCH, place[1])
    return merge_everywhere(plane, {label: place, plane.label_at(below): below})


ON_ALL_PLANES = {
    "delete": _everywhere(editing.delete),
    "fill holes": _everywhere(editing.fill_holes),
    "grow": _everywhere(editing.grow),
    "split": _split_everywhere,
    "merge": _merge_everywhere,
}


@pytest.mark.parametrize("verb", ON_ALL_PLANES)
def test_one_label_on_two_planes(benchmark: Any, stack: LayerPlane, verb: str) -> None:
    """Each round corrects another label."""
    places = iter(range(40))

    def setup() -> tuple[tuple[Any, ...], dict[str, Any]]:
        while True:
            place = _place(next(places))
            label = stack.label_at(place)
            if label:
                return (stack, label, place), {}

    benchmark.pedantic(ON_ALL_PLANES[verb], setup=setup, rounds=5)
