"""The command line: ``napari-fastsam``. No Qt, no viewer; torch is loaded when an image is segmented."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, DownloadColumn, MofNCompleteColumn, Progress, TextColumn, TransferSpeedColumn
from rich.table import Table

from napari_fastsam import __version__
from napari_fastsam.errors import FastSAMError, ParameterError

if TYPE_CHECKING:
    from napari_fastsam.batch import Job, Outcome

app = typer.Typer(
    help="FastSAM on microscope images: objects by click, box or all at once.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_show_locals=False,
)
models_app = typer.Typer(help="Models: what there is, where it lies, how to get it.", no_args_is_help=True)
app.add_typer(models_app, name="models")

FAILED = 2
"""Exit status of every failure that has a message."""


class BoxFormat(StrEnum):
    """How the four numbers of a box are meant."""

    xywh = "xywh"
    xyxy = "xyxy"


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


@app.command()
def segment(
    images: Annotated[list[Path], typer.Argument(metavar="IMAGE", help="TIFF, PNG, JPEG, …")],
    output: Annotated[Path, typer.Option("-o", "--output", metavar="DIR", help="Folder for the results.")] = Path(),
    model: Annotated[str, typer.Option(help="nuclei, FastSAM-s, FastSAM-x, or a checkpoint's file.")] = "nuclei",
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:N or mps.")] = "auto",
    imgsz: Annotated[
        int | None,
        typer.Option(
            help="Longer side that the network sees, in pixels. [default: what suits model and image]",
            show_default=False,
        ),
    ] = None,
    conf: Annotated[float, typer.Option(help="Lowest confidence, 0 to 1.")] = 0.25,
    iou: Annotated[float, typer.Option(help="Of two boxes that overlap more than this, the better stays.")] = 0.7,
    min_area: Annotated[float | None, typer.Option(help="Smallest object, in pixels.")] = None,
    max_area: Annotated[float | None, typer.Option(help="Largest object, in pixels.")] = None,
    points: Annotated[
        str | None, typer.Option(metavar="JSON", help=escape("'[[x, y], …]': one object at each point."))
    ] = None,
    point_labels: Annotated[
        str | None, typer.Option(metavar="JSON", help=escape("'[1, 0, …]': 1 = the object is here, 0 = it is not."))
    ] = None,
    boxes: Annotated[
        str | None, typer.Option(metavar="JSON", help=escape("'[[x, y, width, height], …]': one object in each box."))
    ] = None,
    box_format: Annotated[BoxFormat, typer.Option(help="The four numbers of a box.")] = BoxFormat.xywh,
    plane: Annotated[
        str | None, typer.Option(metavar="INDEX", help="Plane of a stack, from 0; '2,0' where it has two axes.")
    ] = None,
    overlay: Annotated[bool, typer.Option("--overlay", help="Also write a PNG with the outlines.")] = False,
) -> None:
    """Find objects in images and write a label TIFF for each, NAME_labels.tif.

    Without points and boxes all objects are found. With them, each has one object:
    label 1 is that of the first point labelled 1, and boxes count after the points.
    Points inside a box refine its object and have none of their own.
    """
    with _failures_told():
        job, targets = _prepare(
            images, output, model, device, imgsz, (conf, iou, min_area, max_area),
            (points, point_labels, boxes, box_format.value), plane, overlay,
        )  # fmt: skip
    from napari_fastsam.batch import segment_file

    outcomes: list[Outcome] = []
    with _progress(BarColumn(), MofNCompleteColumn(), shown=len(targets) > 1) as progress:
        for image, target in progress.track(targets.items(), description="Segmenting"):
            try:
                outcomes.append(segment_file(image, target, job))
            except FastSAMError as error:
                _tell(error)
            else:
                _print_outcome(outcomes[-1])
    if len(targets) > 1:
        _print_summary(outcomes, failed=len(targets) - len(outcomes))
    if len(outcomes) < len(targets):
        raise typer.Exit(FAILED)


def _prepare(
    images: Sequence[Path],
    output: Path,
    model: str,
    device: str,
    imgsz: int | None,
    thresholds: tuple[float, float, float | None, float | None],
    prompts: tuple[str | None, str | None, str | None, Any],
    plane: str | None,
    overlay: bool,
) -> tuple[Job, dict[Path, Path]]:
    """Check every option before the first image is read; return the job, and where each image's labels go."""
    import napari_fastsam as fs
    from napari_fastsam.batch import Job, targets_for
    from napari_fastsam.io.prompt_text import parse_prompts
    from napari_fastsam.io.results import make_folder
    from napari_fastsam.model.answer import Thresholds

    asked = parse_prompts(*prompts)
    limits = Thresholds(*thresholds)
    chosen_plane = _parse_plane(plane)
    targets = targets_for(images, output)
    make_folder(output)
    network = fs.load_model(model, device=device)
    network.imgsz_for((32, 32), imgsz)
    return Job(network, asked, limits, imgsz, chosen_plane, overlay), targets


