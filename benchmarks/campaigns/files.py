"""Files of every kind, damaged by the dice and opened: refused by name, and nothing else happens."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np

from campaigns.campaign import Campaign
from campaigns.originals import make_originals, register_doors
from campaigns.watched import Watched

Generator = np.random.Generator

TOKENS = (
    b"NaN",
    b"-1",
    b"1e400",
    b"null",
    b"[]",
    b"{}",
    b'"',
    b"\x00",
    b"\xff\xfe",
    b"..",
    b"/etc/passwd",
    b"999999999",
)
"""What is written over a place, beside noise."""


class Files(Campaign):
    """Damages a good file, opens it, and watches the process meanwhile."""

    name = "files"
    must_hold = "refused by name or read; nothing runs, nothing beside its folder is written or read, memory is bounded"
    goal = 10_000
    unit = "files"

    def begin(self, folder: Path) -> None:
        """Write the good files, and open each once."""
        super().begin(folder)
        (folder / "originals").mkdir()
        (folder / "watched").mkdir()
        os.environ.setdefault("NAPARI_FASTSAM_DATA", str(folder / "watched" / "out"))
        register_doors()
        self.originals = make_originals(folder / "originals")
        self._watched = Watched(folder / "watched")
        for door, path in self.originals:
            told = self._watched.open("as it was made", door, self._copy(path))
            if told["outcome"] == "crashed" or (door != "model" and told["outcome"] != "opened"):
                raise RuntimeError(f"the good {path.name} as {door}: {told}")

    def end(self) -> None:
        """Watch no more."""
        self._watched.end()

    def try_case(self, rng: Generator) -> str:
        """Damage one and open it."""
        door, original = self.originals[rng.integers(len(self.originals))]
        path = self._copy(original)
        files = sorted(file for file in path.parent.rglob("*") if file.is_file())
        for _ in range(int(rng.integers(1, 3))):
            damage = DAMAGES[rng.integers(len(DAMAGES))]
            file = files[rng.integers(len(files))]
            if file.exists():
                damage(rng, file, files)
        told = self._watched.open(original.name, door, path)
        what = f"{original.name} as {door}"
        effects = [e for e in told["effects"] if not _is_own(e, self._watched.out)]
        assert not effects, f"{what}: {effects}"
        assert told["outcome"] != "crashed", f"{what}: {told['message']}"
        if told["outcome"] == "refused":
            assert str(self._watched.out) in told["message"] or path.name in told["message"], (
                f"{what}: its message does not name the file: {told['message']}"
            )
        return str(told["outcome"])

    def _copy(self, original: Path) -> Path:
        """Copy the folder of an original to where it may be written; returns the copy."""
        target = self._watched.out / "opened"
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(original.parent, target)
        return target / original.name


def _is_own(effect: str, out: Path) -> bool:
    """Whether an effect is none of the file's.

    As when a damaged file is put aside within its folder, and what is half is cut off a journal that is open; or when a
    decoder in Cython raises, which makes a code object of the line that it is about.
    """
    if re.match(r"os\.truncate \(\d", effect):
        return True  # a number of an open file, whose opening was looked at
    if effect.startswith(("compile ", "code.__new__ ")):
        return ".pyx'" in effect
    return str(out) in effect and effect.startswith(("os.rename", "os.remove", "os.mkdir", "shutil."))


# ---------------------------------------------------------------- damages


def _flip(rng: Generator, file: Path, files: list[Path]) -> None:
    """Change some bits."""
    content = bytearray(file.read_bytes())
    for _ in range(int(rng.integers(1, 9))) if content else ():
        place = int(rng.integers(len(content))) if rng.integers(2) else int(rng.integers(min(len(content), 256)))
        content[place] ^= 1 << int(rng.integers(8))
    file.write_bytes(content)


def _overwrite(rng: Generator, file: Path, files: list[Path]) -> None:
    """Write noise, or a word, over a place."""
    content = bytearray(file.read_bytes())
    what = TOKENS[rng.integers(len(TOKENS))] if rng.integers(2) else rng.bytes(int(rng.integers(1, 40)))
    place = int(rng.integers(len(content) + 1))
    content[place : place + len(what)] = what
    file.write_bytes(content)


def _insert(rng: Generator, file: Path, files: list[Path]) -> None:
    """Put something in between."""
    content = file.read_bytes()
    place = int(rng.integers(len(content) + 1))
    file.write_bytes(content[:place] + TOKENS[rng.integers(len(TOKENS))] + content[place:])


def _cut(rng: Generator, file: Path, files: list[Path]) -> None:
    """Cut the end, or a piece out of the middle."""
    content = file.read_bytes()
    start = int(rng.integers(len(content) + 1))
    stop = len(content) if rng.integers(2) else int(rng.integers(start, len(content) + 1))
    file.write_bytes(content[:start] + content[stop:])


def _repeat(rng: Generator, file: Path, files: list[Path]) -> None:
    """Have a piece twice."""
    content = file.read_bytes()
    start, stop = sorted(rng.integers(0, len(content) + 1, 2).tolist())
    file.write_bytes(content[:stop] + content[start:])


def _swap(rng: Generator, file: Path, files: list[Path]) -> None:
    """Exchange two files of one folder."""
    other = files[rng.integers(len(files))]
    if other.exists():
        mine, theirs = file.read_bytes(), other.read_bytes()
        file.write_bytes(theirs)
        other.write_bytes(mine)


def _remove(rng: Generator, file: Path, files: list[Path]) -> None:
    """Take a file away."""
    file.unlink()


def _numbers(rng: Generator, file: Path, files: list[Path]) -> None:
    """Change a digit of a text."""
    content = bytearray(file.read_bytes())
    digits = [i for i, byte in enumerate(content[:5000]) if 48 <= byte < 58]
    if digits:
        content[digits[rng.integers(len(digits))]] = int(rng.choice([45, 46, 48, 57, 101, 34]))
    file.write_bytes(content)


DAMAGES: tuple[Callable[[Generator, Path, list[Path]], None], ...] = (
    _flip, _flip, _flip, _overwrite, _insert, _cut, _repeat, _swap, _remove, _numbers,
)  # fmt: skip
