"""From a CLIP file to a network that is ready to run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_fastsam.errors import ModelError
from napari_fastsam.model.text.clip import clip_file
from napari_fastsam.model.text.clip_weights import EXPECTED, read_weights

if TYPE_CHECKING:
    import torch

_NEEDED = ("text_projection", "token_embedding.weight", "positional_embedding", "ln_final.weight")

_MAX_TOKENS, _MAX_SIDE, _MAX_PATCHES = 1024, 2048, 4096
"""Tokens of a text, pixels along a picture's side, and patches of a picture that a network may take: memory grows with
their squares. The largest CLIPs take 77, 448 and 576."""


def read_clip(path: Path, device: str) -> torch.nn.Module:
    """Read a CLIP network, in float32.

    Both kinds of files that CLIP itself takes will do: a TorchScript archive, as released, and weights by name. Tensors
    and plain values are all that is read; an archive's program is left aside.

    Raises
    ------
    ModelError
        If the file is truncated, holds anything but weights, or is not a CLIP.
    """
    weights = read_weights(path)
    missing = [name for name in _NEEDED if name not in weights]
    if missing:
        raise ModelError(f"{path} is no CLIP: it has no {missing[0]!r}; {EXPECTED}")
    clip = clip_file("model")
    try:
        _check_sizes(clip, weights)
        # the released files hold half floats, and what clip builds does too; whole floats of a file stay what they are
        network: torch.nn.Module = clip.build_model(dict(weights)).float()
        network.load_state_dict({name: value for name, value in weights.items() if name in network.state_dict()})
    except (
        RuntimeError, KeyError, IndexError, AttributeError, TypeError, ValueError, ArithmeticError, AssertionError,
    ) as error:  # fmt: skip
        first_line = (str(error).splitlines() or [""])[0]
        raise ModelError(f"{path} is no CLIP ({type(error).__name__}: {first_line}); {EXPECTED}") from error
    for parameter in network.parameters():
        parameter.requires_grad_(False)
    return network.to(device).eval()


def is_clip(path: Path) -> bool:
    """Return whether a file can be read and holds what a CLIP does; nothing of it is run."""
    try:
        weights = read_weights(path)
    except ModelError:
        return False
    return all(name in weights for name in _NEEDED)


def _check_sizes(clip: Any, weights: Mapping[str, torch.Tensor]) -> None:
    """Build the network without memory, so that sizes that a few tensors claim are known to be those of all.

    Raises
    ------
    RuntimeError
        If a tensor is missing, or of another shape than the others imply.
    ValueError
        If the network would take texts or pictures that are too large.
    """
    import torch

    with torch.device("meta"):
        network = clip.build_model({name: value.to("meta") for name, value in weights.items()})
    tokens, side = network.context_length, network.visual.input_resolution
    patches = max(len(v) for name, v in weights.items() if name.endswith("positional_embedding"))
    if tokens > _MAX_TOKENS or side > _MAX_SIDE or patches > _MAX_PATCHES + 1:
        raise ValueError(
            f"it takes {tokens:,} tokens, {side:,} pixels and {patches:,} patches; expected at most {_MAX_TOKENS}, "
            f"{_MAX_SIDE} and {_MAX_PATCHES}"
        )
