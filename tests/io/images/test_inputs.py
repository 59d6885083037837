"""Images as they are named: files, channels, parts."""

import imageio.v3 as iio
import numpy as np
import pytest
import tifffile
import zarr

from napari_fastsam.core.image.channels import colour_plane
from napari_fastsam.errors import ImageError, ParameterError
from napari_fastsam.io.images.finding import find_inputs
from napari_fastsam.io.images.inputs import Input, open_plane
from napari_fastsam.io.images.ome_zarr import Scale, images_in, new_labels, open_image


@pytest.fixture
def folder(tmp_path):
    iio.imwrite(tmp_path / "b.png", np.zeros((5, 6), np.uint8))
    tifffile.imwrite(
        tmp_path / "a.ome.tif", np.arange(120, dtype=np.uint16).reshape(2, 3, 4, 5), metadata={"axes": "TZYX"}
    )
    (tmp_path / "notes.txt").write_text("none of ours")
    (tmp_path / ".hidden.png").write_text("")
    return tmp_path


def ome_zarr(path, data, axes, version="0.5"):
    group = zarr.open_group(path, mode="w", zarr_format=3 if version == "0.5" else 2)
    array = group.create_array("0", shape=data.shape, chunks=data.shape, dtype=data.dtype)
    array[...] = data
    said = {
        "version": version,
        "axes": [{"name": a} for a in axes],
        "datasets": [{"path": "0", "coordinateTransformations": [{"type": "scale", "scale": [0.5] * data.ndim}]}],
    }
    group.attrs.update({"ome": {"multiscales": [said]}} if version == "0.5" else {"multiscales": [said]})
    return group


def test_files_folders_and_patterns_each_image_once(folder):
    found = find_inputs([str(folder), str(folder / "*.png"), str(folder / "b.png")])
    assert [i.path.name for i in found] == ["a.ome.tif", "b.png"]
    assert [i.name for i in found] == ["a", "b"]
    with pytest.raises(ImageError, match="neither a file"):
        find_inputs([str(folder / "*.jpg")])
    (folder / "empty").mkdir()
    with pytest.raises(ImageError, match="no image in it"):
        find_inputs([str(folder / "empty")])


def test_a_stack_is_described_and_read_plane_by_plane(folder):
    stack = Input(folder / "a.ome.tif")
    lengths, _, scale = stack.describe()
    assert lengths == (2, 3)
    assert scale.axes == ("t", "z", "y", "x")
    np.testing.assert_array_equal(stack.read((1, 2)), np.arange(100, 120).reshape(4, 5))
    assert Input(folder / "b.png").describe()[:2] == ((), (5, 6))


def test_the_pixel_sizes_of_an_ome_tiff(tmp_path):
    path = tmp_path / "a.ome.tif"
    metadata = {
        "axes": "ZYX",
        "PhysicalSizeX": 0.25,
        "PhysicalSizeXUnit": "µm",
        "PhysicalSizeY": 0.25,
        "PhysicalSizeZ": 2,
    }
    tifffile.imwrite(path, np.zeros((2, 4, 5), np.uint8), photometric="minisblack", metadata=metadata)
    scale = Input(path).describe().scale
    assert scale == Scale(("z", "y", "x"), (2.0, 0.25, 0.25), ("micrometer",) * 3)


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_ome_zarr(tmp_path, version):
    data = np.arange(60, dtype=np.uint8).reshape(3, 4, 5)
    ome_zarr(tmp_path / "image.ome.zarr", data, "zyx", version)
    (image,) = find_inputs([str(tmp_path / "image.ome.zarr")])
    lengths, _, scale = image.describe()
    assert (lengths, scale.scale, image.name) == ((3,), (0.5, 0.5, 0.5), "image")
    np.testing.assert_array_equal(image.read((2,)), data[2])
    assert image.lazy((1,)).shape == (4, 5)
    assert [i.path for i in find_inputs([str(tmp_path)])] == [image.path]


