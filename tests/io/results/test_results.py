"""What is left on the disk, when all goes well and when it does not."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from napari_fastsam.core.results.provenance import Provenance
from napari_fastsam.core.results.result import ArrayLabels, SegmentationResult
from napari_fastsam.errors import ParameterError
from napari_fastsam.io.formats.overlay import write_overlay
from napari_fastsam.io.formats.registry import read_labels, writer
from napari_fastsam.io.results.results import OutputError, make_folder, names_for

LABELS = np.zeros((30, 40), np.int32)
LABELS[5:15, 5:15] = 1
LABELS[5:15, 15:25] = 2


def write_labels(path: Path, labels: np.ndarray, *provenance: Provenance) -> None:
    writer("tiff").write(SegmentationResult(ArrayLabels(labels), provenance=provenance), path)


@pytest.mark.parametrize(("largest", "dtype"), [(2, "uint8"), (256, "uint16"), (65_535, "uint16"), (65_536, "int32")])
def test_labels_are_stored_whole_in_the_smaller_type_that_holds_them(tmp_path: Path, largest: int, dtype: str) -> None:
    labels = np.where(LABELS == 2, largest, LABELS)
    write_labels(tmp_path / "a.tif", labels)
    read = tifffile.imread(tmp_path / "a.tif")
    np.testing.assert_array_equal(read, labels)
    assert read.dtype == dtype
    assert [p.name for p in tmp_path.iterdir()] == ["a.tif"]


def test_labels_say_how_they_came_about(tmp_path: Path) -> None:
    write_labels(tmp_path / "a.tif", LABELS, Provenance(model="nuclei", conf=0.25, plane=(1, 2)))
    said = read_labels(tmp_path / "a.tif").provenance[0].to_json()
    assert (said["model"], said["conf"], said["plane"], said["schema"]) == ("nuclei", 0.25, [1, 2], 1)


def test_an_overlay_outlines_every_object_and_leaves_the_rest(tmp_path: Path) -> None:
    image = np.full((30, 40), 100, np.uint8)
    write_overlay(tmp_path / "a.png", image, LABELS)
    drawn = np.asarray(Image.open(tmp_path / "a.png"))
    assert drawn.shape == (30, 40, 3)
    changed = (drawn != 100).any(axis=2)
    assert changed[5, 5:25].all()
    assert changed[5:15, 14].all()
    assert changed[5:15, 15].all()
    assert not changed[LABELS == 0].any()
    assert not changed[7:13, 7:13].any()
    assert tuple(drawn[5, 5]) != tuple(drawn[5, 24])
    assert (image == 100).all()


@pytest.mark.parametrize("shape", [(30, 40, 3), (30, 40, 4)])
def test_an_overlay_on_colour(tmp_path: Path, shape: tuple[int, ...]) -> None:
    write_overlay(tmp_path / "a.png", np.zeros(shape, np.uint8), LABELS)
    assert np.asarray(Image.open(tmp_path / "a.png")).any(axis=2).sum() == 2 * 36


@pytest.mark.skipif(sys.platform == "win32", reason="needs RLIMIT_FSIZE")
def test_a_full_disk_leaves_the_older_file_and_nothing_else(tmp_path: Path) -> None:
    """The write itself fails, in a process that may write no file above 20 kB."""
    target = tmp_path / "a.tif"
    write_labels(target, LABELS)
    before = target.read_bytes()
    script = f"""
import resource
from pathlib import Path
import numpy as np
from napari_fastsam.core.results.result import ArrayLabels, SegmentationResult
from napari_fastsam.io.formats.registry import read_labels, writer
from napari_fastsam.io.results.results import OutputError
labels = np.random.default_rng(0).integers(0, 9999, (300, 300))
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
folder = Path({str(tmp_path)!r})
result = SegmentationResult(ArrayLabels(labels), pixels=lambda index: labels.astype(np.uint8))
for name, ending in [("tiff", "a.tif"), ("overlay", "a.png")]:
    try:
        writer(name).write(result, folder / ending)
    except OutputError as error:
        print(error)
"""
    ran = subprocess.run([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, check=True)
    lines = ran.stdout.splitlines()
    assert len(lines) == 2
    assert all("cannot be written" in line and "-o" in line for line in lines)
    assert [p.name for p in tmp_path.iterdir()] == ["a.tif"]
    assert target.read_bytes() == before


def test_a_failure_in_the_middle_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(TypeError):
        write_labels(tmp_path / "a.tif", LABELS, Provenance(prompts={"not JSON": object()}))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="modes are of POSIX")
def test_modes_are_what_other_programs_would_give(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write_labels(tmp_path / "a.tif", LABELS)
        assert stat.S_IMODE((tmp_path / "a.tif").stat().st_mode) == 0o640
        (tmp_path / "a.tif").chmod(0o664)
        write_labels(tmp_path / "a.tif", LABELS)
        assert stat.S_IMODE((tmp_path / "a.tif").stat().st_mode) == 0o664
    finally:
        os.umask(before)


def test_folders(tmp_path: Path) -> None:
    make_folder(tmp_path / "a" / "b")
    make_folder(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b").is_dir()
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OutputError, match="a file of that name is in the way"):
        make_folder(tmp_path / "file")
    with pytest.raises(OutputError, match="cannot be made"):
        make_folder(tmp_path / "file" / "below")
    with pytest.raises(OutputError, match="cannot be written"):
        write_labels(tmp_path / "nowhere" / "a.tif", LABELS)


@pytest.mark.parametrize(
    ("images", "names"),
    [
        (["x.tif"], ["x"]),
        (["x.ome.tif", "y.OME.TIFF"], ["x", "y"]),
        (["a/x.tif", "b/x.tif", "c/y.tif"], ["a_x", "b_x", "y"]),
        (["a/x.tif", "a/x.png"], ["a_x_tif", "a_x_png"]),
        (["a/x.tif", "b/X.tif"], ["a_x", "b_X"]),
        (["a/x.tif", "b/x.tif", "c/a_x.tif"], ["a_x_tif", "b_x", "c_a_x_tif"]),
    ],
)
def test_names_of_results(images: list[str], names: list[str]) -> None:
    assert names_for([Path(i) for i in images]) == names


def test_names_that_cannot_be_told_apart_are_refused() -> None:
    with pytest.raises(ParameterError, match="into different folders"):
        names_for([Path("p/a/x.tif"), Path("q/a/x.tif")])


@given(st.lists(st.tuples(*[st.sampled_from(["a", "A", "b", "a_b"])] * 2, st.sampled_from(["tif", "png"]))))
def test_names_are_all_different_or_refused(parts: list[tuple[str, str, str]]) -> None:
    images = list({Path(folder, f"{stem}.{suffix}") for folder, stem, suffix in parts})
    try:
        names = names_for(images)
    except ParameterError:
        return
    assert len({n.casefold() for n in names}) == len(images)
