"""``napari-fastsam segment``: objects of image files, all or those at prompts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn
from rich.table import Table

from napari_fastsam.cli.common import FAILED, Conf, Device, Imgsz, Iou, failures_told, progress_bar, tell
from napari_fastsam.errors import FastSAMError, ParameterError

if TYPE_CHECKING:
    from napari_fastsam.batch import Job, Outcome


class BoxFormat(StrEnum):
    """How the four numbers of a box are meant."""

    xywh = "xywh"
    xyxy = "xyxy"


def segment(
    images: Annotated[list[Path], typer.Argument(metavar="IMAGE", help="TIFF, PNG, JPEG, …")],
    output: Annotated[Path, typer.Option("-o", "--output", metavar="DIR", help="Folder for the results.")] = Path(),
    model: Annotated[str, typer.Option(help="nuclei, FastSAM-s, FastSAM-x, or a checkpoint's file.")] = "nuclei",
    device: Device = "auto",
    imgsz: Imgsz = None,
    conf: Conf = None,
    iou: Iou = None,
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
    with failures_told():
        job, targets = _prepare(
            images, output, model, device, imgsz, (conf, iou, min_area, max_area),
            (points, point_labels, boxes, box_format.value), plane, overlay,
        )  # fmt: skip
    from napari_fastsam.batch import segment_file

    outcomes: list[Outcome] = []
    with progress_bar(BarColumn(), MofNCompleteColumn(), shown=len(targets) > 1) as progress:
        for image, target in progress.track(targets.items(), description="Segmenting"):
            try:
                outcomes.append(segment_file(image, target, job))
            except FastSAMError as error:
                tell(error)
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
    thresholds: tuple[float | None, float | None, float | None, float | None],
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
    given = {key: value for key, value in zip(("conf", "iou"), thresholds[:2], strict=True) if value is not None}
    limits = Thresholds(**given, min_area=thresholds[2], max_area=thresholds[3])
    chosen_plane = _parse_plane(plane)
    targets = targets_for(images, output)
    make_folder(output)
    network = fs.load_model(model, device=device)
    network.imgsz_for((32, 32), imgsz)
    conf, iou = network.thresholds(*thresholds[:2])
    limits = replace(limits, conf=conf, iou=iou)
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
