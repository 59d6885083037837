"""From label images to a correcting network: pictures in, weights and card out, by the clock."""

from __future__ import annotations

import hashlib
import io
import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F

from napari_fastsam.errors import ModelError, ParameterError
from napari_fastsam.model.correcting.network import SMALL, CorrectionNetwork
from napari_fastsam.model.correcting.training.card import card_of
from napari_fastsam.model.correcting.training.images import LabelledPicture, TrainingImages
from napari_fastsam.model.correcting.training.rollout import Rollout, held_out_curve
from napari_fastsam.model.correcting.weights import read_weights, weights_content
from napari_fastsam.model.network.device import resolve_device
from napari_fastsam.model.weights.card import Card
from napari_fastsam.model.weights.card_files import settle, write_whole, write_with_card

Event = dict[str, Any]

REPORTED = (1, 2, 3, 5, 10)
"""Clicks after which the held-out IoU is told."""

_WARM_UP = 0.04
"""Share of the time in which the learning rate rises."""

_SAVED_EVERY, _TOLD_EVERY = 60.0, 15.0
"""Seconds."""

_JUDGED = 512
"""Objects held out that are measured with, of each kind of image at most."""

_AT_ONCE = 64
"""Of them, in one batch."""

_AVERAGED = 0.998
"""Of the averaged weights, what stays at each step."""


@dataclass(frozen=True)
class CorrectionTraining:
    """How a correcting network is trained.

    Attributes
    ----------
    seconds
        Of training, not counting what it takes to read the images.
    batch
        Windows a step.
    learning_rate
        At its highest.
    cells
        Along each side of a window, a multiple of 16.
    widths
        See `CorrectionNetwork`; of no meaning where training goes on from weights.
    seed
        Of everything that is drawn.
    device
        As in `load_model`.
    """

    seconds: float = 3600.0
    batch: int = 64
    learning_rate: float = 1e-3
    cells: int = 64
    widths: tuple[int, ...] = SMALL
    seed: int = 0
    device: str = "auto"

    def __post_init__(self) -> None:
        if not self.seconds >= 1:
            raise ParameterError(f"the training time is {self.seconds / 60:g} minutes; expected a second or more")
        for name, value, least in (
            ("batch", self.batch, 2),
            ("cells", self.cells, 16),
        ):
            if value < least:
                raise ParameterError(f"{name} is {value}; expected {least} or more")
        if self.cells % 16:
            raise ParameterError(f"cells is {self.cells}; expected a multiple of 16")
        if not 0 < self.learning_rate < 1:
            raise ParameterError(f"the learning rate is {self.learning_rate}; expected a number between 0 and 1")


def train_corrections(
    pictures: Sequence[LabelledPicture],
    output: Path,
    settings: CorrectionTraining,
    *,
    held_out: Sequence[LabelledPicture] = (),
    base: Path | None = None,
    resume: bool = False,
    on_event: Callable[[Event], None] = lambda _: None,
    stop: Callable[[], bool] = lambda: False,
) -> None:
    """Train a correcting network and write it with its card.

    Parameters
    ----------
    pictures, held_out
        What is learnt from, and what measures.
    output
        The weights' file; its card is written beside it. Both whole or not at all. While training goes on there is
        ``output`` with ``.training`` behind it, from which `resume` goes on.
    settings
        How.
    base
        Weights to start from; None = anew.
    resume
        Whether to go on with a training that broke off.
    on_event
        Told of ``start``, ``progress`` and ``done``.
    stop
        Asked after each step; once it returns True, training ends and what was learnt is written.

    Raises
    ------
    ParameterError
        If there are no objects to learn from, or the file's name does not end in ``.pt``.
    ModelError
        If weights to start or go on from cannot be read.
    DeviceError
        If the device is not there.
    """
    if output.suffix != ".pt":
        raise ParameterError(f"the weights would be written to {output}; expected a file name that ends in .pt")
    if not any(len(picture.objects) for picture in pictures):
        raise ParameterError("there are no objects of 12 pixels or more to learn from; expected label images with some")
    device = torch.device(resolve_device(settings.device))
    settle(output, output.with_suffix(".json"))
    torch.manual_seed(settings.seed)
    network, cells = _network(base, settings)
    run = _TrainingRun(
        network.to(device).to(memory_format=torch.channels_last), cells, settings, output.with_suffix(".training")
    )
    if resume:
        run.restore()
    images = TrainingImages(pictures, device)
    on_event(
        {
            "event": "start", "images": len(images.groups), "objects": len(images.objects),
            "held_out": len(held_out), "device": str(device),
            "parameters": sum(p.numel() for p in network.parameters()), "seconds_done": run.seconds,
        }
    )  # fmt: skip
    run.train(images, on_event, stop)
    measures = _measured(run, held_out, device)
    card = card_of(output.stem, pictures, held_out, base, run.seconds, run.windows, measures)
    content = io.BytesIO()
    torch.save(weights_content(network, run.average, cells), content)
    digest = hashlib.sha256(content.getvalue()).hexdigest()
    _write_with_card(output, content.getvalue(), card(digest))
    run.checkpoint.unlink(missing_ok=True)
    on_event({"event": "done", "file": str(output), "seconds": round(run.seconds), "measures": measures})


