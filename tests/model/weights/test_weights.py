"""Where checkpoints are found, whichever way they are named, and what lies in the cache."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from downloading import BODY
from napari_fastsam.errors import ModelError
from napari_fastsam.model.weights import registry, weights
from napari_fastsam.model.weights.weights import card_for, download, find, is_available, sha256_of


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


def test_sha256_follows_a_change_of_the_file(tmp_path: Path) -> None:
    file = tmp_path / "a.pt"
    file.write_bytes(b"one")
    assert sha256_of(file) == hashlib.sha256(b"one").hexdigest()
    file.write_bytes(b"three")
    assert sha256_of(file) == hashlib.sha256(b"three").hexdigest()
    with pytest.raises(ModelError, match="cannot be read"):
        sha256_of(tmp_path / "missing.pt")


def test_finding_and_downloading_load_neither_torch_nor_qt() -> None:
    script = (
        "import sys; from napari_fastsam.model.weights import weights; weights.card_for(weights.find('nuclei'));"
        "weights.cache_folder(); import pooch, requests;"
        "print([m for m in ('torch', 'ultralytics', 'napari', 'qtpy') if m in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, check=True)
    assert ran.stdout.strip() == "[]"
