"""Any plane becomes the picture that a person would expect to see."""

from __future__ import annotations

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra.numpy import array_shapes, arrays

from napari_fastsam.core.image.intensity import check_plane, to_rgb8, window_of
from napari_fastsam.errors import ImageError

RAMP = np.linspace(0, 1, 256).reshape(16, 16)

REAL_TYPES = [
    "bool", "uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64",
    "float16", "float32", "float64", ">u2", ">f4",
]  # fmt: skip


@pytest.mark.parametrize("dtype", REAL_TYPES)
def test_the_whole_range_is_used_and_kept_in_order(dtype: str) -> None:
    plane = (
        (RAMP > 0.5)
        if dtype == "bool"
        else (RAMP * (1 if dtype.endswith(("f4", "16", "32", "64")) and "f" in dtype else 127)).astype(dtype)
    )
    shown = to_rgb8(plane, None if dtype == "bool" else (float(plane.min()), float(plane.max())))
    assert shown.shape == (16, 16, 3)
    assert shown.dtype == np.uint8
    assert shown.min() == 0
    assert shown.max() == 255
    assert (shown[..., 0] == shown[..., 1]).all()
    assert (shown[..., 0] == shown[..., 2]).all()
    assert (np.diff(shown[..., 0].ravel().astype(int)) >= 0).all()
    expected = np.rint(255 * (plane.astype(float) - plane.min()) / (float(plane.max()) - float(plane.min())))
    assert np.abs(shown[..., 0] - expected).max() <= 1


def test_uint8_is_shown_as_it_is_and_in_memory_of_its_own() -> None:
    grey = np.arange(200, dtype=np.uint8).reshape(10, 20)
    assert (to_rgb8(grey)[..., 1] == grey).all()
    colour = np.stack([grey, grey + 20, grey + 40], axis=2)
    shown = to_rgb8(colour)
    assert (shown == colour).all()
    assert not np.shares_memory(shown, colour)
    assert shown.flags.c_contiguous
    colour.setflags(write=False)
    assert to_rgb8(colour).flags.writeable


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_alpha_is_left_out(dtype: str) -> None:
    colour = np.random.default_rng(0).integers(0, 200, (8, 9, 4)).astype(dtype)
    if dtype == "float32":
        colour /= 200
    other = colour.copy()
    other[..., 3] = 0
    assert (to_rgb8(colour) == to_rgb8(other)).all()
    assert (to_rgb8(colour) == to_rgb8(colour[..., :3])).all()


def test_colours_from_0_to_1_keep_that_range() -> None:
    colour = np.full((4, 4, 3), 0.5, np.float32)
    colour[0, 0] = (0.2, 0.4, 0.6)
    assert to_rgb8(colour)[0, 0].tolist() == [51, 102, 153]


def test_colours_of_16_bits_are_stretched_together() -> None:
    colour = np.zeros((50, 50, 3), np.uint16)
    colour[..., 0], colour[..., 1] = 4000, 2000
    assert to_rgb8(colour)[0, 0].tolist() == [255, 128, 0]


def test_hot_and_dead_pixels_do_not_decide_the_window() -> None:
    plane = np.random.default_rng(0).integers(1000, 2000, (200, 200)).astype(np.uint16)
    plane[0, :5], plane[1, :5] = 65535, 0
    low, high = window_of(plane)
    assert 1000 <= low < 1010
    assert 1990 < high <= 2000


def noisy_plane() -> np.ndarray:
    return np.random.default_rng(0).normal(1000, 200, (200, 200)).clip(0, 5000)


def with_a_scale_bar(plane: np.ndarray) -> np.ndarray:
    plane[190:193, 120:180] = 65535
    return plane


def with_saturated_rows(plane: np.ndarray) -> np.ndarray:
    plane[50:53] = 65535
    return plane


def with_rows_that_stand_for_nothing(plane: np.ndarray) -> np.ndarray:
    plane[:5] = -32768
    return plane


def with_a_bar_and_a_frame(plane: np.ndarray) -> np.ndarray:
    plane[:, -2:] = -9999
    return with_a_scale_bar(plane)


@pytest.mark.parametrize("dtype", [np.int32, np.float32, np.float64])
@pytest.mark.parametrize(
    "spoil", [with_a_scale_bar, with_saturated_rows, with_rows_that_stand_for_nothing, with_a_bar_and_a_frame]
)
def test_what_was_not_measured_does_not_decide_the_window(spoil, dtype) -> None:
    plane = noisy_plane()
    low, high = window_of(plane.astype(dtype))
    found = window_of(spoil(noisy_plane()).astype(dtype), "percentiles")
    assert found == pytest.approx((low, high), abs=0.05 * (high - low))


@pytest.mark.parametrize("rule", ["type", "percentiles"])
@pytest.mark.parametrize("share", [0.002, 0.01, 0.04])
def test_bright_objects_are_no_outliers_though_they_saturate(share: float, rule) -> None:
    """Blurred spots whose middles are all the same brightest value, on a faint background."""
    plane = np.random.default_rng(0).normal(300, 10, (256, 256))
    rows, columns = np.mgrid[:256, :256]
    for middle in range(20, 250, 40):
        plane += 100_000 * np.exp(-((rows - middle) ** 2 + (columns - middle) ** 2) / (2 * 1500 * share))
    low, high = window_of(plane.clip(0, 65535).astype(np.uint16), rule)
    assert low < 310
    assert high > 20_000


def test_a_mask_of_few_pixels_is_no_outlier() -> None:
    plane = np.zeros((100, 100), np.uint16)
    plane[40:50, 40:50] = 255
    assert window_of(plane) == (0, 255)


def test_a_few_bright_pixels_on_nothing_are_seen() -> None:
    plane = np.zeros((2100, 2100), np.float32)
    plane[1001, 1001:1004] = 7.0  # fewer than a percentile, and between the pixels of a sample
    shown = to_rgb8(plane)
    assert shown[1001, 1001:1004].min() == 255
    assert shown[0, 0].max() == 0


CONSTANTS = [(v, t) for t in ("uint8", "uint16", "float32", "float64") for v in (0, 7, 255)]


@pytest.mark.parametrize(("value", "dtype"), [*CONSTANTS, (-3.5, "float32"), (1e30, "float32"), (1e300, "float64")])
def test_a_constant_image_is_even(value: float, dtype: str) -> None:
    shown = to_rgb8(np.full((5, 6), value, dtype))
    assert len(np.unique(shown)) == 1
    assert shown.max() == (value if dtype == "uint8" else 0)


def test_nan_is_black_and_infinities_are_the_ends() -> None:
    plane = np.linspace(10, 20, 100, dtype=np.float32).reshape(10, 10)
    plane[0, 0], plane[0, 1], plane[0, 2] = np.nan, np.inf, -np.inf
    shown = to_rgb8(plane)[..., 0]
    assert shown[0, :3].tolist() == [0, 255, 0]
    assert shown[9, 9] == 255
    assert 100 < shown[5, 0] < 150


@pytest.mark.parametrize("fill", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("shape", [(4, 5), (4, 5, 3)])
def test_an_image_without_a_finite_value_is_refused(fill: float, shape: tuple[int, ...]) -> None:
    with pytest.raises(ImageError, match="no finite value"):
        to_rgb8(np.full(shape, fill))


def test_one_finite_value_among_nan_is_found() -> None:
    plane = np.full((3000, 3000), np.nan, np.float32)
    plane[1001, 1003] = 4.0
    assert window_of(plane) == (4.0, 4.0)
    assert not to_rgb8(plane).any()


@pytest.mark.parametrize(
    ("image", "words"),
    [
        (np.zeros(5), r"shape \(5,\); expected one plane"),
        (np.zeros((3, 4, 5)), r"shape \(3, 4, 5\); expected one plane"),
        (np.zeros((2, 3, 4, 3)), "index a stack first"),
        (3.0, "expected one plane"),
        (np.zeros((0, 5)), "no pixels"),
        (np.zeros((5, 0, 3)), "no pixels"),
        (np.zeros((5, 5), complex), "dtype complex128; expected real numbers"),
        (np.array([["a", "b"]]), "expected real numbers"),
        (np.array([[None, 1]]), "dtype object"),
    ],
    ids=str,
)
def test_what_is_no_plane_is_refused(image: object, words: str) -> None:
    with pytest.raises(ImageError, match=words):
        check_plane(image)  # type: ignore[arg-type]
    with pytest.raises(ImageError, match=words):
        to_rgb8(image)  # type: ignore[arg-type]


@pytest.mark.parametrize("limits", [(5, 1), (np.nan, 1), (0, np.inf), (1,), (1, 2, 3), "ab", ("a", "b"), 7], ids=str)
def test_limits_that_mean_nothing_are_named(limits: object) -> None:
    with pytest.raises(ImageError, match="contrast_limits is"):
        to_rgb8(RAMP, limits)  # type: ignore[arg-type]


@pytest.mark.parametrize("dtype", ["uint8", "int16", "uint16", "int32", "float32", "float64"])
def test_values_beyond_the_limits_are_cut(dtype: str) -> None:
    plane = np.array([[0, 50, 100, 120]], dtype)
    assert to_rgb8(plane, (50, 100))[0, :, 0].tolist() == [0, 0, 255, 255]
    assert to_rgb8(plane, (100, 100)).max() == 0
    assert to_rgb8(plane, (0, 240))[0, :, 0].tolist() == [0, 53, 106, 128]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_largest_numbers_there_are(dtype: str) -> None:
    top = np.finfo(dtype).max
    plane = np.array([[-top, 0, top / 2, top]], dtype)
    assert to_rgb8(plane, (-float(top), float(top)))[0, :, 0].tolist() == [0, 128, 191, 255]
    assert to_rgb8(plane)[0, [0, 3], 0].tolist() == [0, 255]


@pytest.mark.parametrize("shape", [(1, 1), (1, 1, 3), (20, 20_000), (1, 50_000)])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_odd_shapes(shape: tuple[int, ...], dtype: str) -> None:
    plane = np.random.default_rng(1).integers(0, 255, shape).astype(dtype)
    assert to_rgb8(plane).shape == (*shape[:2], 3)


@given(
    arrays(
        st.sampled_from([np.uint8, np.uint16, np.int16, np.int64, np.float16, np.float32, np.float64]),
        array_shapes(min_dims=2, max_dims=2, max_side=6),
    ),
    st.none() | st.tuples(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6)).map(sorted).map(tuple),
)
def test_any_numbers_make_a_picture_in_the_same_order(plane: np.ndarray, limits: tuple[float, float] | None) -> None:
    if plane.dtype.kind == "f" and not np.isfinite(plane).any():
        return
    before = plane.copy()
    shown = to_rgb8(plane, limits)
    np.testing.assert_array_equal(plane, before)
    assert shown.shape == (*plane.shape, 3)
    known = ~np.isnan(plane) if plane.dtype.kind == "f" else np.ones(plane.shape, bool)
    order = np.argsort(plane[known], kind="stable")
    assert (np.diff(shown[..., 0][known][order].astype(int)) >= 0).all()
