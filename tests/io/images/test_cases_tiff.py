"""TIFFs as people have them: compressed, with channels between each other, with palettes, and with pages that lack."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_fastsam.errors import ImageError, ParameterError
from napari_fastsam.io.formats.registry import read_labels
from napari_fastsam.io.images.images import lazy_plane, read_plane
from napari_fastsam.io.images.inputs import Input

GREY = np.random.default_rng(0).integers(0, 200, (60, 80)).astype(np.uint8)
READS_FAX = tuple(map(int, tifffile.__version__.split(".")[:2])) >= (2026, 3)
LABELS = np.repeat(np.repeat(np.arange(12).reshape(3, 4), 20, 0), 20, 1).astype(np.uint16)


def labels_of(path: Path) -> np.ndarray:
    ((_, plane),) = read_labels(path).labels.planes()
    return np.asarray(plane)


class TestCompression:
    def test_what_opencv_writes(self, tmp_path: Path) -> None:
        cv2.imwrite(str(tmp_path / "lzw.tif"), GREY)
        np.testing.assert_array_equal(read_plane(tmp_path / "lzw.tif"), GREY)

    @pytest.mark.parametrize("compression", ["lzw", "zstd", "lzma", "packbits", "jpeg2000", "png", "lerc"])
    def test_without_loss(self, tmp_path: Path, compression: str) -> None:
        tifffile.imwrite(tmp_path / "a.tif", GREY, compression=compression)
        np.testing.assert_array_equal(read_plane(tmp_path / "a.tif"), GREY)

    def test_with_a_predictor(self, tmp_path: Path) -> None:
        tifffile.imwrite(tmp_path / "a.tif", GREY.astype(np.float32), compression="zstd", predictor=True)
        np.testing.assert_array_equal(read_plane(tmp_path / "a.tif"), GREY)

    @pytest.mark.parametrize("colours", [1, 3])
    def test_jpeg(self, tmp_path: Path, colours: int) -> None:
        picture = cv2.GaussianBlur(np.dstack([GREY, GREY // 2, GREY * 0]) if colours == 3 else GREY, (0, 0), 3)
        Image.fromarray(picture).save(tmp_path / "a.tif", compression="jpeg")  # colours as YCbCr
        read = read_plane(tmp_path / "a.tif")
        assert read.shape == picture.shape
        assert np.abs(read.astype(int) - picture).max() < 12

    @pytest.mark.skipif(not READS_FAX, reason="tifffile before 2026.3 does not know fax compression")
    @pytest.mark.parametrize("compression", ["group3", "group4"])
    def test_fax(self, tmp_path: Path, compression: str) -> None:
        Image.fromarray(GREY > 100).save(tmp_path / "a.tif", compression=compression)
        np.testing.assert_array_equal(read_plane(tmp_path / "a.tif"), GREY > 100)

    @pytest.mark.parametrize("compression", ["lzw", "zstd"])
    def test_label_images(self, tmp_path: Path, compression: str) -> None:
        tifffile.imwrite(tmp_path / "a_labels.tif", LABELS, compression=compression)
        np.testing.assert_array_equal(labels_of(tmp_path / "a_labels.tif"), LABELS)


class TestSamplesOfAPixel:
    @pytest.mark.parametrize("count", [2, 3, 4, 5])
    @pytest.mark.parametrize("config", ["contig", "separate"])
    def test_are_channels(self, tmp_path: Path, count: int, config: str) -> None:
        samples = np.stack([GREY * 0, *(GREY + k for k in range(1, count))])
        stored = np.moveaxis(samples, 0, -1) if config == "contig" else samples
        tifffile.imwrite(tmp_path / "c.tif", stored, photometric="minisblack", planarconfig=config)
        layout = Input(tmp_path / "c.tif").describe()
        assert (layout.lengths, layout.scale.axes) == ((count,), ("c", "y", "x"))
        np.testing.assert_array_equal(Input(tmp_path / "c.tif").read((1,)), samples[1])
        np.testing.assert_array_equal(Input(tmp_path / "c.tif", channels=(count - 1,)).read(()), samples[-1])
        with pytest.raises(ImageError, match="or channels with --channel"):
            read_plane(tmp_path / "c.tif")
        with pytest.raises(ParameterError, match=f"no channel {count}; the image has channels 0 to {count - 1}"):
            Input(tmp_path / "c.tif", channels=(count,)).describe()

    def test_of_a_stack_are_channels(self, tmp_path: Path) -> None:
        stack = np.random.default_rng(1).integers(0, 999, (4, 60, 80, 2)).astype(np.uint16)
        tifffile.imwrite(tmp_path / "c.tif", stack, photometric="minisblack", planarconfig="contig")
        assert Input(tmp_path / "c.tif").describe().lengths == (4, 2)
        np.testing.assert_array_equal(Input(tmp_path / "c.tif").read((3, 1)), stack[3, ..., 1])

    @pytest.mark.parametrize(("kind", "shape"), [("unassalpha", (60, 80, 4)), ("assocalpha", (60, 80, 4))])
    def test_that_say_so_are_transparency(self, tmp_path: Path, kind: str, shape: tuple[int, ...]) -> None:
        tifffile.imwrite(tmp_path / "a.tif", np.dstack([GREY] * 4), photometric="rgb", extrasamples=[kind])
        assert read_plane(tmp_path / "a.tif").shape == shape

    def test_transparency_of_grey_is_left_out(self, tmp_path: Path) -> None:
        pixels = np.dstack([GREY, 255 - GREY])
        tifffile.imwrite(tmp_path / "a.tif", pixels, photometric="minisblack", extrasamples=["unassalpha"])
        np.testing.assert_array_equal(read_plane(tmp_path / "a.tif"), GREY)

    def test_behind_red_green_and_blue_are_no_transparency(self, tmp_path: Path) -> None:
        pixels = np.dstack([GREY, GREY, GREY, GREY + 1])
        tifffile.imwrite(tmp_path / "a.tif", pixels, photometric="rgb", extrasamples=["unspecified"])
        np.testing.assert_array_equal(Input(tmp_path / "a.tif", channels=(3,)).read(()), GREY + 1)


class TestMeaningOfNumbers:
    @pytest.fixture
    def palette(self, tmp_path: Path) -> Image.Image:
        picture = Image.fromarray(LABELS.astype(np.uint8), mode="P")
        picture.putpalette([shade for k in range(256) for shade in (k, 255 - k, 7)])
        return picture

    @pytest.mark.parametrize("suffix", [".tif", ".png"])
    def test_a_palette_is_colours_in_a_picture_and_numbers_in_a_label_image(
        self, tmp_path: Path, palette: Image.Image, suffix: str
    ) -> None:
        palette.save(tmp_path / f"p{suffix}")
        expected = np.stack([LABELS, 255 - LABELS, np.full_like(LABELS, 7)], -1)
        np.testing.assert_array_equal(read_plane(tmp_path / f"p{suffix}"), expected)
        np.testing.assert_array_equal(labels_of(tmp_path / f"p{suffix}"), LABELS)

    def test_a_palette_of_a_gif(self, tmp_path: Path, palette: Image.Image) -> None:
        palette.save(tmp_path / "p.gif")
        assert read_plane(tmp_path / "p.gif").shape == (60, 80, 3)
        assert len(np.unique(labels_of(tmp_path / "p.gif"))) == 12

    @pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16", "float32"])
    def test_white_that_is_0_is_turned_round(self, tmp_path: Path, dtype: str) -> None:
        stored = GREY.astype(dtype)
        tifffile.imwrite(tmp_path / "w.tif", stored, photometric="miniswhite")
        read = read_plane(tmp_path / "w.tif")
        assert read.dtype == stored.dtype
        assert np.corrcoef(read.ravel(), stored.ravel())[0, 1] == pytest.approx(-1)
        if dtype.startswith("u"):
            np.testing.assert_array_equal(read, np.iinfo(dtype).max - stored)

    def test_of_a_label_image_they_stay(self, tmp_path: Path) -> None:
        tifffile.imwrite(tmp_path / "w.tif", LABELS, photometric="miniswhite")
        np.testing.assert_array_equal(labels_of(tmp_path / "w.tif"), LABELS)

    @pytest.mark.parametrize(
        ("photometric", "samples", "what"),
        [("separated", 4, "CMYK"), ("cielab", 3, r"L\*a\*b\*"), ("cfa", 1, "raw mosaic")],
    )
    def test_what_is_neither_intensity_nor_rgb_is_refused_by_name(
        self, tmp_path: Path, photometric: str, samples: int, what: str
    ) -> None:
        pixels = np.dstack([GREY] * samples) if samples > 1 else GREY
        tifffile.imwrite(tmp_path / "i.tif", pixels, photometric=photometric)
        with pytest.raises(ImageError, match=rf"i\.tif.*{what}.*convert it to RGB"):
            read_plane(tmp_path / "i.tif")


OME = (
    '<?xml version="1.0"?><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06"><Image ID="Image:0">'
    '<Pixels ID="Pixels:0" DimensionOrder="XYZCT" Type="uint8" SizeX="80" SizeY="60" SizeZ="5" SizeC="1" SizeT="1">'
    "{}</Pixels></Image></OME>"
)


class TestWhatIsNotThere:
    def test_planes_that_only_the_ome_xml_has(self, tmp_path: Path) -> None:
        tifffile.imwrite(tmp_path / "o.ome.tif", GREY, description=OME.format("<TiffData/>"), metadata=None)
        image = Input(tmp_path / "o.ome.tif")
        np.testing.assert_array_equal(image.read((0,)), GREY)
        with pytest.raises(ImageError, match=r"o\.ome\.tif: plane z 3 is missing: the file says that it has 5"):
            image.read((3,))
        with pytest.raises(ImageError, match="planes z 1, z 2, z 3, z 4 are missing"):
            image.check_whole()

    def test_planes_of_a_file_that_was_left_behind(self, tmp_path: Path) -> None:
        data = '<TiffData FirstZ="{}" IFD="0" PlaneCount="1"><UUID FileName="{}">urn:uuid:{}</UUID></TiffData>'
        own, other = (f"0000000{i}-0000-0000-0000-000000000000" for i in (1, 2))
        both = data.format(0, "a.ome.tif", own) + data.format(1, "b.ome.tif", other)
        xml = OME.replace("<OME ", f'<OME UUID="urn:uuid:{own}" ').replace('SizeZ="5"', 'SizeZ="2"').format(both)
        tifffile.imwrite(tmp_path / "a.ome.tif", GREY, description=xml, metadata=None)
        image = Input(tmp_path / "a.ome.tif")
        np.testing.assert_array_equal(image.read((0,)), GREY)
        with pytest.raises(ImageError, match="plane z 1 is missing"):
            image.check_whole()
        tifffile.imwrite(tmp_path / "b.ome.tif", GREY + 1, metadata=None)
        image.check_whole()
        np.testing.assert_array_equal(image.read((1,)), GREY + 1)

    @pytest.mark.parametrize(
        "options", [{"imagej": True}, {"compression": "zlib"}, {}], ids=["imagej", "zlib", "plain"]
    )
    def test_planes_behind_the_end_of_a_file_that_was_cut(self, tmp_path: Path, options: dict) -> None:
        stack = np.random.default_rng(1).integers(0, 999, (6, 60, 80)).astype(np.uint16)
        tifffile.imwrite(tmp_path / "s.tif", stack, **({"photometric": "minisblack"} | options))
        content = (tmp_path / "s.tif").read_bytes()
        (tmp_path / "s.tif").write_bytes(content[: len(content) * 2 // 3])
        with pytest.raises(ImageError, match=r"s\.tif"):
            read_plane(tmp_path / "s.tif", (5,))
        with pytest.raises(ImageError, match=r"s\.tif"):
            lazy_plane(tmp_path / "s.tif", (5,))

    def test_a_page_of_which_the_last_strips_are_gone(self, tmp_path: Path) -> None:
        tifffile.imwrite(tmp_path / "a.tif", GREY, rowsperstrip=10, compression="zlib")
        content = (tmp_path / "a.tif").read_bytes()
        (tmp_path / "a.tif").write_bytes(content[:-700])
        with pytest.raises(ImageError, match="it is cut off: 1 of the 6 parts of a page lie behind its end"):
            read_plane(tmp_path / "a.tif")
