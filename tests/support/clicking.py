"""Two disks that touch, proposals that a test gives, and clicks on them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

import napari_fastsam as fs
from napari_fastsam.core.prompts.selection import Selection, select_objects
from napari_fastsam.model.asking.click_refiner import ClickRefiner
from napari_fastsam.model.asking.prediction import Prediction
from napari_fastsam.model.asking.thresholds import Thresholds
from napari_fastsam.model.correcting import weights
from napari_fastsam.model.correcting.corrector import GaussianProcess

SHAPE = (90, 110)

LEFT, RIGHT, FAR = (45, 36), (45, 64), (15, 100)


def disk(centre: tuple[int, int], radius: float, shape: tuple[int, int] = SHAPE) -> np.ndarray:
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    return (rows - centre[0]) ** 2 + (columns - centre[1]) ** 2 <= radius**2


BOTH = disk(LEFT, 15) | disk(RIGHT, 15)


def picture() -> np.ndarray:
    """Two bright disks that touch, and a small one far from them, on dark noise."""
    plane = np.random.default_rng(0).normal(40, 6, SHAPE)
    plane[BOTH | disk(FAR, 6)] += 120
    return np.repeat(plane.clip(0, 255).astype(np.uint8)[..., None], 3, axis=2)


class Given(Prediction):
    """A plane whose proposals are masks that a test gives."""

    def __init__(self, masks: Sequence[np.ndarray] = (), rgb: np.ndarray | None = None, scores: object = None) -> None:
        self.rgb = picture() if rgb is None else rgb
        self.found = fs.Instances.from_masks(np.array([*masks]).reshape(-1, *self.shape), scores)  # type: ignore[arg-type]
        self.read: list[tuple[slice, slice]] = []

    @property
    def shape(self) -> tuple[int, int]:
        return self.rgb.shape[0], self.rgb.shape[1]

    def defaults(self, conf: float | None, iou: float | None) -> tuple[float, float]:
        return conf or 0.5, iou or 0.5

    def select_from_cache(self, queries: object, thresholds: Thresholds) -> tuple[list[Selection], list[object]]:
        return select_objects(self.found, queries), []  # type: ignore[arg-type]

    def pixels(self, rows: slice, columns: slice) -> np.ndarray:
        self.read.append((rows, columns))
        return self.rgb[rows, columns]


NETWORK, PROCESS = ClickRefiner(weights.load_corrector()), ClickRefiner(GaussianProcess())

either = pytest.mark.parametrize("refiner", [pytest.param(NETWORK, id="network"), pytest.param(PROCESS, id="process")])


def clicked(
    prediction: Prediction, *clicks: tuple[int, int, int], refiner: ClickRefiner = NETWORK, **others: object
) -> Selection:
    """The object of clicks (row, column, label) that belong together."""
    prompts = fs.Prompts([c[:2] for c in clicks], [c[2] for c in clicks], [1] * len(clicks), **others)  # type: ignore[arg-type]
    (one,) = prediction.select(prompts, refine=refiner)
    return one


def mask_of(selection: Selection) -> np.ndarray:
    assert selection.mask is not None, selection.reason
    return selection.mask


def iou(mask: np.ndarray, truth: np.ndarray) -> float:
    return float(np.count_nonzero(mask & truth) / np.count_nonzero(mask | truth))
