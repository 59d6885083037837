"""Exported models, run so that they look like the network they were made of.

TorchScript, ONNX Runtime and OpenVINO are run here, with threads and precision chosen for this program; every other
format is left to ultralytics' own backends, with installing switched off.
"""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_fastsam.core.geometry import STRIDE_NETWORK, STRIDE_PROTOTYPES
from napari_fastsam.errors import DeviceError, ModelError
from napari_fastsam.model.card import Card
from napari_fastsam.model.device import resolve_device
from napari_fastsam.model.formats import Format, how_to_install, missing
from napari_fastsam.model.statistics import nothing_sent
from napari_fastsam.model.torch_ import threads_may_spin
from napari_fastsam.model.ultralytics_ import imported

if TYPE_CHECKING:
    import torch

_STRIDES = (8, 16, 32)
"""Of the grids that a YOLO segmentation head predicts on."""

_TRIAL_SIDE = 64
"""Pixels of the input that a new model is tried with, if it takes any."""

_opening = threading.RLock()


@dataclass(frozen=True)
class _Runtime:
    """A file that some library has opened.

    Attributes
    ----------
    run
        (1, 3, h, w) float32 → what the network says, as arrays or tensors.
    device
        Where it runs, by torch's name.
    shape
        What the file itself says of its input, (1, 3, h, w); None for a side of any length, or for all if it does not
        say.
    """

    run: Callable[[torch.Tensor], Any]
    device: str
    shape: Sequence[int | None] | None = None


@dataclass(frozen=True, eq=False)
class ExportedNetwork:
    """A network in another format, called like the one in torch.

    Attributes
    ----------
    path, format
        File or folder, and its format.
    device
        Where it runs, by torch's name.
    fixed_input
        Height and width of the only input that it takes; None = any multiple of 32.
    metadata
        What ultralytics wrote into the file; empty if something else made it.
    """

    path: Path
    format: Format
    device: str
    fixed_input: tuple[int, int] | None
    metadata: dict[str, Any]
    _run: Callable[[torch.Tensor], Any]

    def __call__(self, batch: torch.Tensor) -> tuple[tuple[torch.Tensor, torch.Tensor]]:
        """Run the network.

        Parameters
        ----------
        batch
            (1, 3, h, w) float32 from 0 to 1.

        Returns
        -------
        ``((predictions, prototypes),)``: (1, 4 + classes + K, A) and (1, K, h / 4, w / 4) on `device`.

        Raises
        ------
        ModelError
            If the library fails.
        """
        import torch

        try:
            outputs = self._run(batch)
        except Exception as error:
            raise ModelError(
                f"{self.format.title} failed on an input of {batch.shape[2]} × {batch.shape[3]} pixels "
                f"({_first_line(error)}); {self.path} may be damaged, or made for another machine: export it again"
            ) from error
        if not isinstance(outputs, list | tuple) or len(outputs) != 2:
            raise ModelError(_unlike_a_segmentation_model(self.path))
        predictions, prototypes = (torch.as_tensor(array) for array in outputs)
        if predictions.ndim == 4 and prototypes.ndim == 3:  # some converters change the order
            predictions, prototypes = prototypes, predictions
        return ((predictions, prototypes),)


