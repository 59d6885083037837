"""The libraries that run exported models, each opened so that it takes a batch and gives what the network says.

TorchScript, ONNX Runtime and OpenVINO are opened here, with threads and precision chosen for this program; every other
format is left to ultralytics' own backends.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_fastsam.model.network.onnx_files import read_onnx
from napari_fastsam.model.network.openvino_files import read_note, read_openvino
from napari_fastsam.model.network.torch_ import threads_may_spin
from napari_fastsam.model.weights.formats import ModelFormat

if TYPE_CHECKING:
    import torch

_MAX_VALUE = 100_000
"""Characters of a text that is read as a value: the names of a thousand classes have 30,000."""

_opening = threading.RLock()


@dataclass(frozen=True)
class Runtime:
    """A file that some library has opened.

    Attributes
    ----------
    run
        (1, 3, h, w) float32 → what the network says, as arrays or tensors.
    device
        Where it runs, by torch's name.
    shape
        What the file itself says of its input, (1, 3, h, w); None for a side of any length, or for all if it does not
        say; empty if it takes several.
    """

    run: Callable[[torch.Tensor], Any]
    device: str
    shape: Sequence[int | None] | None = None


def open_runtime(path: Path, format_: ModelFormat, device: str, metadata: dict[str, Any]) -> Runtime:
    """Open a file or folder.

    Parameters
    ----------
    path, format_
        What, and its format.
    device
        Where it is to run if its library can.
    metadata
        As `metadata_of` gives it; filled in if that was nothing.

    Raises
    ------
    ImportError
        If the library is missing.
    Exception
        Whatever the library raises for a file that it cannot read.
    """
    return _OPENERS.get(format_.name, _opened_by_ultralytics)(path, device, metadata)


def metadata_of(path: Path, format_: ModelFormat) -> dict[str, Any]:
    """Return what ultralytics wrote into an export, its texts read as values; empty if there is nothing.

    Of a format that is not checked it is read by ultralytics, so the file has to be trusted.
    """
    if format_.name == "openvino":
        return _values(read_note(path))
    if format_.name == "onnx":
        return _values(read_onnx(path).metadata)
    from ultralytics.nn.backends.base import BaseBackend

    return _values(BaseBackend.read_metadata(path))


def _values(note: Mapping[str, Any]) -> dict[str, Any]:
    import ast

    found = {}
    for key, value in note.items():
        if isinstance(value, str) and value[:1] in ("[", "{", "(") and len(value) <= _MAX_VALUE:
            try:
                value = ast.literal_eval(value)
            except (ValueError, SyntaxError, MemoryError, RecursionError):
                continue
        found[key] = value
    return found


@contextmanager
def nothing_installed() -> Iterator[None]:
    """Keep ultralytics from installing what it misses, also where it was imported by somebody else before us."""
    import logging

    import ultralytics.utils.checks

    checks: Any = ultralytics.utils.checks
    logger = logging.getLogger("ultralytics")
    with _opening:
        before, level = checks.AUTOINSTALL, logger.level
        checks.AUTOINSTALL = False
        logger.setLevel(logging.ERROR)
        try:
            yield
        finally:
            checks.AUTOINSTALL = before
            logger.setLevel(level)


def _opened_as_torchscript(path: Path, device: str, metadata: dict[str, Any]) -> Runtime:
    # not by ultralytics' backend: that imports torchvision, which these files do not need, and so triton
    import torch

    module = torch.jit.load(path, map_location=device).eval()  # type: ignore[no-untyped-call]
    return Runtime(module, device)


def _opened_as_onnx(path: Path, device: str, metadata: dict[str, Any]) -> Runtime:
    import onnxruntime
    import torch

    kind, _, index = device.partition(":")
    there = onnxruntime.get_available_providers()
    providers: list[Any] = ["CPUExecutionProvider"]
    if kind == "cuda" and "CUDAExecutionProvider" in there:
        providers.insert(0, ("CUDAExecutionProvider", {"device_id": int(index or 0)}))
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    # as many as torch was told to take; left alone, ONNX Runtime takes a thread for each core of the machine
    options.intra_op_num_threads = torch.get_num_threads()
    options.add_session_config_entry("session.intra_op.allow_spinning", str(int(threads_may_spin())))
    # from memory, and as nothing but ONNX, so that what was checked is what runs, and no other file is looked for
    options.add_session_config_entry("session.load_model_format", "ONNX")
    session = onnxruntime.InferenceSession(read_onnx(path).content, options, providers=providers)
    first, *more = session.get_inputs()
    kind_of_number = torch.float16 if "float16" in first.type else torch.float32

    def run(batch: torch.Tensor) -> Any:
        return session.run(None, {first.name: batch.to("cpu", kind_of_number).contiguous().numpy()})

    on_gpu = session.get_providers()[0] == "CUDAExecutionProvider"
    shape = [] if more else [side if isinstance(side, int) else None for side in first.shape]
    return Runtime(run, device if on_gpu else "cpu", shape)


def _opened_by_openvino(path: Path, device: str, metadata: dict[str, Any]) -> Runtime:
    import openvino
    import torch

    files = read_openvino(path)
    core = openvino.Core()
    options = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_NUM_THREADS": torch.get_num_threads()}
    halved = isinstance(metadata.get("args"), dict) and metadata["args"].get("quantize") == 16
    if not halved:
        # by default it takes 16-bit floats where the processor has them, and objects change
        options["INFERENCE_PRECISION_HINT"] = "f32"
    compiled = core.compile_model(core.read_model(files.description, files.weights), "CPU", options)

    def run(batch: torch.Tensor) -> Any:
        return list(compiled(batch.cpu().contiguous().numpy()).values())

    shape = []
    if len(compiled.inputs) == 1:
        shape = [side.get_length() if side.is_static else None for side in compiled.input(0).partial_shape]
    return Runtime(run, "cpu", shape)


def _opened_by_ultralytics(path: Path, device: str, metadata: dict[str, Any]) -> Runtime:
    import torch
    from ultralytics.nn.autobackend import AutoBackend

    backend = AutoBackend(str(path), torch.device(device), verbose=False)
    if not metadata:  # some formats give it only when they are open
        metadata.update(backend.metadata)
    # some libraries read memory as it lies, and a batch of ours lies with its channels last
    return Runtime(lambda batch: backend(batch.contiguous()), str(backend.device))


_OPENERS: dict[str, Callable[[Path, str, dict[str, Any]], Runtime]] = {
    "torchscript": _opened_as_torchscript,
    "onnx": _opened_as_onnx,
    "openvino": _opened_by_openvino,
}
