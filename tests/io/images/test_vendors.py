"""Files of makers, with their readers installed and without."""

from __future__ import annotations

import struct
import sys
from pathlib import Path

import numpy as np
import pytest

from napari_fastsam.errors import ImageError, ParameterError
from napari_fastsam.io.images import layout
from napari_fastsam.io.images.finding import find_inputs
from napari_fastsam.io.images.inputs import Input
from synthetic_nd2 import write_nd2

STACK = np.random.default_rng(0).integers(0, 4000, (2, 3, 40, 50)).astype(np.uint16)
"""Channels, planes, rows, columns."""


def czi(path: Path, scenes: int = 1) -> Path:
    from pylibCZIrw.czi import create_czi

    with create_czi(str(path)) as file:
        for scene in range(scenes):
            for c, z in np.ndindex(2, 3):
                pixels = np.ascontiguousarray(STACK[c, z, ..., None]) + scene
                file.write(pixels, location=(scene * 100, 7), plane={"C": c, "Z": z, "T": 0}, scene=scene)
        file.write_metadata("x", channel_names={0: "DAPI", 1: "RFP"}, scale_x=1e-7, scale_y=2e-7, scale_z=3e-7)
    return path


def lif(path: Path) -> Path:
    """Write a LIF with an image of two channels and three planes, and one of a single plane."""

    def block(content: bytes, kind: bytes = b"") -> bytes:
        return struct.pack("<ii", 0x70, len(content) + len(kind)) + kind + content

    def text(name: str) -> bytes:
        return b"\x2a" + struct.pack("<i", len(name)) + name.encode("utf-16-le")

    def image(name: str, memory: str, data: np.ndarray) -> str:
        channels, planes, rows, columns = data.shape
        described = "".join(
            f'<ChannelDescription DataType="0" ChannelTag="0" Resolution="16" IsLUTInverted="0" '
            f'NameOfMeasuredQuantity="" Min="0" Max="4000" Unit="" LUTName="{n}" '
            f'BytesInc="{planes * rows * columns * 2 * c}" BitInc="0"/>'
            for c, n in enumerate(["Green", "Red"][:channels])
        )
        lengths = [(1, columns, 2, 49e-7), (2, rows, columns * 2, 78e-7), (3, planes, rows * columns * 2, 6e-7)]
        dimensions = "".join(
            f'<DimensionDescription DimID="{i}" NumberOfElements="{n}" Origin="0" Length="{length}" Unit="m" '
            f'BytesInc="{step}" BitInc="0"/>'
            for i, n, step, length in lengths
            if n > 1
        )
        return (
            f'<Element Name="{name}"><Data><Image><ImageDescription><Channels>{described}</Channels>'
            f"<Dimensions>{dimensions}</Dimensions></ImageDescription></Image></Data>"
            f'<Memory Size="{data.nbytes}" MemoryBlockID="{memory}"/></Element>'
        )

    images = {"MemBlock_1": STACK, "MemBlock_2": STACK[:1, :1]}
    elements = "".join(image(f"image {n}", memory, data) for n, (memory, data) in enumerate(images.items()))
    xml = (
        '<LMSDataContainerHeader Version="2"><Element Name="project"><Children>'
        f"{elements}</Children></Element></LMSDataContainerHeader>"
    )
    content = block(text(xml))
    for memory, data in images.items():
        content += block(b"\x2a" + struct.pack("<q", data.nbytes) + text(memory)) + data.tobytes()
    path.write_bytes(content)
    return path


