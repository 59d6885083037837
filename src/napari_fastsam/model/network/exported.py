"""Exported models, run so that they look like the network they were made of."""

from __future__ import annotations

import shlex
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_fastsam.core.image.geometry import STRIDE_NETWORK, STRIDE_PROTOTYPES
from napari_fastsam.errors import DeviceError, ModelError
from napari_fastsam.model.network.device import DeviceLike, resolve_device
from napari_fastsam.model.network.runtimes import Runtime, metadata_of, nothing_installed, open_runtime
from napari_fastsam.model.network.statistics import nothing_sent
from napari_fastsam.model.network.ultralytics_ import imported
from napari_fastsam.model.weights.card import Card
from napari_fastsam.model.weights.formats import ModelFormat, how_to_install, missing
from napari_fastsam.model.weights.trust import is_trusted

if TYPE_CHECKING:
    import torch

_STRIDES = (8, 16, 32)
"""Of the grids that a YOLO segmentation head predicts on."""

_TRIAL_SIDE = 64
"""Pixels of the input that a new model is tried with, if it takes any."""


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
    format: ModelFormat
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


def load_exported(path: Path, format_: ModelFormat, device: DeviceLike) -> ExportedNetwork:
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
        If the library that runs it is missing, the file is damaged, it is a program that the user has not vouched for,
        or not a YOLO segmentation model that gives all its proposals.
    DeviceError
        If there is no such device, or the library does not know it.
    """
    lacking = missing(format_.to_run)
    if lacking:
        raise ModelError(
            f"{path} is a model for {format_.title}, which needs {', '.join(lacking)}; "
            f"run: {how_to_install(format_, lacking)}"
        )
    if not format_.checked and not is_trusted(path):
        raise ModelError(_untrusted(path, format_))
    where = resolve_device(device)
    try:
        with imported(), nothing_sent(), nothing_installed(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch's of TorchScript being old, and those of converters
            metadata = metadata_of(path, format_)
            runtime = open_runtime(path, format_, where, metadata)
    except ImportError as error:
        raise ModelError(
            f"{path} is a model for {format_.title}, which cannot be run here ({_first_line(error)}); "
            f"run: {how_to_install(format_, format_.to_run or (error.name or str(error),))}"
        ) from error
    except ModelError:
        raise
    except Exception as error:  # each library has errors of its own
        raise ModelError(
            f"{path} is truncated, damaged, or not a model for {format_.title} ({_first_line(error)}); "
            f"export it again, or get it again from a source that you trust"
        ) from error
    if runtime.shape is not None and not _takes_a_picture(runtime.shape):
        raise ModelError(_unlike_a_segmentation_model(path))
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


def _takes_a_picture(shape: Sequence[int | None]) -> bool:
    return len(shape) == 4 and shape[0] in (None, 1) and shape[1] in (None, 3)


def _fixed_input(runtime: Runtime, metadata: dict[str, Any]) -> tuple[int, int] | None:
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


def _untrusted(path: Path, format_: ModelFormat) -> str:
    return (
        f"{path} was not opened: a model for {format_.title} is, or may hold, a program, and this one was neither "
        f"exported by you on this computer nor trusted by you, or has changed since; open the checkpoint or an ONNX or "
        f"OpenVINO export instead, or, if you would let whoever made it run a program here, run: "
        f"napari-fastsam models trust {shlex.quote(str(path))}"
    )


def _unlike_a_segmentation_model(path: Path) -> str:
    return (
        f"{path} does not answer like a YOLO segmentation model that gives all its proposals; expected one exported "
        f"from a FastSAM or -seg checkpoint without nms: use 'napari-fastsam export'"
    )


def _first_line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[0][:300]}" if lines else type(error).__name__
