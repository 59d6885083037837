"""How likely each object is to be wrong, and why: from what the network said and from what its label looks like.

A doubt is a number from 0 to 1 that orders objects. It is no probability, and nothing that is said of all objects rests
on it: see `core.review.error_rate`. Each sign by itself gives a doubt; those of several signs go together as if each
told of an error independently, ``1 − Π (1 − d)``. The strongest is named as the reason.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_fastsam.core.review.measured import MeasuredObjects

FEW = 8
"""Objects below which there is no telling what is usual among them."""

UNUSUAL = 3.0
"""Robust standard deviations from the median beyond which an object is unlike the others; Iglewicz and Hoaglin, *How to
Detect and Handle Outliers*, 1993, advise 3.5 for normal data."""

STRAIGHT = 1.8
"""Times the side of a circle: a side this long is cut off, unless others have such sides too."""

SHORTEST_CUT = 8.0
"""Pixels of a side below which it says nothing."""

NOTHING = "nothing unusual"


@dataclass(frozen=True, eq=False)
class Doubts:
    """Doubts of N objects.

    Attributes
    ----------
    values
        (N,) from 0 to 1.
    signs
        Names of the S signs.
    by_sign
        (S, N) the doubt of each sign.
    texts
        What each sign says of object i.
    """

    values: NDArray[np.float64]
    by_sign: NDArray[np.float64]
    texts: Sequence[_Sign]

    def reason(self, i: int) -> str:
        """Say why an object is doubtful, in a few words."""
        best = int(self.by_sign[:, i].argmax()) if len(self.by_sign) else 0
        if not len(self.by_sign) or self.by_sign[best, i] < 0.02:
            return NOTHING
        return self.texts[best].text(i)


class _Sign:
    """One thing that may tell of an error.

    Attributes
    ----------
    doubts
        (N,) from 0 to 1.
    """

    doubts: NDArray[np.float64]

    def text(self, i: int) -> str:
        """Say what it is about object i."""
        raise NotImplementedError


def find_doubts(
    measured: MeasuredObjects, known: Mapping[str, NDArray[np.generic]] | None = None, confidence: float | None = None
) -> Doubts:
    """Find out how doubtful objects are.

    Parameters
    ----------
    measured
        What their labels look like.
    known
        What else is known, (N,) each, NaN = nothing: ``score``, ``rival`` (the best score of an object that was
        suppressed for it), ``class_probability``.
    confidence
        The threshold that scores had to pass; None = the lowest score.
    """
    known = known or {}
    signs: list[_Sign] = [_Size(measured), _Shape(measured), _Length(measured), _Cut(measured), _Brightness(measured)]
    scores = _floats(known, "score", len(measured))
    if np.isfinite(scores).any():
        signs.append(_Score(scores, confidence))
        signs.append(_Rival(scores, _floats(known, "rival", len(measured))))
    signs.append(_Class(_floats(known, "class_probability", len(measured))))
    by_sign = np.stack([np.nan_to_num(sign.doubts) for sign in signs])
    return Doubts(1 - np.prod(1 - by_sign, axis=0), by_sign, signs)


class _Score(_Sign):
    def __init__(self, scores: NDArray[np.float64], confidence: float | None) -> None:
        self._scores = scores
        self._least = float(np.nanmin(scores)) if confidence is None else confidence
        closeness = 1 - (scores - self._least) / max(1 - self._least, 1e-6)
        self.doubts = 0.6 * np.clip(closeness, 0, 1) ** 4

    def text(self, i: int) -> str:
        return f"score {_short(self._scores[i])}, close to the threshold {_short(self._least)}"


class _Rival(_Sign):
    def __init__(self, scores: NDArray[np.float64], rivals: NDArray[np.float64]) -> None:
        self._scores, self._rivals = scores, rivals
        self.doubts = 0.5 * np.clip(rivals / np.maximum(scores, 1e-6), 0, 1) ** 4

    def text(self, i: int) -> str:
        return f"another outline was nearly as sure: score {_short(self._rivals[i])} to {_short(self._scores[i])}"


class _Class(_Sign):
    def __init__(self, probabilities: NDArray[np.float64]) -> None:
        self._probabilities = probabilities
        self.doubts = 0.8 * np.clip(2 * (1 - probabilities), 0, 1) ** 2

    def text(self, i: int) -> str:
        return f"its class is a guess: probability {_short(self._probabilities[i])}"


class _Unlike(_Sign):
    """Far from what is usual among the others."""

    most = 0.8
    floor = 0.2

    def __init__(
        self, values: NDArray[np.float64], counts: NDArray[np.bool_], low: bool = True, high: bool = True
    ) -> None:
        self._values = values
        self._usual = float(np.median(values[counts])) if counts.any() else 0.0
        spread = np.median(np.abs(values[counts] - self._usual)) if counts.any() else 0.0
        z = (values - self._usual) / max(1.4826 * float(spread), self.floor)
        z = np.where(z > 0, z if high else 0.0, -z if low else 0.0)
        enough = np.count_nonzero(counts) >= FEW
        self.doubts = self.most * (1 - np.exp(-np.maximum(np.nan_to_num(z) - UNUSUAL, 0) / 2)) * enough

    def times(self, i: int) -> float:
        """Return how many times the usual value an object's is, of logarithms."""
        return float(np.exp(self._values[i] - self._usual))


