"""Accepted objects reach a Labels layer whole, once, undoably; or nothing is touched and the reason is said."""

from __future__ import annotations

import dask.array as da
import numpy as np
import pytest
import zarr
from hypothesis import given
from hypothesis import strategies as st
from napari.components import ViewerModel
from napari.layers import Image, Labels

from napari_fastsam.errors import LabelsError
from napari_fastsam.layers.labels import preview
from napari_fastsam.layers.labels.preview import make_preview, update_preview
from napari_fastsam.layers.labels.write import METADATA_KEY, commit, labels_like
from napari_fastsam.layers.planes.plane import Plane
from napari_fastsam.layers.planes.read import plane_shown

pytestmark = pytest.mark.filterwarnings("ignore:Non-orthogonal slicing is being requested")


def whole(shape: tuple[int, ...], index: tuple[int, ...] | None = None, axes: tuple[int, int] | None = None) -> Plane:
    first, second = axes or (len(shape) - 2, len(shape) - 1)
    index = index or (0,) * len(shape)
    return Plane(shape, shape, (first, second), index, index, 0, (0, 0, shape[first], shape[second]))


def blank(shape: tuple[int, ...], **kwargs) -> Image:
    return Image(np.zeros(shape), contrast_limits=(0, 1), **kwargs)


def two_objects(shape: tuple[int, int] = (8, 10)) -> np.ndarray:
    objects = np.zeros(shape, np.int32)
    objects[1:3, 1:4] = 1
    objects[4:7, 5:9] = 5
    return objects


def write(labels: Labels, image: Image, plane: Plane, objects: np.ndarray, **kwargs):
    return commit(labels, image, plane, objects, **{"scores": {}, "provenance": {}, **kwargs})


def test_objects_in_an_empty_layer():
    image, plane = blank((8, 10)), whole((8, 10))
    labels = labels_like(image, plane, name="cells")
    done = write(labels, image, plane, two_objects(), scores={1: 0.5, 5: 0.25})
    assert done.ids == {1: 1, 5: 2}
    assert (done.pixels, done.covered) == (6 + 12, ())
    np.testing.assert_array_equal(labels.data, np.searchsorted([0, 1, 5], two_objects()))
    assert labels.features.to_dict("list") == {"index": [1, 2], "score": [0.5, 0.25], "area": [6, 12]}


def test_new_numbers_follow_the_largest_and_what_is_there_stays():
    image, plane = blank((8, 10)), whole((8, 10))
    labels = Labels(np.zeros((8, 10), np.uint16))
    labels.data[2:5, 3:6] = 41
    before = labels.data.copy()
    done = write(labels, image, plane, two_objects())
    assert done.ids == {1: 42, 5: 43}
    np.testing.assert_array_equal(labels.data[before > 0], 41)
    np.testing.assert_array_equal((labels.data == 42), (two_objects() == 1) & (before == 0))
    assert labels.features["area"].tolist() == [5, 11]


def test_told_otherwise_new_objects_lie_on_top():
    image, plane = blank((8, 10)), whole((8, 10))
    labels = Labels(np.full((8, 10), 3, np.int32))
    write(labels, image, plane, two_objects(), preserve=False)
    np.testing.assert_array_equal(labels.data, np.choose(np.searchsorted([0, 1, 5], two_objects()), [3, 4, 5]))


@pytest.mark.parametrize(("free", "added"), [(2, False), (3, True)])
def test_what_labels_leave_of_an_object_is_added_from_a_quarter_on(free, added):
    image, plane = blank((8, 12)), whole((8, 12))
    labels = labels_like(image, plane, name="labels")
    objects = np.zeros(plane.shape, np.int32)
    objects[0, :12] = 1
    labels.data[0, : 12 - free] = 7
    before = labels.data.copy()
    done = write(labels, image, plane, objects)
    assert done.slivers == (() if added else (1,))
    assert done.covered == ()
    assert bool(done.ids) is added
    assert np.array_equal(labels.data, before) is not added
    assert write(labels, image, plane, objects, preserve=False).ids


