"""At which size an image is shown to a network that knows objects at one size.

A network that was trained on objects brought to one size does best on objects of that size, and a person seldom knows
the size in pixels. So the network looks once at the image as it is, the objects that it is sure of are measured, and if
their size is far from the one it knows it looks again at the right scale. Where it is sure of little it looks at more
than one scale first. Cellpose measures the size with a network of its own (Stringer et al., Nature Methods 18, 2021);
here the boxes of the first looks do.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from napari_fastsam.core.objects.proposals import Proposals

SMALLEST, LARGEST = 0.2, 5.0
"""Bounds of the scale: beyond them, what the first look took for objects most likely were none."""

NEAR = 1.2
"""A second look is not worth its time if it would change the scale by less than this factor."""

SURE, FLOOR = 0.4, 0.2
"""Objects above the first score are measured; if there are too few, those above the second."""

SUPPRESSION = 0.5

_FEW = 3

UNSURE = 0.45
"""Mean score of what was found, below which other sizes are looked for: the texture of large objects passes for many
small ones, but not for good ones."""

_COARSER, _FINER = (0.5, 0.25), (2.0,)
"""Scales of further looks where the first was unsure. Coarse ones cost a third of the first together."""

CHEAP = 512 * 512
"""Input pixels of a first look up to which a finer one follows too where it was unsure: on a small plane it costs
little, and small objects are doubtful at first. Where the first look found nothing, a finer one follows at any size."""

_MOST = 100

_MORE_LOOKS = 2
"""At a wrong scale the large objects are found before the small ones, and the first measure is too large by a few per
cent, sometimes by half: a third look is rarely needed, and then it is worth it."""


def diameter_of(proposals: Proposals) -> float | None:
    """Return the median diameter of the objects that the network is sure of, in pixels of the plane; None = no object.

    The diameter of an object is that of an ellipse that fills its box: the root of width times height.
    """
    sizes = _sizes(proposals, SURE)[0]
    if len(sizes) < _FEW:
        sizes = _sizes(proposals, FLOOR)[0]
    return float(np.median(sizes)) if len(sizes) else None


def is_sure(proposals: Proposals) -> bool:
    """Say whether what was found is most likely objects: there are some good ones, and not many more bad ones."""
    scores = _sizes(proposals, FLOOR)[1]
    return bool((scores > SURE).any() and scores.mean() >= UNSURE)


def evidence(proposals: Proposals) -> float:
    """Return how much speaks for objects of the size found: the sum of scores times diameters, of the best hundred.

    The sum of scores alone speaks for the small: there are more of them.
    """
    sizes, scores = _sizes(proposals, FLOOR)
    return float((sizes * scores)[:_MOST].sum())


def _sizes(proposals: Proposals, conf: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the diameters and scores of the proposals above a score that suppression keeps, best first."""
    ranks = proposals.ranks(conf, SUPPRESSION)
    boxes = proposals.boxes[ranks].astype(np.float64)
    sides = np.clip(boxes[:, 2:] - boxes[:, :2], 0, None)
    return np.sqrt(sides.prod(axis=1)), proposals.scores[ranks].astype(np.float64)


def look_at_scale(look: Callable[[float], Proposals], shown_diameter: float) -> Proposals:
    """Look, measure, and look again if it is worth it.

    Parameters
    ----------
    look
        Shows the plane to the network at a scale, in input pixels per plane pixel.
    shown_diameter
        Diameter in input pixels that the network knows objects at.
    """
    seen = look(1.0)
    if not is_sure(seen):
        # objects may be far too small or too large for the first look
        finer = _FINER if diameter_of(seen) is None or math.prod(seen.letterbox.input) <= CHEAP else ()
        seen = max((seen, *map(look, (*finer, *_COARSER))), key=evidence)
    for _ in range(_MORE_LOOKS):
        diameter = diameter_of(seen)
        if diameter is None:
            break
        scale = float(np.clip(shown_diameter / diameter, SMALLEST, LARGEST))
        if max(scale / seen.letterbox.gain, seen.letterbox.gain / scale) < NEAR:
            break
        seen = look(scale)
    return seen
