"""Which pixels of a ground truth lie on those of a segmentation."""

from __future__ import annotations

import dask.array as da
import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Labels

from napari_fastsam.errors import LabelsError
from napari_fastsam.layers.planes.alignment import align

pytestmark = pytest.mark.filterwarnings("ignore:Non-orthogonal slicing is being requested")

# Blocks of four by four: made coarser by 2 or 4, and back, they stay what they are.
BLOCKS = np.kron(np.arange(12, dtype=np.int32).reshape(3, 4), np.ones((4, 4), np.int32))
STACK = np.stack([BLOCKS + 20 * z * (BLOCKS > 0) for z in range(5)])


def both(predicted, truth):
    """A viewer with two layers; keywords as of the constructor."""
    viewer = ViewerModel()
    return viewer, viewer.add_layer(Labels(**predicted)), viewer.add_layer(Labels(**truth))


def read_all(viewer, predicted, truth, scope="plane"):
    alignment = align(viewer, predicted, truth, scope)
    data = [layer.data[0] if layer.multiscale else layer.data for layer in (predicted, truth)]
    return alignment, [alignment.read(*data, part) for part in alignment.parts()]


def test_the_same_pixels_are_taken_as_they_are() -> None:
    viewer, predicted, truth = both({"data": BLOCKS}, {"data": BLOCKS + 1})
    alignment, ((first, second),) = read_all(viewer, predicted, truth)
    assert not alignment.resampled
    assert np.shares_memory(first, predicted.data)
    assert np.shares_memory(second, truth.data)


PLACED = {"scale": (0.5, 0.25), "translate": (30.0, -7.0), "rotate": 30.0, "shear": [0.2]}


@pytest.mark.parametrize("placed", [PLACED, {"scale": (-2, 3)}, {"affine": [[0, 2, 1], [-2, 0, 5], [0, 0, 1]]}])
def test_layers_that_are_moved_alike_are_direct(placed) -> None:
    viewer, predicted, truth = both({"data": BLOCKS, **placed}, {"data": BLOCKS, **placed})
    alignment, ((_, second),) = read_all(viewer, predicted, truth)
    assert not alignment.resampled
    np.testing.assert_array_equal(second, BLOCKS)


@pytest.mark.parametrize("translate", [1.5, 0.0], ids=["edges on edges", "first pixel on first pixel"])
@pytest.mark.parametrize("coarse_is", ["truth", "predicted"])
def test_pixels_of_another_size_are_resampled(coarse_is, translate) -> None:
    coarse = {"data": BLOCKS[::4, ::4], "scale": (4, 4), "translate": (translate, translate)}
    layers = (coarse, {"data": BLOCKS}) if coarse_is == "predicted" else ({"data": BLOCKS}, coarse)
    alignment, ((first, second),) = read_all(*both(*layers))
    assert alignment.resampled
    assert first.shape == layers[0]["data"].shape
    np.testing.assert_array_equal(first, second)


def test_a_mirrored_truth_is_turned_back() -> None:
    mirrored = {"data": BLOCKS[::-1], "scale": (-1, 1), "translate": (BLOCKS.shape[0] - 1, 0)}
    _, ((first, second),) = read_all(*both({"data": BLOCKS}, mirrored))
    np.testing.assert_array_equal(first, second)


def test_units_count() -> None:
    micrometres = {"data": BLOCKS, "scale": (0.2, 0.2), "units": ("um", "um")}
    nanometres = {"data": BLOCKS, "scale": (200, 200), "units": ("nm", "nm")}
    alignment, ((_, second),) = read_all(*both(micrometres, nanometres))
    assert not alignment.resampled
    np.testing.assert_array_equal(second, BLOCKS)
    with pytest.raises(LabelsError, match="same field"):
        align(*both(micrometres, {**nanometres, "units": ("um", "um")}), "plane")


@pytest.mark.parametrize("step", [0, 3])
def test_the_plane_shown_of_two_stacks(step) -> None:
    viewer, predicted, truth = both({"data": STACK}, {"data": STACK + 1})
    viewer.dims.set_current_step(0, step)
    alignment, ((first, second),) = read_all(viewer, predicted, truth)
    assert alignment.start == (step, 0, 0)
    assert alignment.shape == (1, *BLOCKS.shape)
    np.testing.assert_array_equal(first, STACK[step])
    np.testing.assert_array_equal(second, STACK[step] + 1)


def test_along_other_axes() -> None:
    viewer, predicted, truth = both({"data": STACK}, {"data": STACK})
    viewer.dims.order = (2, 0, 1)
    viewer.dims.set_current_step(2, 9)
    _, ((first, second),) = read_all(viewer, predicted, truth)
    np.testing.assert_array_equal(first, STACK[:, :, 9])
    np.testing.assert_array_equal(second, first)


