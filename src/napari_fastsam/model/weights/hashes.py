"""SHA-256 of model files: computed once for as long as a file stays as it is."""

from __future__ import annotations

import hashlib
import threading
from pathlib import Path

from napari_fastsam.errors import ModelError

_REMEMBERED = 512
"""Files whose SHA-256 is kept in this process."""

_State = tuple[str, int, int, int, int]
_known: dict[_State, str] = {}
_lock = threading.Lock()


def sha256_of(path: Path) -> str:
    """Return the file's SHA-256 in hexadecimal; a file that has not changed since is read once.

    Of a folder it is the SHA-256 of lines with the name and the SHA-256 of each of its files, in order of the names.

    Raises
    ------
    ModelError
        If the file cannot be read.
    """
    try:
        if path.is_dir():
            files = {file.relative_to(path).as_posix(): file for file in path.rglob("*") if file.is_file()}
            lines = "".join(f"{name} {sha256_of(files[name])}\n" for name in sorted(files))
            return hashlib.sha256(lines.encode()).hexdigest()
        state = _state_of(path)
        with _lock:
            known = _known.get(state)
        if known is not None:
            return known
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror or error}") from error
    with _lock:
        while len(_known) >= _REMEMBERED:
            del _known[next(iter(_known))]
        _known[state] = digest
    return digest


def known_sha256(path: Path) -> str | None:
    """Return the SHA-256 of a file if this process has computed it since the file last changed; reads nothing."""
    try:
        state = _state_of(path)
    except OSError:
        return None
    with _lock:
        return _known.get(state)


def _state_of(path: Path) -> _State:
    status = path.stat()
    # the time of change too: unlike that of modification, a program cannot set it back
    return str(path), status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino
