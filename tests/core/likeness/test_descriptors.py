"""What an object looks like depends on the object: not on others, not on where it lies, and never on chance."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from napari_fastsam.core.likeness.descriptors import FORM, describe_instances, descriptor_kind
from napari_fastsam.core.objects.instances import Instances

SIDE = 12

masks = arrays(bool, st.tuples(st.integers(1, 6), st.just(SIDE), st.just(SIDE))).filter(
    lambda m: m.any(axis=(1, 2)).all()
)
pictures = arrays(np.uint8, (SIDE, SIDE, 3))

TINY = ([[1, 1, 1]], [[1], [1], [1]], [[1, 1], [1, 0]], [[1, 0, 0], [0, 1, 0], [0, 0, 1]])
"""Objects of three pixels."""


def seen(masks: NDArray[np.bool_], picture: NDArray[np.uint8]) -> Instances:
    return Instances.from_masks(masks, image=picture)


def form(pixels: NDArray[np.bool_], place: tuple[int, int] = (3, 3), side: int = 64) -> NDArray[np.float32]:
    """Size and shape of one object, alone on a plane."""
    mask = np.zeros((1, side, side), bool)
    mask[0, place[0] : place[0] + pixels.shape[0], place[1] : place[1] + pixels.shape[1]] = pixels
    return describe_instances(seen(mask, np.zeros((side, side, 3), np.uint8)), [0])[0, :4]


@given(masks, pictures)
def test_descriptions_are_finite(masks, picture):
    instances = seen(masks, picture)
    vectors = describe_instances(instances, range(len(instances)))
    assert vectors.shape == (len(masks), FORM)
    assert vectors.dtype == np.float32
    assert np.isfinite(vectors).all()


@given(masks, pictures, st.randoms(use_true_random=False))
def test_neither_order_nor_neighbours_matter(masks, picture, chance):
    instances = seen(masks, picture)
    vectors = describe_instances(instances, range(len(instances)))
    order = chance.sample(range(len(instances)), len(instances))
    np.testing.assert_array_equal(describe_instances(instances, order), vectors[order])
    np.testing.assert_array_equal(describe_instances(seen(masks[order], picture), range(len(order))), vectors[order])
    np.testing.assert_array_equal(describe_instances(seen(masks[:1], picture), [0]), vectors[:1])


@given(arrays(bool, (5, 4)).filter(lambda m: m.any()), st.integers(0, 20), st.integers(0, 20))
def test_size_and_shape_are_the_same_elsewhere_and_turned(pixels, down, across):
    here = form(pixels)
    np.testing.assert_allclose(form(pixels, (down, across)), here, atol=1e-5)
    np.testing.assert_allclose(form(pixels.T), here, atol=1e-5)
    np.testing.assert_allclose(form(pixels[::-1]), here, atol=1e-5)


@pytest.mark.parametrize("pixels", TINY, ids=["row", "column", "corner", "diagonal"])
@given(times=st.integers(2, 10))
def test_three_pixels_enlarged_are_larger_and_of_the_same_shape(pixels, times):
    small = np.array(pixels, bool)
    before, after = form(small), form(np.kron(small, np.ones((times, times), bool)))
    assert np.isfinite(before).all()
    assert after[0] - before[0] == pytest.approx(np.log(times), abs=1e-5)
    np.testing.assert_allclose(after[1:], before[1:], atol=1e-5)


def test_three_pixels_in_a_row_are_longer_than_in_a_corner():
    row, _, corner, _ = (form(np.array(pixels, bool)) for pixels in TINY)
    assert row[1] > corner[1]
    assert row[1] == pytest.approx(np.log(3), abs=1e-5)  # a rectangle of 3 x 1 pixels


def test_no_object_has_an_empty_table():
    none = seen(np.zeros((0, 8, 8), bool), np.zeros((8, 8, 3), np.uint8))
    assert describe_instances(none, []).shape == (0, 0)
    assert descriptor_kind(none) == "pooled-1:none"


@pytest.mark.parametrize("step", [1, 2, 3, 7])
def test_an_object_on_a_plane_of_which_every_so_many_pixels_were_read_has_its_own_colours(step):
    picture = np.zeros((50, 61, 3), np.uint8)
    picture[:, :30], picture[:, 30:] = (200, 40, 0), (0, 40, 200)
    masks = np.zeros((4, 50, 61), bool)
    masks[0, :, :30] = masks[1, :, 30:] = masks[2] = masks[3, 20, 44] = True  # the last lies between what was read
    whole = seen(masks, picture)
    coarse = replace(whole, image_features=replace(whole.image_features, rgb=picture[::step, ::step].copy()))
    means = describe_instances(coarse, range(4))[:, 4:7] * 255

    np.testing.assert_allclose(means[[0, 1, 3]], [(200, 40, 0), (0, 40, 200), (0, 40, 200)], atol=0.01)
    np.testing.assert_allclose(means[2], describe_instances(whole, [2])[0, 4:7] * 255, atol=12)
