"""The command line: ``napari-fastsam``. No Qt, no viewer; torch is loaded when a network is needed.

One module a command.
"""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from napari_fastsam.cli.annotate import annotate
from napari_fastsam.cli.convert import convert
from napari_fastsam.cli.evaluate import evaluate
from napari_fastsam.cli.export import export
from napari_fastsam.cli.formats import formats
from napari_fastsam.cli.models import models_app
from napari_fastsam.cli.reading_options import ReadingCommand
from napari_fastsam.cli.replay import replay
from napari_fastsam.cli.run import run
from napari_fastsam.cli.segment import segment
from napari_fastsam.cli.segment_options import SegmentCommand
from napari_fastsam.cli.train import train
from napari_fastsam.cli.train_corrections import train_corrections
from napari_fastsam.cli.usage import OneLineGroup
from napari_fastsam.version import __version__

app = typer.Typer(
    cls=OneLineGroup,
    help="FastSAM on microscope images: objects by click, box or all at once.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_show_locals=False,
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"napari-fastsam {__version__}")
        raise typer.Exit


@app.callback()
def main(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and stop.")
    ] = False,
) -> None:
    """Find objects with FastSAM."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # the encoding of a pipe may lack signs, as on Windows


@app.command()
def demo(
    screenshot: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Save a picture of the window and close it.")
    ] = None,
) -> None:
    """Open a sample in napari, place prompts, and draw the objects."""
    # A process of its own: this one starts no Qt.
    command = [sys.executable, "-m", "napari_fastsam.demo"]
    if screenshot is not None:
        command += ["--screenshot", str(screenshot)]
    raise typer.Exit(subprocess.run(command, check=False).returncode)


app.command(cls=SegmentCommand)(segment)
app.command(cls=ReadingCommand)(run)
app.command()(formats)
app.command()(annotate)
app.command()(replay)
app.command()(convert)
app.command()(evaluate)
app.command()(train)
app.command("train-corrections")(train_corrections)
app.command()(export)
app.add_typer(models_app, name="models")
