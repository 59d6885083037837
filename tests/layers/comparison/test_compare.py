"""Two Labels layers compared, the layer that shows it, and the view that goes to an object."""

from __future__ import annotations

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Labels

from napari_fastsam.core.judging.comparison import Kind
from napari_fastsam.core.judging.metrics import match
from napari_fastsam.layers.comparison.compare import COLOURS, Compared, comparing, make_result, update_result
from napari_fastsam.layers.napari_versions import camera, canvas_size
from napari_fastsam.layers.planes.alignment import align
from napari_fastsam.layers.planes.look import COMFORTABLE, MARGIN, go_to
from napari_fastsam.layers.planes.transforms import layer_affine

PLACED = {"scale": (2.0, 0.5, 0.5), "translate": (10, 20, 30), "units": ("um", "um", "um")}


@pytest.fixture
def stacks() -> tuple[np.ndarray, np.ndarray]:
    """A rod through all planes that is a hit on the first three, lost on the others; and a false object on the last."""
    truth, found = np.zeros((5, 20, 24), np.int32), np.zeros((5, 20, 24), np.int32)
    truth[:, 4:10, 4:10] = 7
    found[:3, 4:10, 4:10] = 3
    found[4, 15:18, 18:22] = 8
    return found, truth


def compared(viewer, predicted, truth, scope) -> Compared:
    alignment = align(viewer, predicted, truth, scope)
    return Compared(alignment, tuple(comparing(alignment, predicted.data, truth.data)))


def opened(stacks, **placed):
    viewer = ViewerModel()
    return viewer, viewer.add_labels(stacks[0], **placed), viewer.add_labels(stacks[1], **placed)


def test_planes_count_their_objects_by_themselves_and_a_volume_once(stacks) -> None:
    layers = opened(stacks)
    planes = compared(*layers, "planes").matching(0.5)
    assert (planes.true_positives, planes.false_negatives, planes.false_positives) == (3, 2, 1)
    assert planes == sum(
        (match(p, t, (0.5,))[0] for p, t in zip(*stacks, strict=True)), start=match(*(s[:0] for s in stacks), (0.5,))[0]
    )
    volume = compared(*layers, "volume").matching(0.5)
    assert (volume.true_positives, volume.false_negatives, volume.false_positives) == (1, 0, 1)
    assert volume.mean_matched_iou == pytest.approx(3 / 5)


def test_rows_lie_where_their_objects_do(stacks) -> None:
    viewer, predicted, truth = opened(stacks)
    found = compared(viewer, predicted, truth, "planes").found(0.5)
    assert found.kind.tolist() == [1, 1, 1, 2, 2, 3]
    assert found.centroid.tolist() == [[z, 6.5, 6.5] for z in range(5)] + [[4, 16, 19.5]]
    assert found.box[0].tolist() == [0, 4, 4, 1, 10, 10]
    assert found.box[-1].tolist() == [4, 15, 18, 5, 18, 22]
    viewer.dims.set_current_step(0, 4)
    shown = compared(viewer, predicted, truth, "plane").found(0.5)
    assert shown.box[-1].tolist() == [4, 15, 18, 5, 18, 22]
    whole = compared(viewer, predicted, truth, "volume").found(0.5)
    assert whole.box[0].tolist() == [0, 4, 4, 5, 10, 10]


@pytest.mark.parametrize("scope", ["plane", "planes", "volume"])
def test_the_place_that_is_gone_to_lies_in_the_object(scope) -> None:
    ring = np.zeros((3, 21, 21), np.int32)
    rows, columns = np.mgrid[-10:11, -10:11]
    ring[1][(rows**2 + columns**2 < 100) & (rows**2 + columns**2 > 60)] = 4
    viewer, predicted, truth = opened((np.zeros_like(ring), ring))
    viewer.dims.set_current_step(0, 1)
    result = compared(viewer, predicted, truth, scope)
    found = result.found(0.5)
    assert found.kind.tolist() == [Kind.MISSED]
    assert ring[tuple(found.centroid[0].astype(int))] == 0
    assert ring[tuple(result.inside(found, 0).astype(int))] == 4


def test_the_layer_lies_on_the_segmentation_and_shows_the_kinds(stacks) -> None:
    viewer, predicted, truth = opened(stacks, **PLACED)
    for scope, step in (("plane", 4), ("planes", 0), ("volume", 0)):
        viewer.dims.set_current_step(0, step)
        result = compared(viewer, predicted, truth, scope)
        layer = make_result(predicted, result.alignment, result.painted(0.5), name="comparison")
        linear, translate = layer_affine(predicted)
        own_linear, own_translate = layer_affine(layer)
        np.testing.assert_allclose(own_linear, linear)
        np.testing.assert_allclose(own_translate, translate + linear @ result.alignment.start)
        assert layer.units == predicted.units
        assert layer.data.dtype == np.uint8
        assert not layer.editable
    assert set(np.unique(layer.data)) == {0, Kind.HIT, Kind.FALSE}


