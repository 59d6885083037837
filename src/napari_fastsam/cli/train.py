"""``napari-fastsam train``: a model of one's own from annotated images."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import Any

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from napari_fastsam.cli import train_options as option
from napari_fastsam.cli.common import FAILED, Device, Strict, tell
from napari_fastsam.errors import DatasetError, DeviceError, FastSAMError, ParameterError
from napari_fastsam.io.annotations.datasets import Example, read_dataset, read_datasets
from napari_fastsam.io.annotations.examples import remarks_of
from napari_fastsam.io.annotations.splits import names_in
from napari_fastsam.io.results.overwriting import check_overwriting
from napari_fastsam.io.results.results import make_folder
from napari_fastsam.model.network.device import is_of_memory

_INTERRUPTED = 130
"""Exit status after Ctrl-C, as shells have it."""


def train(
    data: option.Data,
    output: option.Output,
    base: option.Base = "auto",
    epochs: option.Epochs = None,
    minutes: option.Minutes = None,
    imgsz: option.Imgsz = None,
    object_size: option.ObjectSize = None,
    batch: option.Batch = None,
    learning_rate: option.LearningRate = None,
    validation: option.Validation = None,
    hold_out: option.HoldOut = 0.1,
    held_out: option.HeldOut = None,
    partly: option.Partly = False,
    device: Device = "auto",
    seed: option.Seed = 0,
    strict: Strict = False,
    resume: option.Resume = False,
    progress: option.Progress = option.Report.text,
) -> None:
    """Train a model and write it with its card, FILE.json.

    Settings you leave out are chosen from the data and printed. Ctrl-C ends the training
    and keeps the best so far; after a crash, run the same command with --resume.
    """
    listener = _JsonLines() if progress is option.Report.json else _Text(output)
    stop = threading.Event()
    if progress is option.Report.json:
        threading.Thread(target=_wait_for_stop, args=(stop,), daemon=True).start()
    try:
        with listener, interrupt_sets(stop):
            examples, measured, reasons = _examples(data, validation, strict)
            examples, measured = _held_out(examples, measured, held_out)
            if partly:
                examples = [replace(example, complete=False) for example in examples]
            from napari_fastsam.model.training.training import check_output
            from napari_fastsam.model.training.training import train as train_model

            check_output(output)
            read = [f for e in (*examples, *(measured or ())) for f in (e.path, e.truth.file)]
            check_overwriting([output, output.with_suffix(".json")], [*_named(data, validation), *read])
            make_folder(output.parent)

            def hear(event: dict[str, Any]) -> None:
                more = {"messages": [*reasons, *event["messages"]]} if event["event"] == "start" else {}
                listener.hear(event | more)

            train_model(
                examples, output, base, validation=measured, hold_out=hold_out, seed=seed, device=device,
                resume=resume, minutes=minutes, on_event=hear, stop=stop.is_set, epochs=epochs, imgsz=imgsz,
                object_size=object_size, batch=batch, learning_rate=learning_rate,
            )  # fmt: skip
    except FastSAMError as error:
        listener.fail(error)
        raise typer.Exit(FAILED) from error
    except (MemoryError, RuntimeError) as error:
        if not is_of_memory(error):
            raise
        told = DeviceError("out of memory; take a smaller --batch or --imgsz, or --device cpu")
        listener.fail(told)
        raise typer.Exit(FAILED) from error
    except KeyboardInterrupt:
        typer.echo("Stopped before anything was written. The same command with --resume may go on.", err=True)
        raise typer.Exit(_INTERRUPTED) from None


def _examples(
    data: Sequence[Path], validation: Path | None, strict: bool
) -> tuple[Sequence[Example], Sequence[Example] | None, list[str]]:
    """Return what is learnt from, what measures it where that is said, and what is to be told of them.

    What measures is not learnt from. Where nothing would be left to learn from, as in data whose train and val are the
    same images, it is as if there were no val.
    """
    learnt, measured, reasons = _parted(data, validation, strict)
    return learnt, measured, [*remarks_of([*learnt, *(measured or ())]), *reasons]


def _parted(
    data: Sequence[Path], validation: Path | None, strict: bool
) -> tuple[Sequence[Example], Sequence[Example] | None, list[str]]:
    """Return what is learnt from, what measures it, and how they were kept apart."""
    learnt = read_datasets(data, "train", strict)
    if validation is not None:
        measured = read_dataset(validation, strict=strict).examples
    elif with_val := [path for path in data if "val" in read_dataset(path).splits]:
        measured = read_datasets(with_val, "val", strict)
    else:
        return learnt, None, []
    files = {example.path.resolve() for example in measured}
    left = [example for example in learnt if example.path.resolve() not in files]
    if not left:
        return learnt, None, ["the validation images are the training images: as if none had been named for validation"]
    both = len(learnt) - len(left)
    return (
        left,
        measured,
        [f"{both} of the {len(measured)} validation images were listed for training too; they only validate"]
        if both
        else [],
    )


def _held_out(
    examples: Sequence[Example], measured: Sequence[Example] | None, file: Path | None
) -> tuple[Sequence[Example], Sequence[Example] | None]:
    """Return what is learnt from, and what measures it: the images whose names a file has, if there is one.

    Raises
    ------
    ParameterError
        If other data are named to measure with too, or no image is left to learn from.
    DatasetError
        If the file cannot be read, or names an image that is not there.
    """
    if file is None:
        return examples, measured
    if measured is not None:
        raise ParameterError(
            f"--held-out names {file}, and there are images for validation already (--validation, or val in the data); "
            "leave one of them out"
        )
    names = names_in(file)
    if missing := sorted(names - {example.name.rsplit("/", 1)[-1] for example in examples}):
        raise DatasetError(f"{file} names {missing[0]}, and no image is called so; take the line away")
    chosen = [example for example in examples if example.name.rsplit("/", 1)[-1] in names]
    left = [example for example in examples if example not in chosen]
    if not left or not chosen:
        raise ParameterError(f"{file} names {len(chosen)} of {len(examples)} images; expected some, and not all")
    return left, chosen


def _named(data: Sequence[Path], validation: Path | None) -> list[Path]:
    """Return the files that were named as data; folders are not read themselves."""
    return [path for path in (*data, validation) if path is not None and not path.is_dir()]


@contextmanager
def interrupt_sets(stop: threading.Event) -> Iterator[None]:
    """Let the first Ctrl-C end the training in good order, and the second one at once."""

    def interrupted(number: int, frame: FrameType | None) -> None:
        if stop.is_set():
            signal.default_int_handler(number, frame)
        stop.set()
        typer.echo("Stopping after this batch, to keep the best so far; once more: at once.", err=True)

    before = signal.signal(signal.SIGINT, interrupted)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _wait_for_stop(stop: threading.Event) -> None:
    """Set `stop` when the program that started this one says so, or is gone."""
    for line in sys.stdin:
        if line.strip() == "stop":
            break
    stop.set()


class _JsonLines:
    """Progress for a program: a JSON object a line."""

    def __enter__(self) -> _JsonLines:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing to close."""

    def hear(self, event: dict[str, Any]) -> None:
        try:
            if "messages" in event:
                event = event | {"said": event["messages"]}  # the key's name before 0.1.0, for programs that read it
            sys.stdout.write(json.dumps(event) + "\n")
            sys.stdout.flush()
        except BrokenPipeError:
            # who listened is gone, which ends the training through stdin: the best so far is still written
            sys.stdout = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - until the process ends

    def fail(self, error: FastSAMError) -> None:
        self.hear({"event": "error", "message": " ".join(str(error).split())})


