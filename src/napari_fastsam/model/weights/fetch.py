"""One file from the network into a folder: whole and verified, or not at all."""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from napari_fastsam.errors import DownloadError

if TYPE_CHECKING:
    import requests

# A dropped connection is worth another try; three in a row say that somebody has to look.
_ATTEMPTS = 3
_PAUSE_SECONDS = 1.0
_CONNECT_SECONDS, _READ_SECONDS = 10.0, 15.0
# Small, because a cancel is looked at between chunks and a slow line takes long over a large one.
_CHUNK_BYTES = 8192
_MAX_BYTES = 2_000_000_000
"""Most that is fetched where the size is not known; the largest CLIP has 1.3 GB."""
_FILE_MODE = 0o644
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class DownloadCancelled(DownloadError):
    """The person called a download off; nothing of it is left on the disk."""


def fetch(
    url: str,
    target: Path,
    *,
    size: int,
    sha256: str,
    otherwise: str,
    doubt: str = "",
    progress: Callable[[int, int], None] | None = None,
    cancel: Callable[[], bool] | None = None,
) -> None:
    """Download a file, unless it is there and its SHA-256 agrees.

    The bytes go into a temporary file of the same folder, which takes the target's name once the SHA-256
    agrees and is removed otherwise; whatever lay under that name stays until then. A connection that breaks
    after bytes have come, or a server in trouble, is tried again from the start, three times in all. A server that
    sends more than `size` (or 2 GB where that is not known) is left at that point. Everyone may read the file, as far
    as the user's umask lets them: a cache may be shared.

    Parameters
    ----------
    url
        Where from.
    target
        Where to; its folder is made if needed.
    size
        Bytes that are expected, and the most that is taken; 0 = not known.
    sha256
        Expected, in hexadecimal.
    otherwise
        What a person can do instead, added to messages.
    doubt
        What is to be said about the expected SHA-256 if it does not agree.
    progress
        Called in this thread with the bytes that have come and the bytes there are to come (0 = not known).
    cancel
        Asked before and between chunks; True ends the download.

    Raises
    ------
    DownloadCancelled
        If `cancel` returned True.
    DownloadError
        If there is no network, no room, no permission, or what came is not the right file.
    """
    relay = _Relay(progress, cancel, size or _MAX_BYTES)
    for attempt in range(1, _ATTEMPTS + 1):
        relay.start()
        try:
            _make_folder(target.parent)
            if not (target.is_file() and target.stat().st_size == size):
                _check_room(size, target.parent)
            _retrieve(url, target, sha256, relay)
            with contextlib.suppress(OSError):  # somebody else's file, which is whole
                _let_others_read(target)
            return
        except _TooMuch as error:
            raise DownloadError(
                f"{target.name} was not downloaded: {urlsplit(url).hostname} sends {error}, and {relay.limit:,} bytes "
                f"{'are expected' if size else 'are taken at most'}; nothing of it was kept. {otherwise}"
            ) from error
        except _NoAnswer as error:
            if not error.again or attempt == _ATTEMPTS:
                times = f", {attempt} times" if attempt > 1 else ""
                raise DownloadError(
                    f"{target.name} was not downloaded: {error}{times}. {otherwise}"
                ) from error.__cause__
            relay.wait(attempt * _PAUSE_SECONDS)
        except ValueError as error:
            raise DownloadError(
                f"the file from {url} does not have the expected SHA-256 {sha256}{doubt}; it was deleted. {otherwise}"
            ) from error
        except OSError as error:
            raise DownloadError(_no_place(target, size, error)) from error


class _NoAnswer(Exception):
    """The network or the server failed; `again` where another try makes sense."""

    def __init__(self, message: str, *, again: bool) -> None:
        super().__init__(message)
        self.again = again


class _TooMuch(Exception):
    """The server sends more than the file can have; the text says what."""


