"""Downloads: whole or not there, whatever goes wrong on the way."""

from __future__ import annotations

import dataclasses
import os
import socket
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from downloading import BODY
from napari_fastsam.errors import DownloadError, ModelError
from napari_fastsam.model.weights import fetch, weights
from napari_fastsam.model.weights.weights import download, find

OLD = b"an older file that somebody relies on"


@pytest.mark.parametrize("fault", ["says 10 GB", "endless without a length", "compressed"])
@pytest.mark.parametrize("known_size", [True, False])
def test_a_server_that_sends_too_much_is_left(
    tiny: weights.Weights, server, cache: Path, monkeypatch: pytest.MonkeyPatch, fault: str, known_size: bool
) -> None:
    if not known_size:
        monkeypatch.setattr(weights, "REGISTRY", (dataclasses.replace(tiny, bytes=0),))
        monkeypatch.setattr(fetch, "_MAX_BYTES", len(BODY) * 2)
    server.fault = fault
    with pytest.raises(DownloadError, match=r"tiny\.pt was not downloaded: 127\.0\.0\.1 sends .* nothing of"):
        download("tiny")
    assert list(cache.iterdir()) == []
    assert server.requests == 1
    assert server.sent < 20 * len(BODY), "no more than what was on its way"


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o002, 0o644), (0o077, 0o600), (0o027, 0o640)])
def test_a_cache_can_be_shared_as_far_as_the_umask_lets_it(tiny: weights.Weights, umask: int, mode: int) -> None:
    before = os.umask(umask)
    try:
        assert stat.S_IMODE(download("tiny").stat().st_mode) == mode
    finally:
        os.umask(before)


@pytest.mark.parametrize("fault", ["", "whole without a length", "slow"])
def test_download_tells_progress_up_to_the_end_and_leaves_one_file(
    tiny: weights.Weights, server, cache: Path, fault: str
) -> None:
    server.fault = fault
    seen: list[tuple[int, int]] = []
    path = download("TINY.pt", progress=lambda done, total: seen.append((done, total)))
    assert path.read_bytes() == BODY
    assert list(cache.iterdir()) == [path]
    counts = [done for done, _ in seen]
    assert counts == sorted(counts)
    assert len(set(counts)) > 10
    if fault != "whole without a length":
        assert seen[-1] == (len(BODY), len(BODY))


def test_download_of_the_bundled_model_is_the_file_of_the_package() -> None:
    assert download("nuclei") == find("nuclei")


def test_download_of_an_unknown_name_is_refused() -> None:
    with pytest.raises(ModelError, match="no model of the registry"):
        download("yolo11n")


def test_a_connection_that_breaks_once_is_tried_again(tiny: weights.Weights, server) -> None:
    server.fault = "drops once"
    assert download("tiny").read_bytes() == BODY
    assert server.requests == 2


