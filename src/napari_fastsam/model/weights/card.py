"""What is known about a model: how to show it an image, what it was trained on, under which licence.

A card is a JSON file beside the checkpoint with the same stem (``nuclei.pt`` has ``nuclei.json``). FastSAM's
own checkpoints come without one, so `FASTSAM` stands in; of any other file nothing is known until it is
opened.
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, get_args

from napari_fastsam.core.image.intensity import NormalizationRule
from napari_fastsam.errors import ModelError
from napari_fastsam.files import read_json

Origin = Literal["file", "registry", "unknown"]
BoxPixels = Literal["index", "centre"]

_MAX_BYTES = 1_000_000
"""The names of some ten thousand validation images fit into it."""


@dataclasses.dataclass(frozen=True)
class Card:
    """How a model wants to be used, and where it comes from.

    Attributes
    ----------
    name, description, task, version, licence, training_data, notes
        Text for a person; ``task`` is ultralytics' word, ``"segment"``.
    imgsz
        Longer side, in pixels, that every image is shown at; None = the image's own size times `scale`.
    scale
        Factor on the image's own size where `imgsz` is None; 1.0 = native.
    trained_imgsz
        Longer side of the training images in pixels; None = not known.
    object_diameter
        Median equivalent diameter of the training objects, ``2 * sqrt(area / pi)``, in pixels of the training
        images; None = not known or of no use (FastSAM was trained on objects of every size).
    shown_diameter
        Diameter in input pixels that training brought the objects of every image to; a plane is then shown at the scale
        that gives its objects this size (`model.network.object_scale`). None = planes are shown as `imgsz` and `scale`
        say.
    object_diameter_range
        5th and 95th percentile of the same; None = not known.
    conf, iou
        Thresholds that find everything best, by measurement; None = not measured.
    intensity
        How intensities become the 8-bit RGB that the network sees, for a person.
    window
        The intensity window where none is given, as in `core.image.intensity.window_of`: ``"type"`` or
        ``"percentiles"``.
    box_pixels
        Which pixels lie in a box: those whose ``"index"`` does, as in ultralytics, or those whose ``"centre"`` does.
    base
        Name of the model that training started from; empty = from scratch or not known.
    created
        Date of the training, ISO 8601; empty = not known.
    validation_images
        Names of the images that training held out, and on which `metrics` were measured.
    metrics
        Name to value, measured on images that training did not see; empty = not measured.
    sha256
        Of the checkpoint, in hexadecimal; None = not known.
    origin
        ``"file"``: read from JSON; ``"registry"``: the stand-in for a model that the registry knows;
        ``"unknown"``: a checkpoint without a card, whose `imgsz` is to be taken from its own training
        arguments.
    """

    name: str
    description: str = ""
    task: str = "segment"
    version: str = ""
    imgsz: int | None = None
    scale: float = 1.0
    trained_imgsz: int | None = None
    object_diameter: float | None = None
    shown_diameter: float | None = None
    object_diameter_range: tuple[float, float] | None = None
    conf: float | None = None
    iou: float | None = None
    intensity: str = "contrast window to 0-255; one channel is repeated as red, green and blue"
    window: NormalizationRule = "type"
    box_pixels: BoxPixels = "index"
    base: str = ""
    created: str = ""
    validation_images: tuple[str, ...] = ()
    licence: str = "unknown"
    training_data: str = ""
    metrics: Mapping[str, float] = dataclasses.field(default_factory=lambda: MappingProxyType({}))
    notes: str = ""
    sha256: str | None = None
    origin: Origin = "file"


FASTSAM = Card(
    name="FastSAM",
    description="Any object, at any size; trained on everyday photographs, so weak on dense small cells",
    imgsz=1024,
    trained_imgsz=1024,
    # what CASIA-IVA-Lab/FastSAM's own Inference.py takes
    conf=0.4,
    iou=0.9,
    licence="AGPL-3.0",
    training_data="2 % of SA-1B",
    origin="registry",
)


def card_text(card: Card) -> str:
    """Return a card as the JSON that `read_card` reads; what it does not say is left out."""
    values = {f.name: getattr(card, f.name) for f in dataclasses.fields(Card) if f.name != "origin"}
    values["metrics"] = dict(card.metrics)
    return json.dumps({key: value for key, value in values.items() if value not in (None, "", (), {})}, indent=2) + "\n"


def read_card(path: Path) -> Card | None:
    """Read a card from its JSON file.

    Parameters
    ----------
    path
        The JSON file. Keys that `Card` does not have are ignored, so that later cards can be read.

    Returns
    -------
    The card, or None if the file is JSON of another kind: a card has a ``name`` and a ``task``.

    Raises
    ------
    ModelError
        If the file cannot be read, is not JSON, or a value of the card has the wrong type or range.
    """
    try:
        found = read_json(path, "a model card", ModelError, _MAX_BYTES)
    except ModelError as error:
        raise ModelError(f"the model card cannot be read: {error}; correct it or move it") from error
    if not isinstance(found, dict) or not {"name", "task"} <= found.keys():
        return None
    try:
        fields = [f.name for f in dataclasses.fields(Card) if f.name != "origin"]
        return Card(**{key: _checked(key, found[key]) for key in fields if key in found})
    except (TypeError, ValueError) as error:
        raise ModelError(f"the model card {path} is wrong: {error}; correct it or move it") from error


_OPTIONAL = {
    "imgsz", "trained_imgsz", "object_diameter", "object_diameter_range", "shown_diameter", "conf", "iou", "sha256",
}  # fmt: skip


def _checked(key: str, value: Any) -> Any:
    """Return a card's value in the type that `Card` declares, or raise ValueError with key and value."""
    if value is None and key in _OPTIONAL:
        return None
    check = _CHECKS.get(key, _text)
    return check(key, value)


