"""Ten thousand objects into the formats that hold each of them on its own."""

from __future__ import annotations

import numpy as np
import pytest
from timing import median_ms

from napari_fastsam.core.results.result import ArrayLabels, ResultObject, SegmentationResult
from napari_fastsam.io.formats.registry import writer


@pytest.fixture(scope="module")
def ten_thousand() -> SegmentationResult:
    """Round objects of some 700 pixels, on a plane of 4000²."""
    labels = np.zeros((4000, 4000), np.int32)
    rows, columns = np.mgrid[-19.5:20.5, -19.5:20.5]
    rng = np.random.default_rng(0)
    for number in range(10_000):
        y, x = np.array(divmod(number, 100)) * 40
        stretched = rng.uniform(0.8, 1.25)
        inside = (rows * stretched) ** 2 + (columns / stretched) ** 2 < rng.uniform(12, 16) ** 2
        labels[y : y + 40, x : x + 40][inside] = number + 1
    return SegmentationResult(ArrayLabels(labels), [ResultObject(number, 0.5) for number in range(1, 10_001)])


@pytest.mark.parametrize("name", ["coco", "geojson"])
def test_written(benchmark, figure, tmp_path, ten_thousand, name):
    path = tmp_path / f"a{writer(name).ending}"

    def write():
        writer(name).write(ten_thousand, path)

    benchmark.pedantic(write, rounds=1)
    figure(f"10,000 objects to {name}", median_ms(write, 5), "ms", 2000)
