"""What a training process says, line by line, as values; and how long it will still take."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

_LAST_EPOCHS = 5
"""The next epochs will take as long as these: the first one is slower, and so is a busy machine."""


@dataclass(frozen=True)
class Started:
    """Training begins.

    Attributes
    ----------
    epochs
        How many there will be at most.
    images, validation
        How many are learnt from, and how many are held out to measure with.
    settings
        Name to value.
    messages
        Sentences: why each setting was chosen.
    """

    epochs: int = 0
    images: int = 0
    validation: int = 0
    settings: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    messages: tuple[str, ...] = ()


@dataclass(frozen=True)
class Batch:
    """A batch of an epoch is done; both count from 1."""

    epoch: int
    epochs: int
    batch: int
    batches: int


@dataclass(frozen=True)
class Epoch:
    """An epoch is done.

    Attributes
    ----------
    epoch, epochs
        Which of how many, from 1.
    losses
        Name to value.
    ap50, ap
        On the validation images; None = not measured after this epoch.
    seconds
        How long it took.
    best
        Whether it is the best so far.
    """

    epoch: int
    epochs: int
    losses: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    ap50: float | None = None
    ap: float | None = None
    seconds: float = 0.0
    best: bool = False


@dataclass(frozen=True)
class Done:
    """The model is written to `file`; its measures, None = not measured."""

    file: Path
    ap50: float | None = None
    ap: float | None = None


@dataclass(frozen=True)
class Failed:
    """Training ended with an error that has a message."""

    message: str


Event = Started | Batch | Epoch | Done | Failed


def parse(line: str) -> Event | None:
    """Read a line of the training process; None for a line that is no event, or one of a later version."""
    try:
        found = json.loads(line)
    except ValueError:
        return None
    if not isinstance(found, dict):
        return None
    try:
        return _event(found)
    except (AttributeError, KeyError, TypeError, ValueError):
        return None


def _event(found: dict[str, Any]) -> Event | None:
    kind = found.get("event")
    if kind == "start":
        epochs, images, validation = (int(found.get(key) or 0) for key in ("epochs", "images", "validation"))
        messages = tuple(str(sentence) for sentence in found.get("messages") or ())
        return Started(epochs, images, validation, MappingProxyType(dict(found.get("settings") or {})), messages)
    if kind == "batch":
        return Batch(*(int(found[key]) for key in ("epoch", "epochs", "batch", "batches")))
    if kind == "epoch":
        losses = {str(name): float(value) for name, value in (found.get("losses") or {}).items()}
        return Epoch(
            int(found["epoch"]),
            int(found["epochs"]),
            MappingProxyType(losses),
            _measure(found.get("ap50")),
            _measure(found.get("ap")),
            float(found.get("seconds") or 0.0),
            bool(found.get("best")),
        )
    if kind == "done":
        return Done(Path(str(found["file"])), _measure(found.get("ap50")), _measure(found.get("ap")))
    if kind == "error":
        return Failed(str(found["message"]))
    return None


def _measure(value: object) -> float | None:
    number = float(value) if isinstance(value, int | float) else math.nan
    return number if math.isfinite(number) else None


class Pace:
    """How far training is, and how many seconds are left."""

    def __init__(self) -> None:
        self._begun: float | None = None
        self._epoch_begun = 0.0
        self._epochs: list[float] = []
        self._fraction = 0.0
        self._total = 0

    @property
    def fraction(self) -> float:
        """Share of all epochs that is done, 0 to 1."""
        return self._fraction

    def heard(self, event: Event, now: float) -> None:
        """Take note of an event at `now`, in seconds of any clock."""
        if isinstance(event, Started):
            self._total = event.epochs
        if isinstance(event, Batch | Epoch):
            if self._begun is None:
                self._begun = self._epoch_begun = now
            self._total = max(event.epochs, 1)
        if isinstance(event, Batch):
            within = min(event.batch / max(event.batches, 1), 1.0)
            self._fraction = min((event.epoch - 1 + within) / self._total, 1.0)
        elif isinstance(event, Epoch):
            self._fraction = min(event.epoch / self._total, 1.0)
            self._epochs.append(event.seconds or now - self._epoch_begun)
            self._epoch_begun = now

    def seconds_left(self, now: float) -> float | None:
        """Return the seconds that training will still take, or None while too little is known."""
        if self._begun is None or not self._fraction:
            return None
        if not self._epochs:
            elapsed = now - self._begun
            return elapsed * (1 - self._fraction) / self._fraction if elapsed > 1 else None
        last = self._epochs[-_LAST_EPOCHS:]
        return max(0.0, (1 - self._fraction) * self._total * sum(last) / len(last))
