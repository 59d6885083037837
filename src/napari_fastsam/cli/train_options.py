"""The options of ``napari-fastsam train``: what each is called, and what its help says."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape


class Report(StrEnum):
    """How progress is told."""

    text = "text"
    json = "json"


Data = Annotated[
    list[Path],
    typer.Argument(
        metavar="DATA…", help="Folders with images/ and labels/, YOLO data.yaml or COCO .json: one or several."
    ),
]
Output = Annotated[Path, typer.Option("-o", "--output", metavar="FILE", help="The model to write, .pt.")]
Base = Annotated[
    str,
    typer.Option(help="A model's name or file, yolov8n-seg.yaml for nothing, or auto: what suits."),
]
Epochs = Annotated[int | None, typer.Option(help=escape("[default: by the number of images]"), show_default=False)]
Minutes = Annotated[
    float | None,
    typer.Option(
        help=escape("Train for this long, with crops made on the device: for GPUs. [default: by epochs]"),
        show_default=False,
    ),
]
Imgsz = Annotated[
    int | None,
    typer.Option(help=escape("Side of a crop in pixels. [default: by the object size]"), show_default=False),
]
ObjectSize = Annotated[
    float | None,
    typer.Option(
        help=escape("Diameter in pixels that objects are scaled to. [default: the base's]"), show_default=False
    ),
]
Batch = Annotated[int | None, typer.Option(help=escape("Crops per step. [default: 16]"), show_default=False)]
LearningRate = Annotated[
    float | None, typer.Option(help=escape("Highest learning rate. [default: by the base]"), show_default=False)
]
Validation = Annotated[
    Path | None,
    typer.Option(metavar="DATA", help=escape("Images for validation. [default: some of DATA]"), show_default=False),
]
HoldOut = Annotated[float, typer.Option(help="Share of DATA held out for validation.")]
HeldOut = Annotated[
    Path | None,
    typer.Option(
        "--held-out",
        metavar="FILE",
        help=escape("File with the names of the validation images, one per line. [default: --hold-out]"),
        show_default=False,
    ),
]
Partly = Annotated[
    bool, typer.Option("--partly", help="Only labelled objects are decided: what is not labelled is not background.")
]
Seed = Annotated[int, typer.Option(min=0, help="Seed of everything random.")]
Resume = Annotated[bool, typer.Option("--resume", help="Resume an interrupted training.")]
Progress = Annotated[Report, typer.Option(help="Text for people, or JSON for programs, one line per event.")]
