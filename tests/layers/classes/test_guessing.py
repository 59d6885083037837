"""Guesses stand in the features, follow every class, and end as classes; questions and answers."""

import numpy as np
import pytest
from napari.components import ViewerModel

from napari_fastsam.core.classes.learning import DescribedObjects
from napari_fastsam.core.likeness.descriptors import FORM
from napari_fastsam.errors import LabelsError, ParameterError
from napari_fastsam.io.classifiers import load_classifier, save_classifier
from napari_fastsam.layers.classes.classing import Classing
from napari_fastsam.layers.classes.column import GUESS, PROBABILITY, classes_of, texts_in
from napari_fastsam.layers.classes.describing import SeenObjects, to_describe
from napari_fastsam.layers.classes.guessing import Guessing
from napari_fastsam.layers.classes.interview import ROUND, Interview
from napari_fastsam.layers.classes.outlines import UnsureOutlines

COUNT = 40
KINDS = np.arange(COUNT) % 2
NAMES = np.array(["even", "odd"])


def described(apart: float = 3.0, kinds: np.ndarray = KINDS) -> DescribedObjects:
    rng = np.random.default_rng(3)
    middles = rng.standard_normal((3, 8 + FORM)) * apart
    vectors = (middles[kinds] + rng.standard_normal((COUNT, 8 + FORM))).astype(np.float32)
    return DescribedObjects("pooled-1:8:abc", np.arange(1, COUNT + 1), vectors)


@pytest.fixture
def layer():
    viewer = ViewerModel()
    labels = np.repeat(np.arange(COUNT + 1), 4).reshape(1, -1).repeat(3, axis=0).astype(np.int32)
    return viewer.add_labels(labels), viewer


@pytest.fixture
def guessing(layer):
    classing = Classing(layer[1])
    classing.work_on(layer[0])
    classing.add("even")
    classing.add("odd")
    guessing = Guessing(classing)
    guessing.see(SeenObjects("key", described(), None, {}))
    guessing.classing = classing
    return guessing


def test_all_others_are_guessed_into_the_features(layer, guessing):
    guessing.classing.give({1: "even", 2: "odd"})
    found = guessing.guess()

    assert set(found) == set(range(3, COUNT + 1))
    assert [guess.name for guess in found.values()] == NAMES[KINDS[2:]].tolist()
    assert texts_in(layer[0], GUESS) == {number: guess.name for number, guess in found.items()}
    table = layer[0].features.set_index("index")
    assert table[PROBABILITY].drop([1, 2]).between(0.5, 1).all()
    assert table[PROBABILITY].loc[[1, 2]].isna().all()
    assert classes_of(layer[0]) == {1: "even", 2: "odd"}


def test_an_object_that_gets_a_class_is_guessed_no_more(layer, guessing):
    guessing.classing.give({1: "even", 2: "odd"})
    guessing.guess()
    guessing.classing.give({5: "odd"})
    assert 5 not in guessing.guess()
    assert 5 not in texts_in(layer[0], GUESS)


def test_one_class_alone_and_nothing_seen_are_refused(guessing):
    guessing.classing.give({1: "even"})
    with pytest.raises(ParameterError, match="two classes"):
        guessing.guess()
    guessing.see(None)
    with pytest.raises(ParameterError, match="press Guess"):
        guessing.guess()


def test_sure_guesses_become_classes_as_one_step(layer, guessing):
    guessing.classing.give({1: "even", 2: "odd"})
    guessing.guess()
    unsure = guessing.unsure(0.7)
    count = guessing.accept(0.7)
    assert count + len(unsure) == COUNT - 2
    assert len(classes_of(layer[0])) == count + 2
    guessing.classing.undo()
    assert classes_of(layer[0]) == {1: "even", 2: "odd"}


def test_what_was_guessed_is_forgotten(layer, guessing):
    guessing.classing.give({1: "even", 2: "odd"})
    guessing.guess()
    guessing.forget()
    assert (texts_in(layer[0], GUESS), guessing.found) == ({}, {})
    assert layer[0].features[PROBABILITY].isna().all()


def test_a_classifier_from_a_file_guesses_until_there_are_examples(layer, guessing, tmp_path):
    guessing.classing.give({1: "even", 2: "odd", 3: "even", 4: "odd"})
    guessing.guess()
    save_classifier(guessing.classifier, tmp_path / "c.json")
    guessing.classing.give(dict.fromkeys([1, 2, 3, 4], ""))
    guessing.loaded = load_classifier(tmp_path / "c.json")
    found = guessing.guess()

    assert len(found) == COUNT
    assert guessing.to_ask(set()) == min(found, key=lambda number: found[number].probability)
    assert guessing.ranked(1)[0] == found[1].name
    other = DescribedObjects("pooled-1:8:def", described().numbers, described().vectors)
    guessing.see(SeenObjects("key", other, None, {}))
    with pytest.raises(ParameterError, match="made with"):
        guessing.guess()


def test_ten_answers_and_then_it_is_quiet(layer, guessing):
    guessing.see(SeenObjects("key", described(0.7), None, {}))
    guessing.classing.give({1: "even", 2: "odd"})
    guessing.guess()
    interview = Interview(guessing.classing, guessing)
    interview.begin()
    asked = []
    while interview.label is not None:
        asked.append(interview.label)
        truth = NAMES[KINDS[interview.label - 1]]
        if interview.suggestion == truth:
            interview.yes()
        else:
            interview.no()

    assert len(asked) == len(set(asked)) == ROUND == interview.answers
    known = classes_of(layer[0])
    assert all(known[number] == NAMES[KINDS[number - 1]] for number in asked)