def test_an_object_that_is_covered_whole_gets_no_number():
    image, plane = blank((8, 10)), whole((8, 10))
    labels = Labels(np.zeros((8, 10), np.int32))
    labels.data[0:4] = 9
    done = write(labels, image, plane, two_objects())
    assert done.ids == {5: 10}
    assert done.covered == (1,)
    assert labels.features["index"].tolist() == [10]


def test_nothing_to_write_leaves_no_trace():
    image, plane = blank((8, 10)), whole((8, 10))
    labels = labels_like(image, plane, name="cells")
    events = []
    labels.events.paint.connect(events.append)
    done = write(labels, image, plane, np.zeros((8, 10), int))
    assert (done.ids, done.pixels) == ({}, 0)
    assert not events
    assert METADATA_KEY not in labels.metadata


@given(
    existing=st.integers(0, 4),
    preserve=st.booleans(),
    seed=st.integers(0, 2**16),
    axes=st.sampled_from([(0, 1), (0, 2), (1, 2)]),
)
def test_one_undo_takes_back_exactly_what_was_written(existing, preserve, seed, axes):
    random = np.random.default_rng(seed)
    shape = (5, 6, 7)
    (other,) = {0, 1, 2} - set(axes)
    index = tuple(2 if axis == other else 0 for axis in range(3))
    image, plane = blank(shape), whole(shape, index, axes)
    before = random.integers(0, existing + 1, shape).astype(np.int32)
    labels = Labels(before.copy())
    objects = random.integers(0, 4, plane.shape)
    done = write(labels, image, plane, objects, preserve=preserve)
    after = labels.data.copy()
    changed = np.take(after != before, 2, axis=other)
    assert (after != before).sum() == changed.sum() == done.pixels
    if preserve:
        assert (np.take(before, 2, axis=other)[changed] == 0).all()
    if done.pixels:
        labels.undo()
        np.testing.assert_array_equal(labels.data, before)
        labels.redo()
        np.testing.assert_array_equal(labels.data, after)


def test_the_paint_of_a_commit_is_one_event():
    image, plane = blank((8, 10)), whole((8, 10))
    labels = labels_like(image, plane, name="cells")
    events = []
    labels.events.paint.connect(events.append)
    write(labels, image, plane, two_objects())
    assert len(events) == 1


def test_after_undo_the_same_numbers_come_again_with_one_row_each():
    image, plane = blank((8, 10)), whole((8, 10))
    labels = labels_like(image, plane, name="cells")
    write(labels, image, plane, two_objects(), scores={1: 0.1, 5: 0.2})
    labels.undo()
    done = write(labels, image, plane, two_objects(), scores={1: 0.3, 5: 0.4})
    assert done.ids == {1: 1, 5: 2}
    assert labels.features["index"].tolist() == [1, 2]
    assert labels.features["score"].tolist() == [0.3, 0.4]


def test_features_of_the_person_stay():
    image, plane = blank((8, 10)), whole((8, 10))
    labels = Labels(np.zeros((8, 10), np.int32), features={"index": [1, 2], "cell": ["mother", "bud"]})
    labels.data[7] = [1] * 5 + [2] * 5
    write(labels, image, plane, two_objects(), scores={1: 0.5})
    table = labels.features
    assert table["index"].tolist() == [1, 2, 3, 4]
    assert table["index"].dtype == np.int64
    assert table["cell"].tolist()[:2] == ["mother", "bud"]
    assert table["cell"].isna().tolist() == [False, False, True, True]
    np.testing.assert_array_equal(table["score"], [np.nan, np.nan, 0.5, np.nan])


def test_features_without_an_index_column_mean_row_by_row():
    image, plane = blank((8, 10)), whole((8, 10))
    labels = Labels(np.zeros((8, 10), np.int32), features={"cell": ["none", "mother"]})
    labels.data[7] = 1
    write(labels, image, plane, two_objects())
    assert labels.features["index"].tolist() == [0, 1, 2, 3]


