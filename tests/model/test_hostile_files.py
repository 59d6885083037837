"""No file runs anything: a corpus of hostile ones, opened through every door by a process that is watched."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from hostile import CASES, Case
from hostile.making import innocent
from hostile.other_doors import innocents

SUPPORT = Path(__file__).parents[1] / "support"


def _watched(folder: Path, files: list[tuple[str, str, str]], good: Path | None) -> list[dict[str, Any]]:
    """Open files in a process of its own, whose current folder nobody may write to."""
    (folder / "here").mkdir()
    (folder / "out").mkdir()
    order: dict[str, Any] = {"files": files, "out": str(folder / "out"), "innocent": None, "innocents": {}}
    if good is not None:
        order |= {"innocent": str(good), "innocents": innocents(good.parent, good)}
    (folder / "order.json").write_text(json.dumps(order), encoding="utf-8")
    paths = os.pathsep.join([str(SUPPORT), *[p for p in sys.path if p]])
    done = subprocess.run(
        [sys.executable, "-m", "hostile.watch", str(folder / "order.json")],
        cwd=folder / "here", env={**os.environ, "PYTHONPATH": paths}, capture_output=True, text=True, timeout=300,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    told: list[dict[str, Any]] = json.loads(done.stdout.splitlines()[-1])
    return told


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Every file of the corpus by its name."""
    folder = tmp_path_factory.mktemp("hostile")
    made = {}
    for number, case in enumerate(CASES):
        own = folder / str(number)
        own.mkdir()
        made[case.name] = case.make(own)
    return made


@pytest.fixture(scope="module")
def told(files: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], dict[str, Any]]:
    """What happened to each file at each door."""
    folder = tmp_path_factory.mktemp("watched")
    (folder / "good").mkdir()
    order = [(case.name, door, str(files[case.name]).replace(":/1", "://1")) for case in CASES for door in case.doors]
    found = _watched(folder, order, innocent(folder / "good"))
    return {(each["name"], each["door"]): each for each in found}


def test_there_are_many_and_no_two_of_a_name() -> None:
    assert len(CASES) >= 30
    assert len({case.name for case in CASES}) == len(CASES)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_nothing_runs(case: Case, told: dict[tuple[str, str], dict[str, Any]]) -> None:
    for door in case.doors:
        found = told[case.name, door]
        assert found["effects"] == [], door
        assert found["outcome"] != "crashed", f"{door}: {found['message']}"
        if case.refused and door != "convert":  # it leaves all but the network out, and may do without the rest
            assert found["outcome"] == "refused", door
            assert re.search(case.refused, found["message"]), f"{door}: {found['message']}"


def test_the_watch_sees_what_an_unrestricted_loader_runs(files: dict[str, Path], tmp_path: Path) -> None:
    order = [(case.name, "unrestricted", str(files[case.name])) for case in CASES if case.trips]
    found = _watched(tmp_path, order, None)
    assert len(found) >= 10
    for each in found:
        assert [e for e in each["effects"] if not e.startswith("pickle.find_class")], each