def test_the_wells_of_a_plate(tmp_path):
    plate = zarr.open_group(tmp_path / "plate.zarr", mode="w")
    plate.attrs["ome"] = {"plate": {"wells": [{"path": "A/1"}, {"path": "B/2"}]}}
    for well in ("A/1", "B/2"):
        group = plate.create_group(well)
        group.attrs["ome"] = {"well": {"images": [{"path": "0"}, {"path": "1"}]}}
        for field in "01":
            ome_zarr(tmp_path / "plate.zarr" / well / field, np.full((4, 4), ord(well[0]), np.uint8), "yx")
    found = find_inputs([str(tmp_path / "plate.zarr")])
    assert [i.name for i in found] == ["plate_A_1_0", "plate_A_1_1", "plate_B_2_0", "plate_B_2_1"]
    assert found[2].read(())[0, 0] == ord("B")


def test_a_fingerprint_changes_with_the_file(folder):
    one = Input(folder / "b.png")
    before = one.fingerprint()
    assert one.fingerprint() == before
    iio.imwrite(folder / "b.png", np.ones((50, 60), np.uint8))
    assert one.fingerprint() != before


def test_labels_appear_whole_with_levels_scale_and_units(tmp_path):
    models = pytest.importorskip("ome_zarr_models")
    labels = np.zeros((2, 1500, 1300), np.int32)
    labels[1, 400:500, 700:900] = 5
    path = tmp_path / "labels.zarr"
    scale = Scale(("z", "y", "x"), (2.0, 0.5, 0.5), ("micrometer",) * 3)
    with new_labels(path, labels.shape, scale) as array:
        assert not path.exists()
        array[...] = labels
    found, said = open_image(path)
    np.testing.assert_array_equal(found[...], labels)
    assert said == scale
    group = zarr.open_group(path, mode="r")
    np.testing.assert_array_equal(group["1"][...], labels[:, ::2, ::2])
    assert sorted(group.array_keys()) == ["0", "1", "2"]
    assert images_in(path) == [""]
    models.open_ome_zarr(group)
    assert [p.name for p in tmp_path.iterdir()] == ["labels.zarr"]


def test_what_fails_leaves_what_was_there(tmp_path):
    path = tmp_path / "labels.zarr"
    scale = Scale(("y", "x"), (1.0, 1.0), ("", ""))
    with new_labels(path, (4, 4), scale) as array:
        array[...] = 3
    with pytest.raises(ZeroDivisionError), new_labels(path, (4, 4), scale) as array:
        array[...] = 1 / 0
    assert open_image(path)[0][0, 0] == 3
    assert [p.name for p in tmp_path.iterdir()] == ["labels.zarr"]


@pytest.mark.parametrize("content", ["", '{"zarr_format": 3}', "nonsense"])
def test_a_damaged_zarr_is_told(tmp_path, content):
    (tmp_path / "x.zarr").mkdir()
    (tmp_path / "x.zarr" / "zarr.json").write_text(content)
    with pytest.raises(ImageError, match=r"x\.zarr"):
        find_inputs([str(tmp_path / "x.zarr")])


@pytest.fixture
def channels():
    return np.random.default_rng(1).integers(0, 5000, (2, 3, 40, 50)).astype(np.uint16)


def test_channels_of_a_stack_are_seen_together(tmp_path, channels):
    tifffile.imwrite(tmp_path / "a.ome.tif", channels, metadata={"axes": "ZCYX"})
    image = Input(tmp_path / "a.ome.tif", channels=(2, 0))
    lengths, plane, scale = image.describe()
    assert (lengths, plane, scale.axes) == ((2,), (40, 50), ("z", "y", "x"))
    expected = np.asarray(colour_plane([channels[1, 2], channels[1, 0]]))
    np.testing.assert_array_equal(image.read((1,)), expected)
    np.testing.assert_array_equal(image.lazy((1,))[3:9, 4:6], expected[3:9, 4:6])


def test_one_channel_is_a_plane_as_it_is(tmp_path, channels):
    tifffile.imwrite(tmp_path / "a.ome.tif", channels, metadata={"axes": "ZCYX"})
    np.testing.assert_array_equal(Input(tmp_path / "a.ome.tif", channels=(1,)).read((0,)), channels[0, 1])


@pytest.fixture
def named_channels(tmp_path, channels):
    """(Z, C, Y, X) with channels that have names."""
    metadata = {"axes": "ZCYX", "Channel": {"Name": ["DAPI", "488", "Cy5"][: channels.shape[1]]}}
    tifffile.imwrite(tmp_path / "n.ome.tif", channels, metadata=metadata, photometric="minisblack")
    return tmp_path / "n.ome.tif"


