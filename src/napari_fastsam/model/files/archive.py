"""A zip archive as torch writes it: its entries read where they lie, their sizes believed before nothing is read."""

from __future__ import annotations

import struct
import zipfile
import zlib
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from napari_fastsam.model.files.pickle_values import RefusedError, UnreadableError

MAX_ENTRIES = 20_000
"""One a tensor and a few more. The largest YOLO networks have 3000 with their optimiser."""

MAX_COMPRESSED = 64 << 20
"""Bytes that all compressed entries unpack to. Torch compresses the program text of an archive, and nothing else."""

_MAX_DIRECTORY = 16 << 20
_HEADER, _HEADER_BYTES = struct.Struct("<26xHH"), 30
_END, _END_BYTES = b"PK\x05\x06", 22


class Archive:
    """A torch archive that is open for reading.

    Parameters
    ----------
    path
        The file.

    Raises
    ------
    UnreadableError
        If it is no zip archive, or a damaged one.
    RefusedError
        If it has more entries than any checkpoint, unpacks to more than it is long, is encrypted, or names an entry
        twice or out of its folder.
    """

    def __init__(self, path: Path) -> None:
        self._file: BinaryIO = path.open("rb")
        try:
            self._bytes = path.stat().st_size
            _check_directory(self._file, self._bytes)
            try:
                self._zip = zipfile.ZipFile(self._file)
            except (zipfile.BadZipFile, NotImplementedError, ValueError, struct.error, OSError) as error:
                raise UnreadableError(f"its list of entries is damaged ({error})") from error
            if any(not 0 <= entry.header_offset < self._bytes for entry in self._zip.infolist()):
                raise UnreadableError("its list of entries is damaged")
            self._entries = _checked(self._zip.infolist(), self._bytes)
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._zip.close()
        self._file.close()

    def __contains__(self, name: str) -> bool:
        return name in self._entries

    @property
    def names(self) -> list[str]:
        """Names of all entries, in their order."""
        return list(self._entries)

    @property
    def folder(self) -> str:
        """The folder within the archive that torch put everything in.

        Raises
        ------
        UnreadableError
            If there is not exactly one that holds a ``data.pkl``.
        """
        found = {name.split("/")[0] for name in self._entries if name.endswith("/data.pkl") and name.count("/") == 1}
        if len(found) != 1:
            raise UnreadableError("it is not an archive of torch")
        return found.pop()

    def size(self, name: str) -> int:
        """Return how many bytes an entry has.

        Raises
        ------
        UnreadableError
            If there is none of that name.
        """
        return self._entry(name).file_size

    def read(self, name: str) -> bytearray:
        """Return the bytes of an entry.

        Raises
        ------
        UnreadableError
            If there is none of that name, or it is damaged.
        """
        entry = self._entry(name)
        if entry.compress_type != zipfile.ZIP_STORED:
            try:
                return bytearray(self._zip.read(entry))
            except (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, OSError, ValueError) as error:
                raise UnreadableError(f"its entry {name!r} is damaged") from error
        # past zipfile, whose check sums and small steps take longer than all the rest of loading
        self._file.seek(entry.header_offset)
        header = self._file.read(_HEADER_BYTES)
        if len(header) != _HEADER_BYTES or not header.startswith(b"PK\x03\x04"):
            raise UnreadableError(f"its entry {name!r} is damaged")
        self._file.seek(sum(_HEADER.unpack(header)), 1)
        content = bytearray(entry.file_size)
        if self._file.readinto(content) != entry.file_size:  # type: ignore[attr-defined]
            raise UnreadableError(f"it is truncated within its entry {name!r}")
        return content

    def _entry(self, name: str) -> zipfile.ZipInfo:
        if name not in self._entries:
            raise UnreadableError(f"it has no entry {name!r}")
        return self._entries[name]


def _check_directory(file: BinaryIO, size: int) -> None:
    """Refuse a list of entries that would take minutes to read."""
    if file.read(4) != b"PK\x03\x04":
        raise UnreadableError("it is no zip archive, as torch writes them")
    tail_bytes = min(size, _END_BYTES + 65535 + 76)
    file.seek(size - tail_bytes)
    tail = file.read(tail_bytes)
    at = tail.rfind(_END)
    if at < 0 or len(tail) < at + _END_BYTES:
        raise UnreadableError("it is truncated: the end of the archive is missing")
    (directory,) = struct.unpack_from("<I", tail, at + 12)
    large = tail.rfind(b"PK\x06\x06", 0, at)
    if large >= 0 and len(tail) >= large + 48:
        directory = max(directory if directory != 0xFFFFFFFF else 0, struct.unpack_from("<Q", tail, large + 40)[0])
    if directory > _MAX_DIRECTORY:
        raise RefusedError("zip directory", f"its list of entries has {directory:,} bytes, far more than a model's has")
    file.seek(0)


def _checked(entries: list[zipfile.ZipInfo], size: int) -> dict[str, zipfile.ZipInfo]:
    if len(entries) > MAX_ENTRIES:
        raise RefusedError("zip entries", f"it has {len(entries):,} entries; a model has at most {MAX_ENTRIES:,}")
    stored = compressed = 0
    for entry in entries:
        if entry.flag_bits & 0x1:
            raise RefusedError(entry.filename, f"its entry {entry.filename!r} is encrypted")
        if entry.filename.startswith("/") or "\\" in entry.filename or ".." in entry.filename.split("/"):
            raise RefusedError(entry.filename, f"its entry {entry.filename!r} leads out of the archive")
        if entry.compress_type == zipfile.ZIP_STORED:
            stored += max(entry.file_size, entry.compress_size)
        else:
            compressed += entry.file_size
    if stored > size or compressed > MAX_COMPRESSED:
        raise RefusedError(
            "zip bomb", f"it unpacks to {stored + compressed:,} bytes, but has {size:,}, and torch does not compress"
        )
    by_name = {entry.filename: entry for entry in entries}
    if len(by_name) != len(entries):
        raise RefusedError("zip entries", "it has two entries of the same name")
    return by_name
