"""Examples: what is described, how likeness behaves, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from rendered import render

import napari_fastsam as fs
from napari_fastsam.core.likeness.descriptors import FORM, describe_instances, descriptor_kind
from napari_fastsam.core.likeness.exemplars import Exemplars, example_likeness
from napari_fastsam.core.likeness.likeness import Population
from napari_fastsam.core.objects.instances import Instances
from napari_fastsam.core.prompts.examples import exemplars_of
from napari_fastsam.errors import PromptError


@pytest.fixture(scope="module")
def found(fluorescence) -> Instances:
    return fs.load_model("nuclei", "cpu").segment(fluorescence)


def compared(instances, prompts):
    exemplars, unanswered = exemplars_of(instances, prompts)
    return example_likeness(instances, exemplars), unanswered


def centre(instances, i):
    return np.argwhere(instances.mask(i)).mean(axis=0).round()


def test_the_networks_features_are_part_of_a_description(found):
    (level,) = found.image_features.maps
    assert level.stride == 8
    vectors = describe_instances(found, range(len(found)))
    assert vectors.shape == (len(found), level.values.shape[-1] + FORM)
    assert np.isfinite(vectors).all()


def test_features_are_taken_where_the_object_lies(fluorescence):
    model = fs.load_model("nuclei", "cpu")
    image = np.zeros((256, 256), np.uint8)
    nucleus = fluorescence[115:140, 80:108]
    for y, x in ((40, 40), (40, 168), (168, 40)):  # whole cells of every stride apart
        image[y : y + 25, x : x + 28] = nucleus
    found = model.segment(image, imgsz=256)
    assert len(found) == 3
    vectors = describe_instances(found, range(3))
    apart = np.linalg.norm(vectors[0] - vectors[1:], axis=1) / np.linalg.norm(vectors[0])
    assert (apart < 0.15).all()


def test_what_is_described_is_kept(found):
    prompts = fs.Prompts(examples=[centre(found, 3)])
    compared(found, prompts)
    kept = dict(found.image_features.kept[descriptor_kind(found)])
    compared(found.filter(conf=0.6), prompts)
    now = found.image_features.kept[descriptor_kind(found)]
    assert all(now[i] is kept[i] for i in kept)


def test_examples_are_like_themselves_and_the_average_is_not(found):
    likeness, unanswered = compared(found, fs.Prompts(examples=[centre(found, 3), centre(found, 9)]))
    assert not unanswered
    assert likeness[[3, 9]].mean() == pytest.approx(1, abs=0.3)
    assert likeness.mean() == pytest.approx(0, abs=1e-6)


def test_a_box_means_the_object_that_a_point_in_it_does(found):
    by_point, _ = exemplars_of(found, fs.Prompts(examples=[centre(found, 3)]))
    by_box, _ = exemplars_of(found, fs.Prompts(example_boxes=[found.boxes[3]]))
    np.testing.assert_array_equal(by_point.examples, by_box.examples)


def test_examples_of_another_image(found):
    kept, _ = exemplars_of(found, fs.Prompts(examples=[centre(found, 3)], counter_examples=[centre(found, 9)]))
    here, _ = compared(found, fs.Prompts(examples=[centre(found, 3)], counter_examples=[centre(found, 9)]))
    again, _ = compared(found, fs.Prompts(exemplars=kept))
    np.testing.assert_allclose(again, here)
    both, _ = exemplars_of(found, fs.Prompts(exemplars=kept, examples=[centre(found, 5)]))
    assert (len(both.examples), len(both.counter_examples)) == (2, 1)


def test_examples_that_were_described_otherwise_are_refused(found):
    scene = render(3)
    foreign, _ = exemplars_of(scene.instances, fs.Prompts(examples=[centre(scene.instances, 0)]))
    with pytest.raises(PromptError, match="mark examples again"):
        compared(found, fs.Prompts(exemplars=foreign))


def test_examples_of_another_model_are_refused_even_if_it_has_as_many_features(fluorescence, tmp_path):
    model = fs.load_model("nuclei", "cpu")
    path = tmp_path / "other.pt"
    path.write_bytes(model.path.read_bytes() + b"\0")  # loads alike; to whoever compares files it is another one
    other = fs.load_model(path, "cpu")
    assert len(model.source) == len(other.source) == 12
    ours, theirs = (m.segment(fluorescence[:256, :256]) for m in (model, other))
    kept, _ = exemplars_of(theirs, fs.Prompts(examples=[centre(theirs, 0)]))
    assert other.source in kept.kind
    with pytest.raises(PromptError, match="another model"):
        fs.select(ours, fs.Prompts(exemplars=kept))
    assert fs.load_model("nuclei", "cpu").source == model.source


def test_examples_with_another_number_of_features_are_refused(found):
    wrong = Exemplars(descriptor_kind(found), np.zeros((1, 5)), np.zeros((0, 5)))
    with pytest.raises(PromptError, match="5 numbers each"):
        fs.select(found, fs.Prompts(exemplars=wrong))


def test_what_is_both_example_and_counter_example_is_neither(found):
    both, another = centre(found, 3), centre(found, 9)
    alone, _ = compared(found, fs.Prompts(examples=[another]))
    likeness, unanswered = compared(found, fs.Prompts(examples=[both, another], counter_examples=[both]))
    np.testing.assert_array_equal(likeness, alone)
    assert unanswered == ["objects that are both example and counter-example, which count as neither: 1"]
    selections = fs.select(found, fs.Prompts(examples=[both], counter_examples=[both]), example_threshold=-9)
    assert not any(s.found for s in selections)
    assert any("neither: 1" in s.reason for s in selections)


def test_what_was_kept_and_is_marked_as_well_counts_once(found):
    prompts = fs.Prompts(examples=[centre(found, 3)])
    kept, _ = exemplars_of(found, prompts)
    again, _ = exemplars_of(found, fs.Prompts(exemplars=kept, examples=prompts.examples))
    assert len(again.examples) == 1
    against, unanswered = exemplars_of(found, fs.Prompts(exemplars=kept, counter_examples=prompts.examples))
    assert (len(against.examples), len(against.counter_examples), len(unanswered)) == (0, 0, 1)


@pytest.mark.parametrize("table", [np.zeros(3), [[np.nan, 1]], [[1e300, 1]], [[10**400, 1]], [["a", 1]], [[1], [1, 2]]])
def test_tables_that_cannot_be_meant(table):
    with pytest.raises(PromptError, match="expected finite numbers"):
        Exemplars("kind", table, np.zeros((0, 2)))


@pytest.mark.parametrize("count", [1, 2, 7])
def test_objects_that_are_all_alike_are_all_like_the_example(count):
    masks = np.zeros((count, 20, 20 * count), bool)
    for i in range(count):
        masks[i, 5:12, 20 * i + 5 : 20 * i + 12] = True
    alike = Instances.from_masks(masks, image=np.where(masks.any(axis=0), 200, 10).astype(np.uint8))
    likeness, _ = compared(alike, fs.Prompts(examples=[[8, 8]]))
    assert likeness.tolist() == [1.0] * count


def test_the_order_of_objects_does_not_matter():
    rng = np.random.default_rng(0)
    vectors, order = rng.normal(size=(50, FORM + 8)), rng.permutation(50)
    none = np.zeros((0, FORM + 8))
    straight = Population.of(vectors).likeness(vectors[:2], none)
    mixed = Population.of(vectors[order]).likeness(vectors[:2], none)
    np.testing.assert_allclose(mixed, straight[order])
