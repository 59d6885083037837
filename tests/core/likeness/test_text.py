"""Words and objects: right answers on pictures whose answers are known, and no work done twice."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from rendered import Scene, render, roughened

from napari_fastsam.core.likeness.text import crop_kind, text_similarities
from napari_fastsam.core.objects.cutouts import Cutting
from napari_fastsam.core.objects.instances import Instances
from napari_fastsam.errors import ParameterError, PromptError
from napari_fastsam.model.text.encoder import ClipEncoder, load_text_encoder

TEXTS = ("red circle", "a blue square", "the green triangle", "purple circles", "yellow", "triangle", "something red")


@pytest.fixture(scope="module")
def encoder(small_clip) -> ClipEncoder:
    return load_text_encoder(small_clip, "cpu")


@pytest.fixture
def scene() -> Scene:
    return render(7)


class Counting:
    """An encoder that notes what it is asked; a picture is its mean colour, and words name one."""

    def __init__(self, key: str = "counting") -> None:
        self.key = key
        self.pictures = 0
        self.texts: list[str] = []

    def encode_images(self, pictures: Sequence[np.ndarray]) -> np.ndarray:
        self.pictures += len(pictures)
        means = np.array([picture.reshape(-1, 3).mean(axis=0) for picture in pictures], np.float32)
        return means / np.linalg.norm(means, axis=1, keepdims=True)

    def encode_texts(self, texts: Sequence[str]) -> np.ndarray:
        self.texts += texts
        colours = {"red": (1, 0, 0), "green": (0, 1, 0), "blue": (0, 0, 1)}
        return np.array([colours[text] for text in texts], np.float32)


@pytest.mark.parametrize("seed", range(900, 906))
@pytest.mark.parametrize("background", ["dark", "grey", "bright"])
def test_all_shapes_that_fit_come_before_all_others(encoder: ClipEncoder, seed: int, background: str) -> None:
    scene = render(seed, background=background)
    similarities = text_similarities(scene.instances, TEXTS, encoder)
    assert similarities.shape == (len(TEXTS), len(scene.shapes))
    assert similarities.dtype == np.float32
    for text, row in zip(TEXTS, similarities, strict=True):
        fits = np.array([shape.fits(text) for shape in scene.shapes])
        assert row[fits].min() > row[~fits].max(), text


def test_what_the_bundled_model_finds_is_told_apart_by_words(encoder: ClipEncoder) -> None:
    import napari_fastsam as fs

    scene = render(3)
    found = fs.load_model("nuclei", "cpu").segment(scene.picture)
    best = [int(np.argmax([shape.crop.iou(crop) for shape in scene.shapes])) for crop in found.masks]
    assert sorted(best) == list(range(len(scene.shapes)))
    (row,) = text_similarities(found, ["red circle"], encoder)
    fits = np.array([scene.shapes[i].fits("red circle") for i in best])
    assert row[fits].min() > row[~fits].max()


def test_masks_that_are_slightly_wrong_do_little_harm(encoder: ClipEncoder) -> None:
    scene = render(21)
    shape = scene.picture.shape[:2]
    rough = scene.instances_of([roughened(s.crop, i, shape) for i, s in enumerate(scene.shapes)])
    best = text_similarities(rough, ["red circle", "blue square", "green triangle"], encoder).argmax(axis=1)
    assert [scene.shapes[i].name for i in best] == ["red circle", "blue square", "green triangle"]


def test_a_second_query_encodes_no_object_again_and_a_new_threshold_neither(scene: Scene) -> None:
    encoder, instances = Counting(), scene.instances
    first = text_similarities(instances, ["red"], encoder)
    assert encoder.pictures == len(instances)
    text_similarities(instances, ["green", "blue"], encoder)
    some = instances.subset([4, 2, 9])
    again = text_similarities(some, ["red"], encoder)
    assert encoder.pictures == len(instances)
    assert np.array_equal(again, first[:, [4, 2, 9]])


def test_objects_that_are_new_are_all_that_is_encoded(scene: Scene) -> None:
    encoder, whole = Counting(), scene.instances
    text_similarities(whole.subset([0, 1]), ["red"], encoder)
    encoder.pictures = 0
    text_similarities(whole, ["red"], encoder)
    assert encoder.pictures == len(whole) - 2


def test_another_encoder_or_another_cut_is_described_anew(scene: Scene) -> None:
    encoder, other, instances = Counting(), Counting("other"), scene.instances
    text_similarities(instances, ["red"], encoder)
    text_similarities(instances, ["red"], other)
    text_similarities(instances, ["red"], encoder, Cutting("white", 0.3))
    assert (encoder.pictures, other.pictures) == (2 * len(instances), len(instances))
    kinds = {crop_kind(encoder), crop_kind(other), crop_kind(encoder, Cutting("white", 0.3))}
    assert len(kinds) == 3


def test_similarities_are_those_of_the_right_objects_in_their_order() -> None:
    picture = np.zeros((20, 40, 3), np.uint8)
    masks = np.zeros((3, 20, 40), bool)
    for i in range(3):
        masks[i, 5:15, 12 * i : 12 * i + 10] = True
        picture[masks[i], i] = 200
    instances = Instances.from_masks(masks, [0.9, 0.8, 0.7], image=picture)
    similarities = text_similarities(instances, ["blue", "red", "green"], Counting(), Cutting(square=False))
    assert np.allclose(similarities, [[0, 0, 1], [1, 0, 0], [0, 1, 0]])


def test_no_objects_and_no_texts_are_answers_too(scene: Scene, encoder: ClipEncoder) -> None:
    assert text_similarities(scene.instances.subset([]), ["red", "blue"], encoder).shape == (2, 0)
    assert text_similarities(scene.instances, [], encoder).shape == (0, len(scene.shapes))


def test_a_text_that_cannot_be_read_is_told_before_any_object_is_encoded(scene: Scene, encoder: ClipEncoder) -> None:
    instances = scene.instances
    with pytest.raises(PromptError, match="empty"):
        text_similarities(instances, ["red", "  "], encoder)
    assert instances.image_features is not None
    assert not instances.image_features.kept


def test_instances_without_their_image_are_refused() -> None:
    instances = Instances.from_masks(np.ones((1, 9, 9)))
    with pytest.raises(ParameterError, match="do not know their image"):
        text_similarities(instances, ["red"], Counting())
