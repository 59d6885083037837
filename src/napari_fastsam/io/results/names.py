"""Names of files beside a result: none longer than a file system takes."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path

LONGEST = 255
"""Bytes that a name may have on the usual file systems."""

_KEPT = 64
"""Bytes of a result's name that a file beside it still shows."""


_LONGEST_PLAIN = 100
_NO_FILE_NAMES = re.compile(r"[^\w.+-]+")
_DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(?=\.|$)", re.IGNORECASE)
"""What Windows takes for devices, whatever stands behind a dot."""


def beside(path: Path, ending: str) -> Path:
    """Return a hidden name beside `path` that belongs to it alone, and that no length of its own name makes too long.

    Examples
    --------
    >>> beside(Path("out/cells_labels.zarr"), ".old").name
    '.cells_labels.zarr.526b2882.old'
    """
    return path.with_name(f"{temporary_prefix(path)}{_tag(path.name)}{ending}")


def temporary_prefix(path: Path) -> str:
    """Return how the names of temporary files of `path` begin."""
    return f".{_cut(path.name, _KEPT)}."


def fitting(name: str, ending: str) -> str:
    """Return the name with an ending; one that would be too long is cut, and told apart by a hash of all of it."""
    whole = name + ending
    if len(os.fsencode(whole)) <= LONGEST:
        return whole
    return f"{_cut(name, _KEPT)}~{_tag(name)}{ending}"


def plain_name(name: str) -> str:
    """Return a name that every system takes for a file, for something that is called like this."""
    plain = _NO_FILE_NAMES.sub("_", name).strip("._-")[:_LONGEST_PLAIN] or "image"
    return _DEVICES.sub(r"\1_", plain, count=1) if _DEVICES.match(plain) else plain


def _tag(name: str) -> str:
    return hashlib.sha256(os.fsencode(name)).hexdigest()[:8]


def _cut(name: str, most: int) -> str:
    """Return as many of the first characters as have so many bytes; bytes that are no characters are left out."""
    return os.fsencode(name)[:most].decode("utf-8", "ignore")
