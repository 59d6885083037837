"""How many clicks objects take: the measures of interactive segmentation.

IoU after k clicks, and NoC@t, the number of clicks until the IoU reaches t (the limit where it never does), both as
means over objects; as in Sofiiuk et al., RITM, 2021. And micro-sam's figure: the mean segmentation accuracy (mSA) after
0, 1, 3 and 7 rounds of one positive and one negative click an object (Archit et al., Segment Anything for Microscopy,
2025).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

NAN = float("nan")

COUNTS = (1, 2, 3, 5, 10, 20)
"""Clicks after which the IoU is reported, as far as there were so many."""

TARGETS = (0.80, 0.85, 0.90)
"""IoU to reach."""

ROUNDS = (0, 1, 3, 7)
"""Rounds of corrections after which the mSA is reported."""

_MSA_THRESHOLDS = tuple(round(0.5 + 0.05 * step, 2) for step in range(10))


@dataclass(frozen=True)
class ClickedObject:
    """One object and how it came out.

    Attributes
    ----------
    image, group
        Which image, and its kind; "" = not known.
    label
        Its number in the image.
    area
        Its pixels.
    ious
        IoU after 1, 2, … clicks: one a click up to the limit. Once the mask has no error it stays as it is.
    rounds
        IoU after each of `ROUNDS`.
    proposed
        Whether the first mask was a proposal of the model.
    """

    image: str
    group: str
    label: int
    area: int
    ious: tuple[float, ...]
    rounds: tuple[float, ...]
    proposed: bool

    def clicks_to(self, target: float) -> int | None:
        """Return the clicks after which the IoU first reaches a target, or None."""
        return next((k for k, iou in enumerate(self.ious, start=1) if iou >= target), None)


@dataclass(frozen=True)
class ClickSummary:
    """What a number of objects come to.

    Attributes
    ----------
    objects, proposed
        How many there are, and of how many the first mask was a proposal.
    curve
        Mean IoU after 1, 2, … clicks.
    clicks_to
        By target: mean number of clicks, the limit where it is never reached.
    never
        By target: share of objects that never reach it.
    accuracy
        mSA after each of `ROUNDS`.
    """

    objects: int
    proposed: int
    curve: tuple[float, ...]
    clicks_to: Mapping[float, float]
    never: Mapping[float, float]
    accuracy: tuple[float, ...]

    @classmethod
    def of(cls, rows: Sequence[ClickedObject], limit: int) -> ClickSummary:
        """Sum up objects, which may be none; `limit` is the number of clicks that each had."""
        if not rows:
            return cls(0, 0, (NAN,) * limit, dict.fromkeys(TARGETS, NAN), dict.fromkeys(TARGETS, NAN), (NAN,) * 4)
        reached = {target: [row.clicks_to(target) for row in rows] for target in TARGETS}
        return cls(
            objects=len(rows),
            proposed=sum(row.proposed for row in rows),
            curve=tuple(np.mean([row.ious for row in rows], axis=0).tolist()),
            clicks_to={t: float(np.mean([limit if k is None else k for k in ks])) for t, ks in reached.items()},
            never={t: float(np.mean([k is None for k in ks])) for t, ks in reached.items()},
            accuracy=tuple(mean_accuracy([row.rounds[i] for row in rows]) for i in range(len(ROUNDS))),
        )

    def after(self, clicks: int) -> float:
        """Return the mean IoU after a number of clicks; NaN if there were not so many."""
        return self.curve[clicks - 1] if clicks <= len(self.curve) else NAN


@dataclass(frozen=True)
class ClickEvaluation:
    """How many clicks the objects of annotated images take.

    Attributes
    ----------
    model, corrector
        Names of what proposes and of what corrects.
    start
        ``"point"``, ``"box"`` or ``"nothing"``: what the first mask came from.
    limit
        Clicks an object had at most.
    objects
        A row each.
    seconds
        Median time from a click to its mask, in seconds.
    """

    model: str
    corrector: str
    start: str
    limit: int
    objects: tuple[ClickedObject, ...]
    seconds: float

    @property
    def groups(self) -> tuple[str, ...]:
        """Kinds of image, in order; empty if no image has one."""
        names = sorted({row.group for row in self.objects})
        return () if names == [""] else tuple(names)

    @property
    def counts(self) -> tuple[int, ...]:
        """Those of `COUNTS` that were reached."""
        return tuple(k for k in COUNTS if k <= self.limit)

    def summary(self, group: str | None = None) -> ClickSummary:
        """Return what all objects come to, or those of one group."""
        return ClickSummary.of([row for row in self.objects if group is None or row.group == group], self.limit)

    def by_group(self) -> ClickSummary:
        """Return the mean over groups, in which every kind weighs the same."""
        several = [self.summary(group) for group in self.groups] or [self.summary()]
        return ClickSummary(
            objects=sum(s.objects for s in several),
            proposed=sum(s.proposed for s in several),
            curve=tuple(np.mean([s.curve for s in several], axis=0).tolist()),
            clicks_to={t: float(np.mean([s.clicks_to[t] for s in several])) for t in TARGETS},
            never={t: float(np.mean([s.never[t] for s in several])) for t in TARGETS},
            accuracy=tuple(np.mean([s.accuracy for s in several], axis=0).tolist()),
        )


def mean_accuracy(ious: Sequence[float]) -> float:
    """Return the mSA of objects that have a mask each: mean over IoU 0.5 … 0.95 of TP / (TP + FP + FN).

    A mask that misses its object's threshold is a false positive, and its object a false negative.
    """
    values = np.asarray(ious, float)
    hits = np.array([(values >= threshold).sum() for threshold in _MSA_THRESHOLDS])
    return float(np.mean(hits / (2 * len(values) - hits))) if len(values) else NAN