def load_exported(path: Path, format_: Format, device: str) -> ExportedNetwork:
    """Open an exported model and try it once.

    Parameters
    ----------
    path
        File or folder.
    format_
        Its format, as `formats.format_of` tells it.
    device
        As for `load_model`. ``auto`` takes the CPU where the library that is installed knows no other.

    Raises
    ------
    ModelError
        If the library that runs it is missing, the file is damaged, or it is not a YOLO segmentation model that gives
        all its proposals.
    DeviceError
        If there is no such device, or the library does not know it.
    """
    lacking = missing(format_.to_run)
    if lacking:
        raise ModelError(
            f"{path} is a model for {format_.title}, which needs {', '.join(lacking)}; "
            f"run: {how_to_install(format_, lacking)}"
        )
    where = resolve_device(device)
    try:
        with imported(), nothing_sent(), _nothing_installed(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch's of TorchScript being old, and those of converters
            metadata = _metadata(path)
            runtime = _OPENERS.get(format_.name, _opened_by_ultralytics)(path, where, metadata)
    except ImportError as error:
        raise ModelError(
            f"{path} is a model for {format_.title}, which cannot be run here ({_first_line(error)}); "
            f"run: {how_to_install(format_, format_.to_run or (error.name or str(error),))}"
        ) from error
    except Exception as error:  # each library has errors of its own
        raise ModelError(
            f"{path} is truncated, damaged, or not a model for {format_.title} ({_first_line(error)}); "
            f"export it again, or get it again from a source that you trust"
        ) from error
    if device != "auto" and runtime.device.partition(":")[0] != where.partition(":")[0]:
        raise DeviceError(
            f"device {device!r} was asked for, but {format_.title} as it is installed here runs on "
            f"{runtime.device!r}; use 'auto' or {runtime.device!r}"
        )
    network = ExportedNetwork(path, format_, runtime.device, _fixed_input(runtime, metadata), metadata, runtime.run)
    _try(network)
    return network


def card_of_export(network: ExportedNetwork, card: Card) -> Card:
    """Fill in what an export without a card says about itself."""
    sizes = network.metadata.get("imgsz")
    imgsz = max(sizes) if isinstance(sizes, list | tuple) and sizes and all(isinstance(s, int) for s in sizes) else 1024
    licence = str(network.metadata.get("license") or card.licence)
    return replace(card, imgsz=imgsz, trained_imgsz=None, licence=licence)


def _opened_as_torchscript(path: Path, device: str, metadata: dict[str, Any]) -> _Runtime:
    # not by ultralytics' backend: that imports torchvision, which these files do not need, and so triton
    import torch

    module = torch.jit.load(path, map_location=device).eval()  # type: ignore[no-untyped-call]
    return _Runtime(module, device)


def _opened_as_onnx(path: Path, device: str, metadata: dict[str, Any]) -> _Runtime:
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
    session = onnxruntime.InferenceSession(path, options, providers=providers)
    first, *more = session.get_inputs()
    if more or len(first.shape) != 4:
        raise ModelError(_unlike_a_segmentation_model(path))
    kind_of_number = torch.float16 if "float16" in first.type else torch.float32

    def run(batch: torch.Tensor) -> Any:
        return session.run(None, {first.name: batch.to("cpu", kind_of_number).contiguous().numpy()})

    on_gpu = session.get_providers()[0] == "CUDAExecutionProvider"
    shape = [side if isinstance(side, int) else None for side in first.shape]
    return _Runtime(run, device if on_gpu else "cpu", shape)


def _opened_by_openvino(path: Path, device: str, metadata: dict[str, Any]) -> _Runtime:
    import openvino
    import torch

    (description,) = path.glob("*.xml")
    core = openvino.Core()
    options = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_NUM_THREADS": torch.get_num_threads()}
    halved = isinstance(metadata.get("args"), dict) and metadata["args"].get("quantize") == 16
    if not halved:
        # by default it takes 16-bit floats where the processor has them, and objects change
        options["INFERENCE_PRECISION_HINT"] = "f32"
    compiled = core.compile_model(core.read_model(description), "CPU", options)
    if len(compiled.inputs) != 1 or len(compiled.input(0).partial_shape) != 4:
        raise ModelError(_unlike_a_segmentation_model(path))

    def run(batch: torch.Tensor) -> Any:
        return list(compiled(batch.cpu().contiguous().numpy()).values())

    sides = [side.get_length() if side.is_static else None for side in compiled.input(0).partial_shape]
    return _Runtime(run, "cpu", sides)


def _opened_by_ultralytics(path: Path, device: str, metadata: dict[str, Any]) -> _Runtime:
    import torch
    from ultralytics.nn.autobackend import AutoBackend

    backend = AutoBackend(str(path), torch.device(device), verbose=False)
    return _Runtime(backend, str(backend.device))


_OPENERS: dict[str, Callable[[Path, str, dict[str, Any]], _Runtime]] = {
    "torchscript": _opened_as_torchscript,
    "onnx": _opened_as_onnx,
    "openvino": _opened_by_openvino,
}


def _metadata(path: Path) -> dict[str, Any]:
    """Return what ultralytics wrote into an export, its texts read as values; empty if there is nothing."""
    import ast

    from ultralytics.nn.backends.base import BaseBackend

    found = {}
    for key, value in BaseBackend.read_metadata(path).items():
        if isinstance(value, str) and value[:1] in "[{(":
            try:
                value = ast.literal_eval(value)
            except (ValueError, SyntaxError, MemoryError, RecursionError):
                continue
        found[key] = value
    return found


def _fixed_input(runtime: _Runtime, metadata: dict[str, Any]) -> tuple[int, int] | None:
    """Return the only size of input, from the file itself or else from what ultralytics wrote into it."""
    if runtime.shape is not None:
        height, width = runtime.shape[2:]
        return None if height is None or width is None else (height, width)
    arguments, sizes = metadata.get("args"), metadata.get("imgsz")
    if isinstance(arguments, dict) and arguments.get("dynamic"):
        return None
    if isinstance(sizes, list | tuple) and len(sizes) == 2 and all(isinstance(s, int) and s > 0 for s in sizes):
        return sizes[0], sizes[1]
    return None


def _try(network: ExportedNetwork) -> None:
    """Run a new model once on nothing, and see whether it says what a segmentation model does.

    Raises
    ------
    ModelError
        If it does not.
    """
    import torch

    height, width = network.fixed_input or (_TRIAL_SIDE, _TRIAL_SIDE)
    if height % STRIDE_NETWORK or width % STRIDE_NETWORK:
        raise ModelError(
            f"{network.path} takes {height} × {width} pixels; expected multiples of {STRIDE_NETWORK}: export it again"
        )
    with torch.inference_mode():
        ((predictions, prototypes),) = network(torch.zeros(1, 3, height, width, device=network.device))
    cells = sum((height // s) * (width // s) for s in _STRIDES)
    grid = (height // STRIDE_PROTOTYPES, width // STRIDE_PROTOTYPES)
    fits = (
        predictions.ndim == 3
        and prototypes.ndim == 4
        and predictions.shape[0] == prototypes.shape[0] == 1
        and predictions.shape[2] == cells
        and predictions.shape[1] > 4 + prototypes.shape[1]
        and prototypes.shape[2:] == grid
    )
    if not fits:
        raise ModelError(_unlike_a_segmentation_model(network.path))


def _unlike_a_segmentation_model(path: Path) -> str:
    return (
        f"{path} does not answer like a YOLO segmentation model that gives all its proposals; expected one exported "
        f"from a FastSAM or -seg checkpoint without nms: use 'napari-fastsam export'"
    )


@contextmanager
def _nothing_installed() -> Iterator[None]:
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


def _first_line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[0][:300]}" if lines else type(error).__name__
