"""Annotations of single images that nobody has saved yet, kept in the user's own data folder."""

from __future__ import annotations

import glob
import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import numpy as np

from napari_fastsam.io.lock import locked
from napari_fastsam.io.projects.annotations import AnnotationFolder
from napari_fastsam.io.projects.places import unsaved_folder
from napari_fastsam.io.results.names import plain_name
from napari_fastsam.io.results.results import OutputError, make_folder

MOST_KEPT = 50
"""Folders that are kept; the oldest go first."""

_LOCK = ".lock"
_SAMPLED = 1 << 16


def key_of(name: str, path: str | None, pixels: Any) -> str:
    """Return what an image is known by: its file, or else some of its pixels.

    Parameters
    ----------
    name
        What it is called.
    path
        Of its file; None = it came otherwise.
    pixels
        An array.
    """
    if path:
        told = os.path.realpath(path).encode(errors="surrogateescape")
    else:
        step = tuple(slice(None, None, max(1, round(n / 64))) for n in pixels.shape)
        sample = np.ascontiguousarray(np.asarray(pixels[step])).ravel()[:_SAMPLED]
        told = repr((pixels.shape, str(pixels.dtype))).encode() + sample.tobytes()
    return f"{plain_name(Path(name).name)[:60]}-{hashlib.sha256(told).hexdigest()[:16]}"


class UnsavedFolder:
    """The folder of one session's annotations of one image, held by the process that writes it.

    Parameters
    ----------
    path
        The folder; made now.

    Raises
    ------
    OutputError
        If another process has it, or it cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.annotations = AnnotationFolder(path)
        make_folder(path)
        self._lock = ExitStack()
        self._lock.enter_context(locked(path / _LOCK, f"{path} is in use by another napari"))

    def close(self) -> None:
        """Let others have it."""
        self.annotations.close()
        self._lock.close()

    def remove(self) -> None:
        """Forget what is in it."""
        self.close()
        shutil.rmtree(self.path, ignore_errors=True)


def begin(key: str) -> UnsavedFolder:
    """Begin to keep the annotations of an image; the oldest of others are forgotten.

    Raises
    ------
    OutputError
        If nothing can be written.
    """
    _forget_oldest()
    base, number = unsaved_folder() / key, 1
    while (base / str(number)).exists():
        number += 1
    return UnsavedFolder(base / str(number))


def left_behind(key: str, any_name: bool = False) -> Iterator[UnsavedFolder]:
    """Yield what earlier sessions left of an image, the newest first; whatever is still in use is passed over.

    Parameters
    ----------
    key
        As `key_of` gives it.
    any_name
        Whether it may have been called otherwise.
    """
    there = unsaved_folder().glob(f"*-{key.rpartition('-')[2]}/*" if any_name else f"{glob.escape(key)}/*")
    for path in sorted((p for p in there if p.is_dir()), key=lambda p: p.stat().st_mtime, reverse=True):
        try:
            yield UnsavedFolder(path)
        except OutputError:
            continue


def remove(path: Path) -> None:
    """Forget what is in a folder, unless it is in use."""
    with suppress(OutputError):
        UnsavedFolder(path).remove()


def _forget_oldest() -> None:
    folders = sorted(unsaved_folder().glob("*/*"), key=lambda p: p.stat().st_mtime)
    for path in folders[: max(0, len(folders) - MOST_KEPT + 1)]:
        remove(path)
