"""CLIP's files of every kind: released, weights alone, damaged, malicious."""

from __future__ import annotations

import hashlib
import pickle
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import napari_fastsam as fs
from napari_fastsam._vendor.clip.model import build_model
from napari_fastsam.errors import DeviceError, ModelError
from napari_fastsam.model.text.clip_weights import read_weights
from napari_fastsam.model.text.encoder import ClipEncoder, load_text_encoder
from napari_fastsam.model.text.words import tokens


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
