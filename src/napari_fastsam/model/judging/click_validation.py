"""How many clicks objects of annotated images take, by the simulated user."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from napari_fastsam.core.correcting.simulated_user import Click, first_click, next_click, one_click_of_each
from napari_fastsam.core.image.intensity import to_rgb8, window_of
from napari_fastsam.core.judging.click_scores import ROUNDS, ClickedObject, ClickEvaluation
from napari_fastsam.core.prompts.prompts import Prompts
from napari_fastsam.core.prompts.ranking import CORRECTED
from napari_fastsam.core.prompts.selection import Selection
from napari_fastsam.errors import ImageError, LabelsError, ParameterError
from napari_fastsam.model.asking.click_refiner import ClickRefiner
from napari_fastsam.model.asking.plane_prediction import PlanePrediction, predict_plane
from napari_fastsam.model.asking.refining import Refiner
from napari_fastsam.model.correcting.corrector import WindowPredictor
from napari_fastsam.model.judging.validation import AnnotatedImage
from napari_fastsam.model.network.segmenter import Model

Start = Literal["point", "box", "nothing"]
"""What the first mask is: the answer to the first click or to the object's box, or there is none."""

SMALLEST_AREA = 40
"""Pixels of an object that is clicked on: of smaller ones the outline is a matter of taste."""


_OBJECT = 1
"""The number that all prompts of an object have."""


