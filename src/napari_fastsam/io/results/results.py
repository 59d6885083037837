"""Label images and overlays into files, whole or not at all.

What is written appears under its name only once it is complete: a crash, a full disk or Ctrl-C leaves
either the file that was there before or none.
"""

from __future__ import annotations

import errno
import os
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from napari_fastsam.errors import FastSAMError, ParameterError
from napari_fastsam.io.results.names import LONGEST, temporary_prefix

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_NOT_ALLOWED = (errno.EACCES, errno.EPERM, errno.EROFS)


class OutputError(FastSAMError):
    """A result cannot be written where it should go."""


def names_for(images: Sequence[Path]) -> list[str]:
    """Return a name for the results of each image, all different.

    It is the file's name without suffix. Images that would share it get their folder's name in front, and
    where that does not tell them apart their suffix too: ``a/x.tif`` and ``b/x.png`` become ``a_x`` and
    ``b_x``.

    Parameters
    ----------
    images
        Paths of images, each once.

    Raises
    ------
    ParameterError
        If two images still have the same name.
    """
    ways: list[Callable[[Path], str]] = [
        lambda p: f"{p.absolute().parent.name}_{stem_of(p)}",
        lambda p: f"{p.absolute().parent.name}_{stem_of(p)}_{p.suffix[1:]}",
    ]
    names = [stem_of(p) for p in images]
    for way in ways:
        # case is folded, because on some systems X.tif and x.tif are one file
        shared = {name for name, n in Counter(n.casefold() for n in names).items() if n > 1}
        names = [way(p) if name.casefold() in shared else name for p, name in zip(images, names, strict=True)]
    for name, count in Counter(n.casefold() for n in names).items():
        if count > 1:
            same = [str(p) for p, n in zip(images, names, strict=True) if n.casefold() == name]
            raise ParameterError(
                f"{' and '.join(same)} would name their results alike, {name}; write them into different folders"
            )
    return names


def stem_of(path: Path) -> str:
    """Return a file's name without its suffix, nor that of OME-TIFF and OME-Zarr."""
    stem = path.stem
    return stem[: -len(".ome")] if stem.casefold().endswith(".ome") else stem


def make_folder(folder: Path) -> None:
    """Make a folder, and those above it, unless it is there.

    Raises
    ------
    OutputError
        If a file is in its place or it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = "a file of that name is in the way" if folder.is_file() else error.strerror or error
        raise OutputError(f"the folder {folder} cannot be made: {reason}; choose another with -o") from error


def check_name(path: Path) -> None:
    """Say now that a result's name is too long, and not when there is something to write.

    Raises
    ------
    OutputError
        If no usual file system takes it.
    """
    if len(os.fsencode(path.name)) > LONGEST:
        raise unwritable(path, OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG)))


def write_whole(path: Path, write: Callable[[Path], object]) -> None:
    """Let `write` fill a hidden file beside `path`, then give it that name.

    Raises
    ------
    OutputError
        If that cannot be done; what was there before is there still.
    """
    temporary: Path | None = None
    try:
        handle, name = tempfile.mkstemp(prefix=temporary_prefix(path), suffix=".part", dir=path.parent)
        os.close(handle)
        temporary = Path(name)
        write(temporary)
        with temporary.open("r+b") as file:
            os.fsync(file.fileno())
        # mkstemp makes files that nobody else may read.
        temporary.chmod(_permissions(path))
        temporary.replace(path)
    except OSError as error:
        raise unwritable(path, error) from error
    finally:
        if temporary is not None:
            with suppress(OSError):  # what is said is why it was not written
                temporary.unlink(missing_ok=True)


def unwritable(path: Path, error: OSError) -> OutputError:
    """Return the error that says why a result cannot be written, and what to do about that."""
    elsewhere = "choose another folder (-o on the command line)"
    if error.errno == errno.ENAMETOOLONG:
        what_to_do = f"give the image a shorter name, or {elsewhere}"
    elif error.errno in _NO_ROOM:
        what_to_do = f"make room there, or {elsewhere}"
    elif error.errno in _NOT_ALLOWED:
        what_to_do = f"get the right to write there, or {elsewhere}"
    else:
        what_to_do = elsewhere
    return OutputError(f"{path} cannot be written: {error.strerror or error}; {what_to_do}")


def _permissions(path: Path) -> int:
    """Return the mode that a new file at `path` should have: that of the file it replaces, or what umask leaves."""
    if path.exists():
        return path.stat().st_mode & 0o777
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask
