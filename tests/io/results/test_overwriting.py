"""What must not be written over."""

import os
from pathlib import Path

import pytest

from napari_fastsam.errors import ParameterError
from napari_fastsam.io.results.overwriting import check_overwriting


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x").mkdir()
    (tmp_path / "image.tif").write_text("")
    (tmp_path / "plate.zarr").mkdir()
    (tmp_path / "link.tif").symlink_to("image.tif")
    (tmp_path / "here").symlink_to(".")
    os.link("image.tif", "second.tif")
    return tmp_path


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("image.tif", "image.tif"),
        ("x/../image.tif", "image.tif"),
        ("image.tif", "x/../image.tif"),
        ("here/image.tif", "image.tif"),
        ("link.tif", "image.tif"),
        ("image.tif", "link.tif"),
        ("second.tif", "image.tif"),  # one file under two names, as where case does not count
        ("plate.zarr/labels.tif", "plate.zarr"),
        ("x", "x/inside.tif"),
    ],
)
def test_what_is_read_is_not_overwritten_under_whatever_name(place, written, read):
    with pytest.raises(ParameterError) as caught:
        check_overwriting([Path("other.tif"), Path(written)], [Path("elsewhere.tif"), Path(read)])
    assert written in str(caught.value)
    assert read in str(caught.value)


@pytest.mark.parametrize(("one", "other"), [("a.tif", "x/../a.tif"), ("a.tif", "A.TIF"), ("here/a.tif", "a.tif")])
def test_two_results_are_not_one_file(place, one, other):
    with pytest.raises(ParameterError, match="would be one file") as caught:
        check_overwriting([Path(one), Path(other)], [])
    assert one in str(caught.value)
    assert other in str(caught.value)


def test_results_beside_what_is_read_are_fine(place):
    check_overwriting([Path("image_labels.tif"), Path("x/image.tif"), Path("report.csv")], [Path("image.tif")])
