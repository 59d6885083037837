"""CLIP: pictures and words in one space (Radford et al., ICML 2021)."""

from __future__ import annotations

import importlib.util
import threading
import zipfile
from collections import OrderedDict
from collections.abc import Hashable, Sequence
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_fastsam.errors import ModelError, PromptError
from napari_fastsam.model.device import resolve_device
from napari_fastsam.model.weights import TEXT_ENCODERS, find, known, sha256_of

if TYPE_CHECKING:
    import torch

DEFAULT = "ViT-B/32"

MEAN, STD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
"""Of the colours of CLIP's training pictures, from 0 to 1."""

_KEPT_TEXTS = 512


def load_text_encoder(name_or_path: str | Path = DEFAULT, device: str = "auto") -> ClipEncoder:
    """Load a CLIP model that compares words with pictures.

    Parameters
    ----------
    name_or_path
        One of those that ``clip.available_models()`` lists, in any case, whose file is there; or a file: an official
        TorchScript archive, or a state dict.
    device
        As for `load_model`.

    Raises
    ------
    ModelError
        If the file is missing, truncated or no CLIP model, or the library is not installed.
    DeviceError
        If there is no such device.
    """
    entry = None if isinstance(name_or_path, Path) else known(name_or_path)
    if entry is not None and entry.purpose != "text":
        names = ", ".join(w.name for w in TEXT_ENCODERS)
        raise ModelError(f"{entry.name} finds objects and reads no words; expected a CLIP model: {names}, or a file")
    path = find(name_or_path)
    where = resolve_device(device)
    network = _network(_state_of(path), path).to(where)
    return ClipEncoder(str(name_or_path), path, where, network)


