"""A model against annotated images: everything it finds, and its answer to one click and one box an object."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt

from napari_fastsam.core.judging.metrics import Matching, match
from napari_fastsam.core.judging.scores import Evaluation, ImageScore
from napari_fastsam.core.objects.instances import Instances
from napari_fastsam.core.objects.masks import CroppedMask
from napari_fastsam.core.objects.proposals import CONF_FLOOR
from napari_fastsam.core.prompts.prompts import Prompts
from napari_fastsam.core.prompts.selection import Selection
from napari_fastsam.core.results.result import masks_in
from napari_fastsam.errors import DatasetError, ImageError, LabelsError
from napari_fastsam.model.asking.plane_prediction import predict_plane
from napari_fastsam.model.asking.prediction import Prediction, resolve_prompts
from napari_fastsam.model.asking.thresholds import Thresholds
from napari_fastsam.model.network.segmenter import Model, check_model


class AnnotatedImage(Protocol):
    """An image with its objects drawn; `io.annotations.datasets.Example` is one."""

    @property
    def name(self) -> str:
        """For a person, unique."""

    @property
    def group(self) -> str:
        """Kind of image; "" = not known."""

    def image(self) -> NDArray[np.generic]:
        """Return (Y, X) or (Y, X, 3 | 4)."""

    def labels(self) -> NDArray[np.integer]:
        """Return (Y, X), 0 = background."""


def evaluate(
    model: Model,
    examples: Iterable[AnnotatedImage],
    *,
    conf: float | None = None,
    iou: float | None = None,
    imgsz: int | None = None,
    prompts: bool = True,
    progress: Callable[[int, int], None] | None = None,
    cancel: Callable[[], bool] | None = None,
) -> Evaluation:
    """Run a model on annotated images and measure how well it finds what is drawn.

    Everything that the model finds is painted into a label image and matched one to one with the true objects
    (`core.judging.metrics`). One click a true object, on its innermost point, and its own box are answered as
    `Prediction.select` does with ``refine=False``: with what the network proposed.

    Parameters
    ----------
    model
        From `load_model`.
    examples
        Annotated images, such as those of ``read_dataset(…)``.
    conf, iou
        As in `Model.segment`.
    imgsz
        As in `Model.segment`.
    prompts
        Whether to ask clicks and boxes too; they take longer than everything else.
    progress
        Called with how many images are done, and how many there are.
    cancel
        Asked before each image; once it returns True, the images so far are what is returned.

    Returns
    -------
    Evaluation
        A row for each image.

    Raises
    ------
    ParameterError
        If a threshold or `imgsz` is outside its range.
    ImageError, LabelsError, DatasetError
        If an image or its labels cannot be used; the message names it.
    """
    check_model(model)
    if isinstance(examples, str | Path):
        raise DatasetError(f"examples is {str(examples)!r}; expected what read_dataset({str(examples)!r}) returns")
    images = list(examples)
    conf, iou = model.thresholds(conf, iou)
    everything = partial(model.segment, imgsz=imgsz, conf=conf, iou=iou)
    asked = Thresholds(conf, iou) if prompts else None
    rows: list[ImageScore] = []
    for example in images:
        if cancel is not None and cancel():
            break
        if not rows and model.device != "cpu":
            # the first pass on a GPU compiles and allocates; that is no part of the time for an image
            everything(example.image())
        truth, image = example.labels(), example.image()
        try:
            if not np.issubdtype(truth.dtype, np.integer):
                raise LabelsError(f"the labels are of type {truth.dtype}; expected whole numbers, 0 = background")
            matchings, seconds = _found(everything, image, truth)
            clicks, boxes = ((), ()) if asked is None else _prompted(model, image, imgsz, truth, asked)
        except (ImageError, LabelsError) as error:
            raise type(error)(f"{example.name}: {error}") from error
        rows.append(ImageScore(example.name, example.group, matchings, seconds, clicks, boxes))
        if progress is not None:
            progress(len(rows), len(images))
    return Evaluation(model.card.name, {"conf": conf, "iou": iou, "imgsz": imgsz}, tuple(rows))


def innermost(mask: NDArray[np.bool_]) -> tuple[int, int]:
    """Return row and column of the pixel of a mask that is farthest from its outside, beyond the array too."""
    depth = distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1]
    row, column = np.unravel_index(int(depth.argmax()), mask.shape)
    return int(row), int(column)


def _found(
    everything: Callable[[NDArray[np.generic]], Instances], image: NDArray[np.generic], truth: NDArray[np.integer]
) -> tuple[tuple[Matching, ...], float]:
    start = time.perf_counter()
    labels = everything(image).to_labels()
    seconds = time.perf_counter() - start
    return tuple(match(labels, truth)), seconds


def _prompted(
    model: Model, image: NDArray[np.generic], imgsz: int | None, truth: NDArray[np.integer], thresholds: Thresholds
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return the IoU of the answers to a click on each true object, and to its box, with the object."""
    crops, points, boxes = [], [], []
    for _, crop in masks_in(truth):
        row, column = innermost(crop.pixels)
        rows, columns = crop.window
        crops.append(crop)
        points.append((crop.top + row, crop.left + column))
        boxes.append((rows.start, columns.start, rows.stop, columns.stop))
    if not crops:
        return (), ()
    seen = predict_plane(model, image, imgsz, conf_floor=min(thresholds.conf, CONF_FLOOR))
    # apart, because a point within another object's box would refine that box
    clicked = _answers(seen, Prompts(points=points), thresholds)
    boxed = _answers(seen, Prompts(boxes=boxes), thresholds)
    return _ious(clicked, crops), _ious(boxed, crops)


def _answers(prediction: Prediction, prompts: Prompts, thresholds: Thresholds) -> list[Selection]:
    return resolve_prompts(prediction, prompts.queries, thresholds)


def _ious(selections: list[Selection], truth: list[CroppedMask]) -> tuple[float, ...]:
    return tuple(
        0.0 if selection.crop is None else selection.crop.iou(crop)
        for selection, crop in zip(selections, truth, strict=True)
    )
