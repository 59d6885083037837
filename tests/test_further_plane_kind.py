"""Kinds of planes that the package does not have, in this one file: in Python, and in a session of the dock."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image, Points
from numpy.typing import NDArray
from skimage.measure import label

import napari_fastsam as fs
from napari_fastsam.core.planes.tiling import LabelArray
from napari_fastsam.core.prompts.queries import Query
from napari_fastsam.core.prompts.selection import Selection, select_objects
from napari_fastsam.layers.answers.on_plane import WholePlane
from napari_fastsam.layers.answers.predictors import PREDICTORS
from napari_fastsam.layers.answers.request import Controls, Request
from napari_fastsam.layers.answers.session import Session
from napari_fastsam.layers.planes.plane import Plane
from napari_fastsam.layers.planes.read import read_pixels
from napari_fastsam.model.asking.descriptors import Descriptors
from napari_fastsam.model.asking.plane_scale import PlaneLike
from napari_fastsam.model.asking.prediction import Prediction
from napari_fastsam.model.asking.thresholds import Thresholds
from napari_fastsam.model.network.segmenter import Model

LARGEST = 30
"""Rows of the planes that are predicted here."""


class BrightPrediction(Prediction):
    """A plane whose objects are its bright parts, looked for when the first prompt needs them; there is no network."""

    def __init__(self, image: NDArray[np.uint8]) -> None:
        self._image = image.copy()
        self._found: fs.Instances | None = None

    @property
    def shape(self) -> tuple[int, int]:
        return self._image.shape[0], self._image.shape[1]

    @property
    def nbytes(self) -> int:
        return self._image.nbytes

    def defaults(self, conf: float | None, iou: float | None) -> tuple[float, float]:
        return conf or 0.5, iou or 0.5

    def select_from_cache(
        self, queries: Sequence[Query], thresholds: Thresholds
    ) -> tuple[list[Selection], list[object]]:
        if self._found is None:
            return [Selection(query, self.shape, (), "not looked for yet") for query in queries], ["everything"]
        return select_objects(self._found, queries), []

    def predict_crops(self, pending: Sequence[object]) -> Iterator[int]:
        labels = label(self._image > 100)
        self._found = fs.Instances.from_masks([labels == n for n in range(1, labels.max() + 1)], image=self._image)
        yield len(pending)

    def everything(self, thresholds: Thresholds, labels: LabelArray | None = None) -> fs.Instances:
        list(self.predict_crops(["everything"]))
        assert self._found is not None
        return self._found

    def objects(self, thresholds: Thresholds, descriptors: Descriptors) -> fs.Instances:
        return self.everything(thresholds)

    def release(self, queries: Sequence[Query], limit: int) -> None: ...

    def pixels(self, rows: slice, columns: slice) -> NDArray[np.uint8]:
        return np.repeat(self._image[rows, columns, None], 3, axis=2)

    def is_current(self, image: PlaneLike) -> bool:
        return np.array_equal(image[:, :], self._image)


class BrightPlane(WholePlane):
    """Small planes, predicted by their brightness."""

    name = key = "bright"

    def serves(self, controls: Controls, plane: Plane) -> bool:
        return plane.shape[0] <= LARGEST

    def predict(self, model: Model, request: Request) -> Prediction:
        return BrightPrediction(read_pixels(request.controls.image, request.plane))


@pytest.fixture
def picture() -> NDArray[np.uint8]:
    """(30, 40), a small square in the upper left and a large one in the lower right."""
    picture = np.zeros((LARGEST, 40), np.uint8)
    picture[2:7, 3:8] = 200
    picture[12:24, 20:34] = 220
    return picture


def test_in_python(picture: NDArray[np.uint8]) -> None:
    prediction = BrightPrediction(picture)
    prompts = fs.Prompts(points=[[4, 5], [9, 15]])
    small, none = prediction.select(prompts, refine=False)
    assert small.mask is not None
    assert np.argwhere(small.mask).min(axis=0).tolist() == [2, 3]
    assert (small.crop.area if small.crop else 0, none.found) == (25, False)
    _, drawn = prediction.select(prompts)
    assert drawn.crop is not None, "clicks draw on a plane of any kind"
    assert drawn.crop.covers(prompts.points).tolist() == [False, True]
    alike = prediction.select(fs.Prompts(examples=[[18, 27]]), example_threshold=0.9)
    assert [s.crop.area for s in alike if s.crop] == [168]


def test_in_a_session(picture: NDArray[np.uint8]) -> None:
    PREDICTORS.insert(0, BrightPlane())
    try:
        viewer = ViewerModel()
        image = viewer.add_layer(Image(picture, contrast_limits=(0, 255)))
        points = viewer.add_layer(Points([[18.0, 27.0]]))
        session = Session(viewer, 1 << 30)
        controls = Controls(image, points)
        request = session.request(controls)
        assert request.kind == "bright"
        assert session.result(request) is None
        steps = list(session.work(request))
        assert steps[-1] == "looking closer at a prompt"
        result = session.result(request)
        np.testing.assert_array_equal(result.labels > 0, picture == 220)
        assert session.step(request, +1) == "point 1: there is no larger candidate."

        picture[25:28, 2:9] = 250  # in place, of which napari says nothing
        session.forget_if_painted_over(request)
        assert session.result(session.request(controls)) is None
    finally:
        del PREDICTORS[0]
    assert session.request(controls).kind == "plane"
