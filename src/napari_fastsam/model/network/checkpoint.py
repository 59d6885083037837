"""From a checkpoint's file to a network that is ready to run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_fastsam.core.image.geometry import STRIDE_NETWORK
from napari_fastsam.errors import ModelError
from napari_fastsam.model.network.ultralytics_ import UnreadableError, imported, load_checkpoint
from napari_fastsam.model.text.network import is_clip
from napari_fastsam.model.weights.card import Card
from napari_fastsam.model.weights.formats import FORMATS

if TYPE_CHECKING:
    import torch

MAX_IMGSZ = 8192
"""Longest input side that is accepted: beyond it a pass takes minutes and tens of GB."""


def read_network(path: Path) -> tuple[torch.nn.Module, dict[str, Any]]:
    """Read a segmentation network, and everything else that its checkpoint holds.

    Raises
    ------
    ModelError
        If the file is truncated, refused by the restricted loader or not a YOLO segmentation model.
    """
    if path.suffix.casefold() != ".pt":
        raise ModelError(
            f"{path} does not end in .pt; expected a checkpoint of FastSAM or another YOLO segmentation model, or one "
            f"exported from it ({', '.join(f.suffix for f in FORMATS)})"
        )
    try:
        checkpoint = load_checkpoint(path)
    except UnreadableError as error:
        if is_clip(path):
            raise ModelError(_is_a_clip(path)) from error
        raise ModelError(
            f"{path} is truncated, damaged, or holds something other than a YOLO model, and was not loaded "
            f"({error}); get the file again from a source that you trust"
        ) from error
    # averaged weights, where training left them, are the better ones
    network = checkpoint.get("model") if checkpoint.get("ema") is None else checkpoint["ema"]
    return _segmentation_network(network, path), checkpoint


def _segmentation_network(network: Any, path: Path) -> torch.nn.Module:
    import torch

    if not isinstance(network, torch.nn.Module):
        if is_clip(path):
            raise ModelError(_is_a_clip(path))
        raise ModelError(
            f"{path} holds no network; expected a checkpoint of FastSAM or another YOLO segmentation model"
        )
    layers = getattr(network, "model", None)
    head = layers[-1] if isinstance(layers, torch.nn.Sequential) and len(layers) else None
    if not hasattr(head, "proto") or not hasattr(head, "nm"):
        task = getattr(network, "task", type(network).__name__)
        raise ModelError(
            f"{path} is a YOLO model for the task {task!r}; FastSAM is a segmentation model: "
            f"choose one whose name ends in -seg"
        )
    return network


def _is_a_clip(path: Path) -> str:
    return (
        f"{path} is a CLIP, which compares objects with words and finds none itself; give it to load_text_encoder, to "
        f"--text-encoder, or choose it as the dock's text model"
    )


def card_of(checkpoint: dict[str, Any], card: Card) -> Card:
    """Fill in what a checkpoint without a card says about its own training."""
    arguments = checkpoint.get("train_args") or {}
    trained = arguments.get("imgsz") if isinstance(arguments, dict) else None
    imgsz = 1024
    if isinstance(trained, int | float) and STRIDE_NETWORK <= trained <= MAX_IMGSZ:
        imgsz = int(trained)
    licence = str(checkpoint.get("license") or card.licence)
    return replace(card, imgsz=imgsz, trained_imgsz=imgsz, licence=licence)


def prepared(network: torch.nn.Module, device: str) -> torch.nn.Module:
    """Fold the batch norms into the convolutions and put the network where it runs fastest."""
    import torch

    with imported():
        yolo: Any = network
        head = yolo.model[-1]
        if hasattr(head, "one2one_cv2"):
            # the head without suppression gives 300 objects at most; ours is asked for all
            head.end2end = False
            for name in [n for n, _ in head.named_children() if n.startswith("one2one")]:
                delattr(head, name)
        yolo = yolo.float().eval()
        if hasattr(yolo, "fuse"):
            yolo = yolo.fuse(verbose=False)
        for parameter in yolo.parameters():
            parameter.requires_grad_(False)
        ready: torch.nn.Module = yolo.to(device=device, memory_format=torch.channels_last)
        return ready
