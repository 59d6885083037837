"""CLIP: the same as the real package, files of every kind, and a process that stays as it was."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import pickle
import subprocess
import sys
import threading
import warnings
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import napari_fastsam as fs
from napari_fastsam._vendor.clip.model import build_model
from napari_fastsam.errors import DeviceError, DownloadError, ModelError, PromptError
from napari_fastsam.model.text import encoder as text_encoder
from napari_fastsam.model.text.clip_weights import read_weights
from napari_fastsam.model.text.encoder import ClipEncoder, load_text_encoder
from napari_fastsam.model.text.pictures import as_input
from napari_fastsam.model.text.words import tokens
from napari_fastsam.model.weights import weights

PROMPTS = [
    "red circle", "A photo of   the RED circle.", "don't", "a cell's nucleus", "α-tubulin", "🔬 a microscope 😀",
    "نواة الخلية", "גרעין התא", "細胞核", "x²&amp;y", "naïve café", "2 µm", "<|endoftext|>",
]  # fmt: skip


@pytest.fixture(scope="module")
def encoder(small_clip: Path) -> ClipEncoder:
    return load_text_encoder(small_clip, "cpu")


@pytest.fixture(scope="module")
def real() -> Any:
    """The package clip itself; the plugin never imports it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pkg_resources
        import clip
        import clip.clip
    return clip


@pytest.fixture
def pictures() -> list[np.ndarray]:
    chance = np.random.default_rng(1)
    shapes = [(40, 40), (7, 60), (90, 20), (1, 1), (2, 3), (300, 200), (32, 32), (33, 64)]
    return [chance.integers(0, 256, (*shape, 3), np.uint8) for shape in shapes]


@pytest.fixture
def archive(small_clip: Path, tmp_path: Path) -> Path:
    """The small CLIP as CLIP is released: a TorchScript archive, with its three numbers."""
    network = build_model(torch.load(small_clip, weights_only=True)).float()
    for name, number in (("input_resolution", 32), ("context_length", 77), ("vocab_size", 49408)):
        if hasattr(network, name):
            delattr(network, name)
        network.register_buffer(name, torch.tensor(number))
    path = tmp_path / "archive.pt"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's own, of TorchScript
        inputs = torch.zeros(1, 3, 32, 32), torch.tensor([tokens("red")])
        torch.jit.save(torch.jit.trace(network, inputs), str(path))
    return path


@pytest.mark.parametrize("half", [False, True], ids=["float32", "float16"])
@pytest.mark.parametrize("how", ["traced", "scripted"])
def test_an_archive_gives_the_weights_that_torchscript_would_without_being_run(
    small_clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, half: bool, how: str
) -> None:
    """As CLIP is released: half floats, and three numbers beside the weights."""
    network = build_model(torch.load(small_clip, weights_only=True))
    network = network if half else network.float()
    wanted = {name: value.float() for name, value in network.state_dict().items()}
    for name, number in (("input_resolution", 32), ("context_length", 77), ("vocab_size", 49408)):
        if hasattr(network, name):
            delattr(network, name)
        network.register_buffer(name, torch.tensor(number))
    path = tmp_path / "archive.pt"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's own, of TorchScript
        if how == "traced":
            # in whole floats, in which every machine can; the weights are what is compared
            inputs = torch.zeros(1, 3, 32, 32), torch.tensor([tokens("red")])
            traced = torch.jit.trace(network.float(), inputs)
            (traced.half() if half else traced).save(str(path))
        else:
            torch.jit.save(torch.jit.script(_Holder(network)), str(path))
    monkeypatch.setattr(torch.jit, "load", lambda *_, **__: pytest.fail("the archive is run"))
    weights_of_file = read_weights(path)
    if how == "scripted":
        weights_of_file = {name.removeprefix("held."): value for name, value in weights_of_file.items()}
    else:
        loaded = load_text_encoder(path, "cpu")._network.state_dict()
        assert all(torch.equal(loaded[name], value) for name, value in wanted.items())
    assert wanted.keys() == weights_of_file.keys()
    for name, value in wanted.items():
        assert torch.equal(weights_of_file[name].float(), value), name


class _Holder(torch.nn.Module):
    """Parameters of a network by their names, without its program, which TorchScript cannot do with."""

    def __init__(self, network: torch.nn.Module) -> None:
        super().__init__()
        self.held = torch.nn.Module()
        for name, value in network.state_dict().items():
            place = self.held
            *outer, last = name.split(".")
            for part in outer:
                if not hasattr(place, part):
                    place.add_module(part, torch.nn.Module())
                place = getattr(place, part)
            place.register_buffer(last, value)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x


