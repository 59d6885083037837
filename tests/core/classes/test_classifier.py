"""Classes learnt from a few examples: right where they are told apart, sure as often as right."""

import json

import numpy as np
import pytest

from napari_fastsam.core.classes.asking import gains, next_object
from napari_fastsam.core.classes.classifier import learn
from napari_fastsam.core.classes.learning import DescribedObjects, classify, learn_classes
from napari_fastsam.core.likeness.descriptors import FORM
from napari_fastsam.errors import ParameterError
from napari_fastsam.io.classifiers import load_classifier, save_classifier

WIDTH = 24 + FORM


def blobs(count: int = 60, kinds: int = 3, apart: float = 4.0, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """(kinds × count, WIDTH) descriptions, and (kinds × count,) the kind of each."""
    rng = np.random.default_rng(seed)
    middles = apart * np.random.default_rng(7).standard_normal((kinds, WIDTH)) / np.sqrt(WIDTH) * 3
    kind = np.repeat(np.arange(kinds), count)
    return (middles[kind] + rng.standard_normal((len(kind), WIDTH)) + 10).astype(np.float32), kind


def examples(kind: np.ndarray, count: int) -> dict[int, str]:
    return {int(row): f"kind {k}" for k in np.unique(kind) for row in np.flatnonzero(kind == k)[:count]}


@pytest.mark.parametrize("kinds", [2, 3, 4])
@pytest.mark.parametrize("count", [1, 10])
def test_kinds_that_are_apart_are_told_apart_on_this_image_and_the_next(kinds, count):
    vectors, kind = blobs(kinds=kinds)
    learnt = learn("a", vectors, examples(kind, count))
    others, other_kind = blobs(kinds=kinds, seed=1)
    again = learnt.classifier.probabilities(others)

    assert (learnt.probabilities.argmax(axis=1) == kind).mean() > 0.95
    assert (again.argmax(axis=1) == other_kind).mean() > 0.95
    np.testing.assert_allclose(again.sum(axis=1), 1)


def test_where_nothing_tells_kinds_apart_nothing_is_sure():
    vectors, kind = blobs(apart=0)
    learnt = learn("a", vectors, examples(kind, 10))
    rest = np.setdiff1d(np.arange(len(kind)), list(examples(kind, 10)))

    assert learnt.probabilities[rest].max(axis=1).mean() < 0.6


def test_answers_are_right_about_as_often_as_they_are_sure():
    sure, right = [], []
    for seed in range(20):
        vectors, kind = blobs(apart=1.2, seed=seed)
        known = examples(kind, 10)
        rest = np.setdiff1d(np.arange(len(kind)), list(known))
        probabilities = learn("a", vectors, known).probabilities[rest]
        sure.append(probabilities.max(axis=1))
        right.append(probabilities.argmax(axis=1) == kind[rest])

    assert abs(np.concatenate(sure).mean() - np.concatenate(right).mean()) < 0.1


def test_a_rare_class_weighs_as_much_as_a_frequent_one():
    vectors, kind = blobs(kinds=2)
    known = examples(kind, 30) | {}
    known = {row: name for row, name in known.items() if name == "kind 0" or row == 60}
    learnt = learn("a", vectors, known)

    assert (learnt.probabilities[60:].argmax(axis=1) == 1).mean() > 0.9


@pytest.mark.parametrize("classes", [{}, {0: "a"}, {0: "a", 1: "a"}])
def test_one_class_alone_teaches_nothing(classes):
    with pytest.raises(ParameterError, match="two classes or more"):
        learn("a", blobs()[0], classes)


def test_a_class_without_an_example_is_left_out():
    vectors, kind = blobs(kinds=2)
    learnt = learn("a", vectors, examples(kind, 2), ["kind 1", "nobody", "kind 0"])

    assert learnt.classifier.names == ("kind 1", "kind 0")
    assert learnt.classifier.examples == (2, 2)


def test_objects_that_all_look_alike_are_no_fault():
    learnt = learn("a", np.ones((5, WIDTH), np.float32), {0: "a", 1: "b"})
    np.testing.assert_allclose(learnt.probabilities, 0.5, atol=0.01)


def test_the_order_of_objects_and_the_scale_of_a_number_do_not_matter():
    vectors, kind = blobs()
    known = examples(kind, 3)
    learnt = learn("a", vectors, known).probabilities
    order = np.random.default_rng(0).permutation(len(vectors))
    place = np.argsort(order)
    turned = learn("a", vectors[order], {int(place[row]): name for row, name in known.items()}).probabilities
    scaled = learn("a", vectors * np.array([1000] + [1] * (WIDTH - 1), np.float32), known).probabilities

    np.testing.assert_allclose(turned[place], learnt, atol=1e-6)
    np.testing.assert_allclose(scaled, learnt, atol=1e-3)


def test_a_classifier_is_saved_and_guesses_the_same(tmp_path):
    vectors, kind = blobs()
    objects = DescribedObjects("pooled-1:24:abc", np.arange(1, len(kind) + 1) * 5, vectors)
    known = {5 * (row + 1): name for row, name in examples(kind, 3).items()}
    classifier = learn_classes(objects, known)
    save_classifier(classifier, tmp_path / "c.json")
    again = load_classifier(tmp_path / "c.json")
    found, expected = classify(again, objects), classify(classifier, objects)

    assert found == expected
    assert set(found) == set(objects.numbers.tolist())
    assert np.mean([guess.name == f"kind {k}" for guess, k in zip(found.values(), kind, strict=True)]) > 0.95
    assert "abc" in (tmp_path / "c.json").read_text()


def test_objects_that_another_network_describes_are_refused():
    vectors, kind = blobs()
    classifier = learn_classes(DescribedObjects("pooled-1:24:abc", np.arange(180), vectors), examples(kind, 3))
    with pytest.raises(ParameterError, match=r"SHA-256 abc.*SHA-256 def"):
        classify(classifier, DescribedObjects("pooled-1:24:def", np.arange(180), vectors))
    with pytest.raises(ParameterError, match="made with"):
        classifier.probabilities(vectors[:, 1:])
    assert classify(classifier, DescribedObjects("", np.zeros(0, np.int64), np.zeros((0, 0), np.float32))) == {}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda c: c.update(version=2), "version 2"),
        (lambda c: c.update(schema="other"), "no classifier"),
        (lambda c: c.pop("weights"), "damaged"),
        (lambda c: c.update(mean=[1.0]), "damaged"),
        (lambda c: c.update(sharpness=float("nan")), "damaged"),
        (lambda c: c.update(classes=["a", "a", "a"]), "damaged"),
        (lambda c: c.update(weights="text"), "damaged"),
    ],
)
def test_a_file_that_is_no_classifier_is_refused(tmp_path, change, said):
    vectors, kind = blobs()
    save_classifier(learn("a", vectors, examples(kind, 2)).classifier, tmp_path / "c.json")
    content = json.loads((tmp_path / "c.json").read_text())
    change(content)
    (tmp_path / "c.json").write_text(json.dumps(content))
    with pytest.raises(ParameterError, match=said):
        load_classifier(tmp_path / "c.json")


