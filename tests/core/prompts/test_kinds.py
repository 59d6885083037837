"""Masks as prompts, object numbers of shapes, and all kinds as JSON."""

from __future__ import annotations

import json

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra.numpy import arrays

import napari_fastsam as fs
from napari_fastsam.core.likeness.exemplars import Exemplars
from napari_fastsam.core.objects.instances import Instances
from napari_fastsam.core.objects.masks import CroppedMask
from napari_fastsam.core.prompts.masks import MaskQuery
from napari_fastsam.core.prompts.prompts import Prompts
from napari_fastsam.errors import PromptError


def mask_at(top: int, left: int, height: int = 5, width: int = 7) -> np.ndarray:
    mask = np.zeros((40, 50), bool)
    mask[top : top + height, left : left + width] = True
    return mask


@pytest.fixture
def one_object() -> Instances:
    return Instances.from_masks([mask_at(20, 20, 10, 10)])


def test_a_mask_is_its_own_object_whatever_was_proposed(one_object: Instances) -> None:
    masks = [mask_at(2, 3), mask_at(18, 19)]
    found = fs.select(one_object, Prompts(masks=masks, points=[[25, 25]]))
    assert [str(s.prompt) for s in found] == ["point 1", "mask 1", "mask 2"]
    for selection, mask in zip(found[1:], masks, strict=True):
        np.testing.assert_array_equal(selection.mask, mask)
        assert (selection.index, selection.score, selection.refined) == (None, 1.0, False)
    assert found[0].index == 0
    assert set(np.unique(fs.paint(found, (40, 50)))) == {0, 1, 2, 3}


def test_points_of_a_masks_number_have_no_object_of_their_own(one_object: Instances) -> None:
    prompts = Prompts(points=[[25, 25], [3, 4]], point_objects=[0, 7], masks=[mask_at(2, 3)], mask_objects=[7])
    assert [str(s.prompt) for s in fs.select(one_object, prompts)] == ["point 1", "mask 1"]


def test_a_mask_beyond_the_image_is_not_found(one_object: Instances) -> None:
    mask = np.zeros((60, 60), bool)
    mask[50:55, 10:20] = True
    (selection,) = fs.select(one_object, Prompts(masks=[mask]))
    assert not selection.found
    assert selection.reason == "outside the image of 40 × 50 pixels"


def test_an_outline_with_a_number_has_to_hold_its_points() -> None:
    ring, disk = mask_at(10, 10, 10, 10), mask_at(10, 10, 10, 10)
    ring[13:17, 13:17] = False
    both = Instances.from_masks([ring, disk], [0.9, 0.5])
    outline = [[10, 10], [10, 19], [19, 19], [19, 10]]
    alone, numbered = (
        fs.select(both, Prompts(outlines=[outline], points=[[15, 15]], point_objects=[2], outline_objects=[n]))[-1]
        for n in (0, 2)
    )
    assert numbered.index == 1
    assert len(numbered.candidates) < len(alone.candidates)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"masks": [np.zeros((5, 5))]}, r"masks\[0\] has no pixel"),
        ({"masks": [np.ones((2, 5, 5))]}, r"masks\[0\] has shape \(2, 5, 5\); expected \(Y, X\)"),
        ({"masks": [mask_at(0, 0)], "mask_objects": [1, 2]}, r"mask_objects has shape \(2,\); expected \(1,\)"),
        ({"masks": [mask_at(0, 0)] * 2, "mask_objects": [3, 3]}, "mask_objects is .* give each its own"),
        ({"boxes": [[0, 0, 5, 5]], "box_objects": [3], "masks": [mask_at(0, 0)], "mask_objects": [3]}, "mask_objects"),
        ({"masks": [{"top": 0, "left": 0, "shape": [2, 2], "runs": [1, 1]}]}, "runs of 2 pixels and the shape 2 × 2"),
        ({"masks": [{"top": 0, "left": 0, "shape": [1 << 40, 1 << 40], "runs": [1]}]}, "the shape 1099511627776 × "),
        ({"masks": [{"top": 0}]}, r"masks\[0\] cannot be read"),
    ],
)
def test_what_cannot_be_meant_is_named(values: dict[str, object], words: str) -> None:
    with pytest.raises(PromptError, match=words):
        Prompts(**values)  # type: ignore[arg-type]


def test_an_unknown_argument_is_a_mistake_in_the_program() -> None:
    with pytest.raises(TypeError, match="no argument 'circles'"):
        Prompts(circles=[[1, 2, 3]])


@given(arrays(bool, st.tuples(st.integers(1, 12), st.integers(1, 12))), st.integers(0, 9), st.integers(0, 9))
def test_a_mask_as_json_is_the_same_mask(pixels: np.ndarray, top: int, left: int) -> None:
    if not pixels.any():
        pixels[0, 0] = True
    (before,) = MaskQuery.parse([CroppedMask(top, left, pixels)])
    (after,) = MaskQuery.parse([json.loads(json.dumps(MaskQuery.to_json(before)))])
    assert (after.top, after.left) == (before.top, before.left)
    np.testing.assert_array_equal(after.pixels, before.pixels)
    assert before.pixels.any(axis=0)[[0, -1]].all()
    assert before.pixels.any(axis=1)[[0, -1]].all()


def test_all_kinds_as_json_are_the_same_prompts() -> None:
    table = np.eye(3, dtype=np.float32)
    prompts = Prompts(
        points=[[1, 2], [3.5, 4]], point_labels=[1, 0], point_objects=[2, 0], boxes=[[1, 1, 9, 9]],
        outlines=[[[0, 0], [0, 5], [5, 5]]], scribbles=[[[1, 1]], [[2, 2], [3, 4]]], texts=["red"], examples=[[5, 6]],
        counter_examples=[[7, 8]], example_boxes=[[0, 0, 2, 2]], counter_example_boxes=[[3, 3, 4, 4]],
        exemplars=Exemplars("pooled-1:none", table[:2], table[2:]), masks=[mask_at(3, 4)], mask_objects=[5],
    )  # fmt: skip
    content = json.loads(json.dumps(prompts.to_json()))
    again = Prompts.from_json(content)
    assert again.to_json() == content
    assert len(again) == len(prompts) == 13
    assert [query.ref for query in again.queries] == [query.ref for query in prompts.queries]
    assert content["mask_objects"] == [5]
    assert content["point_objects"] == [2, 0]
    assert Prompts().to_json() == {}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ([], "expected an object with keys"),
        ({"point": []}, "the key 'point'; expected only"),
        ({"points_yx": "ab"}, "points_yx is 'ab'; expected a list"),
        ({"boxes_yxyx": [[1, 2]]}, r"boxes has shape \(1, 2\)"),
        ({"points_yx": [[10**400, 1]]}, "points is"),
        ({"texts": [3]}, r"texts\[0\] is 3"),
        ({"exemplars": {"kind": "x"}}, "these are no examples"),
        ({"outlines_yx": [5]}, r"outlines\[0\]"),
    ],
)
def test_json_that_cannot_be_meant_is_named(content: object, words: str) -> None:
    with pytest.raises(PromptError, match=words):
        Prompts.from_json(content)
