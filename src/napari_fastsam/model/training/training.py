"""From annotated images to a model of one's own: data in, checkpoint and card out."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import math
import os
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from napari_fastsam.core.image.intensity import check_plane, to_rgb8, window_of
from napari_fastsam.core.judging.held_out import held_out
from napari_fastsam.deprecation import renamed
from napari_fastsam.errors import ModelError, ParameterError
from napari_fastsam.files import read_json
from napari_fastsam.model.network.checkpoint import prepared, read_network
from napari_fastsam.model.network.device import resolve_device
from napari_fastsam.model.network.segmenter import Model
from napari_fastsam.model.network.ultralytics_ import imported
from napari_fastsam.model.training.base import AUTO, base_that_suits, read_base
from napari_fastsam.model.training.card import CONF, IOU, WINDOW, card_of, mean_ap, measured, pooled, tuned
from napari_fastsam.model.training.crops import AnnotatedPlane, Augmentation, TrainingCrops
from napari_fastsam.model.training.settings import TrainingSettings, check_wanted, choose, counted
from napari_fastsam.model.weights.card import Card
from napari_fastsam.model.weights.card_files import settle, write_with_card, written_beside
from napari_fastsam.model.weights.weights import cache_folder

if TYPE_CHECKING:
    from torch import nn

Event = dict[str, Any]
Told = Callable[[Event], None]

__getattr__ = renamed(__name__, {"Example": "TrainingExample"})


class TrainingExample(Protocol):
    """An annotated image: `io.annotations.datasets.Example`, or anything like it.

    It may have an attribute ``complete``: False if objects are left unlabelled, so that what is not labelled is not
    learnt as background; and a method ``ignored``, which returns (Y, X) bool where nothing is known, or None.
    """

    @property
    def name(self) -> str:
        """Its name."""

    @property
    def group(self) -> str:
        """What kind of image it is; empty = not known."""

    def image(self) -> NDArray[np.generic]:
        """(Y, X) or (Y, X, 3 | 4)."""

    def labels(self) -> NDArray[np.integer]:
        """(Y, X), 0 = background."""


@dataclass(frozen=True, eq=False)
class Run:
    """What is trained, from what, on what.

    Attributes
    ----------
    output
        The checkpoint that is written, ``.pt``; its card goes beside it.
    base
        A model's name or file to start from, or a network's description (``….yaml``) to start from nothing.
    training, validation
        Planes that are learnt from, and planes that measure it. Without any of the latter the former measure.
    settings
        How.
    device
        As in `load_model`.
    """

    output: Path
    base: str
    training: Sequence[AnnotatedPlane]
    validation: Sequence[AnnotatedPlane]
    settings: TrainingSettings
    device: str

    @property
    def folder(self) -> Path:
        """Where the run keeps what it needs to go on: in the cache, by the name of what it writes."""
        key = hashlib.sha256(str(self.output.absolute()).encode()).hexdigest()[:12]
        return cache_folder() / "training" / f"{self.output.stem}-{key}"


def annotated(example: TrainingExample) -> AnnotatedPlane:
    """Read an example as training and prediction see it."""
    plane = check_plane(example.image())
    rgb, complete = to_rgb8(plane, window_of(plane, WINDOW)), getattr(example, "complete", True)
    ignored = example.ignored() if hasattr(example, "ignored") else None
    return AnnotatedPlane.of(example.name, example.group, rgb, example.labels(), complete=complete, ignored=ignored)


def train(
    examples: Sequence[TrainingExample],
    output: Path,
    base: str = AUTO,
    *,
    validation: Sequence[TrainingExample] | None = None,
    hold_out: float = 0.1,
    seed: int = 0,
    device: str = "auto",
    resume: bool = False,
    minutes: float | None = None,
    on_event: Callable[[Event], None] = lambda _: None,
    stop: Callable[[], bool] = lambda: False,
    **wanted: Any,
) -> Card:
    """Train a model and write it with its card.

    Parameters
    ----------
    examples
        Annotated images.
    output
        The file to write, ``.pt``; the card goes beside it as ``.json``.
    base
        As in `Run`; ``auto`` = the bundled model that finds most in the images.
    validation
        Images to measure with; None = a share of `examples`, `hold_out`, is kept from training.
    seed
        Of everything that is drawn at random.
    device
        ``auto``, ``cpu``, ``cuda``, ``cuda:N``, ``mps``.
    resume
        Go on with a run that broke off, with the same data and settings.
    minutes
        Train for so long instead of for a number of epochs, with crops that are made on the device: on a GPU thousands
        a second. Such a run cannot be resumed.
    on_event
        Told of the start, of each batch and each epoch, as dictionaries with a key ``event``.
    stop
        Asked after each batch; once it returns True, the best so far is written.
    wanted
        ``epochs``, ``imgsz``, ``batch``, ``object_size``, ``learning_rate``: instead of what the data suggest.

    Returns
    -------
    Card
        Of the model that was written.

    Raises
    ------
    FastSAMError
        If the data, the base or a setting is of no use, or there is nothing to resume.
    """
    check_output(output)
    check_wanted(wanted)  # before images are read, which may take long
    _check_minutes(minutes, resume, wanted.get("epochs"))
    where = resolve_device(device)
    network, base_card = read_base(base) if base != AUTO else (None, None)
    if not examples:
        raise ParameterError("there is no image to train on; expected annotated images")
    planes = [annotated(example) for example in examples]
    out = [False] * len(planes) if validation is not None else held_out(planes, hold_out, seed)
    learnt = [plane for plane, is_out in zip(planes, out, strict=True) if not is_out]
    measured = [plane for plane, is_out in zip(planes, out, strict=True) if is_out]
    if validation is not None:
        measured = [annotated(example) for example in validation]
    reasons: list[str] = []
    if network is None:
        base, why = base_that_suits(learnt, where)
        network, base_card = read_base(base)
        reasons.append(why)
    settings, chosen = choose(learnt, base_card, seed, **wanted)
    if minutes is not None:
        settings = dataclasses.replace(settings, epochs=1)
        chosen[-1] = f"crops of {settings.imgsz} x {settings.imgsz} px from {counted(learnt)}, for {minutes:g} minutes"
    reasons += [*chosen, _describe_validation(measured)]
    run = Run(output, base, learnt, measured, settings, where)
    with _alone(run):
        settle(output, output.with_suffix(".json"))
        _begin(run, resume)
        start = {"images": len(learnt), "validation": len(measured), "epochs": settings.epochs}
        on_event({"event": "start", **start, "settings": dataclasses.asdict(settings), "messages": reasons})
        try:
            if minutes is None:
                _fit(run, network, resume, on_event, stop)
            else:
                _fit_by_clock(run, network, 60 * minutes, on_event, stop)
        except KeyboardInterrupt:
            if not (run.folder / "best.pt").exists():
                raise
        card = _finish(run, base_card)
        shutil.rmtree(run.folder)
    on_event({"event": "done", "file": str(output), **dict(card.metrics)})
    return card


def check_output(file: Path) -> None:
    """Say so if a model cannot be written under that name.

    Raises
    ------
    ParameterError
        If it does not end in ``.pt``, or is a folder.
    """
    if file.suffix != ".pt":
        raise ParameterError(f"the model would be written to {file}; expected a file name that ends in .pt")
    if file.is_dir():
        raise ParameterError(f"{file} is a folder; name a file in it, such as {file / 'my-cells.pt'}")


def _check_minutes(minutes: float | None, resume: bool, epochs: int | None) -> None:
    if minutes is not None and epochs is not None:
        raise ParameterError(f"minutes is {minutes!r} and epochs is {epochs!r}; leave one of them out")
    if minutes is not None and not (math.isfinite(minutes) and minutes > 0):
        raise ParameterError(f"minutes is {minutes!r}; expected a number above 0")
    if minutes is not None and resume:
        raise ParameterError("a training by the clock keeps nothing to resume; leave resume or the minutes out")


def _describe_validation(measured: Sequence[AnnotatedPlane]) -> str:
    if measured:
        one = len(measured) == 1
        return f"{counted(measured)} {'is' if one else 'are'} held out of training to measure it"
    return "there are too few images to hold some out: AP is measured on the training images, and too good"


def _begin(run: Run, resume: bool) -> None:
    """Make the run's folder, or make sure that the run it holds is this one."""
    facts = {
        "base": run.base,
        "settings": dataclasses.asdict(run.settings),
        "training": [plane.name for plane in run.training],
        "validation": [plane.name for plane in run.validation],
    }
    record = run.folder / "run.json"
    if resume:
        if not (run.folder / "last.pt").exists():
            raise ModelError(
                f"no training of {run.output} was interrupted on this computer, so there is none to resume; "
                f"leave out --resume to start one"
            )
        kept = read_json(record, "the record of a training", ModelError)
        changed = [key for key, value in facts.items() if kept.get(key) != value]
        if changed:
            raise ParameterError(
                f"the interrupted training of {run.output} had other {', '.join(changed)}; "
                f"resume with the same ones, or leave out --resume to start anew"
            )
        return
    if run.folder.exists():  # of a run that broke off and is not resumed
        shutil.rmtree(run.folder)
    run.folder.mkdir(parents=True)
    record.write_text(json.dumps(facts), encoding="utf-8")