def test_no_asks_for_the_next_class_and_skip_for_the_next_object(layer, guessing):
    guessing.see(SeenObjects("key", described(1.0, np.arange(COUNT) % 3), None, {}))
    guessing.classing.add("third")
    guessing.classing.give({1: "even", 2: "odd", 3: "third"})
    guessing.guess()
    interview = Interview(guessing.classing, guessing)
    interview.begin()
    label, ranked = interview.label, guessing.ranked(interview.label)
    assert interview.suggestion == ranked[0]
    interview.no()
    assert (interview.label, interview.suggestion) == (label, ranked[1])
    interview.no()  # only one is left
    assert classes_of(layer[0])[label] == ranked[2]
    skipped = interview.label
    interview.skip()
    assert interview.label not in (label, skipped)
    interview.end()
    interview.yes()
    assert (interview.label, interview.answers) == (None, 1)


def test_outlines_lie_on_the_layer_and_go(layer):
    labels, viewer = layer
    outlines = UnsureOutlines(viewer, {"ours": True})
    outlines.show(labels, [2, 3], asked=5)
    shown = viewer.layers["unsure classes"]
    assert set(np.unique(shown.data).tolist()) == {0, 2, 3, 5}
    assert shown.get_color(5).tolist() != shown.get_color(2).tolist() == shown.get_color(3).tolist()
    assert viewer.layers.selection.active == labels
    outlines.show(labels, [4])
    assert viewer.layers["unsure classes"] is shown
    outlines.show(labels, [])
    assert "unsure classes" not in viewer.layers


def test_labels_of_another_image_are_refused(layer):
    labels, viewer = layer
    image = viewer.add_image(np.zeros((9, 9)))
    with pytest.raises(LabelsError, match=r"shape \(3, 164\)"):
        to_describe(viewer, image, labels)
    with pytest.raises(LabelsError, match="first"):
        to_describe(viewer, None, labels)


def test_one_example_here_counts_beside_those_of_a_loaded_classifier(layer, guessing, tmp_path):
    guessing.classing.give({1: "even", 2: "odd", 3: "even", 4: "odd"})
    guessing.guess()
    save_classifier(guessing.classifier, tmp_path / "c.json")
    guessing.classing.give(dict.fromkeys([1, 2, 3, 4], ""))
    guessing.loaded = load_classifier(tmp_path / "c.json")
    guessing.classing.give({5: "even"})
    found = guessing.guess()
    assert guessing.classifier.examples == (3, 2)
    assert [found[number].name for number in found] == NAMES[KINDS[np.array(list(found)) - 1]].tolist()


def test_objects_of_all_planes_are_described_each_where_it_is_largest():
    viewer = ViewerModel()
    image = viewer.add_image(np.zeros((3, 20, 30), np.uint8))
    labels = np.zeros((3, 20, 30), np.int32)
    labels[0, 2:6, 2:6] = labels[1, 2:9, 2:9] = 1
    labels[1, 12:15, 12:15] = 2
    labels[2, 4:8, 20:28] = 3
    layer = viewer.add_labels(labels)
    asked = to_describe(viewer, image, layer, all_planes=True)
    planes = {one.plane.index[0]: set(np.unique(one.labels).tolist()) - {0} for one in asked.planes()}
    assert planes == {1: {1, 2}, 2: {3}}
    assert asked.key == to_describe(viewer, image, layer, all_planes=True).key
    assert asked.key != to_describe(viewer, image, layer).key


def test_all_planes_of_a_stack_are_guessed_by_the_real_network():
    from napari_fastsam.layers.classes.describing import describe
    from napari_fastsam.model.network.segmenter import load_model
    from napari_fastsam.samples import nuclei_3d

    ((stack, _, _),) = nuclei_3d()
    stack = np.asarray(stack)[10:16]
    side = stack.shape[1] // 4
    labels = np.zeros(stack.shape, np.int32)
    for number, (z, y, x) in enumerate(np.ndindex(6, 4, 4), start=1):
        labels[z, side * y : side * (y + 1), side * x : side * (x + 1)] = number
    viewer = ViewerModel()
    image, layer = viewer.add_image(stack), viewer.add_labels(labels)
    seen = describe(load_model("nuclei", "cpu"), to_describe(viewer, image, layer, all_planes=True))
    assert seen.objects.numbers.tolist() == list(range(1, 97))
    classing = Classing(viewer)
    classing.work_on(layer)
    classing.add_all(("dark", "bright"))
    brightness = [float(stack[labels == number].mean()) for number in range(1, 97)]
    middle = float(np.median(brightness))
    order = np.argsort(brightness)
    classing.give({int(i) + 1: "dark" for i in order[:4]} | {int(i) + 1: "bright" for i in order[-4:]})
    guessing = Guessing(classing)
    guessing.see(seen)
    found = guessing.guess()
    assert len(found) == 88
    right = [(guess.name == "bright") == (brightness[number - 1] > middle) for number, guess in found.items()]
    assert np.mean(right) > 0.7