def test_the_status_bar_tells_score_and_area():
    image, plane = blank((8, 10)), whole((8, 10))
    labels = labels_like(image, plane, name="cells")
    write(labels, image, plane, two_objects(), scores={1: 0.5, 5: 0.25})
    status = labels.get_status((5, 6), world=True)["value"]
    assert "score: 0.25" in status
    assert "area: 12" in status


def test_provenance_is_appended_and_detached():
    image, plane = blank((8, 10)), whole((8, 10))
    labels = labels_like(image, plane, name="cells")
    labels.metadata = {"mine": 1}
    said = {"model": "nuclei", "prompts": {"points": [[1, 2]]}}
    write(labels, image, plane, two_objects(), provenance=said)
    said["prompts"]["points"].append([9, 9])
    objects = np.zeros((8, 10), int)
    objects[0, 0] = 1
    write(labels, image, plane, objects, provenance={"model": "FastSAM-s"})
    assert labels.metadata == {
        "mine": 1,
        METADATA_KEY: [
            {"model": "nuclei", "prompts": {"points": [[1, 2]]}, "labels": [1, 2]},
            {"model": "FastSAM-s", "labels": [3]},
        ],
    }


def test_the_region_of_a_plane_of_a_stack():
    image = blank((3, 8, 10), scale=(4, 0.5, 0.5), translate=(1, 2, 3), units=["um"] * 3)
    plane = Plane((3, 8, 10), (3, 8, 10), (1, 2), (2, 0, 0), (2, 0, 0), 0, (2, 3, 5, 6))
    labels = labels_like(image, plane, name="cells")
    write(labels, image, plane, np.ones((3, 3), int))
    expected = np.zeros((3, 8, 10), int)
    expected[2, 2:5, 3:6] = 1
    np.testing.assert_array_equal(labels.data, expected)


def coarse(shape: tuple[int, int], level: tuple[int, int], region: tuple[int, int, int, int]) -> Plane:
    return Plane(shape, level, (0, 1), (0, 0), (0, 0), 1, region)


def test_a_coarse_level_into_full_resolution():
    image, plane = blank((8, 12)), coarse((8, 12), (4, 4), (1, 1, 3, 4))
    labels = Labels(np.zeros((8, 12), np.int32))
    objects = np.array([[1, 0, 0], [0, 2, 2]])
    done = write(labels, image, plane, objects)
    expected = np.zeros((8, 12), int)
    expected[2:6, 3:12] = np.kron(objects, np.ones((2, 3), int))
    np.testing.assert_array_equal(labels.data, expected)
    assert done.pixels == 18


@given(
    st.tuples(st.integers(4, 40), st.integers(4, 40)).flatmap(
        lambda shape: st.tuples(st.just(shape), *[st.integers(1, n) for n in shape])
    )
)
def test_every_full_pixel_takes_the_level_pixel_under_its_centre(case):
    shape, *level = case
    image, plane = blank(shape), coarse(shape, tuple(level), (0, 0, *level))
    labels = Labels(np.zeros(shape, np.int32))
    objects = 1 + np.arange(np.prod(level)).reshape(level)
    write(labels, image, plane, objects)
    centres = plane.data_to_region(np.argwhere(np.ones(shape)))
    under = objects[tuple(np.floor(centres + 0.5 + 1e-9).astype(int).T)].reshape(shape)
    np.testing.assert_array_equal(labels.data, under)


def test_a_coarse_level_into_its_own_layer():
    image = blank((8, 8), scale=(0.5, 0.5), rotate=30)
    plane = coarse((8, 8), (4, 4), (1, 1, 3, 3))
    labels = labels_like(image, plane, name="cells")
    write(labels, image, plane, np.ones((2, 2), int))
    assert labels.data.shape == (4, 4)
    np.testing.assert_array_equal(np.argwhere(labels.data), [[1, 1], [1, 2], [2, 1], [2, 2]])