def _fit(run: Run, base: nn.Module | dict[str, Any], resume: bool, on_event: Told, stop: Callable[[], bool]) -> None:
    """Run ultralytics' trainer."""
    with imported():
        from napari_fastsam.model.training.trainer import Hooks, Trainer, new_network

    settings = run.settings
    if resume and read_network(run.folder / "last.pt")[1]["epoch"] + 1 >= settings.epochs:
        return  # it broke off after its last epoch, while the best was looked through or written
    description, weights = (base, None) if isinstance(base, dict) else (_architecture(base), base)
    network = new_network(description, weights)
    crops = TrainingCrops(
        run.training, settings.imgsz, settings.scales_of(run.training), settings.crops_per_epoch, Augmentation(),
        settings.seed,
    )  # fmt: skip
    clock = {"epoch": time.perf_counter(), "batch": 0.0}

    def on_batch(epoch: int, batch: int, batches: int) -> None:
        now = time.perf_counter()
        if now - clock["batch"] > 0.3 or batch == batches:
            clock["batch"] = now
            on_event({"event": "batch", "epoch": epoch, "epochs": settings.epochs, "batch": batch, "batches": batches})

    def on_epoch(epoch: int, losses: dict[str, float], measures: dict[str, float], best: bool) -> None:
        seconds, clock["epoch"] = time.perf_counter() - clock["epoch"], time.perf_counter()
        report = {"event": "epoch", "epoch": epoch, "epochs": settings.epochs, "losses": losses, **measures}
        on_event(report | {"seconds": round(seconds, 2), "best": best})

    def score(network: nn.Module) -> dict[str, float]:
        matchings = pooled(_as_model(run, network), run.validation or run.training, CONF, IOU)
        return {"ap50": mean_ap(matchings[:1]), "ap": mean_ap(matchings)}

    arguments = {
        "epochs": settings.epochs, "batch": settings.batch, "imgsz": settings.imgsz, "seed": settings.seed,
        "optimizer": "AdamW", "lr0": settings.learning_rate, "lrf": 0.01, "cos_lr": True, "momentum": 0.9,
        "weight_decay": 0.01, "nbs": settings.batch, "warmup_epochs": min(2.0, settings.epochs / 10),
        "warmup_bias_lr": 0.0, "device": run.device.removeprefix("cuda:"), "amp": False,
    }  # fmt: skip
    hooks = Hooks(score, on_batch, on_epoch, stop)
    trainer = Trainer(network, crops, hooks, run.folder, arguments, resume=resume, measure_every=settings.measure_every)
    trainer.train()