def _parse_plane(text: str | None) -> tuple[int, ...] | None:
    if text is None:
        return None
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError as error:
        raise ParameterError(f"plane is {text!r}; expected a number from 0, or one an axis such as 2,0") from error


def _print_outcome(outcome: Outcome) -> None:
    objects = f"{outcome.objects} object{'' if outcome.objects == 1 else 's'}"
    replaced = " (replaced)" if outcome.replaced else ""
    typer.echo(f"{outcome.image}: {objects} in {outcome.seconds:.2f} s, {outcome.labels}{replaced}")
    for selection in outcome.unanswered:
        typer.echo(f"  {selection.prompt}: nothing found, {selection.reason}")
    for selection in outcome.covered:
        typer.echo(f"  {selection.prompt}: its object is covered by that of another prompt")


def _print_summary(outcomes: Sequence[Outcome], failed: int) -> None:
    table = Table(title=f"{len(outcomes)} images" + (f", {failed} failed" if failed else ""))
    table.add_column("image", overflow="fold")
    for heading in ("objects", "seconds", "prompts without object"):
        table.add_column(heading, justify="right")
    for outcome in outcomes:
        numbers = (str(outcome.objects), f"{outcome.seconds:.2f}", str(len(outcome.unanswered)))
        table.add_row(escape(str(outcome.image)), *numbers)
    table.add_section()
    totals = (
        sum(o.objects for o in outcomes),
        sum(o.seconds for o in outcomes),
        sum(len(o.unanswered) for o in outcomes),
    )
    table.add_row("all", str(totals[0]), f"{totals[1]:.2f}", str(totals[2]))
    Console().print(table)


@models_app.command("list")
def list_models() -> None:
    """List the models that are known by name."""
    from napari_fastsam.model import weights

    table = Table("name", "size", "licence", "state", "about")
    for entry in weights.REGISTRY:
        there = "bundled" if entry.bundled else "downloaded" if weights.is_available(entry.name) else "not downloaded"
        table.add_row(entry.name, f"{entry.bytes / 1e6:.0f} MB", entry.licence, there, escape(entry.about))
    Console().print(table)


@models_app.command("download")
def download_models(
    names: Annotated[list[str], typer.Argument(metavar="NAME", help="FastSAM-s or FastSAM-x.")],
) -> None:
    """Download models, unless they are there; print where they lie."""
    from napari_fastsam.model import weights

    with _failures_told(), _progress(BarColumn(), DownloadColumn(), TransferSpeedColumn()) as progress:
        for name in names:
            task = progress.add_task(name, total=None)

            def show(done: int, total: int, task: Any = task) -> None:
                progress.update(task, completed=done, total=total or None)

            typer.echo(weights.download(name, progress=show))


@models_app.command("path")
def model_path(
    name: Annotated[
        str | None, typer.Argument(help="A model; without one, the folder of downloads is printed.")
    ] = None,
) -> None:
    """Print where a model's file lies."""
    from napari_fastsam.model import weights

    with _failures_told():
        typer.echo(weights.cache_folder() if name is None else weights.find(name))


@contextmanager
def _progress(*columns: Any, shown: bool = True) -> Iterator[Progress]:
    """Show progress on stderr if somebody is looking there, so that stdout can go into a file."""
    console = Console(stderr=True)
    with Progress(
        TextColumn("{task.description}"), *columns,
        console=console, transient=True, disable=not (shown and console.is_terminal),
        redirect_stdout=sys.stdout.isatty(),
    ) as progress:  # fmt: skip
        yield progress


@contextmanager
def _failures_told() -> Iterator[None]:
    """Turn this package's errors into one line and an exit status."""
    try:
        yield
    except FastSAMError as error:
        _tell(error)
        raise typer.Exit(FAILED) from error


def _tell(error: FastSAMError) -> None:
    typer.echo("Error: " + " ".join(str(error).split()), err=True)


if __name__ == "__main__":
    app(prog_name="napari-fastsam")
