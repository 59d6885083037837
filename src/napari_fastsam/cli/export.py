"""``napari-fastsam export``: a model as a file for another runtime."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from napari_fastsam.cli.common import report_errors
from napari_fastsam.model.weights.formats import NAMES


def export(
    model: Annotated[
        str, typer.Option(help="nuclei, microscopy, FastSAM-s, FastSAM-x, your own model's name, or a .pt file.")
    ] = "nuclei",
    format: Annotated[str, typer.Option(metavar="NAME", help=f"{', '.join(NAMES)}.")] = "onnx",
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            metavar="FILE",
            show_default=False,
            help=escape("A name with the format's ending, or a folder. [default: here, under the model's name]"),
        ),
    ] = None,
    imgsz: Annotated[
        int | None,
        typer.Option(
            show_default=False,
            help=escape("Side of the input in pixels, if it is fixed. [default: the model's, or 1024]"),
        ),
    ] = None,
    half: Annotated[
        bool, typer.Option("--half", help="16-bit weights: half the size, not quite the same objects.")
    ] = False,
    dynamic: Annotated[
        bool | None,
        typer.Option(
            "--dynamic/--no-dynamic",
            show_default=False,
            help=escape("Accept images of any size. [default: if the format can]"),
        ),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="A YOLO data.yaml with example images, for formats of 8-bit integers."),
    ] = None,
    device: Annotated[str, typer.Option(help="Where the export runs: auto, cpu, cuda, cuda:N or mps.")] = "cpu",
) -> None:
    """Export a model, so that another runtime runs it, here or elsewhere.

    The file is used like a checkpoint: as --model, in Python, in the dock.
    Its card is written beside it. Nothing is installed or fetched.
    """
    from napari_fastsam.model.export.export import export_model

    with report_errors():
        made = export_model(model, format, output, imgsz, half, dynamic, data, device)
    sizes = "images of every size" if made.imgsz is None else f"{made.imgsz} × {made.imgsz} pixels"
    replaced = " (replaced)" if made.replaced else ""
    typer.echo(f"{made.path}: {made.format.title}, {made.bytes / 1e6:.1f} MB, {sizes}{replaced}")