def _fit_by_clock(
    run: Run, base: nn.Module | dict[str, Any], seconds: float, on_event: Told, stop: Callable[[], bool]
) -> None:
    """Train until the time is up, and leave the averaged network as the run's best."""
    with imported():
        from napari_fastsam.model.training.by_clock import Clock, TrainingProgress, fit
        from napari_fastsam.model.training.device_crops import DeviceCrops
        from napari_fastsam.model.training.light import Light
        from napari_fastsam.model.training.rendered import Rendered
        from napari_fastsam.model.training.trainer import LOSSES, new_network, serialised
    import torch

    settings, device = run.settings, torch.device(run.device)
    network = new_network(base) if isinstance(base, dict) else new_network(_architecture(base), base)
    crops = DeviceCrops(
        run.training, settings.imgsz, settings.scales_of(run.training), device,
        vary=Light(), render=Rendered(diameter=settings.object_size), seed=settings.seed,
    )  # fmt: skip
    clock = Clock(seconds, settings.batch, settings.learning_rate, report_every=min(2.0, seconds / 4))

    def report(progress: TrainingProgress) -> None:
        now = {"batch": min(round(progress.seconds), round(seconds)), "batches": max(1, round(seconds))}
        on_event({"event": "batch", "epoch": 1, "epochs": 1, **now})

    done = fit(network, crops, clock, device, report, stop)
    (run.folder / "best.pt").write_bytes(serialised(done.averaged.cpu(), {"imgsz": settings.imgsz, "task": "segment"}))
    losses = {LOSSES[name]: value for name, value in done.losses.items() if name in LOSSES}
    seconds = round(done.seconds, 2)
    on_event({"event": "epoch", "epoch": 1, "epochs": 1, "losses": losses, "seconds": seconds, "best": True})


