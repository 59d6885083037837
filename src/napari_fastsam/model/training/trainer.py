"""Ultralytics' trainer with this project's crops, loss and measure in it.

Imported only by a process that trains: it brings ultralytics' trainer along, and that brings triton, which ends a
process in which Mesa has drawn before.
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import torch
from torch.utils.data import DataLoader
from ultralytics.engine import trainer as engine
from ultralytics.engine.trainer import BaseTrainer
from ultralytics.models.yolo.segment.train import SegmentationTrainer
from ultralytics.nn.tasks import SegmentationModel
from ultralytics.utils import LOGGER, callbacks

from napari_fastsam.errors import ModelError
from napari_fastsam.model.network.build import new
from napari_fastsam.model.network.checkpoint import one_headed, read_network
from napari_fastsam.model.network.description import Refused
from napari_fastsam.model.training.crops import TrainingCrops, collate
from napari_fastsam.model.training.mask_loss import PointMaskLoss

if TYPE_CHECKING:
    from torch import nn

NAMES = {0: "object"}

LOSSES = {"box_loss": "box", "seg_loss": "mask", "cls_loss": "class", "dfl_loss": "dfl"}
"""What ultralytics' losses are called here; others are not told."""

_QUIET: dict[str, Any] = {"plots": False, "verbose": False, "exist_ok": True, "deterministic": False}
_NOT_OURS: dict[str, Any] = {"close_mosaic": 0, "mosaic": 0.0, "multi_scale": 0.0, "patience": 0}


@dataclass(frozen=True)
class Hooks:
    """What the trainer asks and tells.

    Attributes
    ----------
    score
        Takes the averaged network as it is and returns its measures; ``ap`` decides which epoch is the best.
    on_batch
        Called after each batch with epoch, batch and batches, from 1.
    on_epoch
        Called after each epoch with its number from 1, the mean losses, the measures (none if it was not measured),
        and whether it is the best.
    stop
        Asked after each batch; once it returns True the epoch ends there, is measured and kept if it is the best.
    """

    score: Callable[[nn.Module], dict[str, float]]
    on_batch: Callable[[int, int, int], None]
    on_epoch: Callable[[int, dict[str, float], dict[str, float], bool], None]
    stop: Callable[[], bool]


