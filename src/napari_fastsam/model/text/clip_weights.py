"""The weights of a CLIP file by name, whatever kind of file it is; nothing of the file is run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_fastsam.errors import ModelError
from napari_fastsam.model.files.pickle_values import PickledObject, RefusedError, UnreadableError
from napari_fastsam.model.files.tensors import read_torch

if TYPE_CHECKING:
    import torch

EXPECTED = "expected a file of OpenAI's CLIP, or of a network trained from it: get it again, or name another"

_TORCHSCRIPT = ("__torch__", "torch.jit")
"""What the values of a TorchScript archive are made of: its own classes, and lists of numbers."""

_PARAMETERS = {
    "weight", "bias", "in_proj_weight", "in_proj_bias", "positional_embedding", "class_embedding", "proj",
    "text_projection", "logit_scale", "running_mean", "running_var", "num_batches_tracked",
}  # fmt: skip
"""How names of CLIP's weights end. An archive also holds masks and sizes, which are computed here."""

_MAX_OBJECTS, _MAX_DEPTH, _MAX_WEIGHTS = 50_000, 32, 3_000


def read_weights(path: Path) -> dict[str, torch.Tensor]:
    """Read the weights of a CLIP file by name.

    Parameters
    ----------
    path
        A TorchScript archive, as CLIP is released, of which only the values are read and not the program; or weights by
        name, also below a key ``state_dict``.

    Raises
    ------
    ModelError
        If the file is damaged, holds anything but plain values and tensors, or no weights by name.
    """
    import torch

    try:
        content = read_torch(path, _TORCHSCRIPT)
        weights = dict(_of_archive(content)) if isinstance(content, PickledObject) else _by_name(content)
    except RefusedError as error:
        raise ModelError(
            f"{path} was not loaded: {error}. Only tensors and plain values are read from a model's file; if you trust "
            f"whoever made it, have the weights saved by name: torch.save(network.state_dict(), 'weights.pt')"
        ) from error
    except UnreadableError as error:
        raise ModelError(
            f"{path} is truncated, damaged, or holds something other than weights, and was not loaded ({error}); get "
            f"the file again from a source that you trust"
        ) from error
    if not weights or not all(isinstance(v, torch.Tensor) and isinstance(k, str) for k, v in weights.items()):
        raise ModelError(f"{path} holds no weights by name; {EXPECTED}")
    if len(weights) > _MAX_WEIGHTS:
        raise ModelError(f"{path} holds {len(weights):,} tensors, more than any CLIP; {EXPECTED}")
    return weights


def _by_name(content: Any) -> dict[str, Any]:
    weights = content.get("state_dict", content) if isinstance(content, dict) else None
    return weights if isinstance(weights, dict) else {}


def _of_archive(module: PickledObject) -> Iterator[tuple[str, Any]]:
    """Yield the weights of an archive's network and of all that is in it."""
    import torch

    seen = 0
    waiting: list[tuple[str, PickledObject]] = [("", module)]
    while waiting:
        prefix, record = waiting.pop()
        # a state that is no dictionary is what a __setstate__ would have been given
        attributes = record.state if isinstance(record.state, dict) else {}
        for name, value in attributes.items():
            seen += 1
            if seen > _MAX_OBJECTS:
                raise UnreadableError(f"it has more than {_MAX_OBJECTS:,} objects")
            if isinstance(value, PickledObject) and prefix.count(".") < _MAX_DEPTH:
                waiting.append((f"{prefix}{name}.", value))
            elif isinstance(value, torch.Tensor) and name in _PARAMETERS:
                yield f"{prefix}{name}", value
