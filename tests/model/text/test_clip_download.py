"""CLIP as it is downloaded, and what is said where it is not."""

from __future__ import annotations

import dataclasses
import hashlib
from pathlib import Path

import pytest

import napari_fastsam as fs
from napari_fastsam.errors import DownloadError, ModelError
from napari_fastsam.model.text.encoder import load_text_encoder
from napari_fastsam.model.weights import weights

# ------------------------------------------------------------------------------------------ names, downloads, mistakes


@pytest.mark.parametrize("name", ["ViT-B/32", "vit-b/32", "ViT-B-32.pt", "vit-b-32", " ViT-B/32 "])
def test_what_was_not_downloaded_is_named_with_url_folder_and_what_to_do(name: str, cache: Path) -> None:
    entry = weights.TEXT_ENCODERS[0]
    with pytest.raises(ModelError) as caught:
        load_text_encoder(name)
    for part in ("ViT-B-32.pt (354 MB)", str(entry.url), str(cache), "models download ViT-B/32", "name a CLIP file"):
        assert part in str(caught.value)
    assert not cache.exists()
    assert not weights.is_available(name, "text")


@pytest.fixture
def served(server, cache: Path, small_clip: Path, monkeypatch: pytest.MonkeyPatch) -> weights.Weights:
    """The small CLIP under the name of a release, on a server of this machine; how large it is is not known."""
    server.body = small_clip.read_bytes()
    entry = dataclasses.replace(
        weights.TEXT_ENCODERS[1],
        url=server.url,
        bytes=0,
        sha256=hashlib.sha256(server.body).hexdigest(),
    )
    monkeypatch.setattr(weights, "TEXT_ENCODERS", (weights.TEXT_ENCODERS[0], entry))
    return entry


def test_a_download_is_followed_by_use_without_the_network(served: weights.Weights, server, cache: Path) -> None:
    seen: list[tuple[int, int]] = []
    path = weights.download("vit-b/16", progress=lambda done, total: seen.append((done, total)))
    assert path == cache / "ViT-B-16.pt"
    assert seen[-1] == (len(server.body), len(server.body))
    requests = server.requests
    encoder = load_text_encoder("ViT-B/16", "cpu")
    assert (encoder.name, encoder.path, encoder.sha256) == ("ViT-B/16", path, served.sha256)
    assert weights.is_available("ViT-B/16", "text")
    assert weights.download("ViT-B/16") == path
    assert server.requests == requests


@pytest.mark.parametrize(
    ("fault", "says"), [("404", "404"), ("truncated without a length", "does not have the expected SHA-256")]
)
def test_a_download_that_fails_says_what_to_do_and_leaves_nothing(
    served: weights.Weights, server, cache: Path, fault: str, says: str
) -> None:
    server.fault = fault
    with pytest.raises(DownloadError, match=says) as caught:
        weights.download("ViT-B/16")
    for part in (str(served.url), str(cache), "ViT-B-16.pt", "name a CLIP file that you have"):
        assert part in str(caught.value)
    assert list(cache.iterdir()) == []


def test_a_download_is_cancelled(served: weights.Weights, server, cache: Path) -> None:
    server.fault = "slow"
    done: list[int] = []
    with pytest.raises(weights.DownloadCancelled):
        weights.download("ViT-B/16", progress=lambda count, _: done.append(count), cancel=lambda: len(done) > 3)
    assert list(cache.iterdir()) == []


def test_a_truncated_file_in_the_cache_is_told(served: weights.Weights, server, cache: Path) -> None:
    cache.mkdir(parents=True)
    (cache / "ViT-B-16.pt").write_bytes(server.body[:100_000])
    with pytest.raises(ModelError, match=r"ViT-B-16\.pt is damaged .* download it again"):
        load_text_encoder("ViT-B/16", "cpu")
    (cache / "ViT-B-32.pt").write_bytes(server.body)
    with pytest.raises(ModelError, match="bytes instead of 353,976,522"):
        load_text_encoder("ViT-B/32", "cpu")


def test_each_kind_of_model_in_the_others_place() -> None:
    with pytest.raises(ModelError, match=r"ViT-B/32 is a text encoder.*segmentation model.*nuclei"):
        fs.load_model("ViT-B/32")
    with pytest.raises(ModelError, match=r"nuclei is a segmentation model.*text encoder.*ViT-B/32"):
        fs.load_text_encoder("nuclei")
    with pytest.raises(ModelError, match=r"nuclei\.pt was not loaded: it names .ultralytics"):
        fs.load_text_encoder(weights.find("nuclei"))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no model is named"),
        ("ViT-B/33", r"did you mean ViT-B/32\?"),
        ("RN51", "did you mean RN50"),
        ("somewhere/missing.pt", "there is no file"),
    ],
)
def test_what_is_not_there_is_named_with_what_there_is(text: str, says: str) -> None:
    with pytest.raises(ModelError, match=says) as caught:
        load_text_encoder(text)
    assert "ViT-L/14" in str(caught.value)
    assert "nuclei" not in str(caught.value)