class Trainer(SegmentationTrainer):  # type: ignore[misc]  # ultralytics is not typed
    """One training run.

    Parameters
    ----------
    network
        What is trained.
    crops
        What it is trained on.
    hooks
        Who is told.
    folder
        Where ``last.pt`` and ``best.pt`` go, written whole or not at all.
    arguments
        Ultralytics' training arguments: epochs, batch, lr0, ….
    resume
        Whether to go on from ``last.pt`` in `folder`.
    measure_every
        Epochs between two measurements; the last one is always measured.
    """

    def __init__(
        self,
        network: SegmentationModel,
        crops: TrainingCrops,
        hooks: Hooks,
        folder: Path,
        arguments: dict[str, Any],
        *,
        resume: bool = False,
        measure_every: int = 1,
    ) -> None:
        self._crops, self._hooks, self._measure_every = crops, hooks, measure_every
        self._resumed = resume
        overrides = _QUIET | _NOT_OURS | arguments | {"save_dir": str(folder), "model": "yolov8n-seg.yaml"}
        threads = torch.get_num_threads()
        with _nothing_reported():
            super().__init__(overrides=overrides)
        # ultralytics leaves one processor unused, which is half of a small machine
        torch.set_num_threads(threads)
        self.model = network
        self.best_fitness: float | None = None
        self.wdir = folder
        self.last, self.best = folder / "last.pt", folder / "best.pt"
        self.args.nc = 1
        self._measured: dict[str, float] = {}
        for event, call in (
            ("on_train_epoch_start", self._begin_epoch),
            ("on_train_batch_end", self._after_batch),
            ("on_fit_epoch_end", self._after_epoch),
        ):
            self.add_callback(event, call)

    def get_dataset(self) -> dict[str, Any]:
        """Return what ultralytics wants to know of the data."""
        return {"train": self._crops, "val": self._crops, "nc": 1, "names": NAMES, "channels": 3}

    def setup_model(self) -> dict[str, Any] | None:
        """Return the checkpoint to go on from, if there is one; the network is there already."""
        if not self._resumed:
            return None
        checkpoint = _checkpoint(self.last)
        self.model.load_state_dict(checkpoint["ema"].state_dict())
        self.resume = True
        return checkpoint

    def _handle_nan_recovery(self, epoch: int) -> bool:
        """Go back to the last checkpoint if a loss is no number, read as all others are."""
        theirs = engine.load_checkpoint
        engine.load_checkpoint = lambda path: (None, _checkpoint(Path(path)))
        try:
            return bool(super()._handle_nan_recovery(epoch))
        finally:
            engine.load_checkpoint = theirs

    def set_model_attributes(self) -> None:
        """Give the network its loss and the memory layout that processors are fast with."""
        super().set_model_attributes()
        self.model = self.model.to(memory_format=torch.channels_last)
        self.model.criterion = PointMaskLoss(self.model)

    def _build_train_pipeline(self) -> None:
        # past ultralytics' segmentation trainer, which counts the objects of its own kind of dataset
        BaseTrainer._build_train_pipeline(self)  # noqa: SLF001

    def get_dataloader(
        self,
        dataset_path: TrainingCrops,
        batch_size: int = 16,
        rank: int = 0,
        mode: str = "train",
    ) -> DataLoader[Any]:
        """Return the loader of crops, whose order does not matter: each is drawn at random."""
        workers = 0 if self.device.type in {"cpu", "mps"} else min(8, os.cpu_count() or 1)
        dataset: Any = dataset_path
        return DataLoader(dataset, batch_size, collate_fn=collate, num_workers=workers, drop_last=True)

    def preprocess_batch(self, batch: dict[str, Any]) -> dict[str, Any]:
        """Bring a batch to the device."""
        batch = super().preprocess_batch(batch)
        batch["img"] = batch["img"].contiguous(memory_format=torch.channels_last)
        return batch

    def get_validator(self) -> SimpleNamespace:
        """Return as much of a validator as the trainer's set-up asks for; `validate` measures."""
        return SimpleNamespace(metrics=SimpleNamespace(keys=[]), dataloader=None)

    def validate(self) -> tuple[dict[str, float], float]:
        """Measure the averaged network; the fitness is its AP."""
        due = (self.epoch + 1) % self._measure_every == 0 or self.epoch + 1 >= self.epochs or self.stop
        if not due:
            # below any measured one, so that it is not taken for the best
            return {}, -1.0
        network = deepcopy(self.ema.ema)
        network.criterion = None
        self._measured = self._hooks.score(network)
        fitness = self._measured["ap"]
        if self.best_fitness is None or fitness > self.best_fitness:
            self.best_fitness = fitness
        return dict(self._measured), fitness

    def save_model(self) -> bool:
        """Write the checkpoints whole or not at all."""
        final_last, final_best = self.last, self.best
        self.last, self.best = final_last.with_suffix(".part"), final_best.with_suffix(".best-part")
        try:
            saved = bool(super().save_model())
            for part, final in ((self.best, final_best), (self.last, final_last)):
                if part.exists():
                    os.replace(part, final)
        finally:
            self.last, self.best = final_last, final_best
        return saved

    def final_eval(self) -> None:
        """Do nothing: every epoch was measured."""

    def _begin_epoch(self, _: Any) -> None:
        self._crops.epoch = self.epoch
        self._batch = 0
        self._measured = {}

    def _after_batch(self, _: Any) -> None:
        self._batch += 1
        self._hooks.on_batch(self.epoch + 1, self._batch, len(self.train_loader))
        if self._hooks.stop():
            self.stop = True

    def _after_epoch(self, _: Any) -> None:
        losses = {LOSSES[name]: round(float(value), 4) for name, value in self.tloss.items() if name in LOSSES}
        best = self.fitness is not None and self.fitness == self.best_fitness
        self._hooks.on_epoch(self.epoch + 1, losses, self._measured, best)


@contextmanager
def _nothing_reported() -> Iterator[None]:
    """Keep ultralytics from connecting the run with services on the network, and from talking."""
    connect = callbacks.add_integration_callbacks
    callbacks.add_integration_callbacks = lambda _: None
    LOGGER.setLevel("ERROR")
    try:
        yield
    finally:
        callbacks.add_integration_callbacks = connect


def _checkpoint(path: Path) -> dict[str, Any]:
    """Read a checkpoint of a training with its network under ``ema``, as ultralytics' trainer takes it."""
    network, rest = read_network(path)
    return {**rest, "model": None, "ema": network}


def new_network(description: dict[str, Any], weights: nn.Module | None = None) -> SegmentationModel:
    """Build a network of one class, with the weights that fit from another.

    Parameters
    ----------
    description
        From `read_description`, or the ``yaml`` of a network that `read_network` returned.
    weights
        A segmentation network; layers of other shapes, such as those for more classes, start anew.

    Raises
    ------
    ModelError
        If the description's layers do not go together.
    """
    try:
        network: Any = new({**description, "channels": 3}, classes=1)
    except Refused as error:
        raise ModelError(f"the network to start from cannot be built: {error}; take another --base") from error
    one_headed(network).names = NAMES
    if weights is not None:
        network.load(weights, verbose=False)
    return network


def serialised(network: nn.Module, arguments: dict[str, Any]) -> bytes:
    """Return a checkpoint of a trained network in half precision, as ultralytics writes and everyone reads it."""
    plain: Any = deepcopy(network).half().to(memory_format=torch.contiguous_format)
    plain.criterion = None
    for parameter in plain.parameters():
        parameter.requires_grad_(False)
    buffer = io.BytesIO()
    torch.save(
        {
            "epoch": -1,
            "model": plain,
            "ema": None,
            "optimizer": None,
            "train_args": arguments,
            "license": "AGPL-3.0 (https://ultralytics.com/license)",
        },
        buffer,
    )
    return buffer.getvalue()
