"""``napari-fastsam convert``: labels from one format of files into another."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from napari_fastsam.cli.common import report_errors, shown


def convert(
    source: Annotated[
        Path,
        typer.Argument(metavar="IN", help="A file of labels, a folder of them, or a dataset (folder, YAML, COCO)."),
    ],
    target: Annotated[Path, typer.Argument(metavar="OUT", help="A file to write, or a folder for several.")],
    format: Annotated[
        str | None,
        typer.Option(metavar="FORMAT", help="What to write; 'napari-fastsam formats' lists them. Else by OUT's name."),
    ] = None,
    image: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="The image that labels belong to, or a folder of images: for their size, and for formats with pixels.",
        ),
    ] = None,
) -> None:
    """Convert labels: any format that is read into any that is written."""
    from napari_fastsam.runs.converting import convert_labels

    with report_errors():
        for path in convert_labels(source, target, format, image):
            typer.echo(shown(path))
