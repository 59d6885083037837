"""Where the network runs."""

from __future__ import annotations

from napari_fastsam.errors import DeviceError


def resolve_device(device: str) -> str:
    """Return torch's name of a device that is there.

    Raises
    ------
    DeviceError
        If it is not there, or not a device that this package knows.
    """
    import torch

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
