"""``napari-fastsam train-corrections``: a correcting network from annotated images."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn

from napari_fastsam.cli.common import Device, progress_bar, report_errors
from napari_fastsam.cli.train import interrupt_sets
from napari_fastsam.cli.train_options import Progress, Report
from napari_fastsam.errors import ParameterError
from napari_fastsam.io.annotations.datasets import Example, read_dataset
from napari_fastsam.io.annotations.splits import names_in
from napari_fastsam.io.results.results import make_folder

if TYPE_CHECKING:
    from napari_fastsam.model.correcting.training.images import LabelledPicture


def train_corrections(
    data: Annotated[
        list[Path],
        typer.Argument(metavar="DATA…", help="Folders with images/ and labels/, YOLO data.yamls, COCO .jsons."),
    ],
    output: Annotated[Path, typer.Option("-o", "--output", metavar="FILE", help="The weights to write, .pt.")],
    minutes: Annotated[float, typer.Option(help="Minutes to train.")] = 60.0,
    base: Annotated[
        str, typer.Option(help="Weights to start from: corrections (the package's), a file, or none.")
    ] = "corrections",
    widths: Annotated[
        str | None,
        typer.Option(
            help=escape("Channels of a network trained from scratch. [default: 16,32,48,64]"), show_default=False
        ),
    ] = None,
    cells: Annotated[
        int | None,
        typer.Option(
            help=escape("Side of a window of a network trained from scratch. [default: 64]"), show_default=False
        ),
    ] = None,
    batch: Annotated[int, typer.Option(help="Windows per step: 512 on a GPU.")] = 64,
    learning_rate: Annotated[float, typer.Option(help="Highest learning rate.")] = 1e-3,
    hold_out: Annotated[float, typer.Option(help="Share of each kind of image held out for validation.")] = 0.1,
    held_out: Annotated[
        Path | None,
        typer.Option("--held-out", metavar="FILE", help="File with the names of the validation images, one per line."),
    ] = None,
    device: Device = "auto",
    seed: Annotated[int, typer.Option(min=0, help="Seed of everything random.")] = 0,
    resume: Annotated[bool, typer.Option("--resume", help="Resume an interrupted training.")] = False,
    progress: Progress = Report.text,
) -> None:
    """Train the network that turns a mask and clicks into the mask that is meant.

    It learns from label images alone: first masks and clicks are made up. What is
    learnt is kept every minute. Ctrl-C ends the training and writes what there is;
    after a crash, the same command with --resume goes on.
    """
    stop = threading.Event()
    with report_errors(), interrupt_sets(stop):
        examples = [example for folder in data for example in _examples(folder)]
        from napari_fastsam.model.correcting.training.preparation import split
        from napari_fastsam.model.correcting.training.training import CorrectionTraining
        from napari_fastsam.model.correcting.training.training import train_corrections as train

        wanted = {"cells": cells, "widths": None if widths is None else _widths(widths)}
        settings = CorrectionTraining(
            seconds=60 * minutes, batch=batch, learning_rate=learning_rate, seed=seed, device=device,
            **{name: value for name, value in wanted.items() if value is not None},  # type: ignore[arg-type]
        )  # fmt: skip
        names = None if held_out is None else names_in(held_out)
        learnt, measured = split(examples, hold_out, names, seed)
        start = _base(base, anew=bool(wanted["cells"] or wanted["widths"]))
        make_folder(output.parent)
        train(
            _read(learnt, "Reading"), output, settings, held_out=_read(measured, "Reading what is held out"),
            base=start, resume=resume, on_event=_tell if progress is Report.text else _tell_json, stop=stop.is_set,
        )  # fmt: skip


def _examples(path: Path) -> Sequence[Example]:
    dataset = read_dataset(path)
    return read_dataset(path, "train").examples if dataset.splits else dataset.examples


def _read(examples: Sequence[Example], what: str) -> list[LabelledPicture]:
    from napari_fastsam.model.correcting.training.preparation import labelled_pictures

    with progress_bar(BarColumn(), MofNCompleteColumn()) as bar:
        task = bar.add_task(what, total=len(examples))
        return labelled_pictures(examples, lambda done, _: bar.update(task, completed=done))


def _base(base: str, anew: bool) -> Path | None:
    from napari_fastsam.model.correcting.weights import BUNDLED_CORRECTIONS

    if base == "none" or (anew and base == "corrections"):
        return None
    if base == "corrections":
        return BUNDLED_CORRECTIONS if BUNDLED_CORRECTIONS.is_file() else None
    if anew:
        raise ParameterError("--widths and --cells are for a network that starts anew; leave them, or say --base none")
    return Path(base).expanduser()


def _widths(text: str) -> tuple[int, ...]:
    try:
        widths = tuple(int(part) for part in text.split(","))
    except ValueError:
        widths = ()
    if not (3 <= len(widths) <= 5 and all(4 <= w <= 512 and w % 4 == 0 for w in widths)):
        raise ParameterError(
            f"--widths is {text!r}; expected three to five multiples of 4 up to 512, such as 16,32,48,64"
        )
    return widths


def _tell(event: dict[str, Any]) -> None:
    if event["event"] == "start":
        typer.echo(
            f"- {event['objects']:,} objects of {event['images']} images to learn from, {event['held_out']} images "
            f"held out; {event['parameters']:,} parameters, on {event['device']}"
        )
    elif event["event"] == "progress":
        ious = ", ".join(f"{k}: {value:.3f}" for k, value in event["iou"].items() if k in ("0", "1", "3", "5", "10"))
        typer.echo(
            f"{event['seconds']} of {event['of']} s: step {event['step']}, loss {event['loss']:.3f}; "
            f"IoU by clicks {ious}"
        )
    elif event["event"] == "done":
        figures = {key: value for key, value in event["measures"].items() if "," not in key}
        ious = "; held out: " + ", ".join(f"{k} {v:.3f}" for k, v in figures.items()) if figures else ""
        typer.echo(f"Written: {event['file']}, its card is {Path(event['file']).with_suffix('.json').name}{ious}")


def _tell_json(event: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(event) + "\n")
    sys.stdout.flush()