class _Text:
    """Progress for a person: a bar on stderr, a line an epoch on stdout."""

    def __init__(self, output: Path) -> None:
        self._output = output
        console = Console(stderr=True)
        self._bar = Progress(
            TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn(),
            console=console, transient=True, disable=not console.is_terminal,
            redirect_stdout=sys.stdout.isatty(),
        )  # fmt: skip
        self._task = self._bar.add_task("reading images", total=None)

    def __enter__(self) -> _Text:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def hear(self, event: dict[str, Any]) -> None:
        kind = event["event"]
        if kind == "start":
            for line in event["messages"]:
                typer.echo(f"- {line}")
        elif kind == "batch":
            done = event["epoch"] - 1 + event["batch"] / event["batches"]
            what = f"epoch {event['epoch']} of {event['epochs']}"
            self._bar.update(self._task, description=what, completed=done, total=event["epochs"])
        elif kind == "epoch":
            typer.echo(_epoch_line(event))
        elif kind == "done":
            measured = f"AP50 {event['ap50']:.3f}, mean AP {event['ap']:.3f}"
            typer.echo(f"{self._output}: {measured}; its card is {self._output.with_suffix('.json').name}")

    def fail(self, error: FastSAMError) -> None:
        tell(error)


def _epoch_line(event: dict[str, Any]) -> str:
    losses = ", ".join(f"{name} {value:.3f}" for name, value in event["losses"].items())
    measured = f"; AP50 {event['ap50']:.3f}, mean AP {event['ap']:.3f}" if "ap" in event else ""
    best = " (best so far)" if event["best"] else ""
    return f"epoch {event['epoch']}/{event['epochs']}: loss {losses}{measured}{best}, {event['seconds']:.0f} s"
