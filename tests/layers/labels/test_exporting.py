"""A Labels layer as a result: what its features and metadata tell goes along."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from napari.layers import Image, Labels

from napari_fastsam.io.formats import registry
from napari_fastsam.layers.labels.exporting import result_of
from napari_fastsam.layers.labels.write import METADATA_KEY

DATA = np.zeros((2, 6, 8), np.int32)
DATA[0, 1:3, 1:4], DATA[1, 2:5, 2:5], DATA[1, 0, 7] = 1, 1, 4


def layer(**options: object) -> Labels:
    return Labels(
        DATA,
        features={"index": [0, 1, 4], "score": [np.nan, 0.9, np.nan], "text": [None, "a cell", np.nan]},
        metadata={METADATA_KEY: [{"model": "nuclei", "labels": [1]}, {"model": "other", "labels": [4]}]},
        **options,
    )


def test_all_that_is_known_goes_into_a_file_and_back(tmp_path: Path) -> None:
    options = {"axis_labels": ("z", "y", "x"), "scale": (2, 0.5, 0.5), "units": ("um", "um", "um")}
    options["translate"] = (4, 10, -20)
    registry.writer("zarr").write(result_of(layer(**options)), tmp_path / "a.zarr")
    read = registry.read_labels(tmp_path / "a.zarr")
    np.testing.assert_array_equal(read.label_image(), DATA)
    assert [(o.number, o.class_name) for o in read.objects] == [(1, "a cell"), (4, "")]
    assert (read.objects[0].score, np.isnan(read.objects[1].score)) == (0.9, True)
    assert (read.scale.axes, read.scale.scale, read.scale.units) == (
        ("z", "y", "x"),
        (2, 0.5, 0.5),
        ("micrometer",) * 3,
    )
    assert read.scale.translation == (4, 10, -20)
    assert [(made.model, made.labels) for made in read.provenance] == [("nuclei", [1]), ("other", [4])]


def test_a_layer_of_somebody_else_has_no_names_and_no_units() -> None:
    result = result_of(Labels(DATA))
    assert (result.scale.axes, set(result.scale.units)) == (("axis0", "y", "x"), {""})
    assert (list(result.objects), result.provenance) == ([], ())


@pytest.mark.parametrize("colours", [(), (3,)])
def test_the_images_pixels_are_measured(colours: tuple[int, ...]) -> None:
    pixels = np.random.default_rng(0).integers(0, 200, (*DATA.shape, *colours), np.uint8)
    result = result_of(layer(), Image(pixels, rgb=bool(colours), name="cells"))
    assert result.image == "cells"
    np.testing.assert_array_equal(result.pixels((1,)), pixels[1])


def test_pixels_of_another_image_are_left_out() -> None:
    assert result_of(layer(), Image(np.zeros((6, 8)))).pixels is None


def test_what_somebody_else_wrote_under_our_names_does_no_harm() -> None:
    result = result_of(Labels(DATA, features={"index": [1, 4], "score": ["good", "0.5"], "similarity": [None, "x"]}))
    (first, second) = result.objects
    assert (np.isnan(first.score), second.score) == (True, 0.5)
    assert np.isnan([first.similarity, second.similarity]).all()