class _Size(_Unlike):
    def __init__(self, measured: MeasuredObjects) -> None:
        whole = ~measured.at_border
        super().__init__(np.log(measured.areas), whole if whole.any() else np.ones(len(measured), bool))
        small = measured.at_border & (measured.areas < np.exp(self._usual))
        self.doubts = np.where(small, 0.0, self.doubts)  # the image's edge has cut it

    def text(self, i: int) -> str:
        times = self.times(i)
        return f"{_times(times)} as large as the others" if times > 1 else f"{_fraction(times)} as large as the others"


class _Length(_Unlike):
    def __init__(self, measured: MeasuredObjects) -> None:
        super().__init__(np.log(measured.elongation), ~measured.at_border, low=False)
        self.doubts = np.where(measured.at_border, 0.0, self.doubts)
        self._elongation = measured.elongation

    def text(self, i: int) -> str:
        return f"long and thin: {self._elongation[i]:.1f} times as long as wide, the others {np.exp(self._usual):.1f}"


class _Shape(_Unlike):
    floor = 0.03

    def __init__(self, measured: MeasuredObjects) -> None:
        super().__init__(measured.fullness, ~measured.at_border, high=False)
        self.doubts = np.where(measured.areas < 12, 0.0, self.doubts)

    def text(self, i: int) -> str:
        return "dents, holes or several pieces: its shape is unlike the others"


class _Cut(_Sign):
    """A straight side along a row or a column that the image's edge does not explain, as where tiles meet."""

    def __init__(self, measured: MeasuredObjects) -> None:
        self._at = measured.straight_at
        self._columns = measured.boxes.shape[1] // 2 - 1
        usual = np.median(measured.straight) if len(measured) >= FEW else 0.0
        axes = measured.boxes.shape[1] // 2
        boxes = measured.boxes
        across = (boxes[:, axes:] - boxes[:, :axes])[:, -2:].max(axis=1) if axes > 1 else np.ones(len(measured))
        pixels = measured.straight * 2 * np.sqrt(np.maximum(across - 1, 1))
        cut = (measured.straight > STRAIGHT) & (pixels >= SHORTEST_CUT) & ~measured.at_border
        cut &= measured.straight > 1.5 * usual
        # a side that others share is a seam
        _, which, counts = np.unique(self._at[cut], axis=0, return_inverse=True, return_counts=True)
        self.doubts = np.zeros(len(measured))
        self.doubts[cut] = np.where(counts[which.ravel()] > 1, 0.7, 0.4)

    def text(self, i: int) -> str:
        axis, where = self._at[i].tolist()
        line = "column" if axis == self._columns else "row"
        return f"a straight side along {line} {where}, as where tiles meet"


class _Brightness(_Unlike):
    floor = 1e-9

    def __init__(self, measured: MeasuredObjects) -> None:
        values = measured.brightness
        known = np.isfinite(values)
        usual = float(np.median(values[known])) if known.any() else 0.0
        self.floor = max(0.05 * abs(usual), 1e-9)
        super().__init__(values, known)

    def text(self, i: int) -> str:
        return "much brighter than the others" if self._values[i] > self._usual else "much darker than the others"


def _floats(known: Mapping[str, NDArray[np.generic]], name: str, count: int) -> NDArray[np.float64]:
    return np.asarray(known[name], np.float64) if name in known else np.full(count, np.nan)


def _short(value: float) -> str:
    return f"{value:.2f}".removeprefix("0")


_NUMBERS = ("", "", "twice", "three times", "four times", "five times", "six times", "seven times", "eight times")


def _times(value: float) -> str:
    whole = round(value)
    return _NUMBERS[whole] if 2 <= whole < len(_NUMBERS) else f"{value:.3g} times"


def _fraction(value: float) -> str:
    names = {2: "half", 3: "a third", 4: "a quarter", 5: "a fifth"}
    return names.get(round(1 / value), f"1/{round(1 / value)}")
