"""Nothing that is read is overwritten, and no two results have one name: asked before anything is written."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterable
from pathlib import Path

from napari_fastsam.errors import ParameterError


def check_overwriting(written: Iterable[Path], read: Iterable[Path]) -> None:
    """Make sure that files that will be written are none of those that are read, and all different.

    Links are followed, and files that are there are compared as such, so that one file under two names is noticed: by
    ``..``, by a link, or by case where the file system does not tell it apart.

    Parameters
    ----------
    written
        Files and folders that will be written or replaced.
    read
        Files and folders that are needed.

    Raises
    ------
    ParameterError
        If one would be written over another, into a folder that is read, or over a folder that holds one that is read.
    """
    sources = {key: path for path in dict.fromkeys(read) for key in _keys(path)}
    around = {
        str(parent): path for key, path in sources.items() if isinstance(key, str) for parent in Path(key).parents
    }
    results: dict[object, Path] = {}
    for path in written:
        for key in _keys(path):
            above = [str(parent) for parent in Path(key).parents] if isinstance(key, str) else []
            source = sources.get(key) or next((sources[a] for a in above if a in sources), None) or around.get(str(key))
            if source is not None:
                raise ParameterError(
                    f"{path} would overwrite {source}, which is to be read; choose another folder or name for it"
                )
        for key in {_in_any_case(path), *_keys(path)}:
            other = results.setdefault(key, path)
            if other is not path:
                raise ParameterError(
                    f"{path} and {other} would be one file, and both are to be written; choose different names, or "
                    "write them into different folders"
                )


def _keys(path: Path) -> set[str | tuple[int, int]]:
    """Return what a path is known by: its own place, what it leads to, and the file itself if it is there."""
    folder, name = os.path.split(os.path.abspath(path))
    keys: set[str | tuple[int, int]] = {os.path.join(os.path.realpath(folder), name), os.path.realpath(path)}
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return keys
    return keys | {(status.st_dev, status.st_ino)}


def _in_any_case(path: Path) -> str:
    folder, name = os.path.split(os.path.realpath(path))
    # two names that are not there yet: on some file systems these are one
    return os.path.join(folder, unicodedata.normalize("NFC", name).casefold())
