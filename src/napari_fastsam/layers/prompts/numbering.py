"""Which number and which alternative each prompt has, kept while prompts are added, moved and removed."""

from __future__ import annotations

import copy
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any

from napari_fastsam.layers.memento import Memento


@dataclass(frozen=True)
class PromptIdentity:
    """A prompt as the numbering knows it.

    Attributes
    ----------
    key
        What identifies it: where it lies, or its object number.
    row
        Kind and row in its layer: a prompt that was moved keeps its row.
    parts
        Changes when points are added to it or taken away.
    drawn
        Whether a person placed it, and so may step through its candidates.
    """

    key: Hashable
    row: tuple[Hashable, Any]
    parts: Hashable = None
    drawn: bool = True


@dataclass
class _Known:
    number: int
    row: Hashable
    parts: Hashable


@dataclass
class _PlaneNumbers:
    known: dict[Hashable, _Known] = field(default_factory=dict)
    steps: dict[Hashable, int] = field(default_factory=dict)
    touched: Hashable = None


class Numbering:
    """Numbers of objects and steps to larger or smaller ones, for each plane apart."""

    def __init__(self) -> None:
        self._planes: dict[Hashable, _PlaneNumbers] = {}

    def update(self, plane: Hashable, prompts: Sequence[PromptIdentity]) -> list[int]:
        """Say which prompts there are now.

        A prompt keeps its number as long as it is there, also when it is moved; a new one takes the lowest that is
        free.

        Returns
        -------
        list of int
            The number of each, from 1.
        """
        state = self._planes.setdefault(plane, _PlaneNumbers())
        present = {prompt.key for prompt in prompts}
        moved = {old.row: old.number for key, old in state.known.items() if key not in present}
        now: dict[Hashable, _Known] = {}
        new: list[PromptIdentity] = []
        for prompt in prompts:
            old = state.known.get(prompt.key)
            number = old.number if old is not None else moved.pop(prompt.row, 0)
            if number:
                now[prompt.key] = _Known(number, prompt.row, prompt.parts)
            else:
                new.append(prompt)
            if prompt.drawn and (old is None or old.parts != prompt.parts):
                state.touched = prompt.key
        taken = {known.number for known in now.values()}
        for prompt in new:
            number = next(n for n in range(1, len(taken) + 2) if n not in taken)
            taken.add(number)
            now[prompt.key] = _Known(number, prompt.row, prompt.parts)
        state.known = now
        state.steps = {key: steps for key, steps in state.steps.items() if key in now}
        return [now[prompt.key].number for prompt in prompts]

    def touched(self, plane: Hashable) -> Hashable:
        """Return the key of the prompt that was placed or changed last; None if there is none."""
        return self._planes.get(plane, _PlaneNumbers()).touched

    def steps(self, plane: Hashable, key: Hashable) -> int:
        """Return how many candidates larger (> 0) or smaller (< 0) than the best was asked for."""
        return self._planes.get(plane, _PlaneNumbers()).steps.get(key, 0)

    def set_steps(self, plane: Hashable, key: Hashable, steps: int) -> None:
        """Set what `steps` returns."""
        self._planes.setdefault(plane, _PlaneNumbers()).steps[key] = steps

    def rename(self, plane: Hashable, key: Hashable, now: Hashable) -> None:
        """Let a prompt keep number and steps under another key, as when it got an object number."""
        state = self._planes.setdefault(plane, _PlaneNumbers())
        if key in state.known:
            state.known[now] = state.known.pop(key)
        if key in state.steps:
            state.steps[now] = state.steps.pop(key)
        if state.touched == key:
            state.touched = now

    def forget(self, plane: Hashable) -> None:
        """Start anew on a plane, after its prompts were cleared."""
        self._planes.pop(plane, None)

    def memento(self) -> Memento:
        """Return all numbers and steps; to take another candidate is what the user asks for."""
        asked = {
            (plane, key): steps for plane, state in self._planes.items() for key, steps in state.steps.items() if steps
        }
        return Memento(asked, copy.deepcopy(self._planes))

    def recall(self, memento: Memento) -> None:
        """Go on from numbers and steps that there were."""
        self._planes = copy.deepcopy(memento.rest)
