"""From a CLIP file to a network that is ready to run."""

from __future__ import annotations

import warnings
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_fastsam.errors import ModelError
from napari_fastsam.model.text.clip import clip_file

if TYPE_CHECKING:
    import torch

_NEEDED = ("text_projection", "token_embedding.weight", "positional_embedding", "ln_final.weight")


def read_clip(path: Path, device: str) -> torch.nn.Module:
    """Read a CLIP network, in float32.

    Both kinds of files that CLIP itself takes will do: a TorchScript archive, as released, and weights by name. Weights
    are read with torch's restricted loader, which runs no code of the file; of an archive the weights are taken, and
    its own program is left aside.

    Raises
    ------
    ModelError
        If the file is truncated, refused by the restricted loader or not a CLIP.
    """
    weights = _read(path)
    missing = [name for name in _NEEDED if name not in weights]
    if missing:
        raise ModelError(f"{path} is no CLIP: it has no {missing[0]!r}; {_WANTED}")
    clip = clip_file("model")
    try:
        # the released files hold half floats, and what clip builds does too; whole floats of a file stay what they are
        network: torch.nn.Module = clip.build_model(dict(weights)).float()
        network.load_state_dict({name: value for name, value in weights.items() if name in network.state_dict()})
    except (RuntimeError, KeyError, IndexError, AttributeError, ValueError, ZeroDivisionError, AssertionError) as error:
        first_line = (str(error).splitlines() or [""])[0]
        raise ModelError(f"{path} is no CLIP ({type(error).__name__}: {first_line}); {_WANTED}") from error
    for parameter in network.parameters():
        parameter.requires_grad_(False)
    return network.to(device).eval()


def is_clip(path: Path) -> bool:
    """Return whether a file can be read and holds what a CLIP does."""
    try:
        weights = _read(path)
    except ModelError:
        return False
    return all(name in weights for name in _NEEDED)


_WANTED = "expected a file of OpenAI's CLIP, or of a network trained from it: get it again, or name another"


def _read(path: Path) -> dict[str, Any]:
    import torch

    try:
        if _is_archive(path):
            with warnings.catch_warnings():
                # torch means to give up TorchScript; CLIP is released as nothing else
                warnings.filterwarnings("ignore", "`torch.jit.load` is")
                return dict(torch.jit.load(str(path), map_location="cpu").state_dict())  # type: ignore[no-untyped-call]
        loaded = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # loaders may raise anything on a damaged or hostile file
        first_line = (str(error).splitlines() or [""])[0]
        raise ModelError(
            f"{path} is truncated, damaged, or holds something other than weights, and was not loaded "
            f"({type(error).__name__}: {first_line}); get the file again from a source that you trust"
        ) from error
    weights = loaded.get("state_dict", loaded) if isinstance(loaded, dict) else None
    if not isinstance(weights, dict) or not all(isinstance(value, torch.Tensor) for value in weights.values()):
        raise ModelError(f"{path} holds no weights by name; {_WANTED}")
    return weights


def _is_archive(path: Path) -> bool:
    """Whether a file is a TorchScript archive: a zip file with constants in it."""
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return any(name.rpartition("/")[2] == "constants.pkl" for name in archive.namelist())
