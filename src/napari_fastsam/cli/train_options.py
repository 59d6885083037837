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
Base = Annotated[str, typer.Option(help="What to start from: a model's name or file, or yolov8n-seg.yaml for nothing.")]
Epochs = Annotated[int | None, typer.Option(help=escape("[default: by the number of images]"), show_default=False)]
Minutes = Annotated[
    float | None,
    typer.Option(
        help=escape("Train for so long, with crops made on the device: for GPUs. [default: epochs count]"),
        show_default=False,
    ),
]
Imgsz = Annotated[
    int | None,
    typer.Option(help=escape("Side of a crop in pixels. [default: by the object size]"), show_default=False),
]
ObjectSize = Annotated[
    float | None,
    typer.Option(help=escape("Pixels across that objects are brought to. [default: the base's]"), show_default=False),
]
Batch = Annotated[int | None, typer.Option(help=escape("Crops a step. [default: 16]"), show_default=False)]
LearningRate = Annotated[
    float | None, typer.Option(help=escape("At its highest. [default: by the base]"), show_default=False)
]
Validation = Annotated[
    Path | None,
    typer.Option(metavar="DATA", help=escape("Images to measure with. [default: some of DATA]"), show_default=False),
]
HoldOut = Annotated[float, typer.Option(help="Share of DATA that measures and is not learnt from.")]
Seed = Annotated[int, typer.Option(min=0, help="Of all that is drawn at random.")]
Resume = Annotated[bool, typer.Option("--resume", help="Go on with a training that broke off.")]
Progress = Annotated[Report, typer.Option(help="For a person, or JSON for a program, a line an event.")]
