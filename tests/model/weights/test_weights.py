"""Where checkpoints are found, and what a download leaves behind when it goes wrong."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import socket
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from napari_fastsam.errors import DownloadError, ModelError
from napari_fastsam.model.weights import fetch, registry, weights
from napari_fastsam.model.weights.weights import card_for, download, find, is_available, sha256_of

BODY = bytes(range(256)) * 1200  # 307,200 bytes: a few dozen chunks of the downloader
OLD = b"an older file that somebody relies on"


def test_bundled_model_is_the_one_that_registry_and_card_describe() -> None:
    path = find("nuclei")
    entry = weights.known("nuclei")
    assert entry is not None
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert (entry.bytes, entry.sha256) == (path.stat().st_size, digest)
    card = card_for(path)
    assert (card.name, card.sha256, card.licence) == ("nuclei", digest, entry.licence)
    assert (card.imgsz, card.scale, card.origin) == (None, 1.0, "file")
    assert card.object_diameter is not None
    assert 15 < card.object_diameter < 25


@pytest.mark.parametrize("name", ["nuclei", "NUCLEI", "Nuclei.pt", " nuclei "])
def test_names_in_any_case_with_or_without_pt(name: str) -> None:
    assert find(name) == weights.BUNDLED_FOLDER / "nuclei.pt"


def test_a_file_by_its_path_whatever_its_name(tmp_path: Path) -> None:
    file = tmp_path / "mine.pt"
    file.write_bytes(b"x")
    assert find(file) == file
    assert find(str(file)) == file


def test_a_file_in_the_working_folder_wins_over_a_registry_name_only_when_typed_as_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "nuclei.pt").write_bytes(b"x")
    monkeypatch.chdir(tmp_path)
    assert find("nuclei.pt") == tmp_path / "nuclei.pt"
    assert find("nuclei") == weights.BUNDLED_FOLDER / "nuclei.pt"


def test_home_is_expanded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine.pt").write_bytes(b"x")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert find("~/mine.pt") == tmp_path / "mine.pt"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no model is named"),
        ("FastSAM-z", "did you mean FastSAM-"),
        ("somewhere/missing.pt", "there is no file"),
        ("~nobody-of-that-name/missing.pt", "there is no file"),
    ],
)
def test_what_is_not_there_is_named_with_what_there_is(text: str, says: str) -> None:
    with pytest.raises(ModelError, match=says) as caught:
        find(text)
    assert "nuclei" in str(caught.value)
    assert not is_available(text)


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="is a folder; name the checkpoint's file"):
        find(tmp_path)


def test_what_was_not_downloaded_is_named_with_url_folder_and_the_bundled_model(cache: Path) -> None:
    entry = weights.known("FastSAM-x")
    assert entry is not None
    assert entry.url is not None
    with pytest.raises(ModelError) as caught:
        find("fastsam-x")
    for part in (entry.file, entry.url, str(cache), "nuclei", "models download FastSAM-x"):
        assert part in str(caught.value)
    assert not cache.exists()


def test_the_cache_is_the_systems_unless_it_is_named(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert weights.cache_folder() == cache
    monkeypatch.delenv(weights.CACHE_VARIABLE)
    assert "napari-fastsam" in weights.cache_folder().parts


def test_a_file_put_into_the_cache_by_hand_works_without_a_server(tiny: weights.Weights, server, cache: Path) -> None:
    cache.mkdir(parents=True)
    (cache / "tiny.pt").write_bytes(BODY)
    assert find("tiny") == cache / "tiny.pt"
    assert is_available("tiny")
    assert download("tiny") == cache / "tiny.pt"
    assert server.requests == 0


def test_a_half_file_put_into_the_cache_by_hand_is_told_and_replaced_by_a_download(
    tiny: weights.Weights, cache: Path
) -> None:
    cache.mkdir(parents=True)
    (cache / "tiny.pt").write_bytes(BODY[:1000])
    with pytest.raises(ModelError, match=r"1,000 bytes instead of 307,200"):
        find("tiny")
    download("tiny")
    assert find("tiny").read_bytes() == BODY


def test_a_damaged_file_of_the_right_size_is_told_and_offered_again(tiny: weights.Weights, cache: Path) -> None:
    cache.mkdir(parents=True)
    (cache / "tiny.pt").write_bytes(BODY[:-1] + b"!")
    assert is_available("tiny"), "nobody has read it yet"
    with pytest.raises(ModelError, match=r"tiny\.pt is damaged or not Tiny: .* models download Tiny"):
        find("tiny")
    assert not is_available("tiny"), "the dock offers to download it"
    download("tiny")
    assert find("tiny").read_bytes() == BODY
    assert is_available("tiny")


def test_a_cached_file_is_read_once_as_long_as_it_stays(tiny: weights.Weights, monkeypatch: pytest.MonkeyPatch) -> None:
    path = download("tiny")
    find("tiny")
    monkeypatch.setattr(hashlib, "file_digest", lambda *_: pytest.fail("it is read again"))
    assert find("tiny") == path


def test_a_file_that_changes_behind_an_old_time_is_noticed(tiny: weights.Weights) -> None:
    path = download("tiny")
    find("tiny")
    times = path.stat().st_atime_ns, path.stat().st_mtime_ns
    path.write_bytes(BODY[:-1] + b"!")
    os.utime(path, ns=times)
    with pytest.raises(ModelError, match="is damaged or not Tiny"):
        find("tiny")


def test_a_damaged_installation_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = weights.REGISTRY[0].path.read_bytes()
    (tmp_path / "nuclei.pt").write_bytes(content[:-1] + b"!")
    monkeypatch.setattr(registry, "BUNDLED_FOLDER", tmp_path)
    with pytest.raises(ModelError, match="the installation is broken; install napari-fastsam again"):
        find("nuclei")


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


@pytest.fixture
def tiny(server, cache: Path, monkeypatch: pytest.MonkeyPatch) -> weights.Weights:
    """A registry entry that the server has, in an empty cache."""
    server.body = BODY
    entry = weights.Weights(
        name="Tiny",
        file="tiny.pt",
        bytes=len(BODY),
        sha256=hashlib.sha256(BODY).hexdigest(),
        url=server.url,
        licence="none",
        about="for tests",
    )
    monkeypatch.setattr(weights, "REGISTRY", (*weights.REGISTRY, entry))
    return entry


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
        ("wrong hash", "has not the expected SHA-256"),
        ("truncated without a length", "has not the expected SHA-256"),
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


def test_sha256_follows_a_change_of_the_file(tmp_path: Path) -> None:
    file = tmp_path / "a.pt"
    file.write_bytes(b"one")
    assert sha256_of(file) == hashlib.sha256(b"one").hexdigest()
    file.write_bytes(b"three")
    assert sha256_of(file) == hashlib.sha256(b"three").hexdigest()
    with pytest.raises(ModelError, match="cannot be read"):
        sha256_of(tmp_path / "missing.pt")


def test_card_of_fastsam_is_told_by_name_and_size(tiny: weights.Weights, cache: Path) -> None:
    cache.mkdir(parents=True)
    (cache / "tiny.pt").write_bytes(BODY)
    card = card_for(find("tiny"))
    assert (card.name, card.imgsz, card.origin, card.sha256) == ("Tiny", 1024, "registry", tiny.sha256)


@pytest.mark.parametrize("beside", [None, "[1, 2]", '{"epochs": 3}'], ids=["no json", "a list", "other json"])
def test_card_of_a_stranger_says_that_nothing_is_known(tmp_path: Path, beside: str | None) -> None:
    file = tmp_path / "FastSAM-s.pt"
    file.write_bytes(b"not of that size")
    if beside is not None:
        file.with_suffix(".json").write_text(beside)
    card = card_for(file)
    assert (card.name, card.origin, card.imgsz) == ("FastSAM-s", "unknown", None)


def test_card_beside_a_file_is_read(tmp_path: Path) -> None:
    card = {"name": "mine", "task": "segment", "imgsz": 512, "scale": 0.5, "metrics": {"AP": 0.4}, "new": 1}
    (tmp_path / "a.json").write_text(json.dumps(card))
    read = card_for(tmp_path / "a.pt")
    assert (read.name, read.imgsz, read.scale, dict(read.metrics)) == ("mine", 512, 0.5, {"AP": 0.4})


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("imgsz", 0),
        ("imgsz", 512.5),
        ("imgsz", "512"),
        ("imgsz", True),
        ("scale", None),
        ("scale", -1),
        ("object_diameter", float("nan")),
        ("object_diameter_range", [1]),
        ("metrics", [0.4]),
        ("metrics", {"AP": "good"}),
        ("licence", 3),
    ],
)
def test_a_wrong_card_names_the_file_and_the_field(tmp_path: Path, key: str, value: object) -> None:
    file = tmp_path / "a.json"
    file.write_text(json.dumps({"name": "mine", "task": "segment", key: value}))
    with pytest.raises(ModelError) as caught:
        card_for(tmp_path / "a.pt")
    assert str(file) in str(caught.value)
    assert key in str(caught.value)


def test_a_card_that_is_no_json_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("{")
    with pytest.raises(ModelError, match=r"a\.json"):
        card_for(tmp_path / "a.pt")


def test_finding_and_downloading_load_neither_torch_nor_qt() -> None:
    script = (
        "import sys; from napari_fastsam.model.weights import weights; weights.card_for(weights.find('nuclei'));"
        "weights.cache_folder(); import pooch, requests;"
        "print([m for m in ('torch', 'ultralytics', 'napari', 'qtpy') if m in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, check=True)
    assert ran.stdout.strip() == "[]"