def _text(key: str, value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{key} is {value!r}; expected text")
    return value


def _texts(key: str, value: object) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise ValueError(f"{key} is {value!r}; expected a list of names")
    return tuple(_text(f"{key}[{i}]", name) for i, name in enumerate(value))


def _one_of(kind: Any) -> Callable[[str, object], str]:
    words = get_args(kind)

    def check(key: str, value: object) -> str:
        if value not in words:
            raise ValueError(f"{key} is {value!r}; expected one of {', '.join(words)}")
        return str(value)

    return check


def _pixels(key: str, value: object) -> int:
    number = _positive(key, value)
    if number != int(number):
        raise ValueError(f"{key} is {value!r}; expected a whole number of pixels")
    return int(number)


def _range(key: str, value: object) -> tuple[float, ...]:
    if not isinstance(value, list) or len(value) != 2:
        raise ValueError(f"{key} is {value!r}; expected two numbers")
    return tuple(_positive(key, v) for v in value)


def _numbers(key: str, value: object) -> Mapping[str, float]:
    if not isinstance(value, dict):
        raise ValueError(f"{key} is {value!r}; expected names with numbers")
    return MappingProxyType({name: _number(f"{key}[{name!r}]", number) for name, number in value.items()})


def _share(key: str, value: object) -> float:
    number = _number(key, value)
    if not 0 <= number <= 1:
        raise ValueError(f"{key} is {value!r}; expected a number from 0 to 1")
    return number


def _number(key: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"{key} is {value!r}; expected a number")
    return float(value)


def _positive(key: str, value: object) -> float:
    number = _number(key, value)
    if number <= 0:
        raise ValueError(f"{key} is {value!r}; expected a number above 0")
    return number


_CHECKS: Mapping[str, Callable[[str, object], Any]] = {
    "imgsz": _pixels,
    "trained_imgsz": _pixels,
    "object_diameter": _positive,
    "shown_diameter": _positive,
    "window": _one_of(NormalizationRule),
    "box_pixels": _one_of(BoxPixels),
    "validation_images": _texts,
    "object_diameter_range": _range,
    "scale": _positive,
    "conf": _share,
    "iou": _share,
    "metrics": _numbers,
}
