"""Which number and which alternative each prompt has, kept while prompts are added, moved and removed."""

from __future__ import annotations

from collections.abc import Container, Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import count
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


@dataclass(frozen=True)
class _Known:
    number: int
    row: Hashable
    parts: Hashable


@dataclass(frozen=True)
class _PlaneNumbers:
    known: Mapping[Hashable, _Known] = field(default_factory=dict)
    steps: Mapping[Hashable, int] = field(default_factory=dict)
    touched: Hashable = None


_NO_NUMBERS = _PlaneNumbers()


class Numbering:
    """Numbers of objects and steps to larger or smaller ones, for each plane apart."""

    def __init__(self) -> None:
        self._planes: dict[Hashable, _PlaneNumbers] = {}  # values: what is remembered of them stays as it was

    def update(self, plane: Hashable, prompts: Sequence[PromptIdentity]) -> list[int]:
        """Say which prompts there are now.

        A prompt keeps its number as long as it is there, also when it is moved; a new one takes the lowest that is
        free.

        Returns
        -------
        list of int
            The number of each, from 1.
        """
        state = self._of(plane)
        touched = state.touched
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
                touched = prompt.key
        taken = {known.number for known in now.values()}
        free = (number for number in count(1) if number not in taken)
        for prompt in new:
            now[prompt.key] = _Known(next(free), prompt.row, prompt.parts)
        steps = {key: own for key, own in state.steps.items() if key in now}
        self._planes[plane] = _PlaneNumbers(now, steps, touched)
        return [now[prompt.key].number for prompt in prompts]

    def touched(self, plane: Hashable) -> Hashable:
        """Return the key of the prompt that was placed or changed last; None if there is none."""
        return self._of(plane).touched

    def steps(self, plane: Hashable, key: Hashable) -> int:
        """Return how many candidates larger (> 0) or smaller (< 0) than the best was asked for."""
        return self._of(plane).steps.get(key, 0)

    def set_steps(self, plane: Hashable, key: Hashable, steps: int) -> None:
        """Set what `steps` returns."""
        state = self._of(plane)
        self._planes[plane] = replace(state, steps={**state.steps, key: steps})

    def rename(self, plane: Hashable, key: Hashable, now: Hashable) -> None:
        """Let a prompt keep number and steps under another key, as when it got an object number."""
        state = self._of(plane)
        self._planes[plane] = _PlaneNumbers(
            {now if own == key else own: known for own, known in state.known.items()},
            {now if own == key else own: steps for own, steps in state.steps.items()},
            now if state.touched == key else state.touched,
        )

    def keep_objects(self, numbers: Container[int]) -> None:
        """Forget what was known of all object numbers but these: who gets such a number later is another object."""

        def kept(values: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
            gone = {key for key in values if isinstance(key, tuple) and key[0] == "object" and key[1] not in numbers}
            return {key: value for key, value in values.items() if key not in gone}

        self._planes = {
            plane: replace(state, known=kept(state.known), steps=kept(state.steps))
            for plane, state in self._planes.items()
        }

    def forget(self, plane: Hashable) -> None:
        """Start anew on a plane, after its prompts were cleared."""
        self._planes.pop(plane, None)

    def memento(self) -> Memento:
        """Return all numbers and steps; to take another candidate is what the user asks for."""
        asked = {
            (plane, key): steps for plane, state in self._planes.items() for key, steps in state.steps.items() if steps
        }
        return Memento(asked, dict(self._planes))

    def recall(self, memento: Memento) -> None:
        """Go on from numbers and steps that there were."""
        self._planes = dict(memento.rest)

    def _of(self, plane: Hashable) -> _PlaneNumbers:
        return self._planes.get(plane, _NO_NUMBERS)
