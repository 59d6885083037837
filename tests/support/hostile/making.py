"""What hostile checkpoints are made with."""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Callable
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import torch

SHELL = "touch ran"

CODE = "open('ran', 'w').close()"

IMPORT = "__import__('os').system('touch ran')"

DOORS = ("model", "base", "export", "convert")

ONE = ("model",)
"""For files that take a second to be refused."""


class Call:
    """Pickled, it is a call."""

    def __init__(self, function: Callable[..., Any], *args: Any, state: Any = None) -> None:
        self._parts = (function, args) if state is None else (function, args, state)

    def __reduce__(self) -> tuple[Any, ...]:
        return self._parts


@cache
def _network() -> Any:
    """Return a YOLOv8 segmentation network that is small and innocent."""
    from napari_fastsam.model.network.build import new
    from napari_fastsam.model.network.description import read_description

    description = read_description("yolov8n-seg.yaml")
    description["scales"] = {"n": [0.33, 0.0625, 256]}
    network = new(description, classes=1)
    network.nc, network.args = 1, {}
    return network.eval()


def innocent(folder: Path, change: Callable[[Any], None] = lambda network: None, **more: Any) -> Path:
    """Write a checkpoint as ultralytics does, after a change to its network."""
    network = deepcopy(_network())
    change(network)
    path = folder / "model.pt"
    torch.save({"model": network, "ema": None, "epoch": -1, "train_args": {"imgsz": 64}, **more}, path)
    return path


def saved(folder: Path, content: Any, **options: Any) -> Path:
    path = folder / "model.pt"
    torch.save(content, path, **options)
    return path


def zipped(folder: Path, pickled: bytes, **entries: bytes) -> Path:
    """Write an archive as torch does, with a pickle of one's own."""
    path = folder / "model.pt"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name, content in {"data.pkl": pickled, "version": b"3\n", "byteorder": b"little", **entries}.items():
            archive.writestr(f"archive/{name}", content)
    return path


def text(value: str) -> bytes:
    """Return the instruction that pushes text."""
    raw = value.encode()
    return b"X" + struct.pack("<I", len(raw)) + raw


def number(value: int) -> bytes:
    """Return the instruction that pushes a number."""
    raw = value.to_bytes(value.bit_length() // 8 + 1, "little", signed=True)
    return b"\x8a" + bytes([len(raw)]) + raw
