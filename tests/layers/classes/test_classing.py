"""Objects get classes, and keep them through corrections, undo and files."""

import json

import imageio.v3 as iio
import numpy as np
import pandas as pd
import pytest
from napari.components import ViewerModel
from napari.layers import Labels

from napari_fastsam.core.classes.classes import ClassList
from napari_fastsam.core.objects import editing
from napari_fastsam.errors import LabelsError, ParameterError
from napari_fastsam.io.formats.registry import writer
from napari_fastsam.layers.classes.classing import Classing, label_under_cursor
from napari_fastsam.layers.classes.colouring import ClassColours
from napari_fastsam.layers.classes.column import LIST_KEY, classes_of, list_of, set_column
from napari_fastsam.layers.files.reading import reader_of
from napari_fastsam.layers.history.history import History
from napari_fastsam.layers.history.of_viewer import announce, withdraw
from napari_fastsam.layers.history.recorder import Recorder
from napari_fastsam.layers.labels.editing import free_numbers, merge_labels, split_label
from napari_fastsam.layers.labels.exporting import result_of
from napari_fastsam.layers.labels.layer_plane import plane_at


def squares() -> np.ndarray:
    """Nine squares of 8 × 8 pixels, numbered from 1."""
    labels = np.zeros((36, 36), np.int32)
    for number in range(9):
        y, x = 12 * (number // 3) + 2, 12 * (number % 3) + 2
        labels[y : y + 8, x : x + 8] = number + 1
    return labels


@pytest.fixture
def viewer() -> ViewerModel:
    viewer = ViewerModel()
    viewer.add_labels(squares(), name="squares")
    return viewer


@pytest.fixture
def layer(viewer) -> Labels:
    return viewer.layers["squares"]


@pytest.fixture
def classing(viewer, layer) -> Classing:
    classing = Classing(viewer)
    classing.work_on(layer)
    classing.add("round")
    classing.add("square")
    return classing


def point_at(viewer: ViewerModel, number: int) -> None:
    y, x = np.argwhere(squares() == number).mean(axis=0)
    viewer.cursor.position = (y, x)


def test_a_key_gives_the_object_under_the_cursor_a_class_as_one_step(viewer, layer, classing):
    point_at(viewer, 5)
    said = classing.key_pressed(2)
    classing.key_pressed(1)

    assert said == "Label 5 is “square” now."
    assert classes_of(layer) == {5: "round"}
    classing.undo()
    assert classes_of(layer) == {5: "square"}
    classing.undo()
    assert classes_of(layer) == {}
    classing.redo()
    assert classes_of(layer) == {5: "square"}
    classing.key_pressed(0)
    assert classes_of(layer) == {}


def test_a_key_beside_objects_chooses_the_class_of_new_ones(viewer, layer, classing):
    viewer.cursor.position = (0.0, 0.0)

    assert classing.key_pressed(2) == "New objects are “square”."
    assert (classing.classes.chosen, classes_of(layer)) == ("square", {})
    assert layer.metadata[LIST_KEY]["chosen"] == "square"
    classing.key_pressed(0)
    assert classing.classes.chosen == ""


def test_the_steps_go_to_the_history_that_the_viewer_has(viewer, layer, classing):
    history = History()
    announce(viewer, history)
    try:
        classing.give({1: "round"})
        assert history.done.name == "a class"
        Recorder(history).layer_removed(layer)
        assert history.done is None
    finally:
        withdraw(history)
    classing.give({1: "square"})
    assert len(history) == 0


def test_what_got_another_class_since_keeps_it_when_a_step_is_taken_back(layer, classing):
    classing.give({1: "round", 2: "round"})
    set_column(layer, {2: "square"})  # by somebody else
    classing.undo()

    assert classes_of(layer) == {2: "square"}


def test_other_columns_and_rows_stay(layer, classing):
    layer.features = pd.DataFrame({"index": [3, 4], "score": [0.5, 0.75]})
    classing.give({4: "round", 7: "square"})

    table = layer.features.set_index("index")
    assert table["score"].to_dict() == pytest.approx({3: 0.5, 4: 0.75, 7: np.nan}, nan_ok=True)
    assert table["class"].to_dict() == {3: "", 4: "round", 7: "square"}


def test_counts_are_of_objects_that_are_there(layer, classing):
    classing.give({1: "round", 2: "round", 3: "square"})
    assert classing.counts() == ({"round": 2, "square": 1}, 6)
    layer.data[layer.data == 1] = 0
    assert classing.counts() == ({"round": 1, "square": 1}, 6)


def test_a_class_is_renamed_with_its_objects(layer, classing):
    classing.give({1: "round"})
    classing.rename("round", "disc")
    assert (classes_of(layer), classing.classes.names) == ({1: "disc"}, ("disc", "square"))
    with pytest.raises(ParameterError, match="two classes"):
        classing.rename("disc", "square")
    assert classes_of(layer) == {1: "disc"}
    classing.undo()
    assert (classes_of(layer), classing.classes.names) == ({1: "round"}, ("round", "square"))


def test_a_class_that_objects_have_is_deleted_and_comes_back(layer, classing):
    classing.give({1: "round", 2: "square"})
    assert classing.remove("round") == 1
    assert (classes_of(layer), classing.classes.names) == ({2: "square"}, ("square",))
    classing.undo()
    assert (classes_of(layer), classing.classes.names) == ({1: "round", 2: "square"}, ("round", "square"))


def test_a_layer_brings_its_own_classes_and_one_without_gets_the_list(viewer, classing):
    other = viewer.add_labels(squares(), features={"index": [1], "class": ["triangle"]})
    classing.work_on(other)
    assert classing.classes.names == ("round", "square", "triangle")
    third = viewer.add_labels(squares(), metadata={LIST_KEY: ClassList().with_new("own").to_json()})
    classing.work_on(third)
    assert classing.classes.names == ("own",)


def test_a_damaged_list_counts_as_none(viewer):
    layer = viewer.add_labels(squares(), metadata={LIST_KEY: {"classes": 3}}, features={"index": [1], "class": ["a"]})
    assert list_of(layer).names == ("a",)


def test_without_a_layer_there_is_nothing_to_give_a_class_to(viewer):
    classing = Classing(viewer)
    classing.add("round")
    with pytest.raises(LabelsError, match="Choose a Labels layer"):
        classing.give({1: "round"})
    assert classing.key_pressed(1) == "New objects get no class." or classing.classes.chosen == "round"
    with pytest.raises(ParameterError, match="no class has the key 7"):
        classing.key_pressed(7)


def test_an_object_is_pointed_at_on_a_plane_of_a_stack_with_a_scale():
    viewer = ViewerModel()
    stack = np.stack([squares(), np.zeros_like(squares())])
    layer = viewer.add_labels(stack, scale=(3, 0.5, 0.5))
    viewer.dims.ndisplay = 2
    viewer.cursor.position = (0.0, 3.0, 3.0)
    assert label_under_cursor(viewer, layer) == 1
    viewer.cursor.position = (3.0, 3.0, 3.0)
    assert label_under_cursor(viewer, layer) == 0
    viewer.cursor.position = (0.0, 300.0, 3.0)
    assert label_under_cursor(viewer, layer) == 0
    viewer.dims.ndisplay = 3
    with pytest.raises(LabelsError, match="3D"):
        label_under_cursor(viewer, layer)


def test_merged_objects_have_the_class_of_the_first_and_parts_that_of_the_whole(layer, classing):
    classing.give({1: "round", 2: "square", 5: "square"})
    plane = plane_at(layer, (0, 0), (0, 1))
    merge_labels(plane, {1: (5, 5), 2: (5, 17)})
    (number,) = free_numbers(layer, 1)
    places = np.array([(17.0, 15.0), (17.0, 20.0)])
    split_label(
        plane,
        5,
        (17, 17),
        lambda window, label, corner: editing.split_between(window, label, places - corner, [number]),
        [number],
    )
    assert classes_of(layer) == {1: "round", 5: "square", number: "square"}


def test_colours_follow_classes_and_the_layers_own_come_back(layer, classing):
    own, colours = layer.colormap, ClassColours()
    colours.show(layer, {1: "a", 2: "b"}, {"a": "#ff0000", "b": "#0000ff"})
    assert layer.get_color(1).tolist() == [1, 0, 0, 1]
    assert layer.get_color(2).tolist() == [0, 0, 1, 1]
    assert layer.get_color(3).tolist() == layer.get_color(9).tolist() != layer.get_color(1).tolist()
    colours.restore()
    assert layer.colormap is own


def test_colours_that_somebody_chose_meanwhile_stay(layer):
    colours, other = ClassColours(), Labels(squares()).colormap
    colours.show(layer, {1: "a"}, {"a": "#ff0000"})
    layer.colormap = other
    colours.restore()
    assert layer.colormap is other


def test_every_format_that_holds_classes_takes_them(layer, classing, tmp_path):
    classing.give({1: "round", 2: "square", 3: "square"})
    result = result_of(layer)
    paths = {name: tmp_path / f"out{writer(name).ending}" for name in ("csv", "parquet", "coco", "geojson")}
    for name, path in paths.items():
        writer(name).write(result, path)

    table = pd.read_csv(paths["csv"], keep_default_na=False)
    assert table["class"].tolist() == ["round", "square", "square", *[""] * 6]
    assert pd.read_parquet(paths["parquet"])["class"].tolist() == table["class"].tolist()
    coco = json.loads(paths["coco"].read_text())
    names = {one["id"]: one["name"] for one in coco["categories"]}
    assert [names[one["category_id"]] for one in coco["annotations"]][:3] == ["round", "square", "square"]
    outlines = json.loads(paths["geojson"].read_text())
    told = [one["properties"].get("classification", {}).get("name", "") for one in outlines["features"]]
    assert told == table["class"].tolist()


def test_classes_come_back_from_a_file(layer, classing, tmp_path):
    classing.give({1: "round", 2: "square"})
    iio.imwrite(tmp_path / "image.png", np.zeros((36, 36), np.uint8))
    writer("geojson").write(result_of(layer), tmp_path / "image.geojson")
    ((data, attributes, _),) = reader_of(str(tmp_path / "image.geojson"))(str(tmp_path / "image.geojson"))[-1:]
    again = Labels(data, **{key: attributes[key] for key in ("features",)})

    assert sorted(classes_of(again).values()) == ["round", "square"]
    assert list_of(again).names == ("round", "square")
