"""From a checkpoint's file to a network that is ready to run."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_fastsam.core.image.geometry import MAX_IMGSZ, STRIDE_NETWORK
from napari_fastsam.errors import ModelError
from napari_fastsam.model.files.pickle_values import PickledObject, RefusedError, UnreadableError
from napari_fastsam.model.files.tensors import read_torch
from napari_fastsam.model.network.build import build
from napari_fastsam.model.network.description import Refused
from napari_fastsam.model.network.stored import StoredNetwork, plain, stored_network
from napari_fastsam.model.network.ultralytics_ import imported
from napari_fastsam.model.weights.card import Card
from napari_fastsam.model.weights.formats import FORMATS

if TYPE_CHECKING:
    import torch

INERT = (
    "ultralytics.nn.modules", "ultralytics.nn.tasks", "ultralytics.utils", "ultralytics.yolo",
    "torch.nn.modules", "torch.nn.parallel", "torch.nn.parameter.Parameter", "torch.distributed.algorithms.join",
    "builtins.getattr", "__builtin__.getattr", "collections.defaultdict", "types.SimpleNamespace",
    "datetime.datetime", "datetime.timedelta", "datetime.timezone",
    "pathlib.PosixPath", "pathlib.WindowsPath", "pathlib._local.PosixPath", "pathlib._local.WindowsPath",
    "numpy.ndarray", "numpy.dtypes", "numpy.core.multiarray._reconstruct", "numpy._core.multiarray._reconstruct",
)  # fmt: skip
"""What checkpoints of ultralytics name beside tensors. All of it is read as a record; none of it is looked up."""


def read_network(path: Path) -> tuple[torch.nn.Module, dict[str, Any]]:
    """Read a segmentation network, and everything else that its checkpoint holds.

    Nothing of the file runs: what it says of its network is checked, a network is built from that, and filled with the
    file's weights (`stored`, `build`).

    Returns
    -------
    The network, in float32, and the rest as plain values, tensors, and records of other objects.

    Raises
    ------
    ModelError
        If the file is truncated, names what checkpoints have no need of, or holds no YOLO segmentation network.
    """
    stored, checkpoint = read_stored(path)
    try:
        return build(stored), checkpoint
    except Refused as error:
        raise ModelError(_not_loaded(path, str(error))) from error


def read_stored(path: Path, inert: tuple[str, ...] | None = INERT) -> tuple[StoredNetwork, dict[str, Any]]:
    """Read a network as it lies in a checkpoint, and everything else that this holds.

    Parameters
    ----------
    path
        The file.
    inert
        As in `read_torch`.

    Raises
    ------
    ModelError
        As in `read_network`.
    """
    if path.suffix.casefold() != ".pt":
        raise ModelError(
            f"{path} does not end in .pt; expected a checkpoint of FastSAM or another YOLO segmentation model, or one "
            f"exported from it ({', '.join(f.suffix for f in FORMATS)})"
        )
    content = _content(path, inert)
    try:
        stored = stored_network(content)
    except Refused as error:
        if _is_clip(content):
            raise ModelError(_is_a_clip(path)) from error
        task = _task(content)
        if task is not None:
            raise ModelError(
                f"{path} is a YOLO model for the task {task!r}; FastSAM is a segmentation model: "
                f"choose one whose name ends in -seg"
            ) from error
        raise ModelError(_not_loaded(path, str(error))) from error
    return stored, {key: value for key, value in content.items() if key not in ("model", "ema")}


def _content(path: Path, inert: tuple[str, ...] | None) -> Any:
    try:
        return read_torch(path, inert)
    except RefusedError as error:
        if inert is not None and _names_a_clip(path):
            raise ModelError(_is_a_clip(path)) from error
        raise ModelError(_not_loaded(path, str(error))) from error
    except UnreadableError as error:
        raise ModelError(
            f"{path} is truncated, damaged, or holds something other than a YOLO model, and was not loaded "
            f"({error}); get the file again from a source that you trust"
        ) from error


def _not_loaded(path: Path, reason: str) -> str:
    return (
        f"{path} holds what is not read from a model's file, and was not loaded: {reason}. Nothing of it was run. Take "
        f"its weights alone (napari-fastsam models convert {shlex.quote(str(path))} -o NEW.pt; docs/security.md says "
        f"what to do if that is refused too), or train a model here"
    )


def _names_a_clip(path: Path) -> bool:
    try:
        return _is_clip(read_torch(path, None))
    except UnreadableError:
        return False


def _is_clip(content: Any) -> bool:
    """Say whether it is a CLIP: weights by name, or the values of a TorchScript archive."""
    values = content.state if isinstance(content, PickledObject) else content
    if isinstance(values, dict) and isinstance(values.get("state_dict"), dict):
        values = values["state_dict"]
    return isinstance(values, dict) and {"text_projection", "positional_embedding"} <= values.keys()


def _task(content: Any) -> str | None:
    """Return the task of a YOLO network that is for another one than segmentation."""
    networks = [content.get("ema"), content.get("model")] if isinstance(content, dict) else []
    for network in networks:
        if isinstance(network, PickledObject) and str(network.name).startswith("ultralytics.nn.tasks."):
            return _TASKS.get(network.name.name)
    return None


_TASKS = {
    "DetectionModel": "detect", "ClassificationModel": "classify", "PoseModel": "pose", "OBBModel": "obb",
    "SemanticSegmentationModel": "semantic", "DepthModel": "depth", "RTDETRDetectionModel": "detect",
    "WorldModel": "detect", "YOLOv10DetectionModel": "detect", "YOLOEModel": "detect",
}  # fmt: skip


def _is_a_clip(path: Path) -> str:
    return (
        f"{path} is a CLIP, which compares objects with words and finds none itself; give it to load_text_encoder, to "
        f"--text-encoder, or choose it as the dock's text model"
    )


def convert(path: Path, output: Path) -> None:
    """Write a network's weights, description and names to a file of plain values, and leave everything else out.

    Whatever the file names is read as a record, so that one that `read_network` refuses for something beside its
    network can be used; its layers must be known all the same.

    Raises
    ------
    ModelError
        If there is no segmentation network in the file, or the new one cannot be written.
    """
    import torch

    stored, rest = read_stored(path, None)
    try:
        build(stored)
    except Refused as error:
        raise ModelError(_not_loaded(path, str(error))) from error
    card = card_of(rest, Card(path.stem, origin="unknown"))
    part = output.with_name(f".{output.name}.part")
    content = plain(stored, train_args={"imgsz": card.imgsz}, license=card.licence)
    try:
        torch.save(content, part)
        part.replace(output)
    except (OSError, RuntimeError) as error:
        part.unlink(missing_ok=True)
        raise ModelError(f"{output} cannot be written ({error}); make room there or choose another name") from error


def card_of(checkpoint: dict[str, Any], card: Card) -> Card:
    """Fill in what a checkpoint without a card says about its own training."""
    arguments = checkpoint.get("train_args") or {}
    trained = arguments.get("imgsz") if isinstance(arguments, dict) else None
    imgsz = 1024
    if isinstance(trained, int | float) and STRIDE_NETWORK <= trained <= MAX_IMGSZ:
        imgsz = int(trained)
    stored = checkpoint.get("license")
    licence = stored[:200] if isinstance(stored, str) and stored else card.licence
    return replace(card, imgsz=imgsz, trained_imgsz=imgsz, licence=licence)


def one_headed(network: Any) -> Any:
    """Take away the head that needs no suppression, where a network has one: it gives 300 objects at most.

    The description says so too, or what is written of the network could not be read.
    """
    head = network.model[-1]
    if hasattr(head, "one2one_cv2"):
        head.end2end = False
        network.yaml = {**network.yaml, "end2end": False}
        for name in [name for name, _ in head.named_children() if name.startswith("one2one")]:
            delattr(head, name)
    return network


def prepared(network: torch.nn.Module, device: str) -> torch.nn.Module:
    """Fold the batch norms into the convolutions and put the network where it runs fastest."""
    import torch

    with imported():
        yolo: Any = network
        yolo = one_headed(yolo).float().eval()
        if hasattr(yolo, "fuse"):
            yolo = yolo.fuse(verbose=False)
        for parameter in yolo.parameters():
            parameter.requires_grad_(False)
        ready: torch.nn.Module = yolo.to(device=device, memory_format=torch.channels_last)
        return ready