def test_downloads_at_the_same_time_leave_one_whole_file(tiny: weights.Weights, server, cache: Path) -> None:
    server.fault = "slow"
    errors: list[ModelError] = []

    def fetch_it() -> None:
        try:
            download("tiny")
        except ModelError as error:
            errors.append(error)

    threads = [threading.Thread(target=fetch_it) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    assert list(cache.iterdir()) == [cache / "tiny.pt"]
    assert (cache / "tiny.pt").read_bytes() == BODY


def _break(fault: str, server, monkeypatch: pytest.MonkeyPatch) -> None:
    if fault == "wrong hash":
        server.body = BODY[:-1] + b"!"
    elif fault == "no network":
        with socket.socket() as closed:
            closed.bind(("127.0.0.1", 0))
            port = closed.getsockname()[1]
        entry = weights.known("tiny")
        assert entry is not None
        other = dataclasses.replace(entry, url=f"http://127.0.0.1:{port}/tiny.pt")
        monkeypatch.setattr(weights, "REGISTRY", (*weights.REGISTRY[:-1], other))
    elif fault == "no room":
        entry = dataclasses.replace(weights.REGISTRY[-1], bytes=10**18)
        monkeypatch.setattr(weights, "REGISTRY", (*weights.REGISTRY[:-1], entry))
    else:
        server.fault = fault


@pytest.mark.parametrize("there_before", [False, True], ids=["empty cache", "older file"])
@pytest.mark.parametrize(
    ("fault", "says"),
    [
        ("wrong hash", "does not have the expected SHA-256"),
        ("truncated without a length", "does not have the expected SHA-256"),
        ("drops always", "the connection to 127.0.0.1 broke, 3 times"),
        ("503", "503.*, 3 times"),
        ("404", "404"),
        ("no network", "127.0.0.1 cannot be reached"),
        ("no room", "the disk is full"),
    ],
)
def test_a_fault_leaves_no_part_and_touches_no_older_file(
    tiny: weights.Weights,
    server,
    cache: Path,
    monkeypatch: pytest.MonkeyPatch,
    fault: str,
    says: str,
    there_before: bool,
) -> None:
    monkeypatch.setattr(fetch, "_PAUSE_SECONDS", 0.01)
    _break(fault, server, monkeypatch)
    if there_before:
        cache.mkdir(parents=True)
        (cache / "tiny.pt").write_bytes(OLD)
    with pytest.raises(DownloadError, match=says) as caught:
        download("tiny")
    assert str(cache) in str(caught.value)
    assert "\n" not in str(caught.value)
    if fault != "no room":
        entry = weights.known("tiny")
        assert entry is not None
        for part in (str(entry.url), "tiny.pt", "'nuclei'"):
            assert part in str(caught.value)
    assert [p.read_bytes() for p in cache.iterdir()] == ([OLD] if there_before else [])


def test_a_wrong_file_says_so_if_its_hash_was_never_confirmed(
    tiny: weights.Weights, server, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.body = BODY[:-1] + b"!"
    entry = dataclasses.replace(tiny, confirmed=False)
    monkeypatch.setattr(weights, "REGISTRY", (entry,))
    with pytest.raises(DownloadError, match="not confirmed against the release"):
        download("tiny")


def test_cancel_ends_a_slow_download_soon_and_leaves_nothing(tiny: weights.Weights, server, cache: Path) -> None:
    server.fault = "slow"
    done = 0

    def progress(count: int, total: int) -> None:
        nonlocal done
        done = count

    with pytest.raises(weights.DownloadCancelled):
        download("tiny", progress=progress, cancel=lambda: done > 30_000)
    assert 30_000 < done < 100_000, "of several hundred thousand"
    assert list(cache.iterdir()) == []


def test_cancel_before_the_first_byte_asks_no_server(tiny: weights.Weights, server) -> None:
    with pytest.raises(weights.DownloadCancelled):
        download("tiny", cancel=lambda: True)
    assert server.requests == 0


def test_cancel_between_two_tries_ends_the_download(
    tiny: weights.Weights, server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetch, "_PAUSE_SECONDS", 30.0)
    server.fault = "503"
    with pytest.raises(weights.DownloadCancelled):
        download("tiny", cancel=lambda: server.requests > 0)


@pytest.mark.skipif(sys.platform == "win32", reason="needs RLIMIT_FSIZE")
@pytest.mark.parametrize("there_before", [False, True], ids=["empty cache", "older file"])
def test_a_disk_that_fills_up_on_the_way_is_told_and_left_clean(
    tiny: weights.Weights, cache: Path, there_before: bool
) -> None:
    """The write itself fails, in a process that may write no file above 100 kB."""
    cache.mkdir(parents=True)
    if there_before:
        (cache / "tiny.pt").write_bytes(OLD)
    script = f"""
import resource
from napari_fastsam.errors import DownloadError
from napari_fastsam.model.weights import registry, weights
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
weights.REGISTRY = (weights.Weights(**{dataclasses.asdict(tiny)!r}),)
try:
    weights.download("tiny")
except DownloadError as error:
    print(error)
"""
    ran = subprocess.run([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, check=True)
    assert "the disk is full" in ran.stdout
    assert weights.CACHE_VARIABLE in ran.stdout
    assert str(cache) in ran.stdout
    assert [p.read_bytes() for p in cache.iterdir()] == ([OLD] if there_before else [])


def test_a_file_where_the_cache_folder_should_be(tiny: weights.Weights, cache: Path) -> None:
    cache.parent.mkdir()
    cache.write_bytes(b"")
    with pytest.raises(DownloadError, match=weights.CACHE_VARIABLE):
        download("tiny")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
def test_a_cache_that_may_not_be_written(tiny: weights.Weights, cache: Path) -> None:
    cache.mkdir(parents=True)
    cache.chmod(0o500)
    with pytest.raises(DownloadError, match="cannot be stored"):
        download("tiny")