@pytest.mark.parametrize("z", range(8))
def test_a_level_with_fewer_slices_is_written_where_it_is_seen(z, stay_at_level):
    viewer = ViewerModel()
    full = np.zeros((8, 16, 12))
    image = viewer.add_image([full, full[::2, ::2, ::2]], multiscale=True, contrast_limits=(0, 1))
    stay_at_level(image, 1)
    viewer.dims.set_point(0, z)
    plane = plane_shown(viewer, image, "view")
    labels = viewer.add_layer(labels_like(image, plane, name="cells"))
    write(labels, image, plane, np.ones(plane.shape, int))
    assert labels.get_value(viewer.dims.point, world=True) == 1


def test_a_hidden_layer_is_written_and_stays_hidden():
    viewer = ViewerModel()
    image = viewer.add_image(np.zeros((5, 8, 10)), contrast_limits=(0, 1))
    labels = viewer.add_labels(np.zeros((5, 8, 10), np.int32), visible=False)
    viewer.dims.set_point(0, 3)
    labels.data[0] = 70_000
    done = write(labels, image, plane_shown(viewer, image), two_objects())
    assert done.ids == {1: 70_001, 5: 70_002}
    np.testing.assert_array_equal(labels.data[3] > 0, two_objects() > 0)
    assert not labels.visible


def test_what_is_written_is_drawn_where_units_differ():
    viewer = ViewerModel()
    image = viewer.add_image(np.zeros((5, 8, 10)), contrast_limits=(0, 1), units=["um"] * 3)
    labels = viewer.add_labels(np.zeros((5, 8, 10), np.int32), units=["um"] * 3)
    viewer.add_points(ndim=3, units=["nm"] * 3)
    viewer.dims.set_point(0, 3000)
    plane = plane_shown(viewer, image)
    assert plane.index[0] == 3
    write(labels, image, plane, two_objects())
    np.testing.assert_array_equal(labels._slice.image.view > 0, two_objects() > 0)


def test_zarr_labels(tmp_path):
    zarr = pytest.importorskip("zarr")
    stored = zarr.open_array(str(tmp_path / "labels.zarr"), mode="w", shape=(3, 8, 10), chunks=(1, 4, 5), dtype="i4")
    stored[0] = 6
    image, plane = blank((3, 8, 10)), whole((3, 8, 10), (1, 0, 0))
    labels = Labels(stored)
    assert write(labels, image, plane, two_objects()).ids == {1: 7, 5: 8}
    np.testing.assert_array_equal(stored[1], np.choose(np.searchsorted([0, 1, 5], two_objects()), [0, 7, 8]))
    labels.undo()
    assert not stored[1].any()


def assert_refused(labels: Labels, image: Image, plane: Plane, objects: np.ndarray, match: str, **kwargs) -> None:
    data = labels.data[0] if labels.multiscale else labels.data
    before = np.array(data)
    features, metadata = labels.features.copy(), dict(labels.metadata)
    events = []
    labels.events.paint.connect(events.append)
    with pytest.raises(LabelsError, match=match):
        write(labels, image, plane, objects, **kwargs)
    np.testing.assert_array_equal(np.array(data), before)
    assert labels.features.equals(features)
    assert labels.metadata == metadata
    assert not events


@pytest.mark.parametrize("shape", [(8, 9), (10, 8), (1, 8, 10), (80,) * 2])
def test_another_shape(shape):
    labels = Labels(np.zeros(shape, int), name="mine")
    match = rf'"mine" has shape \({shape[0]}, .* image "cells" \(8, 10\)\. Choose'
    assert_refused(labels, blank((8, 10), name="cells"), whole((8, 10)), two_objects(), match)


def test_another_shape_than_either_level():
    labels = Labels(np.zeros((5, 5), int))
    match = r"\(4, 4\) or \(8, 8\)"
    assert_refused(labels, blank((8, 8)), coarse((8, 8), (4, 4), (0, 0, 4, 4)), np.ones((4, 4), int), match)