def test_asked_is_what_is_open_and_never_what_is_known():
    vectors, kind = blobs(kinds=2, apart=1.5)
    known = examples(kind, 2)
    learnt = learn("a", vectors, known)
    first = next_object(learnt, list(known))

    assert first not in known
    assert gains(learnt).min() >= 0
    assert learnt.probabilities[first].max() < np.median(learnt.probabilities.max(axis=1))
    assert next_object(learnt, range(len(vectors))) is None


def test_examples_of_another_image_count_beside_those_of_this_one(tmp_path):
    """What tells the kinds apart lies in the other image's examples; here only one of each was named."""
    right_alone, right_together = [], []
    for seed in range(12):
        before, kind = blobs(apart=1.6, seed=seed)
        save_classifier(learn("a", before, examples(kind, 12)).classifier, tmp_path / "c.json")
        vectors, kind = blobs(apart=1.6, seed=seed + 100)
        few = examples(kind, 1)
        together = learn("a", vectors, few, further=load_classifier(tmp_path / "c.json"))
        right_alone.append((learn("a", vectors, few).probabilities.argmax(axis=1) == kind).mean())
        right_together.append((together.probabilities.argmax(axis=1) == kind).mean())
        assert together.classifier.examples == (13, 13, 13)
    assert np.mean(right_together) > np.mean(right_alone) + 0.05


def test_examples_of_another_description_or_of_none_that_were_kept_count_for_nothing():
    vectors, kind = blobs()
    other = learn("b", vectors, examples(kind, 5)).classifier
    assert learn("a", vectors, examples(kind, 2), further=other).classifier.examples == (2, 2, 2)


def test_a_class_that_only_the_other_image_has_is_known_here(tmp_path):
    vectors, kind = blobs()
    other = learn("a", vectors, examples(kind, 5)).classifier
    here = {row: name for row, name in examples(kind, 3).items() if name != "kind 2"}
    learnt = learn("a", vectors, here, further=other)
    assert learnt.classifier.names == ("kind 0", "kind 1", "kind 2")
    assert (learnt.probabilities.argmax(axis=1) == kind).mean() > 0.95
