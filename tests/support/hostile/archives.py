"""TorchScript archives and CLIP files that want something to run, or to take time and memory without end."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import torch

from hostile import checkpoints, making, sizes
from hostile.case import hostile

CLIP = Path(__file__).parents[2] / "data" / "clip" / "small_clip.pt"


class _Restored(torch.nn.Module):
    """Writes a file when it is loaded."""

    def __init__(self) -> None:
        super().__init__()
        self.x = 1

    @torch.jit.export
    def __getstate__(self) -> tuple[int, bool]:
        return (self.x, self.training)

    @torch.jit.export
    def __setstate__(self, state: tuple[int, bool]) -> None:
        self.x = state[0]
        self.training = state[1]
        torch.ops.aten.save(torch.zeros(1), "ran")

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x


class _Answering(torch.nn.Module):
    """Answers like a segmentation network, and writes a file each time."""

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        torch.ops.aten.save(torch.zeros(1), "ran")
        return torch.zeros(1, 37, 84), torch.zeros(1, 32, 16, 16)


class _Around(torch.nn.Module):
    """A network with another one in it."""

    def __init__(self, inner: torch.nn.Module) -> None:
        super().__init__()
        self.inner = inner
        self.text_projection = torch.nn.Parameter(torch.zeros(2, 2))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x


def scripted(module: torch.nn.Module, path: Path) -> Path:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's, of TorchScript
        torch.jit.save(torch.jit.script(module), str(path))
    return path


@hostile("model", "text", "base", "export", "convert", refused="not loaded|TorchScript|no weights by name")
def _a_torchscript_that_writes_when_it_is_loaded(folder: Path) -> Path:
    return scripted(_Restored(), folder / "model.pt")


@hostile("text", refused="no CLIP|holds no weights")
def _a_torchscript_with_weights_that_writes_when_it_is_loaded(folder: Path) -> Path:
    return scripted(_Around(_Restored()), folder / "model.pt")


@hostile("model", refused=r"was not opened: .* program")
def _an_export_that_writes_when_it_is_loaded(folder: Path) -> Path:
    return scripted(_Restored(), folder / "model.torchscript")


@hostile("model", refused=r"was not opened: .* program")
def _an_export_that_writes_when_it_is_run(folder: Path) -> Path:
    path = scripted(_Answering(), folder / "model.torchscript")
    path.with_name("model.torchscript.json").write_text('{"name": "exported here", "task": "segment"}')
    return path


def clip_with(folder: Path, **changes: Any) -> Path:
    """Write the small CLIP's weights with some changed; None = left out."""
    weights = torch.load(CLIP, weights_only=True) | changes
    return making.saved(folder, {name: value for name, value in weights.items() if value is not None})


@hostile("text", refused="no CLIP")
def _a_clip_that_claims_to_be_very_wide(folder: Path) -> Path:
    return clip_with(folder, **{"ln_final.weight": torch.zeros(6_400_000)})


@hostile("text", refused="no CLIP")
def _a_clip_that_claims_to_read_very_long_texts(folder: Path) -> Path:
    return clip_with(folder, positional_embedding=torch.zeros(200_000, 64, dtype=torch.float16))


@hostile("text", refused="no CLIP")
def _a_clip_that_claims_to_see_very_large_pictures(folder: Path) -> Path:
    return clip_with(folder, **{"visual.positional_embedding": torch.zeros(40_001, 64, dtype=torch.float16)})


@hostile("text", refused="more than any CLIP")
def _a_clip_of_many_layers(folder: Path) -> Path:
    return clip_with(folder, **{f"transformer.resblocks.{i}.x": torch.zeros(1) for i in range(15_000)})


@hostile("text", refused="no CLIP")
def _a_clip_of_layers_that_are_not_there(folder: Path) -> Path:
    return clip_with(folder, **{f"transformer.resblocks.{i}.x": torch.zeros(1) for i in range(900)})


@hostile("text", refused="no weights by name|no CLIP|not loaded")
def _a_clip_that_contains_itself(folder: Path) -> Path:
    weights: dict[str, Any] = {}
    weights["state_dict"] = weights
    return making.saved(folder, weights)


_ALSO_AS_TEXT_ENCODER = {
    checkpoints: ("a_shell_command", "a_child"),
    sizes: ("ten_gigabytes_of_zeros", "entries_that_share_their_bytes", "lists_a_million_deep"),
}


def _register_again() -> None:
    for module, names in _ALSO_AS_TEXT_ENCODER.items():
        for name in names:
            again = hostile("text", refused="not loaded|no weights by name", name=f"{name} as a text encoder")
            again(getattr(module, f"_{name}"))


_register_again()