def test_a_coarse_labels_layer_for_a_full_plane():
    labels = Labels(np.zeros((4, 4), int), scale=(2, 2), translate=(0.5, 0.5))
    assert_refused(labels, blank((8, 8)), whole((8, 8)), np.ones((8, 8), int), r"shape \(4, 4\), .* \(8, 8\)")


@pytest.mark.parametrize(
    ("dtype", "largest", "advice"), [("u1", 254, "uint16"), ("i1", 127, "uint16"), ("u2", 65_535, "int32")]
)
def test_a_type_too_small(dtype, largest, advice):
    labels = Labels(np.zeros((8, 10), dtype))
    labels.data[0, 0] = largest
    match = rf"type {np.dtype(dtype)}, whose largest number is .* need {largest + 2}\. Convert it to {advice}"
    assert_refused(labels, blank((8, 10)), whole((8, 10)), two_objects(), match)


def test_a_type_just_large_enough():
    labels = Labels(np.zeros((8, 10), np.uint8))
    labels.data[0, 0] = 253
    assert write(labels, blank((8, 10)), whole((8, 10)), two_objects()).ids == {1: 254, 5: 255}


def test_more_than_255_objects_into_uint8():
    objects = 1 + np.arange(400).reshape(20, 20)
    labels = Labels(np.zeros((20, 20), np.uint8))
    assert_refused(labels, blank((20, 20)), whole((20, 20)), objects, "largest number is 255; the new objects need 400")


def test_numbers_at_the_end_of_int64():
    labels = Labels(np.zeros((8, 10), np.int64))
    labels.data[0, 0] = np.iinfo(np.int64).max
    assert_refused(labels, blank((8, 10)), whole((8, 10)), two_objects(), "largest number is 9223372036854775807")


def test_dask_labels():
    labels = Labels(da.zeros((8, 10), dtype=int))
    assert_refused(labels, blank((8, 10)), whole((8, 10)), two_objects(), "computed by dask")


def test_multiscale_labels():
    labels = Labels([np.zeros((8, 10), int), np.zeros((4, 5), int)])
    assert_refused(labels, blank((8, 10)), whole((8, 10)), two_objects(), "multiscale")


def test_labels_that_are_not_editable():
    labels = Labels(np.zeros((8, 10), int))
    labels.editable = False
    assert_refused(labels, blank((8, 10)), whole((8, 10)), two_objects(), "not editable")


def test_read_only_labels():
    data = np.zeros((8, 10), int)
    data.setflags(write=False)
    assert_refused(Labels(data), blank((8, 10)), whole((8, 10)), two_objects(), "read-only")


@pytest.mark.parametrize(
    "elsewhere",
    [
        {"translate": (0, 0.6)},
        {"scale": (1, 1.1)},
        {"rotate": 10},
        {"shear": [0.2]},
        {"scale": (-1, 1)},
        {"affine": [[1, 0, 3], [0, 1, 0], [0, 0, 1]]},
        {"units": ["nm", "nm"]},
    ],
    ids=lambda change: next(iter(change)),
)
def test_labels_that_lie_elsewhere(elsewhere):
    image = blank((8, 10), units=["um", "um"])
    labels = Labels(np.zeros((8, 10), int), **{"units": ["um", "um"], **elsewhere})
    assert_refused(labels, image, whole((8, 10)), two_objects(), "lies elsewhere: a corner is .* pixels off")


def test_labels_in_other_units_at_the_same_place():
    image = blank((8, 10), units=["um", "um"])
    labels = Labels(np.zeros((8, 10), int), scale=(1000, 1000), units=["nm", "nm"])
    assert write(labels, image, whole((8, 10)), two_objects()).pixels == 18
    match = "lies elsewhere"  # where the viewer leaves units out they are a thousand times larger
    assert_refused(labels, image, whole((8, 10)), two_objects(), match, use_units=False)


