"""Pictures as people have them: with 16 bits a colour, of makers, in folders with brackets."""

from __future__ import annotations

from pathlib import Path

import cv2
import imagecodecs
import numpy as np
import pytest

from napari_fastsam.errors import ImageError, ParameterError
from napari_fastsam.io.images.finding import find_inputs
from napari_fastsam.io.images.images import read_plane
from napari_fastsam.io.images.inputs import Input

DEEP = (np.random.default_rng(0).integers(0, 231, (60, 80, 3)) * 6).astype(np.uint16)


class TestSixteenBits:
    @pytest.mark.parametrize("name", ["d.png", "d.tif"])
    def test_of_each_colour(self, tmp_path: Path, name: str) -> None:
        cv2.imwrite(str(tmp_path / name), DEEP[..., ::-1])
        np.testing.assert_array_equal(read_plane(tmp_path / name), DEEP)
        assert Input(tmp_path / name).describe()[:2] == ((), (60, 80))

    def test_with_transparency(self, tmp_path: Path) -> None:
        pixels = np.dstack([DEEP, np.full((60, 80), 65535, np.uint16)])
        (tmp_path / "d.png").write_bytes(imagecodecs.png_encode(pixels))
        np.testing.assert_array_equal(read_plane(tmp_path / "d.png"), pixels)

    def test_of_grey_with_transparency(self, tmp_path: Path) -> None:
        (tmp_path / "d.png").write_bytes(imagecodecs.png_encode(np.ascontiguousarray(DEEP[..., :2])))
        np.testing.assert_array_equal(read_plane(tmp_path / "d.png"), DEEP[..., 0])

    def test_of_jpeg_2000(self, tmp_path: Path) -> None:
        (tmp_path / "d.jp2").write_bytes(imagecodecs.jpeg2k_encode(DEEP, level=0, reversible=True))
        np.testing.assert_array_equal(read_plane(tmp_path / "d.jp2"), DEEP)

    def test_of_what_cannot_be_read_are_refused(self, tmp_path: Path) -> None:
        cv2.imwrite(str(tmp_path / "d.ppm"), DEEP)
        with pytest.raises(ImageError, match=r"d\.ppm.*more than 8 bits a colour"):
            read_plane(tmp_path / "d.ppm")


class TestFilesOfMakers:
    @pytest.mark.parametrize(
        ("name", "maker"), [("x.oib", "Olympus"), ("x.VSI", "Olympus"), ("x.ims", "Imaris"), ("x.zvi", "Zeiss")]
    )
    def test_are_refused_with_what_to_do(self, tmp_path: Path, name: str, maker: str) -> None:
        (tmp_path / name).write_bytes(bytes(100))
        with pytest.raises(ImageError, match=rf"{name} is a file of .*{maker}.*not read here; save it as OME-TIFF"):
            read_plane(tmp_path / name)

    def test_there_is_only_one_scene_in_a_picture(self, tmp_path: Path) -> None:
        cv2.imwrite(str(tmp_path / "d.png"), DEEP)
        with pytest.raises(ParameterError, match="there is no scene 1"):
            Input(tmp_path / "d.png", scene=1).describe()


@pytest.mark.parametrize("pattern", ["", "x].png", "*.png", "x[]].png", "../plate[/*"])
def test_brackets_in_names(tmp_path: Path, pattern: str) -> None:
    (tmp_path / "plate[").mkdir()
    cv2.imwrite(str(tmp_path / "plate[" / "x].png"), DEEP)
    (found,) = find_inputs([f"{tmp_path}/plate[/{pattern}"])
    assert found.name == "x]"
