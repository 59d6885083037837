"""What was found on an image, as every format of files takes it and gives it back."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from napari_fastsam.core.image.scale import PLANE_SCALE, Scale
from napari_fastsam.core.objects.masks import CroppedMask
from napari_fastsam.core.objects.pixel_sums import numbered
from napari_fastsam.core.results.provenance import Provenance
from napari_fastsam.errors import ParameterError

_FEW = 1 << 20
"""Numbers that scipy looks for one by one even if there is none of them."""

Index = tuple[int, ...]
"""Which plane of a stack: one number for each axis before rows and columns."""


@dataclass(frozen=True, eq=False)
class ResultObject:
    """An object of a result.

    Attributes
    ----------
    number
        In the label image.
    score
        Confidence, 0 … 1; NaN = not known.
    class_name
        What it is: the text that found it, or a class that a file gives; "" = not known.
    prompt, reason
        Which prompt it answers, and why it does; "" = none.
    similarity
        How like the text or the examples that found it; NaN = it was not searched for.
    place
        Which planes have it: one index for each axis before rows and columns, None = all of that axis, as where objects
        are linked along it. Of a single plane ``()``.
    mask
        Its own mask on its plane; None = the pixels with its number. Only where several have one number, as with
        classes, the number does not tell.
    """

    number: int
    score: float = math.nan
    class_name: str = ""
    prompt: str = ""
    reason: str = ""
    similarity: float = math.nan
    place: tuple[int | None, ...] = ()
    mask: CroppedMask | None = None

    def on(self, index: Index) -> bool:
        """Whether a plane may have it."""
        return all(own is None or own == other for own, other in zip(self.place, index, strict=False))

    def to_json(self) -> dict[str, Any]:
        """Return all but the mask as values that JSON knows; what is not known is left out."""
        content = {
            "label": self.number,
            "score": None if math.isnan(self.score) else float(self.score),
            "class": self.class_name,
            "prompt": self.prompt,
            "why": self.reason,
            "similarity": None if math.isnan(self.similarity) else float(self.similarity),
            "plane": list(self.place),
        }
        return {key: value for key, value in content.items() if value not in (None, "", [])}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> ResultObject:
        """Return what `to_json` made values of.

        Raises
        ------
        KeyError, TypeError, ValueError
            If it is something else.
        """

        def text(key: str) -> str:
            return str(content.get(key, ""))

        def number(key: str) -> float:
            return math.nan if content.get(key) is None else float(content[key])

        return cls(
            int(content["label"]),
            number("score"),
            text("class"),
            text("prompt"),
            text("why"),
            number("similarity"),
            tuple(None if at is None else int(at) for at in content.get("plane", ())),
        )

    @classmethod
    def from_row(cls, row: Mapping[Any, Any], place: tuple[int | None, ...]) -> ResultObject | None:
        """Return what a row of a features table tells of an object; None if it is about none.

        Columns of somebody else may have our names: what is no number is not known then.
        """
        if _is_missing(row["index"]) or not row["index"]:
            return None

        def number(name: str) -> float:
            try:
                return math.nan if _is_missing(row.get(name)) else float(row[name])
            except (TypeError, ValueError):
                return math.nan

        def text(*names: str) -> str:
            return next((str(row[name]) for name in names if not _is_missing(row.get(name)) and row[name] != ""), "")

        return cls(
            int(row["index"]), number("score"), text("class", "text"), text("prompt"), text("why"),
            number("similarity"), place,
        )  # fmt: skip


def _is_missing(value: Any) -> bool:
    return value is None or bool(value != value)


class LabelPlanes(Protocol):
    """A label image, plane by plane: in memory, in a file, or made as it is asked for."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Of all of it, rows and columns last."""

    def planes(self, onto: Any = None) -> Iterator[tuple[Index, Any]]:
        """Yield each plane's index and its (Y, X) labels, in order.

        Parameters
        ----------
        onto
            An array of the same shape, all 0, that will hold the labels. Whoever makes a large plane may paint it
            there, and yields `onto` itself then.
        """


class ArrayLabels:
    """A label image that an array holds: numpy, zarr, dask.

    Parameters
    ----------
    array
        (…, Y, X) whole numbers, 0 = background.
    """

    def __init__(self, array: Any) -> None:
        self.array = array
        self.shape = tuple(int(n) for n in array.shape)

    def planes(self, onto: Any = None) -> Iterator[tuple[Index, Any]]:
        """Yield each plane's index and its (Y, X) labels, in order; nothing is painted onto `onto`."""
        for index in np.ndindex(*self.shape[:-2]):
            yield index, np.asarray(self.array[index])


