"""What goes into a file comes out of it: pixels, objects, scale and provenance, of planes and stacks."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import tifffile
import zarr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray

from napari_fastsam.core.image.scale import Scale
from napari_fastsam.core.objects.masks import CroppedMask
from napari_fastsam.core.results.provenance import Provenance
from napari_fastsam.core.results.result import ArrayLabels, ResultObject, SegmentationResult
from napari_fastsam.errors import DatasetError, FastSAMError, ParameterError
from napari_fastsam.io.formats import registry
from napari_fastsam.io.images.inputs import Input

MADE = Provenance(version="0", image="cells.tif", model="nuclei", conf=0.3, contrast_limits=(0, 80), plane=(2,))
KEEP = [f.name for f in registry.writers() if f.keeps_labels]
OF_STACKS = [name for name in KEEP if "stacks" in registry.FORMATS[name].holds]
WHOLE = settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])


def images(dims: int) -> st.SearchStrategy[NDArray[np.int32]]:
    """Label images of few numbers, so that objects have holes and several parts, touch, and lie at the border."""
    shapes = arrays.array_shapes(min_dims=dims, max_dims=dims, min_side=1, max_side=9)
    numbers = st.sampled_from([0, 0, 1, 2, 3, 70_000])
    return arrays.arrays(np.int32, shapes, elements=numbers)


def told(number: int) -> ResultObject:
    """Return an object with a score, a class and texts of its own; some of which nothing is known."""
    if number % 5 == 4:
        return ResultObject(number)
    texts = ("a cell", "Größe ≥ 5 µm", 'a "b", c: d; e=f', "x\\y <z> & w", "細胞")
    text = texts[number % len(texts)]
    return ResultObject(number, number % 997 / 997, text, f"text: {text}", f"why {text}", number % 7 / 7)


def check_objects(read: Sequence[ResultObject], written: Sequence[ResultObject]) -> None:
    texts = [[(o.number, o.class_name, o.prompt, o.reason, o.place) for o in objects] for objects in (read, written)]
    assert texts[0] == texts[1]
    numbers = [np.array([(o.score, o.similarity) for o in objects]) for objects in (read, written)]
    np.testing.assert_allclose(*numbers)


def through(name: str, result: SegmentationResult, folder: Path) -> SegmentationResult:
    path = folder / f"x{registry.FORMATS[name].ending}"
    registry.writer(name).write(result, path)
    assert registry.reader_for(path).name == name
    return registry.read_labels(path)


@pytest.mark.parametrize("name", KEEP)
@WHOLE
@given(labels=images(2))
def test_a_plane_comes_back_to_the_pixel(name: str, labels: NDArray[np.int32], tmp_path: Path) -> None:
    if name == "png":  # of 16 bits at most
        labels = labels % (1 << 16)
    objects = [told(int(n)) for n in np.unique(labels) if n]
    scale = Scale(("y", "x"), (0.5, 0.25), ("micrometer", "micrometer"))
    read = through(name, SegmentationResult(ArrayLabels(labels), objects, scale, (MADE,)), tmp_path)
    np.testing.assert_array_equal(read.label_image(), labels)
    holds = registry.FORMATS[name].holds
    assert {"scores", "classes", "prompts"} <= holds
    check_objects(read.objects, objects)
    if "scale" in holds:
        assert read.scale == scale
    if "provenance" in holds:
        (made,) = read.provenance
        assert json.loads(json.dumps(made.to_json())) == json.loads(json.dumps(MADE.to_json()))


@pytest.mark.parametrize("name", KEEP)
def test_ten_thousand_objects_come_back(name: str, tmp_path: Path) -> None:
    labels = np.arange(1, 10_001, dtype=np.int32).reshape(100, 100).repeat(4, axis=0).repeat(5, axis=1)
    labels[np.random.default_rng(0).random(labels.shape) < 0.1] = 0
    objects = [told(number) for number in range(1, 10_001)]
    read = through(name, SegmentationResult(ArrayLabels(labels), objects), tmp_path)
    np.testing.assert_array_equal(read.label_image(), labels)
    check_objects(read.objects, objects)


@pytest.mark.parametrize("name", KEEP)
def test_a_long_history_takes_the_size_of_a_pixel_from_no_format(name: str, tmp_path: Path) -> None:
    made = Provenance(model="nuclei", labels=list(range(100_000, 120_000)))
    scale = Scale(("y", "x"), (0.5, 0.25), ("micrometer", "micrometer"), (10.0, -20.0))
    labels = ArrayLabels(np.array([[1, 1, 0], [0, 2, 2]], np.int32))
    assert through(name, SegmentationResult(labels, (), scale, (made,)), tmp_path).scale == scale


@pytest.mark.parametrize("name", KEEP)
@pytest.mark.parametrize("number", [1 << 31, (1 << 40) + 1, (1 << 63) - 1])
def test_large_numbers_come_back_or_are_refused_by_name(name: str, number: int, tmp_path: Path) -> None:
    labels = np.zeros((8, 9), np.int64)
    labels[1:3, 2:5], labels[5:, 5:] = 3, number
    result = SegmentationResult(ArrayLabels(labels))
    if name in ("png", "cellpose", "zarr"):
        with pytest.raises(ParameterError, match=f"label {number} does not fit into .*; choose tiff"):
            through(name, result, tmp_path)
        assert not list(tmp_path.iterdir())
        return
    np.testing.assert_array_equal(through(name, result, tmp_path).label_image(), labels)


@pytest.mark.parametrize("name", [*KEEP, "yolo"])
def test_numbers_beyond_64_bits_are_refused_by_name(name: str, tmp_path: Path) -> None:
    labels = np.zeros((8, 9), np.uint64)
    labels[1:3, 2:5] = (1 << 63) + 7
    with pytest.raises(ParameterError, match=r"label 9223372036854775815 (is above|does not fit)"):
        registry.writer(name).write(SegmentationResult(ArrayLabels(labels)), tmp_path / "x")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("plane", "what"),
    [
        (np.dstack([np.eye(9, dtype=np.uint8)] * 3), "is a picture in colour"),
        (np.eye(9, dtype=np.float32) / 2, "holds float32"),
        (np.eye(9, dtype=np.int16) - 1, "holds numbers from -1 to 0"),
    ],
)
@pytest.mark.parametrize("name", ["x.tif", "x.zarr", "x_seg.npy"])
def test_what_is_no_label_image_is_refused_by_name(name: str, plane: NDArray[Any], what: str, tmp_path: Path) -> None:
    path = tmp_path / name
    if name == "x.tif":
        tifffile.imwrite(path, plane, photometric="rgb" if plane.ndim == 3 else "minisblack")
    elif name == "x_seg.npy":
        np.save(path, {"masks": plane if plane.ndim == 2 else plane[None]}, allow_pickle=True)
        what = what if plane.dtype.kind == "i" else "holds no masks"
    else:
        group = zarr.open_group(path, mode="w", zarr_format=2)
        group.create_array("0", data=plane)
        axes = [{"name": name} for name in "yxc"[: plane.ndim]]
        group.attrs["multiscales"] = [{"version": "0.4", "axes": axes, "datasets": [{"path": "0"}]}]
        what = what if plane.ndim == 2 else "has the axes y, x, c"
    with pytest.raises(DatasetError, match=rf"{name} {what}"):
        registry.read_labels(path).label_image()


@WHOLE
@given(labels=images(2))
def test_yolo_keeps_pixels_and_classes_and_counts_objects_anew(labels: NDArray[np.int32], tmp_path: Path) -> None:
    numbers = np.unique(labels[labels > 0])
    objects = [told(int(n)) for n in numbers]
    path = tmp_path / "x_yolo"
    registry.writer("yolo").write(SegmentationResult(ArrayLabels(labels), objects, provenance=(MADE,)), path)
    read = registry.read_labels(path)
    np.testing.assert_array_equal(np.concatenate([[0], numbers])[read.label_image()], labels)
    assert [o.class_name for o in read.objects] == [o.class_name for o in objects]
    assert read.provenance[0].model == "nuclei"


@pytest.mark.parametrize("name", OF_STACKS)
@WHOLE
@given(labels=images(3))
def test_a_stack_comes_back_to_the_pixel(name: str, labels: NDArray[np.int32], tmp_path: Path) -> None:
    objects = [ResultObject(int(n), 0.5, place=(z,)) for z, plane in enumerate(labels) for n in np.unique(plane) if n]
    scale = Scale(("z", "y", "x"), (2.0, 0.5, 0.25), ("micrometer",) * 3)
    read = through(name, SegmentationResult(ArrayLabels(labels), objects, scale, (MADE,)), tmp_path)
    np.testing.assert_array_equal(read.label_image().reshape(labels.shape), labels)
    assert read.scale.axes[-2:] == ("y", "x")
    assert [(o.number, o.place) for o in read.objects] == [(o.number, o.place) for o in objects]
    assert read.provenance[0].contrast_limits == [0, 80]


@pytest.mark.parametrize(
    ("axes", "steps", "units"),
    [
        (("z", "y", "x"), (500.0, 0.5, 0.25), ("nanometer", "micrometer", "micrometer")),
        (("z", "y", "x"), (2.0, 500.0, 0.25), ("micrometer", "nanometer", "micrometer")),
        (("t", "y", "x"), (5.0, 0.5, 0.25), ("minute", "micrometer", "micrometer")),
        (("t", "y", "x"), (5.0, 0.5, 0.25), ("second", "micrometer", "micrometer")),
    ],
)
def test_other_programs_find_units_that_differ_by_axis_in_a_tiff(
    axes: tuple[str, ...], steps: tuple[float, ...], units: tuple[str, ...], tmp_path: Path
) -> None:
    scale, labels = Scale(axes, steps, units), ArrayLabels(np.ones((3, 6, 8), np.int32))
    registry.writer("tiff").write(SegmentationResult(labels, (), scale), tmp_path / "a.tif")
    assert Input(tmp_path / "a.tif").describe().scale == scale  # which knows nothing of our own keys


def test_several_entries_of_provenance_stay_apart(tmp_path: Path) -> None:
    labels = np.array([[1, 0, 2]], np.int32)
    entries = (Provenance(model="a", labels=[1]), Provenance(model="b", labels=[2], further={"mine": 3}))
    read = through("tiff", SegmentationResult(ArrayLabels(labels), provenance=entries), tmp_path)
    assert [(e.model, e.labels, e.further) for e in read.provenance] == [("a", [1], {}), ("b", [2], {"mine": 3})]


def test_what_an_earlier_version_wrote_is_read(tmp_path: Path) -> None:
    said = {"model": "nuclei", "best_only": True, "alike": [{"label": 1, "text": "a cell", "similarity": 0.4}]}
    tifffile.imwrite(tmp_path / "a.tif", np.ones((3, 4), np.uint16), metadata={"axes": "YX", "napari-fastsam": said})
    (made,) = registry.read_labels(tmp_path / "a.tif").provenance
    assert (made.model, made.further["best_only"]) == ("nuclei", True)


@pytest.mark.parametrize("said", [[{"score": 1}], [3], {"label": 1}, [{"label": "one"}], "text"])
def test_what_is_said_of_objects_and_is_none_is_refused_with_the_files_name(tmp_path: Path, said: object) -> None:
    metadata = {"axes": "YX", "napari-fastsam objects": said}
    tifffile.imwrite(tmp_path / "a.tif", np.ones((3, 4), np.uint16), metadata=metadata)
    with pytest.raises(DatasetError, match=r"a\.tif says of its objects is damaged"):
        registry.read_labels(tmp_path / "a.tif")


@pytest.mark.parametrize("name", ["a.tif", "a.png"])
@pytest.mark.parametrize("content", [b"", b"II*\0", b"\x89PNG\r\n\x1a\n cut off"])
def test_what_cannot_be_read_is_an_error_of_ours(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(FastSAMError, match=name):
        registry.read_labels(tmp_path / name)


def test_labels_larger_than_any_memory_are_refused_by_name(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", np.ones((8, 9), np.uint16))
    with tifffile.TiffFile(tmp_path / "a.tif", mode="r+") as file:
        for tag in ("ImageLength", "ImageWidth"):
            file.pages[0].tags[tag].overwrite(2**32 - 1, dtype=4)
    registry.writer("zarr").write(SegmentationResult(ArrayLabels(np.ones((8, 9), np.int32))), tmp_path / "a.zarr")
    for described in (tmp_path / "a.zarr").rglob("zarr.json"):
        content = json.loads(described.read_text())
        if "shape" in content:
            content["shape"] = [2**40, 2**40]
            described.write_text(json.dumps(content))
    for name in ("a.tif", "a.zarr"):
        with pytest.raises(DatasetError, match=rf"a\.{name[2:]}\S* claims labels of \d+ × \d+ pixels"):
            registry.read_labels(tmp_path / name)


def test_objects_with_one_number_have_masks_of_their_own() -> None:
    labels = np.zeros((4, 6), np.int32)
    labels[1:3, 1:5] = 1
    left, right = CroppedMask(1, 1, np.ones((2, 2), bool)), CroppedMask(1, 3, np.ones((2, 2), bool))
    objects = [ResultObject(1, 0.9, "cell", mask=left), ResultObject(1, 0.8, "cell", mask=right)]
    found = list(SegmentationResult(ArrayLabels(labels), objects).masks())
    assert [(o.score, m.left) for _, o, m in found] == [(0.9, 1), (0.8, 3)]


def test_measurements_have_a_row_an_object_of_each_plane_with_its_class(tmp_path: Path) -> None:
    labels = np.zeros((2, 4, 6), np.uint16)
    labels[0, 1:3, 1:3], labels[1, 0, 0] = 5, 5
    objects = [ResultObject(5, 0.9, "cell", place=(0,)), ResultObject(5, 0.4, place=(1,))]
    scale = Scale.unknown(("t", "y", "x"))
    result = SegmentationResult(ArrayLabels(labels), objects, scale, pixels=lambda index: labels[index])
    registry.writer("csv").write(result, tmp_path / "a.csv")
    table = pd.read_csv(tmp_path / "a.csv", keep_default_na=False)
    assert table[["t", "label", "area", "score", "class", "intensity_mean"]].values.tolist() == [
        [0, 5, 4, 0.9, "cell", 5], [1, 5, 1, 0.4, "", 5],
    ]  # fmt: skip


def test_an_overlay_of_a_stack_is_refused(tmp_path: Path) -> None:
    result = SegmentationResult(ArrayLabels(np.zeros((2, 4, 6), np.uint8)), pixels=lambda index: np.zeros((4, 6)))
    assert not registry.FORMATS["overlay"].suits(result)
    with pytest.raises(ParameterError, match="one plane"):
        registry.writer("overlay").write(result, tmp_path / "a.png")