class _TrainingRun:
    """A network while it is trained, with its average and its optimizer."""

    def __init__(self, network: CorrectionNetwork, cells: int, settings: CorrectionTraining, checkpoint: Path) -> None:
        self.network, self.cells, self.settings, self.checkpoint = network, cells, settings, checkpoint
        self.device = next(network.parameters()).device
        self.step, self.windows, self.seconds = 0, 0, 0.0
        self.average = {name: value.detach().clone() for name, value in network.state_dict().items()}
        shapes = [[p for p in network.parameters() if (p.ndim > 1) is wide] for wide in (True, False)]
        groups = [{"params": shapes[0], "weight_decay": 0.02}, {"params": shapes[1], "weight_decay": 0.0}]
        self.optimizer = torch.optim.AdamW(groups, settings.learning_rate)
        # half the bits are enough for the passes, and twice as fast where the device has them
        self._half = self.device.type == "cuda" or (self.device.type == "cpu" and _fast_in_bfloat16())

    def train(self, images: TrainingImages, on_event: Callable[[Event], None], stop: Callable[[], bool]) -> None:
        """Learn until the time is over or it is said to stop."""
        rollout = Rollout(images, self.settings.batch, self.cells)
        tally = _Tally(self.device)
        began, before = time.monotonic(), self.seconds
        told = saved = began
        while self.seconds < self.settings.seconds and not (self.step and stop()):
            self._learn(rollout, tally)
            now = time.monotonic()
            self.seconds = before + now - began
            if now - told > _TOLD_EVERY:
                told = now
                progress = {"seconds": round(self.seconds), "of": round(self.settings.seconds), "step": self.step}
                on_event({"event": "progress", **progress, "windows": self.windows, **tally.taken()})
            if now - saved > _SAVED_EVERY:
                saved = now
                self.save()

    def _learn(self, rollout: Rollout, tally: _Tally) -> None:
        for group in self.optimizer.param_groups:
            group["lr"] = self.settings.learning_rate * _pace(self.seconds / self.settings.seconds)
        with torch.no_grad():
            rollout.renew()
            inputs = rollout.inputs()
        self.network.train()
        with torch.autocast(self.device.type, torch.bfloat16) if self._half else nullcontext():
            logits, quality = self.network(inputs)
        loss, iou = loss_of(logits, quality, rollout)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]  # torch does not type it
        norm = torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        if not bool(torch.isfinite(norm)):
            raise ModelError("training came to numbers that are not finite; take a lower --learning-rate")
        self.optimizer.step()
        with torch.no_grad():
            tally.add(rollout.clicked, iou, loss.detach())
            rollout.answer(logits)
            self._average_in()
        self.step += 1
        self.windows += len(iou)

    def _average_in(self) -> None:
        weight = 1 - min(_AVERAGED, (1 + self.step) / (10 + self.step))
        for name, value in self.network.state_dict().items():
            if value.dtype.is_floating_point:
                self.average[name].lerp_(value, weight)
            else:
                self.average[name].copy_(value)

    def save(self) -> None:
        """Keep where training stands, whole or not at all."""
        content = io.BytesIO()
        torch.save(
            {
                "widths": list(self.network.widths), "cells": self.cells, "network": self.network.state_dict(),
                "average": self.average, "optimizer": self.optimizer.state_dict(),
                "step": self.step, "windows": self.windows, "seconds": self.seconds,
            },
            content,
        )  # fmt: skip
        with _writing(self.checkpoint):
            write_whole(self.checkpoint, content.getvalue())

    def restore(self) -> None:
        """Go on from what `save` kept, or raise ModelError."""
        if not self.checkpoint.is_file():
            raise ModelError(f"there is no {self.checkpoint} to go on from; leave --resume to start anew")
        try:
            kept = torch.load(self.checkpoint, map_location=self.device, weights_only=True)
            if (tuple(kept["widths"]), kept["cells"]) != (self.network.widths, self.cells):
                raise ValueError("it is of another size")
            self.network.load_state_dict(kept["network"])
            self.average = kept["average"]
            self.optimizer.load_state_dict(kept["optimizer"])
            self.step, self.windows, self.seconds = kept["step"], kept["windows"], kept["seconds"]
        except Exception as error:  # the unpickler may raise anything on a damaged file
            raise ModelError(
                f"{self.checkpoint} cannot be resumed from ({error}); leave out --resume to start anew"
            ) from error