def _architecture(network: Any) -> dict[str, Any]:
    return dict(network.yaml)


def _as_model(run: Run, network: nn.Module, base: Card | None = None) -> Model:
    return Model(run.output.stem, run.output, run.device, _card(run, base), prepared(network, run.device))


def _card(run: Run, base: Card | None) -> Card:
    return card_of(run.output.stem, run.base, base, run.settings, run.training, run.validation)


def _finish(run: Run, base: Card | None) -> Card:
    """Write the best checkpoint so far, and its card with thresholds and measures."""
    with imported():
        from napari_fastsam.model.training.trainer import serialised
    network, _ = read_network(run.folder / "best.pt")
    data = serialised(network, {"imgsz": run.settings.imgsz, "task": "segment"})
    planes = run.validation or run.training
    model = _as_model(run, network, base)
    model = dataclasses.replace(model, card=tuned(model, planes))
    card = dataclasses.replace(measured(model, planes), sha256=hashlib.sha256(data).hexdigest())
    _write(run.output, data, card)
    return card


def _write(path: Path, content: bytes, card: Card) -> None:
    """Write a model and its card, so that neither is ever half there nor beside another's."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with written_beside(path, content) as new:
            write_with_card(path, path.with_suffix(".json"), card, lambda: os.replace(new, path))
    except OSError as error:
        raise ModelError(
            f"the trained model cannot be written to {path}: {error.strerror or error}; nothing of it is lost: "
            f"make room there, then resume (--resume on the command line)"
        ) from error


@contextlib.contextmanager
def _alone(run: Run) -> Iterator[None]:
    """Keep other trainings of the same file away; the system lets go of the lock if this process ends.

    Raises
    ------
    ModelError
        If one goes on.
    """
    from filelock import FileLock, Timeout

    folder = cache_folder() / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / f"training-{run.folder.name}.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise ModelError(
            f"another training of {run.output} is running on this computer; wait until it ends, stop it, or train "
            f"under another name"
        ) from error
    try:
        yield
    finally:
        lock.release()
