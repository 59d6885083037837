"""One image shown in place of another: in the same layers where napari can, in new ones where it cannot."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image, Points

from napari_fastsam.layers.connections import Connections
from napari_fastsam.layers.contents import content_of, hear_refills
from napari_fastsam.layers.labels.outlined import Labels
from napari_fastsam.layers.projects.refilling import show
from napari_fastsam.layers.prompts.new import new_points

Shown = tuple[list[Image], Labels]


def of_image(pixels: np.ndarray, number: int = 1, **options: Any) -> Shown:
    """Return layers of an image, not in a viewer, with an object in the labels."""
    image = Image(pixels, **options)
    labels = Labels(np.zeros(image.data.shape[: image.ndim], np.int32), name="labels", scale=image.scale)
    labels.data[..., 2:5, 2:5] = number
    labels.features = {"index": [number], "class": [f"class {number}"]}
    labels.metadata = {"note": number}
    return [image], labels


@pytest.fixture
def viewer() -> ViewerModel:
    return ViewerModel()


def shown(viewer: ViewerModel, new: Shown, before: Shown | None = None, prompts: Any = ()) -> Shown:
    return show(viewer, *new, prompts, None if before is None else (*before[0], before[1]))


def test_the_same_layers_hold_the_next_image_and_all_that_belongs_to_it(viewer):
    first = shown(viewer, of_image(np.full((30, 40), 7, np.uint8), name="a"))
    first[1].brush_size, first[1].opacity, first[1].selected_label = 23, 0.4, 9
    wanted = of_image(np.full((50, 20), 9, np.uint8), 5, name="b", scale=(0.5, 0.25), contrast_limits=(3, 30))
    (image,), labels = shown(viewer, wanted, first)
    assert [image, labels] == list(viewer.layers) == [*first[0], first[1]]
    assert (image.name, image.data[0, 0], tuple(image.contrast_limits)) == ("b", 9, (3, 30))
    assert tuple(image.scale) == tuple(labels.scale) == (0.5, 0.25)
    assert labels.data.shape == (50, 20)
    assert set(np.unique(labels.data)) == {0, 5}
    assert labels.features["class"].tolist() == ["class 5"]
    assert labels.metadata == {"note": 5}
    assert (labels.brush_size, labels.opacity, labels.selected_label) == (23, 0.4, 1)
    assert viewer.layers.extent.world[1].tolist() == [24.5, 4.75]


def test_what_was_painted_on_the_image_before_is_not_taken_back_in_the_next(viewer):
    first = shown(viewer, of_image(np.zeros((30, 40), np.uint8)))
    first[1].mode = "paint"
    first[1].paint((20, 20), 3)
    _, labels = shown(viewer, of_image(np.zeros((30, 40), np.uint8)), first)
    expected = labels.data.copy()
    labels.undo()
    np.testing.assert_array_equal(labels.data, expected)
    assert labels.mode == "paint", "the tool stays in hand"
    labels.paint((20, 20), 3)
    labels.undo()
    np.testing.assert_array_equal(labels.data, expected)


@pytest.mark.parametrize(
    ("pixels", "options"),
    [
        (np.zeros((30, 40), np.uint16), {}),
        (np.zeros((30, 40, 3), np.uint8), {"rgb": True}),
        (np.zeros((4, 30, 40), np.uint8), {}),
        ([np.zeros((30, 40), np.uint8), np.zeros((15, 20), np.uint8)], {"multiscale": True}),
    ],
)
def test_an_image_of_another_kind_gets_layers_of_its_own(viewer, pixels, options):
    first = shown(viewer, of_image(np.zeros((30, 40), np.uint8)))
    wanted = Image(pixels, **options)
    size = wanted.level_shapes[0][: wanted.ndim]
    labels = Labels(np.zeros(tuple(map(int, size)), np.int32))
    there = shown(viewer, ([wanted], labels), first)
    assert there == ([wanted], labels)
    assert list(viewer.layers) == [wanted, labels]


def test_a_layer_that_the_user_removed_comes_back(viewer):
    first = shown(viewer, of_image(np.zeros((30, 40), np.uint8)))
    viewer.layers.remove(first[1])
    (image,), labels = shown(viewer, of_image(np.ones((30, 40), np.uint8)), first)
    assert list(viewer.layers) == [image, labels]
    assert image.data.all()


def test_prompt_layers_stay_empty_on_the_next_image_or_hold_its_own(viewer):
    first = shown(viewer, of_image(np.zeros((30, 40), np.uint8)))
    points = viewer.add_layer(new_points(first[0][0]))
    points.add([(5, 5), (6, 6)])
    points.mode = "add"
    second = shown(viewer, of_image(np.zeros((30, 40), np.uint8), scale=(2, 2)), first)
    assert viewer.layers[-1] == points
    assert (len(points.data), points.mode, tuple(points.scale)) == (0, "add", (2, 2))
    assert viewer.layers.selection.active == points
    stored: Points = new_points(second[0][0])
    stored.add([(9, 8)])
    shown(viewer, of_image(np.zeros((30, 40), np.uint8)), second, [stored])
    np.testing.assert_array_equal(points.data, [(9, 8)])
    assert points.features["polarity"].tolist() == ["positive"]


def test_a_stack_is_shown_at_its_middle_plane(viewer):
    first = shown(viewer, of_image(np.zeros((9, 30, 40), np.uint8)))
    viewer.dims.set_current_step(0, 8)
    shown(viewer, of_image(np.zeros((5, 30, 40), np.uint8)), first)
    assert viewer.dims.current_step[0] == 2


def test_who_works_with_layers_is_told_before_and_after(viewer):
    first = shown(viewer, of_image(np.zeros((30, 40), np.uint8)))
    seen, heard = [], Connections()
    content = content_of(first[0][0])
    hear_refills(
        viewer,
        heard,
        lambda layers: seen.append((layers, int(first[1].data.max()), content_of(first[0][0]) == content)),
        lambda layers: seen.append((layers, int(first[1].data.max()), content_of(first[0][0]) == content)),
    )
    wanted = of_image(np.zeros((30, 40), np.uint8), 6)
    shown(viewer, wanted, first)
    both = (*first[0], first[1])
    assert seen == [(both, 1, True), (both, 6, False)]
    assert content_of(first[0][0]) == content_of(wanted[0][0])
    heard.undo()
    shown(viewer, of_image(np.zeros((30, 40), np.uint8)), first)
    assert len(seen) == 2