def evaluate_clicks(
    model: Model | None,
    corrector: WindowPredictor,
    examples: Iterable[AnnotatedImage],
    *,
    clicks: int = 20,
    start: Start = "point",
    per_image: int | None = None,
    rounds: bool = True,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> ClickEvaluation:
    """Click on objects until they are right, and record how right they were after each click.

    What is measured is what a user gets: all clicks on an object go to `Prediction.select` under one object number.

    Parameters
    ----------
    model
        Proposes the first masks; None = there are none, which only ``start="nothing"`` allows.
    corrector
        Turns masks and clicks into masks.
    examples
        Annotated images; objects of less than `SMALLEST_AREA` pixels are left out.
    clicks
        At most so many an object.
    start
        See `Start`.
    per_image
        At most so many objects of an image, drawn at random; None = all.
    rounds
        Whether micro-sam's rounds are played too, which takes about half as long again.
    seed
        Of the objects drawn.
    progress
        Called with how many images are done, and how many there are.

    Raises
    ------
    ParameterError
        If a value is outside its range.
    ImageError, LabelsError, DatasetError
        If an image or its labels cannot be used; the message names it.
    """
    if start not in get_args(Start):
        raise ParameterError(f"start is {start!r}; expected one of {', '.join(get_args(Start))}")
    if not 1 <= clicks <= 100:
        raise ParameterError(f"clicks is {clicks}; expected 1 to 100")
    if model is None and start != "nothing":
        raise ParameterError(f"start is {start!r} and there is no model to propose anything; expected a model")
    images = list(examples)
    rng = np.random.default_rng(seed)
    rows: list[ClickedObject] = []
    times: list[float] = []
    for done, example in enumerate(images, start=1):
        truth = example.labels()
        chosen = _chosen(truth, per_image, rng)
        if len(chosen):
            try:
                user = _User.at(example.image(), model, ClickRefiner(corrector), start, clicks, times)
                if truth.shape != user.plane.shape:
                    raise LabelsError(f"the labels have shape {truth.shape}; expected the image's, {user.plane.shape}")
            except (ImageError, LabelsError) as error:
                raise type(error)(f"{example.name}: {error}") from error
            rows += [user.object(example, truth, int(label), rounds) for label in chosen]
        if progress is not None:
            progress(done, len(images))
    seconds = float(np.median(times)) if times else float("nan")
    name = "" if model is None or start == "nothing" else model.card.name
    return ClickEvaluation(name, corrector.name, start, clicks, tuple(rows), seconds)


def _chosen(truth: NDArray[np.integer], per_image: int | None, rng: np.random.Generator) -> NDArray[np.integer]:
    labels, areas = np.unique(truth[truth > 0], return_counts=True)
    labels = labels[areas >= SMALLEST_AREA]
    if per_image is not None and len(labels) > per_image:
        labels = np.sort(rng.choice(labels, per_image, replace=False))
    return np.asarray(labels)


@dataclass(frozen=True, eq=False)
class _Unseen:
    """A plane that no model has seen: clicks alone draw its objects, as where nothing was proposed."""

    rgb: NDArray[np.uint8]
    object_diameter: float | None = None

    @property
    def shape(self) -> tuple[int, int]:
        return self.rgb.shape[0], self.rgb.shape[1]

    def pixels(self, rows: slice, columns: slice) -> NDArray[np.uint8]:
        return self.rgb[rows, columns]

    def select(self, prompts: Prompts, *, refine: Refiner) -> list[Selection]:
        return refine.refine(self, [Selection(query, self.shape, (), "") for query in prompts.queries])


@dataclass(frozen=True, eq=False)
class _User:
    """Somebody who clicks on the objects of one image, and is answered as every user is: by `Prediction.select`."""

    plane: PlanePrediction | _Unseen
    refiner: Refiner
    start: Start
    limit: int
    times: list[float]

    @classmethod
    def at(
        cls,
        image: NDArray[np.generic],
        model: Model | None,
        refiner: Refiner,
        start: Start,
        limit: int,
        times: list[float],
    ) -> _User:
        if model is None or start == "nothing":
            unseen = _Unseen(to_rgb8(image, window_of(image, "percentiles")))
            return cls(unseen, refiner, start, limit, times)
        return cls(predict_plane(model, image), refiner, start, limit, times)

    def object(self, example: AnnotatedImage, labels: NDArray[np.integer], label: int, rounds: bool) -> ClickedObject:
        truth = labels == label
        ious, proposed = self._until_right(truth)
        after = self._rounds(truth) if rounds else (float("nan"),) * len(ROUNDS)
        return ClickedObject(example.name, example.group, label, int(truth.sum()), ious, after, proposed)

    def _until_right(self, truth: NDArray[np.bool_]) -> tuple[tuple[float, ...], bool]:
        """Return the IoU after each click, and whether the first answer began with a proposal."""
        made: list[Click] = [] if self.start == "box" else [first_click(truth)]
        answer = self._answer(truth, made)
        mask, proposed = _mask(answer), any(candidate.source not in CORRECTED for candidate in answer.candidates)
        ious = [_iou(mask, truth)] if made else []
        while len(ious) < self.limit:
            click = next_click(mask, truth)
            if click is None:
                ious += [1.0] * (self.limit - len(ious))
                break
            made.append(click)
            mask = _mask(self._answer(truth, made))
            ious.append(_iou(mask, truth))
        return tuple(ious), proposed

    def _rounds(self, truth: NDArray[np.bool_]) -> tuple[float, ...]:
        """Return the IoU after each of `ROUNDS`."""
        made = [] if self.start == "box" else [first_click(truth)]
        mask = _mask(self._answer(truth, made))
        ious = [_iou(mask, truth)]
        for _ in range(max(ROUNDS)):
            made += one_click_of_each(mask, truth)
            mask = _mask(self._answer(truth, made))
            ious.append(_iou(mask, truth))
        return tuple(ious[number] for number in ROUNDS)

    def _answer(self, truth: NDArray[np.bool_], made: Sequence[Click]) -> Selection:
        boxes = [_box(truth)] if self.start == "box" else []
        prompts = Prompts(
            points=[(click.row, click.column) for click in made],
            point_labels=[int(click.positive) for click in made],
            point_objects=[_OBJECT] * len(made),
            boxes=boxes,
            box_objects=[_OBJECT] * len(boxes),
        )
        started = time.perf_counter()
        (selection,) = self.plane.select(prompts, refine=self.refiner)
        if made:
            self.times.append(time.perf_counter() - started)
        return selection


def _mask(selection: Selection) -> NDArray[np.bool_]:
    mask = selection.mask
    return np.zeros(selection.shape, bool) if mask is None else mask


def _box(mask: NDArray[np.bool_]) -> tuple[float, float, float, float]:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return float(rows[0]), float(columns[0]), float(rows[-1] + 1), float(columns[-1] + 1)


def _iou(mask: NDArray[np.bool_], truth: NDArray[np.bool_]) -> float:
    union = np.count_nonzero(mask | truth)
    return float(np.count_nonzero(mask & truth) / union) if union else 0.0
