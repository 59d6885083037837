"""CLIP: the same as the real package, for any text and picture."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import napari_fastsam as fs
from napari_fastsam.errors import ModelError, PromptError
from napari_fastsam.model.text import encoder as text_encoder
from napari_fastsam.model.text.encoder import ClipEncoder, load_text_encoder
from napari_fastsam.model.text.pictures import as_input
from napari_fastsam.model.text.words import tokens
from napari_fastsam.model.weights import weights

PROMPTS = [
    "red circle", "A photo of   the RED circle.", "don't", "a cell's nucleus", "α-tubulin", "🔬 a microscope 😀",
    "نواة الخلية", "גרעין התא", "細胞核", "x²&amp;y", "naïve café", "2 µm", "<|endoftext|>",
]  # fmt: skip


@pytest.fixture(scope="module")
def real() -> Any:
    """The package clip itself; the plugin never imports it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pkg_resources
        import clip
        import clip.clip
    return clip


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
