"""A file to which records are appended, each of them whole or not there.

A record is the marker ``NFSJ``, the length of its content and the CRC-32 of its content, both as little-endian 32-bit
numbers, then the content. Nothing in the file is ever changed: a process that is killed leaves whole records and
perhaps the beginning of one, which is cut off when the file is opened again.
"""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from napari_fastsam.io.results.results import OutputError, unwritable, write_whole

MARKER = b"NFSJ"
_HEAD = struct.Struct("<4sII")

LARGEST = 1 << 31
"""Bytes that a record may have; a larger length is damage."""


@dataclass(frozen=True)
class JournalContent:
    """What a journal holds.

    Attributes
    ----------
    records
        The content of its whole records, up to the first that is damaged.
    end
        Bytes that they take.
    lost
        Whole records behind a damaged one: they are not used, because what they build on is missing.
    """

    records: tuple[bytes, ...] = ()
    end: int = 0
    lost: int = 0


def read_journal(path: Path) -> JournalContent:
    """Return the whole records of a journal; a file that is not there has none.

    Raises
    ------
    OutputError
        If the file cannot be read.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return JournalContent()
    except OSError as error:
        raise OutputError(
            f"{path} cannot be read: {error.strerror or error}; make it readable, and try again"
        ) from error
    records, end = _whole_records(content, 0)
    return JournalContent(tuple(records), end, _records_behind(content, end))


def _whole_records(content: bytes, start: int) -> tuple[list[bytes], int]:
    """Return the records from a place on, up to the first that is not whole, and where they end."""
    records = []
    while (record := _record_at(content, start)) is not None:
        records.append(record)
        start += _HEAD.size + len(record)
    return records, start


def _record_at(content: bytes, start: int) -> bytes | None:
    if len(content) - start < _HEAD.size:
        return None
    marker, length, checksum = _HEAD.unpack_from(content, start)
    record = content[start + _HEAD.size : start + _HEAD.size + length]
    whole = marker == MARKER and len(record) == length <= LARGEST and zlib.crc32(record) == checksum
    return record if whole else None


def _records_behind(content: bytes, end: int) -> int:
    """Return how many whole records follow somewhere behind a damaged place."""
    count, start = 0, content.find(MARKER, end + 1)
    while start >= 0:
        records, stop = _whole_records(content, start)
        count += len(records)
        start = content.find(MARKER, max(stop, start + 1))
    return count


class Journal:
    """A journal that is written to.

    Each record is handed to the operating system at once, so that it outlives the process; `sync` has it written to
    the disk, so that it outlives a power cut.

    Parameters
    ----------
    path
        The file; made if it is not there. What lies behind its whole records is cut off.

    Raises
    ------
    OutputError
        If it cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._end = read_journal(path).end
        self._is_dirty = False
        self._file = -1
        self._open()
        try:
            os.ftruncate(self._file, self._end)
        except OSError as error:
            raise unwritable(path, error) from error

    @property
    def nbytes(self) -> int:
        """Bytes in the file."""
        return self._end

    def append(self, record: bytes) -> None:
        """Add a record.

        Raises
        ------
        OutputError
            If it cannot be written, as on a full disk; nothing of it is in the file then.
        """
        packed = _packed(record)
        if self._file < 0:
            self._open()
        try:
            os.lseek(self._file, self._end, os.SEEK_SET)
            _write_all(self._file, packed)
        except OSError as error:
            with suppress(OSError):  # the next record is written over what is left, and a reader leaves it out
                os.ftruncate(self._file, self._end)
            raise unwritable(self.path, error) from error
        self._end += len(packed)
        self._is_dirty = True

    def sync(self) -> None:
        """Have all records written to the disk.

        Raises
        ------
        OutputError
            If that fails.
        """
        if self._is_dirty:
            try:
                os.fsync(self._file)
            except OSError as error:
                raise unwritable(self.path, error) from error
            self._is_dirty = False

    def begin_anew(self, records: Sequence[bytes]) -> None:
        """Put a new journal in the place of this one, in one step.

        Raises
        ------
        OutputError
            If that fails; the old one is there still.
        """
        packed = b"".join(map(_packed, records))
        self._let_go()
        try:
            write_whole(self.path, lambda file: file.write_bytes(packed))
            self._end, self._is_dirty = len(packed), False
        finally:
            self._open()

    def close(self) -> None:
        """Write it to the disk and let go of the file; not to be used any more."""
        if self._file < 0:
            return
        try:
            self.sync()
        finally:
            self._let_go()

    def _open(self) -> None:
        try:
            self._file = os.open(self.path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o666)
        except OSError as error:
            raise unwritable(self.path, error) from error

    def _let_go(self) -> None:
        """Close the file, and forget its number: the system gives it to another one."""
        file, self._file = self._file, -1
        if file >= 0:
            os.close(file)


def _packed(record: bytes) -> bytes:
    return _HEAD.pack(MARKER, len(record), zlib.crc32(record)) + record


def _write_all(file: int, content: bytes) -> None:
    left = memoryview(content)
    while left:
        left = left[os.write(file, left) :]
