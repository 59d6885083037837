"""Objects go into a Labels layer, one undo step, nothing else touched."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from napari.layers import Labels

from label_writing import blank, two_objects, whole, write
from napari_fastsam.layers.labels.preview import make_preview, update_preview
from napari_fastsam.layers.labels.write import METADATA_KEY, labels_like
from napari_fastsam.layers.planes.read import plane_shown

pytestmark = pytest.mark.filterwarnings("ignore:Non-orthogonal slicing is being requested")


def test_objects_in_an_empty_layer():
    image, plane = blank((8, 10)), whole((8, 10))
    labels = labels_like(image, plane, name="cells")
    done = write(labels, image, plane, two_objects(), scores={1: 0.5, 5: 0.25})
    assert done.ids == {1: 1, 5: 2}
    assert (done.pixels, done.covered) == (6 + 12, ())
    np.testing.assert_array_equal(labels.data, np.searchsorted([0, 1, 5], two_objects()))
    assert labels.features.to_dict("list") == {"index": [1, 2], "score": [0.5, 0.25], "area": [6, 12]}


@pytest.mark.parametrize(("dtype", "highest"), [(">u2", 300), (">i4", 70_000), ("uint32", 2**31 + 9), ("int64", 2**40)])
def test_labels_of_unusual_types_get_the_right_numbers(dtype, highest):
    labels = Labels(np.zeros((8, 10), dtype))
    labels.data[-1, -1] = highest
    done = write(labels, blank((8, 10)), whole((8, 10)), two_objects())
    assert done.ids == {1: highest + 1, 5: highest + 2}
    expected = np.select([two_objects() == 1, two_objects() == 5], [highest + 1, highest + 2])
    expected[-1, -1] = highest
    np.testing.assert_array_equal(labels.data, expected)
    labels.undo()
    assert np.unique(labels.data).tolist() == [0, highest]


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


def test_rows_stay_true_of_labels_that_are_written_over():
    image, plane = blank((8, 10)), whole((8, 10))
    data = np.full((8, 10), 3, np.int32)
    data[two_objects() == 5] = 4
    table = {"index": [3, 4], "area": [68, 12], "kind": ["a", "b"]}
    labels = Labels(data, features=table)
    write(labels, image, plane, two_objects(), preserve=False)
    found = labels.features
    assert found["index"].tolist() == [3, 5, 6]
    assert found["area"].tolist() == [np.count_nonzero(labels.data == label) for label in (3, 5, 6)]
    assert found["kind"].iloc[0] == "a"


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
    # how many pixels each label was given, and the sums of their rows and columns: what is changed by hand differs
    given = {"1": [6, 9, 12], "2": [12, 60, 78]}
    assert labels.metadata == {
        "mine": 1,
        METADATA_KEY: [
            {"model": "nuclei", "prompts": {"points": [[1, 2]]}, "labels": [1, 2], "pixels": given},
            {"model": "FastSAM-s", "labels": [3], "pixels": {"3": [1, 0, 0]}},
        ],
    }


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