class _Tally:
    """Loss and IoU by number of clicks since they were last told."""

    def __init__(self, device: torch.device) -> None:
        self._sums = torch.zeros(12, 3, device=device)

    def add(self, clicked: torch.Tensor, iou: torch.Tensor, loss: torch.Tensor) -> None:
        one = torch.ones_like(iou)
        self._sums.index_add_(0, clicked.clamp_max(11), torch.stack([one, iou, one * loss], 1))

    def taken(self) -> Event:
        count, iou, loss = self._sums.clone().cpu().unbind(1)
        self._sums.zero_()
        by_clicks = {str(k): round(float(iou[k] / count[k]), 3) for k in range(len(count)) if count[k]}
        return {"loss": round(float(loss.sum() / count.sum().clamp_min(1)), 4), "iou": by_clicks}


def loss_of(logits: torch.Tensor, quality: torch.Tensor, rollout: Rollout) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the loss of a batch, and the IoU (B,) of its masks within their windows.

    Cross-entropy, weighing edges and clicks more, plus Dice, plus how far off the expected IoU was.
    """
    windows, clicks = rollout.windows, rollout.clicks
    target, inside = windows.cover, windows.inside
    nearby = F.avg_pool2d(target, 7, 1, 3)
    edge = ((nearby > 0.02) & (nearby < 0.98)).float()
    weight = (1 + 3 * edge + 4 * torch.maximum(clicks[:, 0:1], clicks[:, 2:3])) * inside
    entropy = F.binary_cross_entropy_with_logits(logits, target, reduction="none") * weight
    entropy = entropy.sum((1, 2, 3)) / inside.sum((1, 2, 3)).clamp_min(1)
    p = logits.sigmoid() * inside
    both = (p * target).sum((1, 2, 3))
    dice = 1 - (2 * both + 1) / (p.sum((1, 2, 3)) + target.sum((1, 2, 3)) + 1)
    with torch.no_grad():
        mask, truth = ((logits > 0) * inside).float(), (target > 0.5).float()
        shared = (mask * truth).sum((1, 2, 3))
        union = torch.maximum(mask, truth).sum((1, 2, 3))
        whole = shared / (union + windows.beyond).clamp_min(1)
    off = F.binary_cross_entropy_with_logits(quality, whole)
    return entropy.mean() + dice.mean() + 0.15 * off, shared / union.clamp_min(1)


def _network(base: Path | None, settings: CorrectionTraining) -> tuple[CorrectionNetwork, int]:
    if base is None:
        return CorrectionNetwork(settings.widths), settings.cells
    return read_weights(base)


def _pace(done: float) -> float:
    """Return the learning rate as a share of the highest: it rises, and falls along a cosine."""
    return min(1.0, done / _WARM_UP + 0.02) * (0.005 + 0.995 * 0.5 * (1 + math.cos(math.pi * min(done, 1.0))))


def _fast_in_bfloat16() -> bool:
    """Say whether the processor multiplies bfloat16 in hardware."""
    flags = torch.backends.cpu.get_cpu_capability()
    return "AVX512" in flags and bool(getattr(torch.cpu, "_is_amx_tile_supported", lambda: False)())


def _measured(run: _TrainingRun, held_out: Sequence[LabelledPicture], device: torch.device) -> dict[str, float]:
    """Return the held-out IoU after some clicks from nothing, all together and by kind; of no images, nothing."""
    if not any(len(picture.objects) for picture in held_out):
        return {}
    images = TrainingImages(held_out, device)
    network = CorrectionNetwork(run.network.widths).to(device)
    network.load_state_dict(run.average)
    network.eval()
    kinds = sorted({picture.group for picture in held_out if len(picture.objects)})
    of = torch.tensor([kinds.index(images.groups[int(i)]) for i in images.objects[:, 0].tolist()])
    generator = torch.Generator().manual_seed(0)
    curves = []
    for number in range(len(kinds)):
        mine = (of == number).nonzero()[:, 0]
        chosen = mine[torch.randperm(len(mine), generator=generator)[:_JUDGED]].to(device)
        parts = [chosen[at : at + _AT_ONCE] for at in range(0, len(chosen), _AT_ONCE)]
        found = torch.tensor([held_out_curve(network, images, part, run.cells) for part in parts])
        weights = torch.tensor([float(len(part)) for part in parts])
        curves.append((found * weights[:, None]).sum(0) / weights.sum())
    measures = {f"iou_{k}": round(float(torch.stack(curves).mean(0)[k - 1]), 3) for k in REPORTED}
    if len(kinds) > 1:
        for kind, curve in zip(kinds, curves, strict=True):
            measures |= {f"iou_{k}, {kind or 'no kind'}": round(float(curve[k - 1]), 3) for k in REPORTED}
    return measures


def _write_with_card(path: Path, content: bytes, card: Card) -> None:
    """Write weights and their card, so that neither is ever half there nor beside another's."""
    with _writing(path):
        write_with_card(path, path.with_suffix(".json"), card, lambda: write_whole(path, content))


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ModelError(f"{path} cannot be written: {error.strerror or error}; choose another folder") from error
