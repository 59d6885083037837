"""What is slightly off in annotations, counted and named: they are used all the same."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple


class Remark(NamedTuple):
    """One annotation that was clipped or left out.

    Attributes
    ----------
    what
        Of which kind, and what became of it, in words that a number can follow.
    where
        File and line, or whatever else names it.
    """

    what: str
    where: str


BEYOND = "outlines that reach beyond their image, clipped"
NO_OUTLINE = "outlines of fewer than three points, left out"
NO_SEGMENTATION = "annotations without a segmentation, left out"
NO_TEXT = "images without a text file, taken as without objects"
NO_IMAGE = "annotations of images that are not listed, left out"
CROWD = "crowds, left out"
ALL_CROWDS = "annotations that are all crowds, taken as objects"


def summed_up(remarks: Iterable[Remark]) -> list[str]:
    """Return a sentence for each kind: how many, and where the first is.

    Examples
    --------
    >>> summed_up([Remark(BEYOND, "a.txt, line 2"), Remark(BEYOND, "b.txt, line 1")])
    ['outlines that reach beyond their image, clipped: 2 (the first is a.txt, line 2)']
    """
    kinds: dict[str, list[str]] = {}
    for what, where in remarks:
        kinds.setdefault(what, []).append(where)
    return [
        f"{what}: {len(places)} ({'the first is ' if len(places) > 1 else ''}{places[0]})"
        for what, places in kinds.items()
    ]
