"""OME-Zarr as programs write it: of every version, with scales in two places, plates with gaps, roots of series."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr

from napari_fastsam.core.image.scale import Scale
from napari_fastsam.core.results.result import ArrayLabels, SegmentationResult
from napari_fastsam.errors import ImageError, ParameterError
from napari_fastsam.io.formats.registry import read_labels, writer
from napari_fastsam.io.images.finding import find_inputs
from napari_fastsam.io.images.inputs import Input
from napari_fastsam.io.images.ome_zarr import labels_in

GREY = np.random.default_rng(0).integers(0, 200, (60, 80)).astype(np.uint8)
MICROMETERS = [{"name": n, "type": "space", "unit": "micrometer"} for n in "yx"]


def image(path: Path, data: np.ndarray, axes: Any, version: str | None = "0.4", own: Any = None, **more: Any) -> Path:
    group = zarr.open_group(path, mode="w", zarr_format=3 if version == "0.5" else 2)
    group.create_array("0", shape=data.shape, chunks=data.shape, dtype=data.dtype)[...] = data
    level = {"path": "0"} if own is None else {"path": "0", "coordinateTransformations": own}
    content = {"version": version, "datasets": [level], **({} if axes is None else {"axes": axes}), **more}
    group.attrs.update(
        {"ome": {"version": "0.5", "multiscales": [content]}} if version == "0.5" else {"multiscales": [content]}
    )
    return path


def scaled(*factors: float) -> dict[str, Any]:
    return {"type": "scale", "scale": list(factors)}


def moved(*steps: float) -> dict[str, Any]:
    return {"type": "translation", "translation": list(steps)}


class TestTransformations:
    @pytest.mark.parametrize("version", ["0.4", "0.5"])
    @pytest.mark.parametrize(
        ("own", "of_all", "scale", "place"),
        [
            ([scaled(1, 1), moved(10, 20)], [scaled(0.5, 0.25)], (0.5, 0.25), (5, 5)),
            ([scaled(2, 2)], [], (2, 2), (0, 0)),
            ([scaled(2, 2), moved(1, 1)], [scaled(0.5, 0.5), moved(3, 4)], (1, 1), (3.5, 4.5)),
            ([{"type": "identity"}], [scaled(3, 3)], (3, 3), (0, 0)),
            ([], [], (1, 1), (0, 0)),
        ],
    )
    def test_are_composed(self, tmp_path: Path, version: str, own: Any, of_all: Any, scale: Any, place: Any) -> None:
        path = image(tmp_path / "a.zarr", GREY, MICROMETERS, version, own, coordinateTransformations=of_all)
        assert Input(path).describe().scale == Scale(("y", "x"), scale, ("micrometer",) * 2, place)

    @pytest.mark.parametrize("zero", [0, 0.0, -0.0])
    def test_a_scale_of_0_is_1(self, tmp_path: Path, zero: float) -> None:
        path = image(tmp_path / "a.zarr", GREY[None], [{"name": n} for n in "tyx"], own=[scaled(zero, 0.5, 0.5)])
        assert Input(path).describe().scale.scale == (1, 0.5, 0.5)

    @pytest.mark.parametrize("wrong", [[scaled(-1, 1)], [scaled(float("nan"), 1)], [{"type": "affine", "affine": []}]])
    def test_what_is_no_scale_is_named(self, tmp_path: Path, wrong: Any) -> None:
        with pytest.raises(ImageError, match=r"a\.zarr.*(scale is|transformation 'affine')"):
            Input(image(tmp_path / "a.zarr", GREY, MICROMETERS, own=wrong)).describe()

    @pytest.mark.parametrize("kind", ["zarr", "tiff"])
    def test_labels_lie_on_the_image(self, tmp_path: Path, kind: str) -> None:
        scale = Scale(("y", "x"), (0.5, 0.25), ("micrometer",) * 2, (5.0, 7.0))
        result = SegmentationResult(ArrayLabels((GREY > 100).astype(np.int32)), scale=scale)
        path = tmp_path / f"a{writer(kind).ending}"
        writer(kind).write(result, path)
        assert read_labels(path).scale == scale


class TestVersions:
    @pytest.mark.parametrize(
        ("version", "axes", "shape", "lengths"),
        [
            ("0.1", None, (2, 3, 4, 60, 80), (2, 3, 4)),
            ("0.2", None, (1, 1, 1, 60, 80), (1, 1, 1)),
            ("0.3", ["z", "y", "x"], (4, 60, 80), (4,)),
            ("0.3", ["y", "x"], (60, 80), ()),
        ],
    )
    def test_that_know_no_scale(self, tmp_path: Path, version: str, axes: Any, shape: Any, lengths: Any) -> None:
        data = np.broadcast_to(GREY, shape)
        found = Input(image(tmp_path / "a.zarr", data, axes, version))
        assert (found.describe().lengths, set(found.describe().scale.scale)) == (lengths, {1.0})
        np.testing.assert_array_equal(found.read((0,) * len(lengths)), GREY)

    def test_that_are_not_said_are_read_as_0_4(self, tmp_path: Path) -> None:
        found = Input(image(tmp_path / "a.zarr", GREY, MICROMETERS, version=None, own=[scaled(2, 3)]))
        assert found.describe().scale.scale == (2, 3)

    @pytest.mark.parametrize("version", ["0.6", "1.0", "0.6.dev1"])
    def test_to_come_are_named(self, tmp_path: Path, version: str) -> None:
        with pytest.raises(ImageError, match=rf"OME-Zarr of version {version}, and 0\.1 to 0\.5 are read"):
            Input(image(tmp_path / "a.zarr", GREY, MICROMETERS, version)).describe()


class TestAxes:
    def test_colours_may_come_last(self, tmp_path: Path) -> None:
        colours = np.dstack([GREY, GREY + 1, GREY + 2])
        found = Input(image(tmp_path / "a.zarr", colours, [{"name": n} for n in "yxc"]))
        assert found.describe()[:2] == ((), (60, 80))
        np.testing.assert_array_equal(found.read(()), colours)
        np.testing.assert_array_equal(Input(found.path, channels=(1,)).read(()), GREY + 1)

    @pytest.mark.parametrize(("axes", "shape"), [("yxc", (60, 80, 2)), ("cyx", (2, 60, 80)), ("ycx", (60, 2, 80))])
    def test_channels_may_lie_anywhere(self, tmp_path: Path, axes: str, shape: tuple[int, ...]) -> None:
        data = np.random.default_rng(0).integers(0, 999, shape).astype(np.uint16)
        found = Input(image(tmp_path / "a.zarr", data, [{"name": n} for n in axes]))
        assert (found.describe().lengths, found.describe().scale.axes) == ((2,), ("c", "y", "x"))
        np.testing.assert_array_equal(found.read((1,)), np.take(data, 1, axes.index("c")))

    def test_columns_may_come_before_rows(self, tmp_path: Path) -> None:
        found = Input(image(tmp_path / "a.zarr", GREY.T, [{"name": n} for n in "xy"], own=[scaled(2, 3)]))
        assert found.describe().scale.scale == (3, 2)
        np.testing.assert_array_equal(found.read(()), GREY)
        np.testing.assert_array_equal(found.lazy(())[3:9, 20:70], GREY[3:9, 20:70])


class TestContainers:
    def test_a_plate_with_a_missing_well_and_a_missing_field(self, tmp_path: Path) -> None:
        plate = zarr.open_group(tmp_path / "p.zarr", mode="w", zarr_format=2)
        plate.attrs["plate"] = {"wells": [{"path": p} for p in ("A/1", "B/2", "C/3")]}
        for well in ("A/1", "C/3"):
            plate.create_group(well).attrs["well"] = {"images": [{"path": "0"}]}
        image(tmp_path / "p.zarr" / "A" / "1" / "0", GREY, MICROMETERS)
        found = {one.where: one for one in find_inputs([str(tmp_path / "p.zarr")])}
        assert list(found) == ["A/1/0", "B/2", "C/3/0"]
        np.testing.assert_array_equal(found["A/1/0"].read(()), GREY)
        for lost in ("B/2", "C/3/0"):
            with pytest.raises(ImageError, match=rf"p\.zarr/{lost} is no OME-Zarr image: it is not there"):
                found[lost].describe()

    @pytest.mark.parametrize("listed", [None, ["1", "0"]])
    def test_the_root_that_bioformats2raw_writes(self, tmp_path: Path, listed: list[str] | None) -> None:
        root = zarr.open_group(tmp_path / "r.zarr", mode="w", zarr_format=2)
        root.attrs["bioformats2raw.layout"] = 3
        if listed is not None:
            root.create_group("OME").attrs["series"] = listed
        for series in "01":
            image(tmp_path / "r.zarr" / series, GREY + int(series), MICROMETERS)
        found = find_inputs([str(tmp_path / "r.zarr")])
        assert [one.where for one in found] == (listed or ["0", "1"])
        np.testing.assert_array_equal(Input(tmp_path / "r.zarr", scene=1).read(()), found[1].read(()))
        with pytest.raises(ParameterError, match=r"holds 2 images and none of them is chosen.*--scene.*r\.zarr/"):
            Input(tmp_path / "r.zarr").describe()

    def test_labels_of_an_image(self, tmp_path: Path) -> None:
        path = image(tmp_path / "a.zarr", GREY, MICROMETERS)
        assert labels_in(path) == []
        drawn = (GREY > 100).astype(np.int32) * 7
        image(path / "labels" / "nuclei", drawn, MICROMETERS)
        zarr.open_group(path / "labels", mode="a", zarr_format=2).attrs["labels"] = ["nuclei"]
        assert labels_in(path) == ["labels/nuclei"]
        assert [one.where for one in find_inputs([str(path / "labels")])] == ["nuclei"]
        ((_, labels),) = read_labels(path).labels.planes()
        np.testing.assert_array_equal(np.asarray(labels), drawn)