@pytest.mark.parametrize("kind", ["weights by name", "archive"])
def test_a_clip_given_as_the_segmentation_model_is_told_where_it_belongs(
    kind: str, small_clip: Path, archive: Path
) -> None:
    path = archive if kind == "archive" else small_clip
    with pytest.raises(ModelError, match=r"is a CLIP, .* load_text_encoder, to --text-encoder") as caught:
        fs.load_model(path, "cpu")
    assert str(path) in str(caught.value)


# ------------------------------------------------------------------------------------------ as the real package does it


@pytest.mark.parametrize("text", PROMPTS)
def test_tokens_are_those_of_clip(real: Any, text: str) -> None:
    assert tokens(text) == real.tokenize([text])[0].tolist()


@pytest.mark.parametrize("side", [32, 224])
def test_pictures_are_prepared_as_clip_does(real: Any, side: int) -> None:
    prepare = real.clip._transform(side)
    chance = np.random.default_rng(2)
    level = 1 / 255 / 0.26  # one grey level, normalised
    for shape in [(40, 40), (7, 26), (90, 41), (1, 1), (2, 3), (300, 200), (side, side), (side, side + 5)]:
        # smooth pictures with edges, as cutouts are
        small = chance.integers(0, 256, (5, 5, 3), np.uint8)
        picture = np.asarray(Image.fromarray(small).resize(shape[::-1], Image.Resampling.BILINEAR)).copy()
        picture[: shape[0] // 2, : shape[1] // 3] = 0
        ours, theirs = as_input(torch.from_numpy(picture), side), prepare(Image.fromarray(picture))
        assert ours.shape == theirs.shape
        difference = (ours - theirs).abs()
        # of tall pictures, newer versions of PIL resample the height first
        most = (12, 0.5) if shape[0] > shape[1] else (1.1, 0.01)
        assert difference.max() <= most[0] * level, shape
        assert difference.mean() <= most[1] * level, shape


def test_a_very_long_picture_shows_its_middle_as_in_clip(real: Any) -> None:
    picture = np.repeat(np.linspace(0, 255, 600).astype(np.uint8)[None, :, None], 5, axis=0).repeat(3, axis=2)
    ours = as_input(torch.from_numpy(picture), 32)
    theirs = real.clip._transform(32)(Image.fromarray(picture))
    assert (ours - theirs).abs().max() <= 2.2 / 255 / 0.26


def test_similarities_are_those_of_clip(real: Any, encoder: ClipEncoder, small_clip: Path, pictures: list) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch.jit.load is tried first
        network = real.clip.build_model(torch.load(small_clip, weights_only=True)).float()
    prepare = real.clip._transform(32)
    texts = ["red circle", "a blue square"]
    with torch.inference_mode():
        seen = network.encode_image(torch.stack([prepare(Image.fromarray(p)) for p in pictures]))
        read = network.encode_text(real.tokenize(texts))
        theirs = torch.nn.functional.normalize(read, dim=1) @ torch.nn.functional.normalize(seen, dim=1).T
    ours = encoder.encode_texts(texts) @ encoder.encode_images(pictures).T
    assert np.allclose(ours, theirs.numpy(), atol=0.02)


def test_every_release_of_clip_is_known(real: Any) -> None:
    assert {w.name for w in weights.TEXT_ENCODERS} == set(real.available_models())
    for entry in weights.TEXT_ENCODERS:
        assert entry.url == real.clip._MODELS[entry.name]
        assert entry.url.split("/")[-2:] == [entry.sha256, entry.file]
        assert (entry.licence, entry.purpose) == ("MIT", "text")


# ------------------------------------------------------------------------------------------------------ the encodings


def test_encodings_have_length_1_and_do_not_depend_on_the_batch(encoder: ClipEncoder, pictures: list) -> None:
    many = [*pictures, *pictures, *pictures, *pictures, *pictures]
    together = encoder.encode_images(many)
    assert together.shape == (len(many), 32)
    assert together.dtype == np.float32
    assert np.allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)
    alone = np.concatenate([encoder.encode_images([picture]) for picture in pictures])
    assert np.allclose(together[: len(pictures)], alone, atol=1e-5)
    words = encoder.encode_texts(["red", "blue", "red"])
    assert words.shape == (3, 32)
    assert np.array_equal(words[0], words[2])
    assert np.allclose(np.linalg.norm(words, axis=1), 1, atol=1e-5)


