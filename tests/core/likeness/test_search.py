"""Words and examples choose all objects that are like them, and no others."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from rendered import Scene, render

import napari_fastsam as fs
from napari_fastsam.core.likeness.likeness import usual_threshold
from napari_fastsam.core.likeness.search import Search, split, within_boxes
from napari_fastsam.core.objects.instances import Instances
from napari_fastsam.errors import ParameterError, PromptError


@pytest.fixture(scope="module")
def encoder(small_clip):
    return fs.load_text_encoder(small_clip, "cpu")


@pytest.fixture(scope="module")
def scene() -> Scene:
    return render(7)


def chosen(selections, kind="text", query=0):
    return [s.index for s in selections if s.found and (s.prompt.kind, s.prompt.indices[0]) == (kind, query)]


def fitting(scene: Scene, text: str) -> list[int]:
    return [i for i, shape in enumerate(scene.shapes) if shape.fits(text)]


def centre(scene: Scene, i: int) -> list[float]:
    y0, x0, y1, x1 = scene.instances.boxes[i]
    return [float(y0 + y1) / 2 - 0.5, float(x0 + x1) / 2 - 0.5]


def test_a_text_has_all_that_it_names_most_similar_first(encoder, scene):
    selections = fs.select(scene.instances, fs.Prompts(texts=["red circle"]), text_encoder=encoder)
    assert sorted(chosen(selections)) == fitting(scene, "red circle")
    fits = [float(s.fits[0]) for s in selections]
    assert fits == sorted(fits, reverse=True)
    np.testing.assert_array_equal(selections[0].mask, scene.instances.mask(selections[0].index))


def test_an_object_belongs_to_the_text_that_it_is_most_like(encoder, scene):
    prompts = fs.Prompts(texts=["red", "red circle"])
    selections = fs.select(scene.instances, prompts, text_encoder=encoder, text_threshold=-1.0)
    assert set(chosen(selections, query=0)) | set(chosen(selections, query=1)) == set(range(len(scene.shapes)))
    assert not set(chosen(selections, query=0)) & set(chosen(selections, query=1))


def test_best_only_takes_one_a_text_whatever_the_threshold(encoder, scene):
    texts = ["blue square", "green triangle"]
    selections = fs.select(
        scene.instances, fs.Prompts(texts=texts), text_encoder=encoder, text_threshold=1.0, text_best=True
    )
    assert [len(chosen(selections, query=i)) for i in (0, 1)] == [1, 1]
    for i, text in enumerate(texts):
        assert chosen(selections, query=i)[0] in fitting(scene, text)


def test_nothing_above_the_threshold_is_said(encoder, scene):
    (only,) = fs.select(scene.instances, fs.Prompts(texts=["red circle"]), text_encoder=encoder, text_threshold=1.0)
    assert not only.found
    assert "no object is like “red circle” by 1.000 or more" in only.reason


def test_a_negative_point_vetoes_and_a_box_restricts(encoder, scene):
    red = fitting(scene, "red")
    assert len(red) > 2
    veto = fs.Prompts(texts=["red"], points=[centre(scene, red[0])], point_labels=[0])
    assert red[0] not in chosen(fs.select(scene.instances, veto, text_encoder=encoder))
    box = scene.instances.boxes[red[1]]
    selections = fs.select(
        scene.instances, fs.Prompts(texts=["red"], boxes=[box]), text_encoder=encoder, text_threshold=0
    )
    assert chosen(selections) == [red[1]]
    assert not [s for s in selections if s.prompt.kind == "box"], "the box asks for no object of its own"


def test_a_point_has_its_object_beside_a_text(encoder, scene):
    blue = fitting(scene, "blue")[0]
    prompts = fs.Prompts(texts=["red"], points=[centre(scene, blue)])
    first, *others = fs.select(scene.instances, prompts, text_encoder=encoder)
    assert (first.prompt.kind, first.index) == ("point", blue)
    assert blue not in [s.index for s in others]


def test_examples_find_their_like(scene):
    yellow = fitting(scene, "yellow")
    prompts = fs.Prompts(examples=[centre(scene, yellow[0])])
    found = chosen(fs.select(scene.instances, prompts, example_threshold=0.5), "example")
    assert yellow[0] in found
    assert set(found) <= set(yellow) | {i for i in found if scene.shapes[i].fits("circle")}


def test_a_counter_example_takes_its_like_away(scene):
    yellow, red = fitting(scene, "yellow")[0], fitting(scene, "red")[0]
    with_both = fs.Prompts(examples=[centre(scene, yellow), centre(scene, red)])
    against = fs.Prompts(examples=[centre(scene, yellow)], counter_examples=[centre(scene, red)])
    assert red in chosen(fs.select(scene.instances, with_both, example_threshold=0.2), "example")
    assert red not in chosen(fs.select(scene.instances, against), "example")


def test_examples_are_part_of_the_answer_and_counter_examples_are_not(scene):
    first, second, against = (fitting(scene, colour)[0] for colour in ("yellow", "red", "blue"))
    prompts = fs.Prompts(
        examples=[centre(scene, first), centre(scene, second)], counter_examples=[centre(scene, against)]
    )
    strict = {s.index: s.reason for s in fs.select(scene.instances, prompts, example_threshold=5) if s.found}
    assert set(strict) == {first, second}
    assert strict[first].startswith("one of the examples")
    assert against not in chosen(fs.select(scene.instances, prompts, example_threshold=-5), "example")
    (box,) = fs.select(scene.instances, fs.Prompts(examples=[centre(scene, first)], boxes=[[0, 0, 1, 1]]))
    assert "outside of the boxes" in box.reason


def test_the_usual_likeness_rises_with_the_number_of_examples(scene):
    assert [usual_threshold(count) for count in (0, 1, 1000)] == [0.2, 0.2, 0.5]
    assert usual_threshold(2) < usual_threshold(3) < usual_threshold(10) < 0.5
    yellow = fitting(scene, "yellow")
    for count in (1, 2):
        prompts = fs.Prompts(examples=[centre(scene, i) for i in yellow[:count]])
        explicit = fs.select(scene.instances, prompts, example_threshold=usual_threshold(count))
        assert chosen(fs.select(scene.instances, prompts), "example") == chosen(explicit, "example")


def test_an_example_on_nothing_is_said_and_the_others_used(scene):
    prompts = fs.Prompts(examples=[[0, 0], centre(scene, 0)])
    selections = fs.select(scene.instances, prompts)
    assert "example 1: no object there" in [s.reason for s in selections if not s.found]
    assert 0 in chosen(selections, "example")


def test_texts_without_an_encoder_or_an_image(encoder, scene):
    with pytest.raises(ParameterError, match="load_text_encoder"):
        fs.select(scene.instances, fs.Prompts(texts=["red"]))
    blind = Instances.from_masks(np.ones((1, 8, 8)))
    with pytest.raises(ParameterError, match="do not know their image"):
        fs.select(blind, fs.Prompts(texts=["red"]), text_encoder=encoder)


@pytest.mark.parametrize("text", ["", "   "])
def test_a_text_without_a_word(text):
    with pytest.raises(PromptError, match="expected words"):
        fs.Prompts(texts=[text])


def test_counter_examples_alone():
    with pytest.raises(PromptError, match="no example"):
        fs.Prompts(counter_examples=[[1, 1]])


def test_no_instances_at_all(encoder):
    none = Instances.from_masks(np.zeros((0, 20, 30)), image=np.zeros((20, 30)))
    selections = fs.select(none, fs.Prompts(texts=["red"], examples=[[1, 1]]), text_encoder=encoder)
    assert not any(s.found for s in selections)
    assert all(s.reason for s in selections)


@pytest.mark.parametrize("wrong", [{"text_threshold": 2}, {"example_threshold": float("nan")}])
def test_thresholds_that_cannot_be_meant(wrong):
    with pytest.raises(ParameterError, match="expected"):
        Search(**wrong)


def test_the_split_finds_few_among_many_and_two_halves():
    rng = np.random.default_rng(0)
    low, high = rng.normal(0.2, 0.01, 40), rng.normal(0.3, 0.01, 3)
    assert low.max() < split(np.concatenate([low, high]).astype(np.float32)) <= np.float32(high.min())
    half = rng.normal(0.3, 0.01, 40)
    assert low.max() < split(np.concatenate([low, half]).astype(np.float32)) <= np.float32(half.min())


@given(arrays(np.float32, st.integers(1, 40), elements=st.floats(-1, 1, width=32)))
def test_some_object_is_always_above_the_split(similarities):
    threshold = np.float32(split(similarities))
    assert (similarities >= threshold).any()


def test_half_of_an_object_in_a_box_is_enough():
    masks = np.zeros((2, 20, 20), bool)
    masks[0, 4:8, 4:8] = masks[1, 12:16, 4:8] = True
    instances = Instances.from_masks(masks)
    assert within_boxes(instances, np.array([[0, 0, 6, 20]], float)).tolist() == [True, False]
    assert within_boxes(instances, np.array([[0, 0, 5, 20]], float)).tolist() == [False, False]
    assert within_boxes(instances, np.zeros((0, 4))).all()
