"""Folders that replace others, whole or not at all: also when it is broken off between two steps."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from napari_fastsam.io.results.names import beside, temporary_prefix


@contextmanager
def folder_in_place_of(path: Path) -> Iterator[Path]:
    """Give a folder to fill, which is put in the place of `path` when that is done, and removed if it fails.

    Raises
    ------
    OSError
        If it cannot be written; what was there is there still.
    """
    mend(path)
    whole = Path(tempfile.mkdtemp(prefix=temporary_prefix(path), suffix=".part", dir=path.parent))
    try:
        yield whole
        whole.chmod(0o755)  # mkdtemp makes folders that nobody else may look into
        put_in_place(whole, path)
    finally:
        shutil.rmtree(whole, ignore_errors=True)


def put_in_place(temporary: Path, path: Path) -> None:
    """Give a finished folder its name; what was there goes only then.

    A folder cannot be replaced in one step. What was there is put aside first, and back again if the second step
    fails; `mend` does so if the program was ended between the two.

    Raises
    ------
    OSError
        If it cannot be done; what was there is there still, or the message says where it lies.
    """
    mend(path)
    old = beside(path, ".old")
    if path.exists():
        path.rename(old)
    try:
        temporary.rename(path)
    except BaseException:
        if old.exists():
            _put_back(old, path)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _put_back(old: Path, path: Path) -> None:
    try:
        old.rename(path)
    except OSError as error:
        where = f"{error.strerror}; what was there lies in {old}, and is put back when {path.name} is written again"
        raise OSError(error.errno, where) from error


def mend(path: Path) -> None:
    """Put a folder back that was put aside when a replacement of it broke off; forget one that was replaced."""
    old = beside(path, ".old")
    if not old.exists():
        return
    if path.exists():
        shutil.rmtree(old, ignore_errors=True)
    else:
        old.rename(path)


def clear_away(folder: Path, results: Iterable[Path]) -> None:
    """Remove what writers of these results left in their folder when they were killed: nobody may write them now."""
    prefixes = {temporary_prefix(path) for path in results}
    for path in folder.iterdir():
        stem, _, random = path.name.removesuffix(".part").rpartition(".")
        if path.suffix == ".part" and f"{stem}." in prefixes and random:
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)