@dataclass(frozen=True, eq=False)
class SegmentationResult:
    """What was found on an image.

    Attributes
    ----------
    labels
        The label image; 0 = background.
    objects
        What is known of them, at most one row for each number on a plane, except where several objects have one number.
        Where the label image is made as it is asked for, all are here only once its last plane was given.
    scale
        Names of its axes, size of a pixel along each, units.
    provenance
        How it came about: one entry, or one for each time that objects were added; none = not known.
    image
        What the image is called; "" = not known.
    pixels
        Gives the image's own pixels on a plane, (Y, X) or (Y, X, C), for overlays and brightness; None = not known.
    """

    labels: LabelPlanes
    objects: Sequence[ResultObject] = ()
    scale: Scale = PLANE_SCALE
    provenance: tuple[Provenance, ...] = ()
    image: str = ""
    pixels: Callable[[Index], NDArray[np.generic]] | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the label image, rows and columns last."""
        return self.labels.shape

    def label_image(self) -> NDArray[Any]:
        """Return the whole label image in memory: int32, or int64 where a number needs it.

        Raises
        ------
        ParameterError
            If one needs more than that.
        """
        onto = whole = np.zeros(self.shape, np.int32)
        for index, labels in self.labels.planes(onto):
            if labels is not onto:
                plane = np.asarray(labels)
                whole = whole.astype(_wide_enough(plane, whole.dtype), copy=False)
                whole[index] = plane
        return whole

    def by_plane(self) -> Callable[[Index], list[ResultObject]]:
        """Return a function that gives what is known of the objects on a plane."""
        single: dict[tuple[int | None, ...], list[ResultObject]] = {}
        several: list[ResultObject] = []
        for found in self.objects:
            group = several if None in found.place or not found.place else single.setdefault(found.place, [])
            group.append(found)
        return lambda index: [*single.get(index, ()), *(found for found in several if found.on(index))]

    def masks(self) -> Iterator[tuple[Index, ResultObject, CroppedMask]]:
        """Yield all objects with their masks, plane by plane, in the order of their numbers.

        An object that lies on several planes comes once for each; a number of which nothing else is known too.

        Raises
        ------
        ParameterError
            If a number needs more than 64 bits with a sign.
        """
        on_plane = self.by_plane()
        for index, labels in self.labels.planes():
            known = on_plane(index)
            own = [found for found in known if found.mask is not None]
            drawn = {found.number for found in own}
            by_number = {found.number: found for found in known}
            pairs = [(found, found.mask) for found in own if found.mask is not None]
            pairs += [
                (by_number.get(number, ResultObject(number, place=index)), mask)
                for number, mask in masks_in(np.asarray(labels[:, :]))
                if number not in drawn
            ]
            pairs.sort(key=lambda pair: pair[0].number)
            require_kept(pairs[-1][0].number if pairs else 0)
            for found, mask in pairs:
                yield index, found, mask


def _wide_enough(plane: NDArray[np.integer], least: np.dtype[Any]) -> np.dtype[Any]:
    """Return the type of a label image that holds a plane too. Raises ParameterError if there is none."""
    highest = int(plane.max(initial=0))
    require_kept(highest)
    return np.dtype(np.int64) if highest > np.iinfo(least).max else least


def too_high(number: int) -> str:
    """Say that a number is no label that can be kept."""
    return f"the label {number} is above {np.iinfo(np.int64).max}, the highest that is kept; number the objects anew"


def require_kept(highest: int) -> None:
    """Require that labels up to a number can be kept. Raises ParameterError if they need more than int64."""
    if highest > np.iinfo(np.int64).max:
        raise ParameterError(too_high(highest))


def masks_in(labels: NDArray[np.integer]) -> Iterator[tuple[int, CroppedMask]]:
    """Yield each number of a (Y, X) label image with its pixels, in ascending order."""
    from scipy import ndimage

    if not labels.size:
        return
    numbers: NDArray[np.integer] | None = None
    low, high = int(labels.min()), int(labels.max())
    if low < 0 or high > max(labels.size, _FEW):
        numbers, labels = numbered(labels)  # of numbers that are far apart scipy would look at every one between
    labels = labels.astype(labels.dtype.newbyteorder("="), copy=False)
    for place, window in enumerate(ndimage.find_objects(labels), start=1):
        if window is not None:
            rows, columns = window
            number = place if numbers is None else int(numbers[place - 1])
            yield number, CroppedMask(rows.start, columns.start, labels[window] == place)