def test_the_layer_is_changed_in_place_and_follows_the_plane(stacks) -> None:
    viewer, predicted, truth = opened(stacks, **PLACED)
    result = compared(viewer, predicted, truth, "plane")
    layer = viewer.add_layer(make_result(predicted, result.alignment, result.painted(0.5), name="comparison"))
    data = layer.data
    assert set(np.unique(data)) == {0, Kind.HIT}
    viewer.dims.set_current_step(0, 4)
    result = compared(viewer, predicted, truth, "plane")
    update_result(layer, predicted, result.alignment, result.painted(0.5))
    assert layer.data is data
    assert set(np.unique(data)) == {0, Kind.MISSED, Kind.FALSE}
    assert layer.translate[0] == PLACED["translate"][0] + 4 * PLACED["scale"][0]
    everything = compared(viewer, predicted, truth, "planes")
    update_result(layer, predicted, everything.alignment, everything.painted(0.5))
    assert layer.data.shape == stacks[0].shape
    assert not layer.editable


def test_the_colours_are_told_apart_by_the_colour_blind() -> None:
    """As dichromats see them, by the projections of Viénot, Brettel and Mollon (1999), in linear RGB."""
    blind = {
        "nobody": np.eye(3),
        "protanopia": [[0.11238, 0.88762, 0], [0.11238, 0.88762, 0], [0.00401, -0.00401, 1]],
        "deuteranopia": [[0.29275, 0.70725, 0], [0.29275, 0.70725, 0], [-0.02234, 0.02234, 1]],
    }
    rgb = np.array([[int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)] for colour in COLOURS.values()])
    for kind, projection in blind.items():
        seen = np.clip((rgb**2.2) @ np.asarray(projection).T, 0, 1) ** (1 / 2.2)
        apart = [np.linalg.norm(seen[a] - seen[b]) for a, b in ((0, 1), (0, 2), (1, 2))]
        assert min(apart) > 0.3, kind


def test_the_view_goes_to_an_object_and_its_plane(stacks) -> None:
    viewer, predicted, _ = opened(stacks, **PLACED)
    camera(viewer).zoom = 30.0  # with a margin, twelve of its pixels of half a micrometre are 180 of the screen
    go_to(viewer, predicted, (4, 16, 20), (4, 15, 18, 5, 18, 22))
    assert viewer.dims.current_step[0] == 4
    assert camera(viewer).center[-2:] == (20 + 16 * 0.5, 30 + 20 * 0.5)
    assert camera(viewer).zoom == 30.0


def test_units_of_the_viewer_count(stacks) -> None:
    viewer = ViewerModel()
    viewer.add_labels(stacks[0][0], scale=(1, 1), units=("nm", "nm"))
    micrometres = viewer.add_labels(stacks[0][0], scale=(0.5, 0.5), units=("um", "um"))
    assert [str(unit) for unit in viewer.layers.units] == ["nanometer", "nanometer"]
    go_to(viewer, micrometres, (4, 6), (3, 3, 6, 8))
    assert camera(viewer).center[-2:] == pytest.approx((2000, 3000))


@pytest.mark.parametrize("zoom", [0.01, 1e4], ids=["a speck", "larger than the canvas"])
def test_the_zoom_changes_only_where_an_object_cannot_be_judged(stacks, zoom) -> None:
    viewer, predicted, _ = opened(stacks)
    camera(viewer).zoom = zoom
    go_to(viewer, predicted, (4, 16, 20), (4, 15, 18, 5, 18, 22))
    assert camera(viewer).zoom * (4 + 2 * MARGIN) == pytest.approx(COMFORTABLE * min(canvas_size(viewer)))


def test_a_plane_of_a_stack_along_another_axis(stacks) -> None:
    viewer, predicted, _ = opened(stacks)
    viewer.dims.order = (2, 0, 1)
    go_to(viewer, predicted, (4, 16, 20), (4, 15, 18, 5, 18, 22))
    assert viewer.dims.current_step[2] == 20
    assert camera(viewer).center[-2:] == (4, 16)


def test_labels_are_not_touched(stacks) -> None:
    viewer, predicted, truth = opened(stacks)
    before = [layer.data.copy() for layer in (predicted, truth)]
    compared(viewer, predicted, truth, "planes").painted(0.5)
    for layer, data in zip((predicted, truth), before, strict=True):
        np.testing.assert_array_equal(layer.data, data)
    assert isinstance(predicted, Labels)
