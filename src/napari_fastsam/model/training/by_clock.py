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
class Progress:
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
    network: nn.Module, crops: Batches, clock: Clock, device: torch.device, report: Callable[[Progress], None]
) -> Progress:
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
    """
    start = time.perf_counter()
    network = one_headed(network).to(device, memory_format=torch.channels_last).train()
    network.args = get_cfg(overrides={"overlap_mask": True})
    loss = PointMaskLoss(network)
    averaged = deepcopy(network).eval().requires_grad_(False)
    optimiser = _optimiser(network, clock, device)
    followed = _Average(averaged, network)
    now = Progress(0, 0, 0, {}, averaged)
    reported = start
    fast = device.type == "cuda"
    count = clock.batch
    while (passed := time.perf_counter() - start) < clock.seconds:
        for group in optimiser.param_groups:
            group["lr"] = clock.rate_at(passed / clock.seconds)
        optimiser.zero_grad(set_to_none=True)
        try:
            batch = crops.batch(count)
            pictures = batch["img"].to(memory_format=torch.channels_last).float() / 255
            with torch.autocast(device.type, torch.bfloat16, enabled=fast):
                said = network(pictures)
            total, parts = loss(precise(said), batch)
            total.sum().backward()
        except torch.OutOfMemoryError:
            if count < 2 * _SMALLEST_BATCH:
                raise
            batch = said = total = None
            torch.cuda.empty_cache()
            count //= 2
            continue
        norm = nn.utils.clip_grad_norm_(network.parameters(), 10.0 * count / 16)
        if torch.isfinite(norm):  # a batch that went wrong is not learnt from
            optimiser.step()
        now = replace(now, seconds=passed, steps=now.steps + 1, crops=now.crops + count)
        followed.follow(clock.average * (1 - math.exp(-now.steps / 500)))
        if time.perf_counter() - reported > clock.report_every or now.steps == 1:
            now = replace(now, losses={name: round(float(value), 4) for name, value in parts.items()})
            report(now)
            reported = time.perf_counter()
    return replace(now, seconds=time.perf_counter() - start)


def one_headed(network: Any) -> Any:
    """Take away the head that needs no suppression, which stage one does not use, where a network has one."""
    head = network.model[-1]
    if hasattr(head, "one2one_cv2"):
        head.end2end = False
        for name in [name for name, _ in head.named_children() if name.startswith("one2one")]:
            delattr(head, name)
    return network


def precise(said: dict[str, Any]) -> dict[str, Any]:
    """Return what a network said in single precision, and of its prototypes those of masks alone."""
    proto = said["proto"][0] if isinstance(said["proto"], tuple) else said["proto"]
    found = {name: value.float() for name, value in said.items() if isinstance(value, Tensor)}
    # of the features only their shape and type are asked for
    return said | found | {"proto": proto.float(), "feats": [level[:, :1].detach().float() for level in said["feats"]]}


class _Average:
    """Averaged weights that follow those of a network."""

    def __init__(self, averaged: nn.Module, network: nn.Module) -> None:
        old, new = averaged.state_dict(), network.state_dict()
        real = [name for name, value in old.items() if value.dtype.is_floating_point]
        self._old, self._new = [old[name] for name in real], [new[name] for name in real]
        self._counts = [(old[name], new[name]) for name in old.keys() - set(real)]

    def follow(self, keep: float) -> None:
        """Keep a share of what was averaged so far."""
        with torch.no_grad():
            torch._foreach_lerp_(self._old, self._new, 1 - keep)  # noqa: SLF001 - torch's optimisers do the same
            for old, new in self._counts:
                old.copy_(new)


def _optimiser(network: nn.Module, clock: Clock, device: torch.device) -> torch.optim.Optimizer:
    weights = [parameter for parameter in network.parameters() if parameter.requires_grad and parameter.ndim > 1]
    others = [parameter for parameter in network.parameters() if parameter.requires_grad and parameter.ndim <= 1]
    groups = [{"params": weights, "weight_decay": clock.decay}, {"params": others, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=clock.learning_rate, betas=(0.9, 0.99), fused=device.type == "cuda")
