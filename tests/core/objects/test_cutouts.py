"""What an encoder is shown of an object: the right pixels, at the border of the plane too."""

from __future__ import annotations

import numpy as np
import pytest

from napari_fastsam.core.objects.cutouts import Cutting, cutout
from napari_fastsam.core.objects.masks import CroppedMask
from napari_fastsam.errors import ParameterError

OBJECT, AROUND = (200, 10, 20), (40, 90, 160)
COLOURS = {"black": (0, 0, 0), "white": (255, 255, 255), "grey": (123, 117, 104)}


def plane(crop: CroppedMask, shape: tuple[int, int] = (60, 80)) -> np.ndarray:
    """An object of one colour on another."""
    rgb = np.empty((*shape, 3), np.uint8)
    rgb[:] = AROUND
    rgb[crop.window][crop.pixels] = OBJECT
    return rgb


@pytest.fixture
def ell() -> CroppedMask:
    """An L of 12 by 6 pixels, in a window that is larger than it."""
    pixels = np.zeros((20, 20), bool)
    pixels[3:15, 4:6] = True
    pixels[13:15, 4:10] = True
    return CroppedMask(10, 20, pixels)


@pytest.mark.parametrize("background", ["black", "white", "grey"])
def test_a_background_of_one_colour_is_all_that_is_left_around_the_object(ell: CroppedMask, background: str) -> None:
    picture = cutout(plane(ell), ell, Cutting(background, square=False))
    assert picture.shape == (12, 6, 3)
    mask = ell.pixels[3:15, 4:10]
    assert (picture[mask] == OBJECT).all()
    assert (picture[~mask] == COLOURS[background]).all()


def test_kept_surroundings_are_those_of_the_plane(ell: CroppedMask) -> None:
    rgb = plane(ell)
    picture = cutout(rgb, ell, Cutting("keep", square=False))
    assert np.array_equal(picture, rgb[13:25, 24:30])


def test_a_blur_leaves_the_object_sharp_and_nothing_sharp_around_it(ell: CroppedMask) -> None:
    rgb = plane(ell)
    rgb[20:22] = 255  # a line that crosses the surroundings
    rgb[ell.window][ell.pixels] = OBJECT
    cutting = Cutting("blur", 0.5, square=False)
    picture, kept = cutout(rgb, ell, cutting), cutout(rgb, ell, Cutting("keep", 0.5, square=False))
    own = (kept == OBJECT).all(axis=2)
    assert np.array_equal(picture[own], kept[own])

    def steps(some: np.ndarray) -> int:
        return int(np.abs(np.diff(some[:, -1].astype(int), axis=0)).max())

    assert steps(kept) > 200
    assert steps(picture) < 100


@pytest.mark.parametrize(
    ("context", "square", "shape"),
    [(0, False, (12, 6)), (0, True, (12, 12)), (0.25, False, (18, 12)), (0.25, True, (18, 18)), (1, True, (36, 36))],
)
def test_context_is_a_share_of_the_longer_side(
    ell: CroppedMask, context: float, square: bool, shape: tuple[int, int]
) -> None:
    assert cutout(plane(ell), ell, Cutting("keep", context, square)).shape == (*shape, 3)


@pytest.mark.parametrize("square", [True, False])
@pytest.mark.parametrize("corner", [(0, 0), (0, 75), (55, 0), (55, 75)])
def test_at_the_border_the_object_is_whole_and_the_edge_goes_on(corner: tuple[int, int], square: bool) -> None:
    crop = CroppedMask(*corner, np.ones((5, 5), bool))
    rgb = plane(crop)
    picture = cutout(rgb, crop, Cutting("keep", 0.4, square))
    own = (picture == OBJECT).all(axis=2)
    if square:
        assert picture.shape == (9, 9, 3)
        # the object's own pixels, and its edge beyond the plane
        assert own.sum() == 49
    else:
        assert picture.shape == (7, 7, 3)
        assert own.sum() == 25
    on_black = cutout(rgb, crop, Cutting("black", 0.4, square))
    assert (on_black == OBJECT).all(axis=2).sum() == 25
    assert on_black.sum() == 25 * sum(OBJECT)


@pytest.mark.parametrize("background", ["keep", "black", "white", "grey", "blur"])
@pytest.mark.parametrize("square", [True, False])
def test_three_pixels_are_an_object(background: str, square: bool) -> None:
    crop = CroppedMask(30, 40, np.array([[True, True], [True, False]]))
    picture = cutout(plane(crop), crop, Cutting(background, square=square))
    assert picture.shape == (2, 2, 3)
    assert picture.dtype == np.uint8
    assert (picture[crop.pixels] == OBJECT).all()


@pytest.mark.parametrize(
    "crop", [CroppedMask(30, 40, np.zeros((4, 6), bool)), CroppedMask(60, 80, np.zeros((0, 0), bool))]
)
def test_an_empty_mask_shows_one_pixel_of_the_plane(crop: CroppedMask) -> None:
    rgb = np.full((60, 80, 3), AROUND, np.uint8)
    assert cutout(rgb, crop, Cutting("keep")).tolist() == [[list(AROUND)]]


def test_a_grey_plane_stays_grey(ell: CroppedMask) -> None:
    grey = np.repeat(np.arange(60 * 80, dtype=np.uint32).reshape(60, 80, 1) % 251, 3, axis=2).astype(np.uint8)
    for background in ("keep", "black", "white", "blur"):
        picture = cutout(grey, ell, Cutting(background, 0.3))
        assert (picture == picture[..., :1]).all()


def test_the_plane_is_left_alone(ell: CroppedMask) -> None:
    rgb = plane(ell)
    before = rgb.copy()
    cutout(rgb, ell, Cutting("keep"))[:] = 0
    assert np.array_equal(rgb, before)


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"background": "pink"}, "'pink'; expected one of keep, black"),
        ({"context": -0.1}, "-0.1; expected"),
        ({"context": 5}, "5; expected"),
        ({"context": float("nan")}, "nan; expected"),
    ],
)
def test_a_wrong_cutting_names_the_value(values: dict, says: str) -> None:
    with pytest.raises(ParameterError, match=says):
        Cutting(**values)
