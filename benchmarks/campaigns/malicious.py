"""Files that are made to attack: each of the corpus in tests/support/hostile through each of its doors."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np

from campaigns.campaign import Campaign
from campaigns.watched import Watched
from hostile import CASES, watch
from hostile.checkpoints import innocent
from hostile.other_doors import innocents


class Malicious(Campaign):
    """Opens the corpus of hostile files in an order and through doors by the dice."""

    name = "malicious"
    must_hold = "nothing runs, nothing is written, read elsewhere or fetched"
    goal = 2 * sum(len(case.doors) for case in CASES)
    unit = "files opened"

    def begin(self, folder: Path) -> None:
        """Open a good file through each door, so that all libraries are there."""
        super().begin(folder)
        good = folder / "good"
        good.mkdir()
        network = innocent(good)
        checkpoints: dict[str, list[str]] = {door: [str(network)] for door in ("base", "export", "convert")}
        for door, paths in (innocents(good, network) | checkpoints).items():
            for path in paths:
                watch.opened("innocent", door, str(path), folder)
        (folder / "watched").mkdir()
        self._watched = Watched(folder / "watched")
        self._made: dict[str, Path] = {}
        self._pairs = [(case, door) for case in CASES for door in case.doors]

    def try_case(self, rng: np.random.Generator) -> str:
        """Open one file."""
        case, door = self._pairs[rng.integers(len(self._pairs))]
        if case.name not in self._made:
            own = self._watched.files / str(len(self._made))
            own.mkdir()
            self._made[case.name] = case.make(own)
        path = str(self._made[case.name]).replace(":/1", "://1")
        told = self._watched.open(case.name, door, Path(path))
        assert not told["effects"], f"{case.name} as {door}: {told['effects']}"
        assert told["outcome"] != "crashed", f"{case.name} as {door}: {told['message']}"
        if case.refused and door != "convert":  # it leaves all but the network out, and may do without the rest
            assert told["outcome"] == "refused", f"{case.name} as {door} was opened"
            assert re.search(case.refused, told["message"]), f"{case.name} as {door}: {told['message']}"
        return str(told["outcome"])

    def end(self) -> None:
        """Watch no more."""
        self._watched.end()

    def figures(self) -> dict[str, Any]:
        """Return how many different files there were."""
        return {"files": len(self._made)}
