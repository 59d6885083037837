"""Texts in the compatibility mode have the answers of ultralytics' own code."""

from __future__ import annotations

import numpy as np
import pytest
from rendered import render
from ultralytics_texts import prompted

import napari_fastsam as fs
from napari_fastsam.core.prompts.compat import snap_boxes


@pytest.fixture(scope="module")
def encoder(small_clip):
    return fs.load_text_encoder(small_clip, "cpu")


@pytest.mark.filterwarnings("ignore:pkg_resources is deprecated")  # clip, which ultralytics imports
@pytest.mark.parametrize("seed", [3, 4])
@pytest.mark.parametrize("texts", [["red circle"], ["blue square", "green triangle", "yellow"], ["red", "red"]])
def test_equal_to_ultralytics(encoder, seed, texts):
    picture = np.ascontiguousarray(render(seed).picture[12:, 12:])  # shapes near the border, where boxes are snapped
    instances = fs.load_model("nuclei", "cpu").segment(picture)
    assert (snap_boxes(instances) != instances.boxes).any()
    ours = fs.select_texts_like_ultralytics(instances, texts, encoder)
    theirs = prompted(instances, picture, texts, encoder)
    assert 1 <= len(ours) <= len(texts)
    np.testing.assert_allclose(snap_boxes(ours), theirs, atol=1e-3)


def test_small_objects_are_no_answer(encoder):
    masks = np.zeros((2, 40, 40), bool)
    masks[0, 2:12, 2:12] = masks[1, 20:31, 20:31] = True
    instances = fs.Instances.from_masks(masks, image=np.full((40, 40), 9, np.uint8))
    found = fs.select_texts_like_ultralytics(instances, ["red circle"], encoder)
    assert found.areas.tolist() == [121], "100 pixels are too few"
    assert len(fs.select_texts_like_ultralytics(instances.subset([0]), ["red"], encoder)) == 0