@pytest.mark.parametrize("asked", ["Cy5", "cy5", " Cy5", 2])
def test_channels_by_name(named_channels, channels, asked):
    np.testing.assert_array_equal(Input(named_channels, channels=(asked,)).read((1,)), channels[1, 2])


def test_a_number_that_is_no_position_may_be_a_name(named_channels, channels):
    np.testing.assert_array_equal(Input(named_channels, channels=(488,)).read((0,)), channels[0, 1])


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (("GFP",), "there is no channel 'GFP'; the image has channels 0 = DAPI, 1 = 488, 2 = Cy5"),
        ((3,), "there is no channel 3; the image has channels 0 to 2 .0 = DAPI, 1 = 488, 2 = Cy5"),
        (("DAPI", 0), "channels is 0, 0; expected each once"),
    ],
)
def test_channels_that_are_not_there_are_told_with_those_that_are(named_channels, asked, message):
    with pytest.raises(ParameterError, match=f"n.ome.tif: {message}"):
        Input(named_channels, channels=asked).describe()


def test_names_that_say_nothing(tmp_path, channels):
    tifffile.imwrite(tmp_path / "a.ome.tif", channels, metadata={"axes": "ZCYX"})
    with pytest.raises(ParameterError, match="no channel 'DAPI'; the image has 3 without names; name one from 0 to 2"):
        Input(tmp_path / "a.ome.tif", channels=("DAPI",)).describe()
    metadata = {"axes": "ZCYX", "Channel": {"Name": ["DAPI", "DAPI", "RFP"]}}
    tifffile.imwrite(tmp_path / "b.ome.tif", channels, metadata=metadata, photometric="minisblack")
    with pytest.raises(ParameterError, match="2 channels are called 'DAPI'; name one by position: 0 = DAPI, 1 = DAPI"):
        Input(tmp_path / "b.ome.tif", channels=("DAPI",)).describe()


def test_channels_of_an_ome_zarr(tmp_path, channels):
    ome_zarr(tmp_path / "a.zarr", channels[0], "cyx")
    image = Input(tmp_path / "a.zarr", channels=(0, 1, 2))
    assert image.describe().lengths == ()
    np.testing.assert_array_equal(image.read(()), np.asarray(colour_plane(channels[0])))


def test_channels_of_a_colour_picture_are_its_colours(tmp_path):
    colours = np.random.default_rng(1).integers(0, 255, (30, 40, 3)).astype(np.uint8)
    iio.imwrite(tmp_path / "a.png", colours)
    np.testing.assert_array_equal(Input(tmp_path / "a.png", channels=(2,)).read(()), colours[..., 2])


def test_planes_without_names_are_channels_where_there_is_nothing_else(tmp_path, channels):
    tifffile.imwrite(tmp_path / "a.tif", channels[0], photometric="minisblack")
    np.testing.assert_array_equal(Input(tmp_path / "a.tif", channels=(1,)).read(()), channels[0, 1])


def test_a_plane_of_a_file_with_some_of_its_channels(tmp_path, channels):
    tifffile.imwrite(tmp_path / "a.ome.tif", channels, metadata={"axes": "ZCYX"})
    np.testing.assert_array_equal(
        open_plane(tmp_path / "a.ome.tif", (1,), (0, 1))[:, :], np.asarray(colour_plane(channels[1, :2]))
    )
    with pytest.raises(ImageError, match=r"a stack of 2 planes \(2 along z\)"):
        open_plane(tmp_path / "a.ome.tif", None, (0, 1))


def test_channels_that_are_not_there_are_named(tmp_path, channels):
    tifffile.imwrite(tmp_path / "a.ome.tif", channels, metadata={"axes": "ZCYX"})
    with pytest.raises(ParameterError, match="no channel 3; the image has channels 0 to 2"):
        Input(tmp_path / "a.ome.tif", channels=(0, 3)).describe()
    tifffile.imwrite(tmp_path / "b.ome.tif", channels, metadata={"axes": "TZYX"})
    with pytest.raises(ParameterError, match=r"no axis of channels \(2 along t, 3 along z\); leave the channels out"):
        Input(tmp_path / "b.ome.tif", channels=(0,)).describe()
