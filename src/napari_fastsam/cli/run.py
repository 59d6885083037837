"""``napari-fastsam run``: a recipe on many images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TimeRemainingColumn
from rich.table import Table

from napari_fastsam.cli.common import DOUBTFUL, FAILED, as_is, note, progress_bar, report_errors, shown
from napari_fastsam.cli.reading_options import Channels, Contrast, PixelSize, Scene, as_parameters
from napari_fastsam.io.results.results import OutputError

if TYPE_CHECKING:
    from napari_fastsam.core.recipe import Recipe
    from napari_fastsam.runs.run import Row

_MOST_ROWS = 30


def run(
    recipe: Annotated[Path, typer.Argument(metavar="RECIPE", help="A recipe, as “Save recipe” in the dock writes it.")],
    inputs: Annotated[
        list[str], typer.Argument(metavar="INPUT", help="Images, folders, patterns, OME-Zarr images and plates.")
    ],
    output: Annotated[Path, typer.Option("-o", "--output", metavar="DIR", help="Folder for the results.")],
    scheduler: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="A running dask scheduler, as tcp://HOST:8786.")
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(min=1, help="Processes on this computer. [default: as many as it allows]", show_default=False),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Redo finished images.")] = False,
    channels: Channels = None,
    contrast: Contrast = None,
    scene: Scene = None,
    pixel_size: PixelSize = None,
    classifier: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Classes of the objects, as “Save …” of the dock Classes writes it."),
    ] = None,
    trust_paths: Annotated[
        bool, typer.Option("--trust-paths", help="Open models that the recipe names outside its folder.")
    ] = False,
) -> None:
    """Find objects in many images by a recipe, on several processors or a dask cluster.

    What is finished is kept: run the same command again after a crash, and only what is missing is done.
    """
    with report_errors():
        from napari_fastsam.io.formats.own_results import without_results
        from napari_fastsam.io.images.finding import find_inputs
        from napari_fastsam.io.recipes import load_recipe
        from napari_fastsam.runs.run import run_recipe

        read, (images, results) = load_recipe(recipe, trust_paths), without_results(find_inputs(inputs), inputs)
        if results:
            note([f"{len(results)} results of earlier runs are left out, such as {results[0]}"])
        read = _asking_for(read, as_parameters(channels, contrast, scene, pixel_size), classifier)
        columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        rows: list[Row] = []
        try:
            with progress_bar(*columns) as progress:
                task = progress.add_task(shown(recipe.name), total=len(images))

                def hear(row: Row) -> None:
                    rows.append(row)
                    progress.advance(task)

                rows = run_recipe(
                    read, images, output, scheduler=scheduler, workers=workers, force=force, reads=[recipe],
                    on_start=lambda link: progress.console.print(as_is(f"dashboard: {link}"), soft_wrap=True),
                    on_done=hear,
                )  # fmt: skip
        except OutputError:
            if rows:  # only the report could not be written
                _tell(rows, None)
            raise
    _tell(rows, output / "report.csv")
    if any(row.status == "failed" for row in rows):
        raise typer.Exit(FAILED)
    if any(row.remarks for row in rows):
        raise typer.Exit(DOUBTFUL)


def _asking_for(read: Recipe, parameters: Mapping[str, Any], classifier: Path | None) -> Recipe:
    """Return a recipe with what the command line says instead."""
    read = replace(read, parameters=replace(read.parameters, **parameters))
    if classifier is None:
        return read
    from napari_fastsam.io.classifiers import classifier_content, load_classifier

    return replace(read, classifier=classifier_content(load_classifier(classifier)))


def _tell(rows: Sequence[Row], report: Path | None) -> None:
    """Say what became of every image."""
    Console().print(_table(rows))
    failed = [row for row in rows if row.status == "failed"]
    kept = sum(row.status == "kept" for row in rows)
    where = "" if report is None else f"; report in {shown(report)}"
    typer.echo(f"{len(rows) - len(failed) - kept} done, {kept} kept, {len(failed)} failed{where}")
    note(f"{row.image}: {row.remarks}" for row in rows if row.remarks)
    for row in failed:
        which = "" if row.reason.startswith(row.image) else f"{row.image}: "
        typer.echo(f"Error: {shown(which + row.reason)}", err=True)


def _table(rows: Sequence[Row]) -> Table:
    told = any(row.remarks for row in rows)
    table = Table("image", "status", "planes", "objects", "seconds", *(["remarks"] if told else []))
    for row in rows[:_MOST_ROWS]:
        numbers = ("", "", "") if row.status == "failed" else (str(row.planes), str(row.objects), f"{row.seconds:.1f}")
        table.add_row(as_is(row.image), row.status, *numbers, *([as_is(row.remarks)] if told else []))
    if len(rows) > _MOST_ROWS:
        table.add_row(f"… and {len(rows) - _MOST_ROWS} more")
    return table