def test_nothing_to_encode(encoder: ClipEncoder) -> None:
    assert encoder.encode_images([]).shape == encoder.encode_texts([]).shape == (0, 32)


@pytest.mark.parametrize("text", PROMPTS)
def test_any_script_is_read(encoder: ClipEncoder, text: str) -> None:
    assert np.isfinite(encoder.encode_texts([text])).all()


@pytest.mark.parametrize("text", ["", "   ", "\n\t", "\u00a0"])
def test_an_empty_text_is_refused(encoder: ClipEncoder, text: str) -> None:
    with pytest.raises(PromptError, match="is empty"):
        encoder.encode_texts(["red", text])


def test_the_longest_text_that_is_read_and_one_token_more(encoder: ClipEncoder) -> None:
    assert encoder.encode_texts(["cell " * 75]).shape == (1, 32)
    with pytest.raises(PromptError, match=r"has 76 tokens .* reads 75 at most") as caught:
        encoder.encode_texts(["cell " * 76])
    assert len(str(caught.value)) < 250


def test_a_text_is_encoded_once_and_not_all_are_remembered(small_clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    encoder = load_text_encoder(small_clip, "cpu")
    monkeypatch.setattr(text_encoder, "_TEXTS", 3)
    encoded: list[int] = []
    real_encode = encoder._network.encode_text

    def counted(inputs: torch.Tensor) -> torch.Tensor:
        encoded.append(len(inputs))
        return real_encode(inputs)

    monkeypatch.setattr(encoder._network, "encode_text", counted)
    first = encoder.encode_texts(["red", "blue"])
    assert np.array_equal(encoder.encode_texts(["blue", "red"]), first[::-1])
    assert encoded == [2]
    encoder.encode_texts(["green", "yellow"])  # the fourth: "blue", which was asked for longest ago, is forgotten
    encoder.encode_texts(["red"])
    assert sum(encoded) == 4
    encoder.encode_texts(["blue"])
    assert sum(encoded) == 5
    # more at once than are remembered
    assert encoder.encode_texts([f"circle {i}" for i in range(9)]).shape == (9, 32)


def test_threads_share_an_encoder(encoder: ClipEncoder, pictures: list) -> None:
    wanted, words = encoder.encode_images(pictures), encoder.encode_texts(["red", "blue"])
    wrong: list[str] = []

    def work(number: int) -> None:
        for i in range(5):
            encoder.encode_texts([f"circle {number} {i}"])
            if not np.allclose(encoder.encode_images(pictures), wanted, atol=1e-6):
                wrong.append("pictures")
            if not np.allclose(encoder.encode_texts(["red", "blue"]), words, atol=1e-6):
                wrong.append("words")

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_read_only_and_reversed_pictures(encoder: ClipEncoder, pictures: list) -> None:
    wanted = encoder.encode_images([pictures[0][:, ::-1].copy()])
    pictures[0].setflags(write=False)
    assert np.array_equal(encoder.encode_images([pictures[0][:, ::-1]]), wanted)


# ---------------------------------------------------------------------------------------------------------- the files


def test_the_public_name_loads_a_file_of_ones_own(small_clip: Path) -> None:
    encoder = fs.load_text_encoder(str(small_clip), device="cpu")
    digest = hashlib.sha256(small_clip.read_bytes()).hexdigest()
    assert (encoder.path, encoder.device, encoder.sha256) == (small_clip, "cpu", digest)
    assert encoder.key == fs.load_text_encoder(small_clip, "cpu").key
    assert "_network" not in repr(encoder)


def test_a_released_archive_is_read_as_its_weights_are(archive: Path, encoder: ClipEncoder, pictures: list) -> None:
    with zipfile.ZipFile(archive) as opened:
        assert "archive/constants.pkl" in opened.namelist()
    other = load_text_encoder(archive, "cpu")
    assert np.allclose(other.encode_images(pictures), encoder.encode_images(pictures), atol=1e-6)
    assert np.allclose(other.encode_texts(["red"]), encoder.encode_texts(["red"]), atol=1e-6)
    assert other.key != encoder.key


@pytest.mark.parametrize("kind", ["float32", "nested", "old format"])
def test_weights_of_other_kinds(kind: str, small_clip: Path, tmp_path: Path, encoder: ClipEncoder) -> None:
    state = {name: value.float() for name, value in torch.load(small_clip, weights_only=True).items()}
    state["text_projection"] = state["text_projection"] + 1e-4  # lost in half floats
    saved = {"state_dict": state, "epoch": 3} if kind == "nested" else state
    path = tmp_path / "mine.pt"
    torch.save(saved, path, _use_new_zipfile_serialization=kind != "old format")
    other = load_text_encoder(path, "cpu")
    assert torch.equal(other._network.text_projection, state["text_projection"])
    assert not any(parameter.requires_grad for parameter in other._network.parameters())
    assert not other._network.training
    assert np.allclose(other.encode_texts(["red"]), encoder.encode_texts(["red"]), atol=0.02)


def _spoil(kind: str, path: Path, small_clip: Path, archive: Path) -> None:
    state = torch.load(small_clip, weights_only=True)
    if kind == "truncated":
        path.write_bytes(small_clip.read_bytes()[:200_000])
    elif kind == "truncated archive":
        path.write_bytes(archive.read_bytes()[:-5000])
    elif kind == "empty":
        path.write_bytes(b"")
    elif kind == "a picture":
        Image.new("RGB", (8, 8)).save(path, "PNG")
    elif kind == "a foreign zip":
        with zipfile.ZipFile(path, "w") as opened:
            opened.writestr("a/constants.pkl", b"nothing")
    elif kind == "a tensor":
        torch.save(torch.zeros(3), path)
    elif kind == "another network":
        torch.save({"conv.weight": torch.zeros(3)}, path)
    elif kind == "half a network":
        torch.save({n: v for n, v in state.items() if not n.startswith("visual.transformer.resblocks.1")}, path)
    elif kind == "other shapes":
        torch.save(state | {"visual.proj": torch.zeros(9, 9)}, path)
    elif kind == "numbers":
        torch.save({"text_projection": 3}, path)


@pytest.mark.parametrize(
    "kind",
    ["truncated", "truncated archive", "empty", "a picture", "a foreign zip", "a tensor", "another network",
     "half a network", "other shapes", "numbers"],
)  # fmt: skip
def test_a_file_that_is_no_clip_is_named(kind: str, small_clip: Path, archive: Path, tmp_path: Path) -> None:
    path = tmp_path / "wrong.pt"
    _spoil(kind, path, small_clip, archive)
    with pytest.raises(ModelError, match=r"get (it|the file) again") as caught:
        load_text_encoder(path, "cpu")
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


class _Malicious:
    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple:
        return Path.touch, (self.target,)


@pytest.mark.parametrize("packed", ["pickle", "torch", "old torch"])
def test_a_file_that_would_run_code_is_refused_and_runs_none(tmp_path: Path, packed: str) -> None:
    path, target = tmp_path / "evil.pt", tmp_path / "it ran"
    evil = {"text_projection": _Malicious(target)}
    if packed == "pickle":
        path.write_bytes(pickle.dumps(evil))
    else:
        torch.save(evil, path, _use_new_zipfile_serialization=packed == "torch")
    with pytest.raises(ModelError, match="was not loaded") as caught:
        load_text_encoder(path, "cpu")
    assert str(path) in str(caught.value)
    assert not target.exists()


def test_a_device_that_is_not_there(small_clip: Path) -> None:
    with pytest.raises(DeviceError, match="expected auto"):
        load_text_encoder(small_clip, "tpu")


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
    ("fault", "says"), [("404", "404"), ("truncated without a length", "has not the expected SHA-256")]
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


# -------------------------------------------------------------------------------------------------------- the process


def test_neither_torchvision_nor_triton_nor_clip_is_imported(small_clip: Path) -> None:
    """Triton's LLVM crashes a process in which Mesa has drawn: that of napari without a GPU."""
    code = f"""
import json, sys
import numpy as np
import napari_fastsam as fs
from napari_fastsam._vendor.clip.model import build_model
encoder = fs.load_text_encoder({str(small_clip)!r}, "cpu")
encoder.encode_images([np.zeros((9, 9, 3), np.uint8)])
encoder.encode_texts(["red circle"])
names = ("torchvision", "triton", "clip", "PIL.ImageQt", "napari", "qtpy", "ultralytics", "cv2")
print(json.dumps([name for name in names if name in sys.modules]))
"""
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-W", "ignore::DeprecationWarning", "-c", code], capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout.splitlines()[-1]) == []
