"""From a CLIP file to a network that is ready to run."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_fastsam.errors import ModelError
from napari_fastsam.model.text.clip_weights import EXPECTED, read_weights

if TYPE_CHECKING:
    import torch

_NEEDED = ("text_projection", "token_embedding.weight", "positional_embedding", "ln_final.weight")

_MAX_TOKENS, _MAX_SIDE, _MAX_PATCHES = 1024, 2048, 4096
"""Tokens of a text, pixels along a picture's side, and patches of a picture that a network may take: memory grows with
their squares. The largest CLIPs take 77, 448 and 576."""

_MAX_VALUES = 1_000_000_000
"""Weights of a network; the largest CLIP has 620 million."""


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
    from napari_fastsam._vendor.clip.model import build_model

    try:
        # the released files hold half floats, and what clip builds does too; whole floats of a file stay what they are
        with _bounded():
            network: torch.nn.Module = build_model(dict(weights)).float()
        _check_sizes(network, weights)
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


@contextmanager
def _bounded() -> Iterator[None]:
    """Let no layers be made that take more than any CLIP: a few small tensors may claim any size.

    Torch's meta device would tell sizes without memory. It imports triton, which ends a process that has drawn with
    Mesa's OpenGL.
    """
    import torch
    from torch.overrides import TorchFunctionMode

    values = 0

    class Bounded(TorchFunctionMode):
        """For this thread alone."""

        def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            nonlocal values
            if function in (torch.empty, torch.randn):
                values += math.prod(args[0] if isinstance(args[0], tuple | list | torch.Size) else args)
                if values > _MAX_VALUES:
                    raise ValueError(f"its tensors claim a network of over {_MAX_VALUES:,} weights")
            return function(*args, **(kwargs or {}))

    with Bounded():
        yield


def _check_sizes(network: Any, weights: Mapping[str, torch.Tensor]) -> None:
    """Raise ValueError if the network would take texts or pictures that are too large."""
    tokens, side = network.context_length, network.visual.input_resolution
    patches = max(len(v) for name, v in weights.items() if name.endswith("positional_embedding"))
    if tokens > _MAX_TOKENS or side > _MAX_SIDE or patches > _MAX_PATCHES + 1:
        raise ValueError(
            f"it takes {tokens:,} tokens, {side:,} pixels and {patches:,} patches; expected at most {_MAX_TOKENS}, "
            f"{_MAX_SIDE} and {_MAX_PATCHES}"
        )
