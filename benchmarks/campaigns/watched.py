"""Files opened under the eyes of `hostile.watch`: what is written, called, fetched or read elsewhere is told."""

from __future__ import annotations

import os
import sys
import sysconfig
from pathlib import Path
from typing import Any

from psutil import Process

from hostile import watch

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

MEMORY = 3 << 30
"""Bytes of address space that may be taken beyond what there is at the beginning."""

_installed = False
_read: list[str] = []
_ours = ("nowhere",)
_LIBRARIES = tuple(
    {str(Path(p).resolve()) for p in (*sysconfig.get_paths().values(), sys.prefix, sys.base_prefix)}
    | {str(Path(__file__).resolve().parents[2]), "/proc", "/sys", "/dev", "/etc", "/usr", "/lib"}
)


def _hear_reads(event: str, args: tuple[Any, ...]) -> None:
    if event == "open" and watch._listening and isinstance(args[0], str | bytes):
        name = str(Path(os.fsdecode(args[0])).absolute())
        if not name.startswith((*_ours, *_LIBRARIES)):
            _read.append(f"read {name}")


class Watched:
    """A folder in which files are opened, and nothing else is touched.

    Parameters
    ----------
    folder
        An empty one; files to be opened lie below it, and so does what may be written.
    """

    def __init__(self, folder: Path) -> None:
        global _installed, _ours
        self.folder, self.files, self.out = folder, folder / "files", folder / "out"
        self._was = Path.cwd()
        for place in (self.files, self.out, folder / "here"):
            place.mkdir()
        os.chdir(folder / "here")
        watch._allowed, _ours = self.out.absolute(), (str(folder.absolute()), str(folder.resolve()))
        if not _installed:
            sys.addaudithook(watch._hear)
            sys.addaudithook(_hear_reads)
            _installed = True
        self._limit = _limit_memory()

    def open(self, name: str, door: str, path: Path) -> dict[str, Any]:
        """Open a file through a door of `watch.DOORS`; returns what happened."""
        _read.clear()
        told = watch.opened(name, door, str(path), self.out)
        told["effects"] += _read
        return told

    def end(self) -> None:
        """Watch no more."""
        os.chdir(self._was)
        if resource is not None and self._limit is not None:
            resource.setrlimit(resource.RLIMIT_AS, self._limit)


def _limit_memory() -> tuple[int, int] | None:
    if resource is None:
        return None
    was = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (Process().memory_info().vms + MEMORY, was[1]))
    return was
