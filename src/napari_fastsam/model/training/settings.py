"""What a training run is done with, chosen from the data where a person says nothing, and why."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_fastsam.errors import ParameterError
from napari_fastsam.model.training.crops import AnnotatedPlane
from napari_fastsam.model.weights.card import Card

SHOWN_DIAMETER = 28.0
"""Object size in input pixels for a network without one of its own: seven prototype cells across."""

_WHOLE = ("epochs", "imgsz", "batch")
_CHOOSABLE = (*_WHOLE, "object_size", "learning_rate")
"""What a person may choose."""

_SAME_SIZE = 1.6
_FROM_SCRATCH, _ONWARD = 100_000, 12_000


@dataclass(frozen=True)
class TrainingSettings:
    """How to train.

    Attributes
    ----------
    epochs, batch, seed
        As everywhere.
    imgsz
        Height and width of a crop in input pixels.
    object_size
        Median diameter in input pixels that the objects are brought to.
    rescale
        Whether each image is brought to `object_size` on its own (and every image that the network is used on), or all
        by one factor, `scale`.
    scale
        Factor for all images; 1.0 where `rescale`.
    crops_per_epoch
        Crops that make an epoch.
    learning_rate
        At its highest; it falls to nothing along a cosine.
    measure_every
        Epochs from one measurement to the next.
    """

    epochs: int
    batch: int
    seed: int
    imgsz: int
    object_size: float
    rescale: bool
    scale: float
    crops_per_epoch: int
    learning_rate: float
    measure_every: int

    def scales_of(self, planes: Sequence[AnnotatedPlane]) -> NDArray[np.float64]:
        """Return the factor from pixels of each plane to input pixels."""
        usual = _median_diameter(planes)
        if not self.rescale:
            return np.full(len(planes), self.scale)
        sizes = np.array([usual if math.isnan(plane.diameter) else plane.diameter for plane in planes])
        return self.object_size / sizes


def choose(
    planes: Sequence[AnnotatedPlane], base: Card | None, seed: int, **wanted: Any
) -> tuple[TrainingSettings, list[str]]:
    """Choose the settings.

    Parameters
    ----------
    planes
        What is trained on.
    base
        Card of the model that training starts from; None = from scratch.
    seed
        As in `TrainingSettings`.
    wanted
        Values of `TrainingSettings` that a person chose; None = not chosen.

    Returns
    -------
    settings
        What was chosen.
    reasons
        Why, a sentence each.

    Raises
    ------
    ParameterError
        If there is no object, or a value is out of range or of a setting that there is not.
    """
    usual = _median_diameter(planes)
    reasons: list[str] = []
    given = {key: value for key, value in wanted.items() if value is not None}
    check_wanted(given)
    given |= {key: int(given[key]) for key in _WHOLE if key in given}
    size = given.get("object_size") or (base.shown_diameter if base and base.shown_diameter else None)
    if size is None:
        size = SHOWN_DIAMETER if base is None else float(np.clip(usual * base.scale, 20, 64))
    sizes = np.array([plane.diameter for plane in planes if not math.isnan(plane.diameter)])
    low, high = np.percentile(sizes, [10, 90])
    rescale = bool(high / low > _SAME_SIZE or (base is not None and base.shown_diameter is not None))
    spread = f"objects are {usual:.0f} px across (median; {low:.0f} to {high:.0f} px in single images)"
    how = "each image is brought" if rescale else "all images are enlarged or reduced alike, so that they come"
    reasons.append(f"{spread}: {how} to {size:.0f} px")
    imgsz = given.get("imgsz") or int(np.clip(round(size * 9 / 32) * 32, 192, 640))
    batch = given.get("batch") or 16
    scale = 1.0 if rescale else size / usual
    areas = np.array([math.prod(plane.labels.shape) for plane in planes])
    factors = size / sizes.mean() if rescale else scale
    covers = float(np.clip(areas * factors**2 / imgsz**2, 1, 8).sum())
    crops = max(batch, round(np.clip(covers, 128, 2000) / batch) * batch)
    total = _FROM_SCRATCH if base is None else min(_ONWARD, 3000 + 150 * len(planes))
    epochs = given.get("epochs") or max(10, round(total / crops))
    how_often = f"{epochs} epoch{'' if epochs == 1 else 's'}"
    reasons.append(f"crops of {imgsz} x {imgsz} px, {crops} an epoch from {counted(planes)}, {how_often}")
    rate = given.get("learning_rate") or (2e-3 if base is None else 5e-4)
    every = max(1, round(epochs / 20))
    settings = TrainingSettings(epochs, batch, seed, imgsz, float(size), rescale, scale, crops, rate, every)
    return settings, reasons


def counted(images: Sequence[object]) -> str:
    """Say how many images there are."""
    return f"{len(images)} image{'' if len(images) == 1 else 's'}"


def check_wanted(wanted: Mapping[str, Any]) -> None:
    """Raise ParameterError for a setting that there is not, or a value that it cannot have; None is left to choose."""
    given = {key: value for key, value in wanted.items() if value is not None}
    for key, value in given.items():
        if key not in _CHOOSABLE:
            raise ParameterError(f"there is no setting {key!r}; expected {', '.join(_CHOOSABLE)}")
        if not (isinstance(value, int | float) and math.isfinite(value) and value > 0):
            raise ParameterError(f"{key} is {value!r}; expected a number above 0")
        if key in _WHOLE and value != int(value):
            raise ParameterError(f"{key} is {value!r}; expected a whole number")
    imgsz = given.get("imgsz")
    if imgsz is not None and (imgsz % 32 or not 64 <= imgsz <= 2048):
        raise ParameterError(f"imgsz is {imgsz!r}; expected a multiple of 32 from 64 to 2048")


def _median_diameter(planes: Sequence[AnnotatedPlane]) -> float:
    sizes = [plane.diameter for plane in planes if not math.isnan(plane.diameter)]
    if not sizes:
        raise ParameterError("there is no object in any of the images to train on; draw some into their labels")
    return float(np.median(sizes))
