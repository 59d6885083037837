"""Objects of a class share a number, and a full disk leaves the layer as it was."""

from __future__ import annotations

import asyncio
import time

import numpy as np
import pytest
import zarr
from napari.layers import Labels

from label_writing import blank, two_objects, whole, write
from napari_fastsam.errors import LabelsError
from napari_fastsam.layers.labels.write import METADATA_KEY, labels_like

pytestmark = pytest.mark.filterwarnings("ignore:Non-orthogonal slicing is being requested")


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
        if len(calls) == 4:
            await asyncio.sleep(0.1)  # zarr tells of the failure while this is still to be written
        return await real(self, *args, **kwargs)

    monkeypatch.setattr(zarr.storage.LocalStore, "set", full)
    with pytest.raises(LabelsError, match="No space left") as told:
        write(labels, image, plane, two_objects())
    time.sleep(0.2)
    monkeypatch.undo()
    assert labels.features.equals(features)
    assert METADATA_KEY not in labels.metadata
    assert ("could not be put back" in str(told.value)) == for_good
    if not for_good:
        np.testing.assert_array_equal(data[:], before)
        assert write(labels, image, plane, two_objects()).ids == {1: 10, 5: 11}
