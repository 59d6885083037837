"""What a campaign is, and how one is run: cases from numbers, each of which can be repeated alone."""

from __future__ import annotations

import logging
import re
import time
import traceback
import warnings
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import psutil

SOURCE = "napari_fastsam"
"""A failure is told apart from others by the innermost line of this package that it passed through."""

MOST_FAILURES = 25
"""Kinds of failures after which a campaign stops by itself."""


class Campaign(ABC):
    """Something that is done again and again, at random.

    Attributes
    ----------
    name
        What it is called on the command line.
    must_hold
        What must hold, in a sentence.
    goal
        How many `unit` it does where nothing else is said.
    unit
        What is counted.
    steps
        How many of them one case is.
    """

    name: ClassVar[str]
    must_hold: ClassVar[str]
    goal: ClassVar[int]
    unit: ClassVar[str] = "cases"
    steps: ClassVar[int] = 1

    def begin(self, folder: Path) -> None:
        """Make ready, with a folder that may be written to."""
        self.folder = folder

    @abstractmethod
    def try_case(self, rng: np.random.Generator) -> str:
        """Do a case, and return in a word how it came out; whatever it raises is a failure."""

    def end(self) -> None:  # noqa: B027 - most have nothing to put away
        """Put away what was made ready, and check what must hold at the end."""

    def figures(self) -> dict[str, Any]:
        """Return what was measured beside the outcomes."""
        return {}


@dataclass
class Failure:
    """Cases that failed alike.

    Attributes
    ----------
    text
        Kind of error, its place in the package, and its message.
    first
        The first case.
    count
        How many there were.
    trace
        Of the first.
    """

    text: str
    first: int
    trace: str
    count: int = 1


@dataclass
class Report:
    """How a campaign went."""

    campaign: Campaign
    seed: int
    cases: int = 0
    seconds: float = 0.0
    outcomes: Counter[str] = field(default_factory=Counter)
    failures: dict[str, Failure] = field(default_factory=dict)
    memory: float = 0.0

    @property
    def steps(self) -> int:
        """How much was done, in the campaign's unit."""
        return self.cases * self.campaign.steps

    def line(self) -> str:
        """Return a row of the documentation's table."""
        outcomes = ", ".join(f"{count} {word}" for word, count in self.outcomes.most_common())
        more = "".join(f"; {name} {value}" for name, value in self.campaign.figures().items())
        failed = sum(failure.count for failure in self.failures.values())
        return (
            f"| {self.campaign.name} | {self.steps:,} {self.campaign.unit} of {self.campaign.goal:,} | {self.seed} "
            f"| {self.seconds:.0f} s | {outcomes}{more}; memory {self.memory:+.0f} MB | {failed} |"
        )


def run(
    campaign: Campaign,
    folder: Path,
    *,
    seed: int,
    cases: int | None = None,
    seconds: float = np.inf,
    first: int = 0,
    on_failure: Callable[[Report, Failure], None] = lambda report, failure: None,
) -> Report:
    """Run a campaign until its cases are done or the time is up.

    Parameters
    ----------
    campaign
        Which.
    folder
        An empty folder that it may write to.
    seed
        With the number of a case it makes the case's random numbers, whatever was done before.
    cases
        How many; None = as many as its goal needs.
    seconds
        When to stop.
    first
        The number of the first case: a long campaign goes on where it was stopped.
    on_failure
        Called with each kind of failure when it is first seen.
    """
    report = Report(campaign, seed)
    last = -(-campaign.goal // campaign.steps) if cases is None else first + cases
    with warnings.catch_warnings(), _quiet():
        warnings.simplefilter("ignore")  # of numbers that are none: an image full of them is no fault
        campaign.begin(folder)
        begin, before = time.monotonic(), _megabytes()
        for number in range(first, last):
            if time.monotonic() - begin > seconds or len(report.failures) >= MOST_FAILURES:
                break
            known = len(report.failures)
            _do(report, number)
            if len(report.failures) > known:
                on_failure(report, list(report.failures.values())[-1])
        report.seconds, report.memory = time.monotonic() - begin, _megabytes() - before
        try:
            campaign.end()
        except Exception as error:  # noqa: BLE001 - what does not hold at the end is a failure too
            _add_failure(report, error, report.cases)
    return report


def _do(report: Report, number: int) -> None:
    rng = np.random.default_rng([report.seed, number])
    try:
        report.outcomes[report.campaign.try_case(rng)] += 1
    except Exception as error:  # noqa: BLE001 - this is what is looked for
        _add_failure(report, error, number)
    report.cases += 1


def _add_failure(report: Report, error: Exception, number: int) -> None:
    frames = [f for f in traceback.extract_tb(error.__traceback__) if SOURCE in Path(f.filename).parts]
    said = " ".join(str(error).split())
    where = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else f"the campaign: {said[:60]}"
    key = f"{type(error).__name__} in {where if frames else re.sub(r'[0-9]+', '#', where)}"
    if key in report.failures:
        report.failures[key].count += 1
    else:
        text = f"{type(error).__name__} in {where.partition(':')[0] if not frames else where}: {said[:500]}"
        trace = "".join(traceback.format_exception(error)[-12:])
        report.failures[key] = Failure(text, number, trace)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep libraries from telling of every damaged file."""
    was = logging.root.manager.disable
    logging.disable(logging.ERROR)
    try:
        yield
    finally:
        logging.disable(was)


def _megabytes() -> float:
    return float(psutil.Process().memory_info().rss) / 1e6
