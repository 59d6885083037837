"""A few seconds of each campaign of `benchmarks/campaigns`, so that none of them rots; hours of them are a command."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from campaigns.campaign import Campaign, run
from campaigns.every import CAMPAIGNS

FOLDER = Path(__file__).parents[1] / "benchmarks" / "campaigns"

FEW = {"images": 30, "edits": 2, "faults": 12, "files": 40, "malicious": 15}
WITH_A_WINDOW = {"layers": 2, "person": 12}


def test_each_has_a_short_version_here():
    assert set(FEW) | set(WITH_A_WINDOW) == set(CAMPAIGNS)


@pytest.mark.parametrize("name", FEW)
def test_some_cases(name, tmp_path):
    report = run(CAMPAIGNS[name](), tmp_path, seed=0, cases=FEW[name])
    assert [failure.text for failure in report.failures.values()] == []
    assert report.cases == FEW[name] == sum(report.outcomes.values())


@pytest.mark.parametrize("name", WITH_A_WINDOW)
def test_some_cases_with_a_window(name):
    """In a process of its own, as the command does it."""
    done = subprocess.run(
        [sys.executable, str(FOLDER), name, "--cases", str(WITH_A_WINDOW[name]), "--seed", "0"],
        capture_output=True, text=True, timeout=900, check=False, env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert "FAILED" not in done.stdout


class Faulty(Campaign):
    """Fails in one case of three."""

    name, must_hold, goal = "faulty", "nothing", 9

    def try_case(self, rng: np.random.Generator) -> str:
        if (number := int(rng.integers(1000))) % 3 == 0:
            raise KeyError(number)
        return "fine"


def test_a_failure_is_counted_and_can_be_repeated_alone(tmp_path):
    report = run(Faulty(), tmp_path, seed=4)
    (failure,) = report.failures.values()
    assert report.cases == 9
    assert report.outcomes["fine"] + failure.count == 9
    again = run(Faulty(), tmp_path, seed=4, first=failure.first, cases=1)
    assert (again.cases, [f.text for f in again.failures.values()]) == (1, [failure.text])


def test_a_campaign_goes_on_where_it_was_stopped_and_tells_failures_as_they_come(tmp_path):
    whole = run(Faulty(), tmp_path, seed=4)
    told: list[tuple[int, int]] = []
    parts = [
        run(Faulty(), tmp_path, seed=4, first=first, cases=cases, on_failure=lambda report, failure: told.append(
            (report.cases, failure.first)
        ))
        for first, cases in ((0, 4), (4, None))
    ]  # fmt: skip
    assert [part.cases for part in parts] == [4, 5]
    assert parts[0].outcomes + parts[1].outcomes == whole.outcomes
    assert whole.failures, "the seed has no failure"
    assert told == [
        (failure.first - first + 1, failure.first)
        for first, part in zip((0, 4), parts, strict=True)
        for failure in part.failures.values()
    ]
