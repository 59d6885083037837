"""What the commands share: progress on stderr, and failures as one line with an exit status."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress, TextColumn
from rich.text import Text

from napari_fastsam.errors import FastSAMError

FAILED = 2
"""Exit status of every failure that has a message."""

DOUBTFUL = 3
"""Exit status where nothing failed, but something of an image should be known before its result is believed."""

Conf = Annotated[
    float | None, typer.Option(help=escape("Lowest confidence, 0 to 1. [default: the model's]"), show_default=False)
]
Iou = Annotated[
    float | None,
    typer.Option(
        help=escape(
            "Highest overlap (IoU) of two boxes; of boxes that overlap more, the better stays. [default: the model's]"
        ),
        show_default=False,
    ),
]
Imgsz = Annotated[
    int | None,
    typer.Option(
        help=escape("Longer side that the network sees, in pixels. [default: what suits model and image]"),
        show_default=False,
    ),
]
Strict = Annotated[
    bool, typer.Option("--strict", help="Refuse annotations that are slightly off, not clip or leave them out.")
]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:N or mps.")]


@contextmanager
def progress_bar(*columns: Any, shown: bool = True) -> Iterator[Progress]:
    """Show progress on stderr if somebody is looking there, so that stdout can go into a file."""
    console = Console(stderr=True)
    with Progress(
        TextColumn("{task.description}", markup=False), *columns,
        console=console, transient=True, disable=not (shown and console.is_terminal),
        redirect_stdout=sys.stdout.isatty(),
    ) as progress:  # fmt: skip
        yield progress


@contextmanager
def report_errors() -> Iterator[None]:
    """Turn this package's errors into one line and an exit status."""
    try:
        yield
    except FastSAMError as error:
        tell(error)
        raise typer.Exit(FAILED) from error


def note(sentences: Iterable[str]) -> None:
    """Print what should be known, a line each, on stderr."""
    for sentence in sentences:
        typer.echo(f"Note: {shown(sentence)}", err=True)


def tell(error: BaseException) -> None:
    """Print an error as one line on stderr."""
    message = " ".join(str(error).split())
    typer.echo(
        "Error: " + shown(message if isinstance(error, FastSAMError) else f"{type(error).__name__}: {message}"),
        err=True,
    )


def shown(foreign: object) -> str:
    """Return what somebody else wrote, such as a file's name, as a terminal can show it.

    What would steer the terminal, and bytes that are no characters, are written as escapes.
    """
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in str(foreign))


def as_is(foreign: object) -> Text:
    """Return what somebody else wrote for a table of rich's: brackets and colons in it mean nothing."""
    return Text(shown(foreign))