def test_less_than_half_a_pixel_off_is_the_same_place():
    labels = Labels(np.zeros((8, 10), int), translate=(0.4, -0.4))
    assert write(labels, blank((8, 10)), whole((8, 10)), two_objects()).pixels == 18


@pytest.mark.parametrize("objects", [np.zeros((8, 9), int), np.zeros((8, 10), float), np.zeros(80, int)])
def test_a_label_image_that_is_none(objects):
    labels = Labels(np.zeros((8, 10), int))
    assert_refused(labels, blank((8, 10)), whole((8, 10)), objects, r"expected whole numbers of shape \(8, 10\)")


def test_in_a_real_viewer(make_napari_viewer_proxy):
    viewer = make_napari_viewer_proxy(show=True)
    image = viewer.add_image(np.zeros((5, 64, 80)), contrast_limits=(0, 1), scale=(2, 0.5, 0.5), rotate=(0, 0, 25))
    plane = plane_shown(viewer, image)
    objects = np.zeros(plane.shape, np.int32)
    objects[10:30, 20:50] = 1
    preview = make_preview(image, plane, objects * 0)
    viewer.add_layer(preview)
    update_preview(preview, image, plane, objects)
    image.visible = False
    seen_in_preview = viewer.screenshot(canvas_only=True, flash=False)
    preview.visible = False
    viewer.add_layer(labels_like(image, plane, name="cells"))
    labels = viewer.layers["cells"]
    write(labels, image, plane, objects)
    seen_when_written = viewer.screenshot(canvas_only=True, flash=False)
    assert (seen_in_preview[..., :3] > 0).any(axis=-1).mean() > 0.01
    np.testing.assert_array_equal(seen_when_written, seen_in_preview)
    labels.undo()
    assert not labels.data.any()


def test_windows_hold_what_is_written_in_one_undo_step():
    image, plane = blank((8, 10)), whole((8, 10))
    labels = labels_like(image, plane, name="cells")
    windows = [(slice(1, 3), slice(0, 5)), (slice(4, 8), slice(5, 10))]
    done = write(labels, image, plane, two_objects(), windows=windows, scores={1: 0.5, 5: 0.25})
    np.testing.assert_array_equal(labels.data, np.searchsorted([0, 1, 5], two_objects()))
    assert done.undoable
    assert labels.features["area"].tolist() == [6, 12]
    labels.undo()
    assert not labels.data.any()


def test_a_pyramid_of_ours_takes_objects_and_keeps_what_it_has(monkeypatch):
    monkeypatch.setattr(preview, "MOST_DRAWN", 2_000_000)
    image = Image(np.broadcast_to(np.uint8(0), (1500, 1500)), contrast_limits=(0, 1))
    plane = whole((1500, 1500))
    labels = labels_like(image, plane, name="cells")
    assert labels.multiscale
    assert preview.is_pyramid_of_ours(labels)
    objects = np.zeros((1500, 1500), np.int32)
    objects[:20, :20] = 3
    assert write(labels, image, plane, objects).ids == {3: 1}
    objects[10:30, :20] = 3
    done = write(labels, image, plane, objects)
    assert done.ids == {3: 2}
    assert not done.undoable
    assert [labels.data[0][5, 5], labels.data[0][25, 5], labels.data[1][2, 2]] == [1, 2, 1]


def test_a_pyramid_of_others_is_refused():
    image, plane = blank((8, 10)), whole((8, 10))
    labels = Labels([np.zeros((8, 10), int), np.zeros((4, 5), int)], multiscale=True)
    with pytest.raises(LabelsError, match="multiscale"):
        write(labels, image, plane, two_objects())


def classes(shape=(8, 10), **columns: int) -> np.ndarray:
    """Class 1 where its rows say."""
    objects = np.zeros(shape, np.int32)
    objects[columns["top"] : columns["bottom"], 1:5] = 1
    return objects