class ClipEncoder:
    """A CLIP model that is ready to run; a `core.text.TextEncoder`. For any thread.

    Attributes
    ----------
    name, path, device
        As it was asked for; its file; where it runs.
    """

    def __init__(self, name: str, path: Path, device: str, network: torch.nn.Module) -> None:
        self.name, self.path, self.device = name, path, device
        self._network: Any = network
        self._lock = threading.Lock()
        self._texts: OrderedDict[str, NDArray[np.float32]] = OrderedDict()

    @property
    def key(self) -> Hashable:
        """What tells it from other encoders: the SHA-256 of its file."""
        return sha256_of(self.path)

    def encode_images(self, pictures: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        """Encode N pictures, each (h, w, 3) uint8 RGB: (N, D) float32 of length 1.

        A picture is scaled so that its shorter side is what the model takes, and its middle is used, as in CLIP.
        """
        import torch

        if not len(pictures):
            return np.zeros((0, self._network.text_projection.shape[1]), np.float32)
        side = int(self._network.visual.input_resolution)
        with self._lock, torch.inference_mode():
            batch = torch.stack([_scaled(picture, side) for picture in pictures]).to(self.device)
            mean, std = (torch.tensor(values, device=self.device)[:, None, None] for values in (MEAN, STD))
            return _unit(self._network.encode_image((batch / 255 - mean) / std))

    def encode_texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Encode Q texts: (Q, D) float32 of length 1. A text is encoded once.

        Raises
        ------
        PromptError
            If a text is empty, or longer than the model reads.
        """
        import torch

        with self._lock, torch.inference_mode():
            new = [text for text in dict.fromkeys(texts) if text not in self._texts]
            if new:
                tokens = torch.tensor(tokenized(new, self._network.context_length), device=self.device)
                for text, vector in zip(new, _unit(self._network.encode_text(tokens)), strict=True):
                    self._texts[text] = vector
            for text in texts:
                self._texts.move_to_end(text)
            vectors = [self._texts[text] for text in texts]
            while len(self._texts) > _KEPT_TEXTS:
                self._texts.popitem(last=False)
        return np.stack(vectors) if vectors else np.zeros((0, self._network.text_projection.shape[1]), np.float32)


def tokenized(texts: Sequence[str], length: int) -> NDArray[np.int64]:
    """Turn Q texts into the (Q, length) numbers that CLIP reads, as its own `tokenize` does.

    Raises
    ------
    PromptError
        If a text is empty or too long.
    """
    tokenizer = _tokenizer()
    table = np.zeros((len(texts), length), np.int64)
    for row, text in zip(table, texts, strict=True):
        if not text.strip():
            raise PromptError(f"a text is {text!r}; expected words that name what is wanted")
        tokens = [tokenizer.encoder["<|startoftext|>"], *tokenizer.encode(text), tokenizer.encoder["<|endoftext|>"]]
        if len(tokens) > length:
            shown = text if len(text) <= 40 else f"{text[:40]}…"
            raise PromptError(
                f"the text {shown!r} has {len(tokens) - 2:,} tokens, pieces of words, and CLIP reads {length - 2} at "
                f"most; say it shorter"
            )
        row[: len(tokens)] = tokens
    return table


def _scaled(picture: NDArray[np.uint8], side: int) -> torch.Tensor:
    """(h, w, 3) uint8 → (3, side, side) float32 from 0 to 255."""
    import torch

    pixels = torch.from_numpy(np.ascontiguousarray(picture)).permute(2, 0, 1)[None].float()
    height, width = pixels.shape[2:]
    shorter = min(height, width)
    size = [max(side, side * height // shorter), max(side, side * width // shorter)]
    if size != [height, width]:
        pixels = torch.nn.functional.interpolate(pixels, size=size, mode="bicubic", antialias=True, align_corners=False)
    top, left = round((size[0] - side) / 2), round((size[1] - side) / 2)
    # whole numbers, as pictures are made of
    return pixels[0, :, top : top + side, left : left + side].round().clamp(0, 255)


def _unit(features: torch.Tensor) -> NDArray[np.float32]:
    unit = features.float() / features.float().norm(dim=-1, keepdim=True).clamp_min(1e-12)
    return np.array(unit.cpu().numpy())


def _state_of(path: Path) -> dict[str, Any]:
    """Read the weights of a file. Of a TorchScript archive nothing is run; anything else is read without its code."""
    import torch

    try:
        if _is_script(path):
            return dict(torch.jit.load(str(path), map_location="cpu").state_dict())  # type: ignore[no-untyped-call]
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # the readers may raise anything on a damaged or hostile file
        first_line = (str(error).splitlines() or [""])[0][:200]
        raise ModelError(
            f"{path} is truncated, damaged, or holds something other than weights, and was not loaded "
            f"({type(error).__name__}: {first_line}); get the file again from a source that you trust"
        ) from error
    if not isinstance(content, dict):
        raise ModelError(f"{path} holds no weights of a CLIP model; expected an official file or a state dict")
    return dict(content)


def _is_script(path: Path) -> bool:
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return any("/code/" in name for name in archive.namelist())


def _network(state: dict[str, Any], path: Path) -> torch.nn.Module:
    import torch

    try:
        network: torch.nn.Module = _library("model").build_model(state)
    except (KeyError, AttributeError, TypeError, ValueError, IndexError, RuntimeError, ZeroDivisionError) as error:
        raise ModelError(
            f"{path} is no CLIP model ({type(error).__name__}: {str(error)[:100]}); expected one of OpenAI's, or the "
            f"state dict of one made alike"
        ) from error
    network = network.float().eval()
    for parameter in network.parameters():
        parameter.requires_grad_(False)
    return network.to(memory_format=torch.contiguous_format)


@lru_cache(maxsize=1)
def _tokenizer() -> Any:
    return _library("simple_tokenizer").SimpleTokenizer()


@lru_cache(maxsize=2)
def _library(part: str) -> ModuleType:
    """Import a module of clip without the package around it.

    The package imports torchvision, which imports triton, whose LLVM crashes a process that has drawn OpenGL with
    Mesa's: napari's, on a computer without a GPU.
    """
    package = importlib.util.find_spec("clip")
    folders = [] if package is None else list(package.submodule_search_locations or [])
    file = next((Path(folder) / f"{part}.py" for folder in folders if (Path(folder) / f"{part}.py").is_file()), None)
    spec = None if file is None else importlib.util.spec_from_file_location(f"_napari_fastsam_clip_{part}", file)
    if spec is None or spec.loader is None:
        raise ModelError(
            "text prompts need the library CLIP, which is not installed: pip install clip-anytorch "
            "(what is called clip there is another program)"
        )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
