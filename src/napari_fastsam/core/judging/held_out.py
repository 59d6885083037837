"""Which images a training keeps aside to be measured by."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from typing import Protocol

from napari_fastsam.errors import ParameterError


class GroupedExample(Protocol):
    """Anything with a name and a kind."""

    @property
    def name(self) -> str:
        """Its name."""

    @property
    def group(self) -> str:
        """What kind it is of; empty = not known."""


def held_out(examples: Sequence[GroupedExample], share: float, seed: int) -> list[bool]:
    """Say which examples are kept from training to measure it: the same ones for the same names and seed.

    The share is taken from each group on its own, so that every kind of image is measured. With fewer than six examples
    none is held out: training needs them more.

    Raises
    ------
    ParameterError
        If the share is not from 0 to below 1.
    """
    if not 0 <= share < 1:
        raise ParameterError(f"the share of images to hold out is {share!r}; expected a number from 0 to below 1")
    if len(examples) < 6 or share == 0:
        return [False] * len(examples)
    groups: dict[str, list[int]] = defaultdict(list)
    for index, example in enumerate(examples):
        groups[example.group].append(index)
    chosen = [False] * len(examples)
    for members in groups.values():
        count = round(share * len(members)) or int(len(members) >= 5)
        order = sorted(members, key=lambda i: hashlib.sha256(f"{seed}:{examples[i].name}".encode()).digest())
        for index in order[:count]:
            chosen[index] = True
    return chosen
