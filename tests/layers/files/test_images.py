"""Image files opened in napari: channels as layers, with names, sizes and units."""

from __future__ import annotations

from pathlib import Path

import npe2
import numpy as np
import pytest
import tifffile

from napari_fastsam.layers.files.images import SUFFIXES, get_reader, read_images


def test_the_manifest_names_every_ending() -> None:
    manifest = npe2.PluginManifest.from_distribution("napari-fastsam")
    (reader,) = [r for r in manifest.contributions.readers if r.command == "napari-fastsam.read_images"]
    assert {pattern.removeprefix("*") for pattern in reader.filename_patterns} == set(SUFFIXES)


def test_what_is_not_ours_is_left_to_others() -> None:
    assert get_reader("a.png") is None
    assert get_reader(["a.czi", "b.png"]) is None
    assert get_reader("A.CZI") is read_images


def test_channels_are_layers_that_lie_where_the_file_says(make_napari_viewer, tmp_path: Path) -> None:
    stack = np.random.default_rng(0).integers(0, 4000, (3, 2, 40, 50)).astype(np.uint16)
    metadata = {
        "axes": "ZCYX", "PhysicalSizeX": 0.1, "PhysicalSizeY": 0.2, "PhysicalSizeZ": 0.3,
        "Channel": {"Name": ["DAPI", "RFP"]},
    }  # fmt: skip
    tifffile.imwrite(tmp_path / "a.ome.tif", stack, metadata=metadata, photometric="minisblack")
    viewer = make_napari_viewer()
    viewer.open(tmp_path / "a.ome.tif", plugin="napari-fastsam")
    assert [layer.name for layer in viewer.layers] == ["a.ome.tif: DAPI", "a.ome.tif: RFP"]
    second = viewer.layers[1]
    np.testing.assert_array_equal(np.asarray(second.data), stack[:, 1])
    assert tuple(second.scale) == pytest.approx((0.3, 0.2, 0.1))
    assert [str(unit) for unit in second.units] == ["micrometer"] * 3
    assert tuple(second.axis_labels) == ("z", "y", "x")


def test_several_scenes_are_several_layers(tmp_path: Path) -> None:
    with tifffile.TiffWriter(tmp_path / "s.ome.tif", ome=True) as file:
        for value in (1, 2):
            file.write(np.full((40, 50), value, np.uint8))
    layers = read_images(str(tmp_path / "s.ome.tif"))
    assert [options["name"] for _, options, _ in layers] == ["s.ome.tif [0]", "s.ome.tif [1]"]
    assert [int(np.asarray(data)[0, 0]) for data, _, _ in layers] == [1, 2]


def test_colours_are_colours(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "c.ome.tif", np.zeros((40, 50, 3), np.uint8), photometric="rgb")
    ((data, options, kind),) = read_images([str(tmp_path / "c.ome.tif")])
    assert (data.shape, options["rgb"], kind) == ((40, 50, 3), True, "image")
