"""Channels seen together as colours."""

import numpy as np
import pytest

from napari_fastsam.core.image.channels import channels_of, colour_plane
from napari_fastsam.core.image.intensity import to_rgb8, window_of
from napari_fastsam.errors import ImageError, ParameterError


@pytest.fixture
def channels() -> np.ndarray:
    values = np.random.default_rng(0).integers(100, 4000, (4, 40, 50)).astype(np.uint16)
    values[1] //= 50
    return values


def test_of_three_channels_each_is_a_colour_in_its_own_window(channels):
    colours = np.asarray(colour_plane(channels[:3]))
    assert colours.shape == (40, 50, 3)
    assert colours.dtype == np.uint8
    for k in range(3):
        alone = to_rgb8(channels[k], window_of(channels[k], "percentiles"))[..., 0]
        assert np.array_equal(colours[..., k], alone)
        assert colours[..., k].max() == 255


def test_of_two_channels_the_first_is_magenta_and_the_second_green(channels):
    colours = np.asarray(colour_plane(channels[:2]))
    assert np.array_equal(colours[..., 0], colours[..., 2])
    assert np.array_equal(colours[..., 1], to_rgb8(channels[1], window_of(channels[1], "percentiles"))[..., 0])


@pytest.mark.parametrize("count", [2, 3])
def test_channels_that_show_the_same_give_a_grey_picture(channels, count):
    colours = np.asarray(colour_plane([channels[0]] * count))
    assert (colours == colours[..., :1]).all()


def test_limits_can_be_given_for_some(channels):
    colours = np.asarray(colour_plane(channels[:3], limits=[(0, 65535), None, None]))
    assert colours[..., 0].max() < 20
    assert colours[..., 1].max() == 255


def test_a_rectangle_is_that_part_of_the_whole(channels):
    plane = colour_plane(channels[:2])
    assert np.array_equal(plane[3:20, 5:9], np.asarray(plane)[3:20, 5:9])


def test_the_window_of_a_large_channel_comes_from_a_sample_of_it():
    reads = []

    class Large:
        shape = (50_000, 40_000)

        def __getitem__(self, window):
            rows, columns = window
            reads.append((rows.stop - rows.start) * (columns.stop - columns.start))
            y, x = np.mgrid[rows, columns]
            return ((y + x) % 1000).astype(np.uint16)

    plane = colour_plane([Large(), Large()])
    assert sum(reads) < 2 * 5_000_000
    assert plane.limits[0] == pytest.approx((0, 999), abs=30)
    assert plane[0:4, 0:5].shape == (4, 5, 3)


@pytest.mark.parametrize("axis", [0, 1, 2, -1])
def test_channels_lie_along_any_axis(channels, axis):
    found = channels_of(np.moveaxis(channels, 0, axis), (3, 0), axis)
    assert np.array_equal(found[0], channels[3])
    assert np.array_equal(found[1], channels[0])


@pytest.mark.parametrize(
    ("chosen", "said"),
    [
        ((4,), r"no channel 4; the image has channels 0 to 3"),
        ((-1,), r"no channel -1"),
        ((0, 0), r"channels is 0, 0; expected each once"),
        ((0, 1, 2, 3), r"4 channels are named; expected 1 to 3"),
        ((), r"0 channels are named"),
    ],
)
def test_channels_that_cannot_be_seen_are_named(channels, chosen, said):
    with pytest.raises(ParameterError, match=said):
        channels_of(channels, chosen)


def test_an_axis_that_is_not_there_is_named(channels):
    with pytest.raises(ParameterError, match="axis is 3; expected 0, 1 or 2"):
        channels_of(channels, (0,), 3)


def test_an_image_without_an_axis_of_channels_is_refused(channels):
    with pytest.raises(ImageError, match=r"shape \(40, 50\); expected rows, columns and one axis"):
        channels_of(channels[0], (0,))


def test_channels_of_different_shapes_are_refused(channels):
    with pytest.raises(ImageError, match=r"shapes \(40, 50\), \(39, 50\)"):
        colour_plane([channels[0], channels[1, 1:]])


def test_as_many_limits_as_channels_are_expected(channels):
    with pytest.raises(ParameterError, match="1 contrast limits for 2 channels"):
        colour_plane(channels[:2], limits=[None])


def test_one_channel_is_not_coloured(channels):
    with pytest.raises(ParameterError, match="1 channels are to be seen together; expected 2 or 3"):
        colour_plane(channels[:1])