def _retrieve(url: str, target: Path, sha256: str, relay: _Relay) -> None:
    """Let pooch do it, with its network errors sorted; OSError (disk) and ValueError (wrong SHA-256) pass."""
    import pooch
    import requests

    relay.check()
    downloader = pooch.HTTPDownloader(
        progressbar=relay,
        chunk_size=_CHUNK_BYTES,
        timeout=(_CONNECT_SECONDS, _READ_SECONDS),
        # a compressed answer could unpack to anything
        headers={"Accept-Encoding": "identity"},
        hooks={"response": lambda answer, *args, **kwargs: relay.answered(answer)},
    )
    host = urlsplit(url).hostname
    try:
        with _quiet_pooch():
            pooch.retrieve(url, f"sha256:{sha256}", target.name, target.parent, downloader=downloader)
    except requests.HTTPError as error:
        status = error.response.status_code if error.response is not None else 0
        raise _NoAnswer(f"{host} answered {error}", again=status >= 500) from error
    except requests.RequestException as error:
        relay.check()
        if relay.done:
            raise _NoAnswer(f"the connection to {host} broke", again=True) from error
        raise _NoAnswer(f"{host} cannot be reached (is there a network?)", again=False) from error
    finally:
        # pooch leaves the connection open where the download ends early.
        relay.hang_up()


def _let_others_read(target: Path) -> None:
    """Give a file the mode that a new one gets; pooch's temporary files are their owner's only."""
    with tempfile.TemporaryDirectory(prefix=f".{target.name}.", dir=target.parent) as folder:
        # the umask can only be asked for by changing it, which other threads would feel
        new = os.open(Path(folder) / "new", os.O_CREAT | os.O_WRONLY, _FILE_MODE)
        try:
            mode = stat.S_IMODE(os.fstat(new).st_mode)
        finally:
            os.close(new)
    if target.stat().st_mode & mode != mode:
        os.chmod(target, stat.S_IMODE(target.stat().st_mode) | mode)


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError as error:
        raise NotADirectoryError(errno.ENOTDIR, "a file is where the folder should be", str(folder)) from error


def _check_room(size: int, folder: Path) -> None:
    free = shutil.disk_usage(folder).free
    if free < size:
        raise OSError(errno.ENOSPC, "not enough room", str(folder))


def _no_place(target: Path, size: int, error: OSError) -> str:
    elsewhere = "or name another folder in the environment variable NAPARI_FASTSAM_CACHE"
    if error.errno in _NO_ROOM:
        needs = f"{size / 1e6:.0f} MB" if size else "more room"
        return (
            f"the disk is full: {target.name} needs {needs} in {target.parent}, and nothing of "
            f"it was kept; make room {elsewhere}"
        )
    reason = error.strerror or str(error)
    return f"{target.name} cannot be written to {target.parent}: {reason}; make that folder writable {elsewhere}"


class _Relay:
    """What pooch takes for a progress bar: passes the count on, and stops the download when asked to."""

    def __init__(
        self, progress: Callable[[int, int], None] | None, cancel: Callable[[], bool] | None, limit: int
    ) -> None:
        self.total = 0
        self.done = 0
        self.limit = limit
        self._answers: list[requests.Response] = []
        self._progress = progress
        self._cancel = cancel

    def start(self) -> None:
        """Count from 0 again: every attempt fetches the whole file."""
        self.total = self.done = 0

    def answered(self, answer: requests.Response) -> None:
        """Look at what a server says before the bytes come."""
        self._answers.append(answer)
        encoding = answer.headers.get("Content-Encoding", "identity")
        length = answer.headers.get("Content-Length", "0")
        if encoding != "identity":
            raise _TooMuch(f"it compressed ({encoding[:40]!r})")
        if answer.ok and not (length.isdecimal() and int(length) <= self.limit):
            raise _TooMuch(f"{length[:40]} bytes")

    def hang_up(self) -> None:
        """Close all connections."""
        for answer in self._answers:
            answer.close()
        self._answers.clear()

    def check(self) -> None:
        if self._cancel is not None and self._cancel():
            raise DownloadCancelled("the download was cancelled; nothing of it was kept")

    def wait(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self.check()
            time.sleep(0.05)

    def update(self, count: int) -> None:
        self.check()
        if self._answers and self._answers[-1].raw.tell() > self.limit:
            raise _TooMuch("more than that")
        # pooch counts whole chunks, so the last one would go beyond the end.
        self.done = min(self.done + count, self.total) if self.total else self.done + count
        if self._progress is not None:
            self._progress(self.done, self.total)

    def reset(self) -> None:
        """Do nothing: pooch counts the whole again at its end, and `update` stops at the total."""

    def close(self) -> None:
        """Do nothing: there is no bar to close."""


@contextlib.contextmanager
def _quiet_pooch() -> Iterator[None]:
    """Keep pooch's own lines off the terminal: progress is told through the callback."""
    import pooch

    logger = pooch.get_logger()
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(level)