@pytest.mark.parametrize("flat", ["predicted", "truth"])
def test_a_plane_against_the_plane_shown_of_a_stack(flat) -> None:
    layers = [{"data": STACK[2]}, {"data": STACK}]
    viewer, predicted, truth = both(*(layers if flat == "predicted" else layers[::-1]))
    viewer.dims.set_current_step(0, 2)
    _, ((first, second),) = read_all(viewer, predicted, truth)
    np.testing.assert_array_equal(first, second)
    viewer.dims.set_current_step(0, 4)
    _, ((first, second),) = read_all(viewer, predicted, truth)
    assert not np.array_equal(first, second)


def test_stacks_of_other_depth_share_planes_by_their_place() -> None:
    viewer, predicted, truth = both({"data": STACK}, {"data": STACK[2:], "translate": (2, 0, 0)})
    viewer.dims.set_current_step(0, 3)
    _, ((first, second),) = read_all(viewer, predicted, truth)
    np.testing.assert_array_equal(first, second)
    viewer.dims.set_current_step(0, 1)
    with pytest.raises(LabelsError, match="axis 0 it would be -1, and there are 0 to 2"):
        align(viewer, predicted, truth, "plane")
    with pytest.raises(LabelsError, match=r"axis 0, 5 pixels .* on the 3 of the other"):
        align(viewer, predicted, truth, "planes")


def test_all_planes_and_whole_objects() -> None:
    viewer, predicted, truth = both({"data": STACK}, {"data": STACK})
    alignment, planes = read_all(viewer, predicted, truth, "planes")
    assert len(planes) == len(STACK)
    assert [part[0] for part in alignment.parts()] == list(range(5))
    for (first, second), plane in zip(planes, STACK, strict=True):
        np.testing.assert_array_equal(first, plane)
        np.testing.assert_array_equal(second, plane)
    viewer.dims.ndisplay = 3
    _, ((first, second),) = read_all(viewer, predicted, truth, "volume")
    np.testing.assert_array_equal(first, STACK)
    np.testing.assert_array_equal(second, STACK)
    with pytest.raises(LabelsError, match="2D display"):
        align(viewer, predicted, truth, "plane")


@pytest.mark.parametrize("scope", ["planes", "volume"])
def test_a_coarser_stack_is_resampled_plane_by_plane_or_whole(scope) -> None:
    coarse = {"data": STACK[:, ::4, ::4], "scale": (1, 4, 4), "translate": (0, 1.5, 1.5)}
    alignment, parts = read_all(*both({"data": STACK}, coarse), scope)
    assert alignment.resampled
    for first, second in parts:
        np.testing.assert_array_equal(first, second)


def test_dask_and_pyramids_are_read_at_full_resolution() -> None:
    pyramid = {"data": [BLOCKS, BLOCKS[::2, ::2]], "multiscale": True}
    _, ((first, second),) = read_all(*both(pyramid, {"data": da.from_array(BLOCKS, chunks=5)}))
    assert type(second) is np.ndarray
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize(
    ("truth", "said"),
    [
        ({"data": BLOCKS[:8]}, r"same field: along axis 0, 12 pixels .* 0 to 12 on the 8 of the other"),
        ({"data": BLOCKS[:, 4:], "translate": (0, 4)}, r"same field: along axis 1, 16 pixels .* -4 to 12 on the 12"),
        ({"data": BLOCKS, "translate": (0, 3)}, r"the size of “predicted” but lies 3 pixels off along axis 1"),
        ({"data": BLOCKS, "scale": (1, 2)}, "along axis 1"),
        ({"data": BLOCKS, "rotate": 20}, "rotated or sheared .* same rotate, shear and affine"),
        ({"data": BLOCKS.T}, "along axis 0"),
    ],
)
def test_what_differs_is_said(truth, said) -> None:
    viewer, predicted, other = both({"data": BLOCKS, "name": "predicted"}, {"name": "truth", **truth})
    with pytest.raises(LabelsError, match=said) as caught:
        align(viewer, predicted, other, "plane")
    assert "“truth”" in str(caught.value)


@pytest.mark.parametrize("scope", ["planes", "volume"])
def test_layers_of_unlike_dimensions_have_one_plane_in_common(scope) -> None:
    viewer, predicted, truth = both({"data": STACK}, {"data": BLOCKS})
    with pytest.raises(LabelsError, match=r"has 3 axes, .* 2\. Compare “plane shown”"):
        align(viewer, predicted, truth, scope)
    viewer.dims.order = (1, 0, 2)
    with pytest.raises(LabelsError, match="no axis 0"):
        align(viewer, predicted, truth, "plane")


def test_no_plane_where_the_slider_stands() -> None:
    viewer, predicted, truth = both({"data": STACK[:3]}, {"data": STACK})
    viewer.dims.set_current_step(0, 4)
    with pytest.raises(LabelsError, match="no plane where the sliders stand"):
        align(viewer, predicted, truth, "plane")
