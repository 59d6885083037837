"""A model's scores on annotated images: a row an image, and what they come to together.

Two ways to sum up, both reported. *Pooled*: the matches of all images are added up, then divided, so that every object
weighs the same (StarDist's ``matching_dataset``). *By image*: the mean of the images' own values, so that every image
weighs the same (how the 2018 Data Science Bowl ranked, and what is averaged from Cellpose's ``average_precision``). An
image in which nothing is drawn and nothing found has no value and is left out of the latter.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from napari_fastsam.core.judging.metrics import THRESHOLDS, Matching

NAN = float("nan")

NAMES = ("ap50", "ap75", "ap", "f1", "matched_iou")
"""What files and tables call the attributes of `Figures`."""


@dataclass(frozen=True)
class Figures:
    """What is reported of a set of objects. NaN where there is nothing to divide by.

    Attributes
    ----------
    curve
        Average precision, TP / (TP + FP + FN), at each of `metrics.THRESHOLDS`.
    f1, matched_iou
        At IoU 0.5: F1, and the mean IoU of the matched pairs.
    """

    curve: tuple[float, ...]
    f1: float
    matched_iou: float

    @classmethod
    def of(cls, matchings: Sequence[Matching]) -> Figures:
        """Return the figures of matchings at each of `metrics.THRESHOLDS`, in that order."""
        at_half = matchings[0]
        return cls(tuple(m.average_precision for m in matchings), at_half.f1, at_half.mean_matched_iou)

    @classmethod
    def mean(cls, figures: Sequence[Figures]) -> Figures:
        """Return the mean of several, each value over those that have it."""
        curves = zip(*(f.curve for f in figures), strict=True)
        curve = tuple(_mean(values) for values in curves) or (NAN,) * len(THRESHOLDS)
        return cls(curve, _mean(f.f1 for f in figures), _mean(f.matched_iou for f in figures))

    @property
    def ap50(self) -> float:
        """Average precision at IoU 0.5."""
        return self.curve[THRESHOLDS.index(0.5)]

    @property
    def ap75(self) -> float:
        """Average precision at IoU 0.75."""
        return self.curve[THRESHOLDS.index(0.75)]

    @property
    def ap(self) -> float:
        """Mean of the average precision at IoU 0.5, 0.55 … 0.95."""
        return float(np.mean(self.curve))

    def named(self) -> dict[str, float]:
        """Return the figures by `NAMES`."""
        return {name: getattr(self, name) for name in NAMES}


@dataclass(frozen=True)
class ImageScore:
    """How one image came out.

    Attributes
    ----------
    name, group
        Of the image; "" = a group that is not known.
    matchings
        One for each of `metrics.THRESHOLDS`.
    seconds
        From the image in memory to the label image in memory.
    click_iou, box_iou
        For each true object, by its label: the IoU of the answer to one click on its innermost point, or to its own
        box, with it; 0 = no answer. Empty if that was not asked.
    """

    name: str
    group: str
    matchings: tuple[Matching, ...]
    seconds: float
    click_iou: tuple[float, ...] = ()
    box_iou: tuple[float, ...] = ()

    @property
    def objects(self) -> int:
        """Number of true objects."""
        return self.matchings[0].true_positives + self.matchings[0].false_negatives

    @property
    def found(self) -> int:
        """Number of objects found, right or wrong."""
        return self.matchings[0].true_positives + self.matchings[0].false_positives

    @property
    def figures(self) -> Figures:
        """The image's own figures."""
        return Figures.of(self.matchings)

    @property
    def mean_click_iou(self) -> float:
        """Mean of `click_iou`; NaN if there is none."""
        return _mean(self.click_iou)

    @property
    def mean_box_iou(self) -> float:
        """Mean of `box_iou`; NaN if there is none."""
        return _mean(self.box_iou)


@dataclass(frozen=True)
class Summary:
    """What a number of images come to.

    Attributes
    ----------
    images, objects, found
        How many there are: images, true objects, objects found.
    pooled, by_image
        The two ways to sum up.
    click_iou, box_iou
        Mean over objects; NaN if that was not asked.
    seconds
        Mean over images.
    """

    images: int
    objects: int
    found: int
    pooled: Figures
    by_image: Figures
    click_iou: float
    box_iou: float
    seconds: float

    @classmethod
    def of(cls, rows: Sequence[ImageScore]) -> Summary:
        """Sum up images, which may be none."""
        empty = tuple(Matching(t, 0, 0, 0, 0.0) for t in THRESHOLDS)
        pooled = tuple(sum(at, start) for start, *at in zip(empty, *(r.matchings for r in rows), strict=True))
        return cls(
            images=len(rows),
            objects=sum(r.objects for r in rows),
            found=sum(r.found for r in rows),
            pooled=Figures.of(pooled),
            by_image=Figures.mean([r.figures for r in rows]),
            click_iou=_mean(v for r in rows for v in r.click_iou),
            box_iou=_mean(v for r in rows for v in r.box_iou),
            seconds=_mean(r.seconds for r in rows),
        )


@dataclass(frozen=True)
class Evaluation:
    """How a model did on annotated images.

    Attributes
    ----------
    model
        Its name.
    settings
        What it was run with: ``conf``, ``iou``, ``imgsz`` (None = what suits model and image).
    images
        A row each, in the order of the images.
    """

    model: str
    settings: Mapping[str, float | None]
    images: tuple[ImageScore, ...]

    @property
    def groups(self) -> tuple[str, ...]:
        """Kinds of image, in order; empty if no image has one."""
        names = sorted({row.group for row in self.images})
        return () if names == [""] else tuple(names)

    def summary(self, group: str | None = None) -> Summary:
        """Return what all images come to, or those of one group."""
        return Summary.of([row for row in self.images if group is None or row.group == group])


def _mean(values: Iterable[float]) -> float:
    known = [v for v in values if not np.isnan(v)]
    return float(np.mean(known)) if known else NAN
