"""Where the network runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeAlias

from napari_fastsam.errors import DeviceError

if TYPE_CHECKING:
    import torch

DeviceLike: TypeAlias = "str | int | torch.device"
"""A device as people name it."""


def resolve_device(device: DeviceLike) -> str:
    """Return torch's name of a device that is there.

    Parameters
    ----------
    device
        auto, cpu, cuda, cuda:N or mps; a `torch.device`; or the number of a CUDA GPU.

    Raises
    ------
    DeviceError
        If it is not there, or not a device that this package knows.
    """
    import torch

    device = _named(device)
    kind, colon, index = device.partition(":")
    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    if device == "cpu":
        return device
    if kind == "cuda" and (index.isdecimal() or not colon):
        if not torch.cuda.is_available():
            raise DeviceError(
                f"device {device!r} was asked for, but torch {torch.__version__} sees no CUDA GPU; use 'auto' or 'cpu'"
            )
        if index and int(index) >= torch.cuda.device_count():
            raise DeviceError(
                f"device {device!r} was asked for, but there are {torch.cuda.device_count()} CUDA GPUs, counted from 0"
            )
        return device
    if device == "mps":
        if not torch.backends.mps.is_available():
            raise DeviceError("device 'mps' was asked for, but torch sees no Apple GPU; use 'auto' or 'cpu'")
        return device
    raise DeviceError(f"device is {device!r}; expected auto, cpu, cuda, cuda:N or mps")


def is_of_memory(error: BaseException) -> bool:
    """Say whether torch, which has no type of its own for it on a processor, found too little memory."""
    text = str(error).lower()
    return isinstance(error, MemoryError) or "out of memory" in text or "allocate memory" in text


@contextmanager
def told_of_memory(device: str, imgsz: int) -> Iterator[None]:
    """Say what to do where a network finds too little memory.

    Raises
    ------
    DeviceError
        Instead of torch's own error.
    """
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not is_of_memory(error):
            raise
        other = "" if device == "cpu" else ", or take device 'cpu'"
        raise DeviceError(
            f"device {device!r} has not enough memory for the network at {imgsz} pixels; choose a smaller network "
            f"input size (imgsz), close what else takes memory there{other}"
        ) from error


def _named(device: DeviceLike) -> str:
    """Return what a device is called here, however it is given."""
    import torch

    if isinstance(device, torch.device):
        return device.type if device.type in ("cpu", "mps") else str(device)  # of which there is one
    text = str(device)
    return f"cuda:{text}" if text.isdecimal() else text