def test_a_class_that_is_added_to_has_one_row_about_all_of_it():
    image, plane = blank((8, 10)), whole((8, 10))
    labels = labels_like(image, plane, name="classes")
    first, second = classes(top=0, bottom=2), classes(top=1, bottom=6)
    second[7, 7:9] = 2
    text = {"text": {1: "nucleus"}}
    write(labels, image, plane, first, scores={1: 0.9}, columns=text, classes=1)
    labels.features = labels.features.assign(checked=[True])
    done = write(labels, image, plane, second, scores={1: 0.4, 2: 0.7}, columns=text, classes=1)
    assert done.ids == {1: 1, 2: 2}
    table = labels.features.set_index("index")
    assert np.count_nonzero(labels.data == 1) == table.loc[1, "area"] == 24
    assert table.loc[1, "score"] == 0.9, "of the surer"
    assert table.loc[1, "text"] == "nucleus"
    assert table.loc[1, "checked"] == True  # noqa: E712 - what the person put there stays
    third = np.zeros((8, 10), np.int32)
    third[7, 0:4] = 2
    assert write(labels, image, plane, third, scores={2: 0.8}, classes=1).ids == {2: 3}, "no class: another object"
    write(labels, image, plane, classes(top=0, bottom=8), scores={1: 0.95}, columns=text, classes=1, preserve=False)
    table = labels.features.set_index("index")
    assert np.count_nonzero(labels.data == 1) == table.loc[1, "area"] == 32
    assert table.loc[1, "score"] == 0.95


def test_a_class_of_another_name_is_refused_and_nothing_is_written():
    image, plane = blank((8, 10)), whole((8, 10))
    labels = labels_like(image, plane, name="classes")
    write(labels, image, plane, classes(top=0, bottom=2), columns={"text": {1: "nucleus"}}, classes=1)
    before, table = labels.data.copy(), labels.features.copy()
    with pytest.raises(LabelsError, match="“nucleus”, and “vesicle”"):
        write(labels, image, plane, classes(top=3, bottom=5), columns={"text": {1: "vesicle"}}, classes=1)
    np.testing.assert_array_equal(labels.data, before)
    assert labels.features.equals(table)


def test_a_class_that_was_undone_begins_anew():
    image, plane = blank((8, 10)), whole((8, 10))
    labels = labels_like(image, plane, name="classes")
    write(labels, image, plane, classes(top=0, bottom=2), scores={1: 0.9}, columns={"text": {1: "a"}}, classes=1)
    labels.undo()
    write(labels, image, plane, classes(top=3, bottom=4), scores={1: 0.5}, columns={"text": {1: "b"}}, classes=1)
    assert labels.features.to_dict("list") == {"index": [1], "score": [0.5], "area": [4], "text": ["b"]}


@pytest.mark.parametrize("for_good", [False, True])
def test_a_full_disk_leaves_the_layer_as_it_was_or_says_so(tmp_path, monkeypatch, for_good):
    data = zarr.create_array(tmp_path / "labels.zarr", shape=(8, 10), chunks=(2, 10), dtype=np.int32)
    data[7] = 9
    before = np.asarray(data[:])
    image, plane = blank((8, 10)), whole((8, 10))
    labels = Labels(data)
    features = labels.features.copy()
    real, calls = zarr.storage.LocalStore.set, []

    async def full(self, *args, **kwargs):
        calls.append(1)
        if len(calls) == 3 or (for_good and len(calls) > 3):
            raise OSError(28, "No space left on device")
        return await real(self, *args, **kwargs)

    monkeypatch.setattr(zarr.storage.LocalStore, "set", full)
    with pytest.raises(LabelsError, match="No space left") as told:
        write(labels, image, plane, two_objects())
    monkeypatch.undo()
    assert labels.features.equals(features)
    assert METADATA_KEY not in labels.metadata
    assert ("could not be put back" in str(told.value)) == for_good
    if not for_good:
        np.testing.assert_array_equal(data[:], before)
        assert write(labels, image, plane, two_objects()).ids == {1: 10, 5: 11}
