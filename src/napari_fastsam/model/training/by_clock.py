"""Training that ends when its time is up: on a GPU, where minutes are what one has.

The learning rate rises for a moment and falls along a cosine to nothing at the end; the weights are averaged on the
way. Crops are made where they are learnt from (`device_crops`).
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from ultralytics.cfg import get_cfg

from napari_fastsam.model.training.mask_loss import PointMaskLoss

_LAST = 0.01
_WARM_UP = 0.03
_SMALLEST_BATCH = 8


class Batches(Protocol):
    """What is learnt from: `device_crops.DeviceCrops`."""

    def batch(self, count: int) -> dict[str, Any]:
        """Return a batch of crops."""


@dataclass(frozen=True)
class Clock:
    """How to train.

    Attributes
    ----------
    seconds
        How long.
    batch
        Crops a step.
    learning_rate
        At its highest.
    decay
        Weight decay.
    average
        Share that the averaged weights keep of themselves at a step, once it has gone on for long.
    report_every
        Seconds between two reports.
    """

    seconds: float
    batch: int = 96
    learning_rate: float = 1.5e-3
    decay: float = 0.02
    average: float = 0.998
    report_every: float = 20.0

    def rate_at(self, share: float) -> float:
        """Return the learning rate after a share of the time."""
        if share < _WARM_UP:
            return self.learning_rate * (0.02 + 0.98 * share / _WARM_UP)
        fallen = (1 + math.cos(math.pi * min(1.0, (share - _WARM_UP) / (1 - _WARM_UP)))) / 2
        return self.learning_rate * (_LAST + (1 - _LAST) * fallen)


@dataclass(frozen=True)
class TrainingProgress:
    """How far it is.

    Attributes
    ----------
    seconds, steps, crops
        So far.
    losses
        Of the last batch, by name.
    averaged
        The averaged network. It goes on changing.
    """

    seconds: float
    steps: int
    crops: int
    losses: dict[str, float]
    averaged: nn.Module


def fit(
    network: nn.Module,
    crops: Batches,
    clock: Clock,
    device: torch.device,
    report: Callable[[TrainingProgress], None],
    stop: Callable[[], bool] = lambda: False,
) -> TrainingProgress:
    """Train a network of ultralytics, and return its averaged weights.

    Parameters
    ----------
    network
        From `trainer.new_network`.
    crops
        What it learns from.
    clock
        How, and how long.
    device
        Where.
    report
        Told from time to time.
    stop
        Asked after each step; once it returns True, training ends there.
    """
    start = reported = time.perf_counter()
    learner = _Learner(network, clock, device)
    now = TrainingProgress(0, 0, 0, {}, learner.averaged)
    count = clock.batch
    while (passed := time.perf_counter() - start) < clock.seconds:
        try:
            losses = learner.learn(crops.batch(count), clock.rate_at(passed / clock.seconds))
        except torch.OutOfMemoryError:
            if count < 2 * _SMALLEST_BATCH:
                raise
            torch.cuda.empty_cache()
            count //= 2
            continue
        now = replace(now, seconds=passed, steps=now.steps + 1, crops=now.crops + count)
        learner.average(clock.average * (1 - math.exp(-now.steps / 500)))
        if time.perf_counter() - reported > clock.report_every or now.steps == 1:
            now = replace(now, losses={name: round(float(value), 4) for name, value in losses.items()})
            report(now)
            reported = time.perf_counter()
        if stop():
            break
    return replace(now, seconds=time.perf_counter() - start)


def precise(outputs: dict[str, Any]) -> dict[str, Any]:
    """Return what a network said in single precision, and of its prototypes those of masks alone."""
    proto = outputs["proto"][0] if isinstance(outputs["proto"], tuple) else outputs["proto"]
    found = {name: value.float() for name, value in outputs.items() if isinstance(value, Tensor)}
    # of the features only their shape and type are asked for
    return (
        outputs
        | found
        | {"proto": proto.float(), "feats": [level[:, :1].detach().float() for level in outputs["feats"]]}
    )


class _Learner:
    """A network that learns, and its averaged weights."""

    def __init__(self, network: nn.Module, clock: Clock, device: torch.device) -> None:
        learning: Any = network
        learning = learning.to(device, memory_format=torch.channels_last).train()
        learning.args = get_cfg(overrides={"overlap_mask": True})
        self._network, self._device = learning, device
        self._loss = PointMaskLoss(learning)
        self._optimiser = _optimiser(learning, clock, device)
        self.averaged: nn.Module = deepcopy(learning).eval().requires_grad_(False)
        old, new = self.averaged.state_dict(), learning.state_dict()
        real = [name for name, value in old.items() if value.dtype.is_floating_point]
        self._old, self._new = [old[name] for name in real], [new[name] for name in real]
        self._counts = [(old[name], new[name]) for name in old.keys() - set(real)]

    def learn(self, batch: dict[str, Any], rate: float) -> dict[str, Tensor]:
        """Learn from a batch at a learning rate, and return the losses by name."""
        for group in self._optimiser.param_groups:
            group["lr"] = rate
        self._optimiser.zero_grad(set_to_none=True)
        pictures = batch["img"].to(memory_format=torch.channels_last).float() / 255
        with torch.autocast(self._device.type, torch.bfloat16, enabled=self._device.type == "cuda"):
            outputs = self._network(pictures)
        total, losses = self._loss(precise(outputs), batch)
        torch.autograd.backward(total.sum())
        # ultralytics multiplies its losses by the number of crops; its limit is for 16
        norm = nn.utils.clip_grad_norm_(self._network.parameters(), 10.0 * len(pictures) / 16)
        if torch.isfinite(norm):  # a batch that went wrong is not learnt from
            self._optimiser.step()
        return dict(losses)

    def average(self, keep: float) -> None:
        """Move the averaged weights to the network's, and keep a share of what they were."""
        with torch.no_grad():
            torch._foreach_lerp_(self._old, self._new, 1 - keep)
            for old, new in self._counts:
                old.copy_(new)


def _optimiser(network: nn.Module, clock: Clock, device: torch.device) -> torch.optim.Optimizer:
    weights = [parameter for parameter in network.parameters() if parameter.requires_grad and parameter.ndim > 1]
    others = [parameter for parameter in network.parameters() if parameter.requires_grad and parameter.ndim <= 1]
    groups = [{"params": weights, "weight_decay": clock.decay}, {"params": others, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=clock.learning_rate, betas=(0.9, 0.99), fused=device.type == "cuda")
