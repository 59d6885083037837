"""One plane out of files as microscopes and cameras leave them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_fastsam.errors import ImageError, ParameterError
from napari_fastsam.io.images import layout
from napari_fastsam.io.images.images import lazy_plane, read_plane

GREY = np.arange(30 * 40, dtype=np.uint8).reshape(30, 40)
COLOUR = np.stack([GREY, GREY[::-1], GREY[:, ::-1]], axis=2)
STACK = np.arange(5 * 30 * 40, dtype=np.uint16).reshape(5, 30, 40)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16", "float32", "bool"])
def test_a_grey_tiff_comes_as_it_is(tmp_path: Path, dtype: str) -> None:
    image = GREY.astype(dtype)
    tifffile.imwrite(tmp_path / "a.tif", image)
    read = read_plane(tmp_path / "a.tif")
    np.testing.assert_array_equal(read, image)
    assert read.dtype == image.dtype


@pytest.mark.parametrize(
    ("data", "options"),
    [
        (COLOUR, {"photometric": "rgb"}),
        (np.moveaxis(COLOUR, 2, 0), {"photometric": "rgb", "planarconfig": "separate"}),
        (COLOUR[None, None], {"photometric": "rgb"}),
    ],
    ids=["contiguous", "planar", "axes of length 1"],
)
def test_a_colour_tiff_has_its_colours_last(tmp_path: Path, data: np.ndarray, options: dict) -> None:
    tifffile.imwrite(tmp_path / "a.tiff", data, **options)
    np.testing.assert_array_equal(read_plane(tmp_path / "a.tiff"), COLOUR)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("plain.tif", {"photometric": "minisblack"}),
        ("imagej.tif", {"imagej": True}),
        ("some.ome.tif", {"photometric": "minisblack", "metadata": {"axes": "ZYX"}}),
        ("tiled.tif", {"photometric": "minisblack", "tile": (16, 16), "compression": "zlib"}),
    ],
)
def test_a_plane_of_a_stack(tmp_path: Path, name: str, options: dict) -> None:
    tifffile.imwrite(tmp_path / name, STACK, **options)
    np.testing.assert_array_equal(read_plane(tmp_path / name, (3,)), STACK[3])


@pytest.mark.parametrize("count", [3, 4])
def test_three_or_four_planes_are_no_colour(tmp_path: Path, count: int) -> None:
    """tifffile files them as samples of one page where it is not told otherwise."""
    tifffile.imwrite(tmp_path / "a.tif", STACK[:count], photometric="minisblack", planarconfig="separate")
    np.testing.assert_array_equal(read_plane(tmp_path / "a.tif", (1,)), STACK[1])
    with pytest.raises(ImageError, match=f"a stack of {count} planes"):
        read_plane(tmp_path / "a.tif")


HYPERSTACK = np.arange(2 * 3 * 30 * 40, dtype=np.uint16).reshape(2, 3, 30, 40)


@pytest.mark.parametrize("imagej", [True, False])
@pytest.mark.parametrize(("plane", "place"), [((4,), (1, 1)), ((1, 2), (1, 2)), ((0, 0), (0, 0))])
def test_a_plane_of_a_hyperstack_by_one_number_or_by_one_an_axis(
    tmp_path: Path, imagej: bool, plane: tuple[int, ...], place: tuple[int, ...]
) -> None:
    tifffile.imwrite(tmp_path / "a.tif", HYPERSTACK, imagej=imagej, ome=not imagej, metadata={"axes": "TCYX"})
    np.testing.assert_array_equal(read_plane(tmp_path / "a.tif", plane), HYPERSTACK[place])


def test_planes_in_colour(tmp_path: Path) -> None:
    data = np.stack([COLOUR, COLOUR[::-1]])
    tifffile.imwrite(tmp_path / "a.tif", data, photometric="rgb")
    np.testing.assert_array_equal(read_plane(tmp_path / "a.tif", (1,)), data[1])


def test_a_stack_is_refused_with_what_there_is_and_how_to_choose(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", HYPERSTACK, imagej=True, metadata={"axes": "TCYX"})
    with pytest.raises(ImageError) as caught:
        read_plane(tmp_path / "a.tif")
    for part in ("a.tif", "6 planes", "2 along t", "3 along c", "--plane 0 to 5", "0,0 to 1,2"):
        assert part in str(caught.value)


@pytest.mark.parametrize("plane", [(6,), (-1,), (2, 0), (0, 3), (0, 0, 0)])
def test_a_plane_that_is_not_there(tmp_path: Path, plane: tuple[int, ...]) -> None:
    tifffile.imwrite(tmp_path / "a.tif", HYPERSTACK, imagej=True, metadata={"axes": "TCYX"})
    with pytest.raises(ParameterError, match="the file has 6"):
        read_plane(tmp_path / "a.tif", plane)


def test_the_only_plane_may_be_named(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", GREY)
    np.testing.assert_array_equal(read_plane(tmp_path / "a.tif", (0,)), GREY)
    with pytest.raises(ParameterError, match="the file has 1"):
        read_plane(tmp_path / "a.tif", (1,))


@pytest.mark.parametrize(
    ("mode", "name", "shape", "dtype"),
    [
        ("L", "a.png", (30, 40), "uint8"),
        ("RGB", "a.PNG", (30, 40, 3), "uint8"),
        ("RGBA", "a.png", (30, 40, 4), "uint8"),
        ("LA", "a.png", (30, 40), "uint8"),
        ("P", "a.png", (30, 40, 3), "uint8"),
        ("1", "a.png", (30, 40), "bool"),
        ("I;16", "a.png", (30, 40), "uint16"),
        ("L", "a.jpg", (30, 40), "uint8"),
        ("CMYK", "a.jpg", (30, 40, 3), "uint8"),
        ("RGB", "a.bmp", (30, 40, 3), "uint8"),
    ],
)
def test_pictures_of_every_mode(tmp_path: Path, mode: str, name: str, shape: tuple[int, ...], dtype: str) -> None:
    image = Image.fromarray(GREY.astype(np.uint16)) if mode == "I;16" else Image.fromarray(COLOUR).convert(mode)
    image.save(tmp_path / name)
    read = read_plane(tmp_path / name)
    assert (read.shape, read.dtype) == (shape, dtype)


def test_grey_of_a_png_keeps_its_values(tmp_path: Path) -> None:
    Image.fromarray(GREY.astype(np.uint16) * 200).save(tmp_path / "a.png")
    np.testing.assert_array_equal(read_plane(tmp_path / "a.png"), GREY.astype(np.uint16) * 200)


def test_a_frame_of_a_gif(tmp_path: Path) -> None:
    frames = [Image.fromarray(np.full((30, 40), value, np.uint8)) for value in (0, 90, 200)]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    with pytest.raises(ImageError, match="a stack of 3 planes"):
        read_plane(tmp_path / "a.gif")
    assert (read_plane(tmp_path / "a.gif", (2,)) == 200).all()


@pytest.mark.parametrize("name", ["a.tif", "a.png", "a.jpg"])
@pytest.mark.parametrize("content", [b"", b"no image at all", None], ids=["empty", "text", "cut in the middle"])
def test_a_damaged_file_is_told_in_one_line(tmp_path: Path, name: str, content: bytes | None) -> None:
    file = tmp_path / name
    if content is None:
        rng = np.random.default_rng(0)
        noise = rng.integers(0, 256, (64, 64), dtype=np.uint8)
        if name == "a.tif":
            tifffile.imwrite(file, noise, compression="zlib")
        else:
            Image.fromarray(noise).save(file)
        content = file.read_bytes()[: file.stat().st_size // 2]
    file.write_bytes(content)
    with pytest.raises(ImageError) as caught:
        read_plane(file)
    assert str(file) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_is_not_there_and_what_is_a_folder(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="there is no file"):
        read_plane(tmp_path / "a.tif")
    with pytest.raises(ImageError, match="is a folder"):
        read_plane(tmp_path)


def test_what_no_picture_can_be_is_refused_with_its_name(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((30, 40), np.complex64))
    with pytest.raises(ImageError, match=r"a\.tif.*complex64"):
        read_plane(tmp_path / "a.tif")


@pytest.mark.parametrize(
    ("axes", "stored", "lazy"),
    [
        ("yx", {}, True),
        ("yx", {"byteorder": ">"}, True),
        ("yx", {"compression": "zlib", "tile": (64, 64)}, True),
        ("yx", {"compression": "zlib", "rowsperstrip": 16}, True),
        ("yx", {"compression": "zlib"}, False),
        ("zyx", {"photometric": "minisblack", "tile": (64, 64)}, True),
        ("zyxs", {"photometric": "rgb", "tile": (32, 32)}, True),
        ("zsyx", {"photometric": "rgb", "planarconfig": "separate"}, True),
    ],
)
def test_a_large_plane_is_read_by_rectangles(tmp_path, monkeypatch, axes, stored, lazy):
    monkeypatch.setattr(layout, "LARGE", 100 * 100)  # a file of the true size takes seconds to write
    shape = [{"z": 3, "s": 3, "y": 300, "x": 400}[axis] for axis in axes]
    data = np.random.default_rng(0).integers(0, 255, shape).astype(np.uint8 if "s" in axes else np.uint16)
    tifffile.imwrite(tmp_path / "a.tif", data, **stored)
    index = (1,) if "z" in axes else None
    plane, whole = lazy_plane(tmp_path / "a.tif", index), read_plane(tmp_path / "a.tif", index)
    assert isinstance(plane, np.ndarray) is not lazy
    assert (tuple(plane.shape), plane.dtype) == (whole.shape, whole.dtype)
    for window in (np.s_[:, :], np.s_[100:210, 17:333], np.s_[3:290:4, ::4]):
        found = plane[window]
        assert found.dtype == whole.dtype
        np.testing.assert_array_equal(found, whole[window])