class TestCzi:
    def test_axes_channels_and_sizes_are_known(self, tmp_path: Path) -> None:
        found = Input(czi(tmp_path / "x.czi"))
        lengths, plane, scale = found.describe()
        assert (lengths, plane, scale.axes) == ((3, 2), (40, 50), ("z", "c", "y", "x"))
        assert scale.scale == pytest.approx((0.3, 1, 0.2, 0.1))
        assert scale.units == ("micrometer", "", "micrometer", "micrometer")
        np.testing.assert_array_equal(found.read((2, 1)), STACK[1, 2])
        np.testing.assert_array_equal(Input(found.path, channels=(1,)).read((0,)), STACK[1, 0])
        with pytest.raises(ParameterError, match=r"no channel 2.*\(0 = DAPI, 1 = RFP\)"):
            Input(found.path, channels=(2,)).describe()

    def test_scenes(self, tmp_path: Path) -> None:
        path = czi(tmp_path / "x.czi", scenes=2)
        assert "the first of 2 images" in Input(path).remarks()[0]
        second = Input(path, scene=1)
        assert second.describe().plane == (40, 50)
        np.testing.assert_array_equal(second.read((2, 1)), STACK[1, 2] + 1)

    def test_a_large_plane_is_read_by_rectangles(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(layout, "LARGE", 100)
        plane = Input(czi(tmp_path / "x.czi", scenes=2), scene=1).lazy((1, 0))
        assert (plane.shape, plane.dtype) == ((40, 50), np.uint16)
        np.testing.assert_array_equal(plane[5:30, 7:44:3], STACK[0, 1, 5:30, 7:44:3] + 1)


class TestLif:
    def test_axes_channels_and_sizes_are_known(self, tmp_path: Path) -> None:
        found = Input(lif(tmp_path / "x.lif"))
        lengths, plane, scale = found.describe()
        assert (sorted(lengths), plane) == ([2, 3], (40, 50))
        sizes = dict(zip(scale.axes, scale.scale, strict=True))
        assert (sizes["x"], sizes["y"], sizes["z"]) == pytest.approx((0.1, 0.2, 0.3))
        assert scale.units[-1] == "micrometer"
        index = {"c": 1, "z": 2}
        np.testing.assert_array_equal(found.read(tuple(index[a] for a in scale.axes[:2])), STACK[1, 2])
        np.testing.assert_array_equal(Input(found.path, channels=(1,)).read((0,)), STACK[1, 0])
        with pytest.raises(ParameterError, match="0 = Green, 1 = Red"):
            Input(found.path, channels=(2,)).describe()

    def test_scenes(self, tmp_path: Path) -> None:
        second = Input(lif(tmp_path / "x.lif"), scene=1)
        assert second.describe()[:2] == ((), (40, 50))
        np.testing.assert_array_equal(second.read(()), STACK[0, 0])


class TestNd2:
    FRAMES = np.random.default_rng(1).integers(0, 4000, (2, 3, 4, 40, 50, 2)).astype(np.uint16)
    """Positions, times, planes, rows, columns, channels."""

    def nd2(self, path: Path, recorded: int = 24) -> Path:
        frames = list(self.FRAMES.reshape(-1, 40, 50, 2)[:recorded])
        return write_nd2(path, frames, (("P", 2), ("T", 3), ("Z", 4)), ("DAPI", "RFP"))

    def test_axes_channels_and_sizes_are_known(self, tmp_path: Path) -> None:
        found = Input(self.nd2(tmp_path / "x.nd2"))
        lengths, plane, scale = found.describe()
        assert (lengths, plane, scale.axes) == ((3, 4, 2), (40, 50), ("t", "z", "c", "y", "x"))
        assert scale.scale == (1, 2, 1, 0.5, 0.5)
        assert scale.units == ("second", "micrometer", "", "micrometer", "micrometer")
        np.testing.assert_array_equal(found.read((2, 1, 1)), self.FRAMES[0, 2, 1, ..., 1])
        np.testing.assert_array_equal(Input(found.path, channels=("RFP",)).read((1, 3)), self.FRAMES[0, 1, 3, ..., 1])
        with pytest.raises(ParameterError, match=r"no channel 2.*\(0 = DAPI, 1 = RFP\)"):
            Input(found.path, channels=(2,)).describe()

    def test_positions_are_scenes(self, tmp_path: Path) -> None:
        path = self.nd2(tmp_path / "x.nd2")
        assert "the first of 2 images" in Input(path).remarks()[0]
        np.testing.assert_array_equal(Input(path, scene=1).read((2, 3, 0)), self.FRAMES[1, 2, 3, ..., 0])
        with pytest.raises(ParameterError, match=r"no scene 2.*scenes 0 to 1"):
            Input(path, scene=2).describe()

    def test_colours(self, tmp_path: Path) -> None:
        colours = self.FRAMES[0, 0, 0, ..., [0, 1, 0]].transpose(1, 2, 0).astype(np.uint8)
        found = Input(write_nd2(tmp_path / "x.nd2", [colours], channels=("RGB",)))
        assert found.describe()[:2] == ((), (40, 50))
        np.testing.assert_array_equal(found.read(()), colours)

    def test_what_was_never_recorded_is_named(self, tmp_path: Path) -> None:
        path = self.nd2(tmp_path / "x.nd2", recorded=22)
        Input(path).check_whole()  # the first position is all there
        second = Input(path, scene=1)
        np.testing.assert_array_equal(second.read((2, 1, 0)), self.FRAMES[1, 2, 1, ..., 0])
        with pytest.raises(ImageError, match=r"x\.nd2.*plane t 2 z 2 c 1 is missing: the file says that it has 24"):
            second.read((2, 2, 1))
        with pytest.raises(ImageError, match="planes t 2 z 2 c 0, t 2 z 2 c 1, t 2 z 3 c 0, t 2 z 3 c 1 are missing"):
            second.check_whole()


@pytest.mark.parametrize("suffix", [".czi", ".lif", ".nd2"])
def test_what_is_none_is_told(tmp_path: Path, suffix: str) -> None:
    (tmp_path / f"x{suffix}").write_bytes(b"nothing of the sort" * 9)
    (found,) = find_inputs([str(tmp_path)])
    with pytest.raises(ImageError, match=rf"x\{suffix}"):
        found.describe()


@pytest.mark.parametrize(("suffix", "package"), [(".czi", "pylibCZIrw"), (".lif", "liffile"), (".nd2", "nd2")])
def test_without_a_reader_the_extra_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str, package: str
) -> None:
    (tmp_path / f"x{suffix}").write_bytes(bytes(100))
    for name in [n for n in sys.modules if n == package or n.startswith((f"{package}.", "napari_fastsam.io.images."))]:
        if not name.endswith((".layout", ".images", ".inputs", ".vendors", ".finding")):
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, package, None)  # as if it were not installed
    with pytest.raises(ImageError, match=rf"needs the package {package}.*pip install 'napari-fastsam\[vendors\]'"):
        Input(tmp_path / f"x{suffix}").describe()
