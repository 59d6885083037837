"""What another program found, from a Labels layer: read anew where something changed, and kept elsewhere."""

from __future__ import annotations

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image, Labels

from napari_fastsam.errors import LabelsError
from napari_fastsam.layers.answers.other_proposals import proposals_on
from napari_fastsam.layers.planes.read import plane_shown


class Found:
    """Two planes, an object on each, found by another program."""

    def __init__(self) -> None:
        self.viewer = ViewerModel()
        self.image = self.viewer.add_layer(Image(np.zeros((2, 40, 50), np.uint8)))
        labels = np.zeros((2, 40, 50), np.int32)
        labels[0, 5:15, 5:15], labels[1, 20:30, 30:40] = 1, 2
        self.layer = self.viewer.add_layer(Labels(labels, name="cellpose", features={"index": [1, 2], "score": 0.5}))

    def on(self, position, image=None):
        self.viewer.dims.set_point(0, position)
        image = self.image if image is None else image
        return proposals_on(self.layer, image, plane_shown(self.viewer, image), True)


@pytest.fixture
def found():
    return Found()


def test_on_each_plane_it_is_the_same_as_long_as_nothing_changes(found):
    first, second = found.on(0), found.on(1)
    assert (found.on(0), found.on(1)) == (first, second)
    found.layer.data_setitem(tuple(np.array([i]) for i in (0, 5, 5)), 0)
    assert found.on(0) is not first
    assert found.on(0).instances.masks[0].area == 99
    assert found.on(1) is second


@pytest.mark.parametrize(
    "change",
    [
        lambda layer: setattr(layer, "name", "stardist"),
        lambda layer: setattr(layer, "features", {"index": [1, 2], "score": [0.5, 0.9]}),
    ],
    ids=["name", "scores"],
)
def test_another_name_and_other_scores_are_told(found, change):
    found.held = found.on(1)
    change(found.layer)
    now = found.on(1)
    assert (now.name, float(now.instances.scores[0])) in (("stardist", 0.5), ("cellpose", np.float32(0.9)))


def test_an_image_that_lies_elsewhere_has_none(found):
    found.held = found.on(0)
    aside = found.viewer.add_layer(Image(found.image.data, translate=(0, 0, 60)))
    with pytest.raises(LabelsError, match="lies elsewhere"):
        found.on(0, aside)
    found.image.translate = (0, 0, 60)
    with pytest.raises(LabelsError, match="lies elsewhere"):
        found.on(0)
