"""``napari-fastsam run``: a recipe on many images."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TimeRemainingColumn
from rich.table import Table

from napari_fastsam.cli.common import FAILED, failures_told, progress_bar

if TYPE_CHECKING:
    from napari_fastsam.runs.run import Row

_MOST_ROWS = 30


def run(
    recipe: Annotated[Path, typer.Argument(help="A recipe, as “Save recipe” in the dock writes it.")],
    inputs: Annotated[
        list[str], typer.Argument(metavar="INPUT", help="Images, folders, patterns, OME-Zarr images and plates.")
    ],
    output: Annotated[Path, typer.Option("-o", "--output", metavar="DIR", help="Folder for the results.")],
    scheduler: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="A dask scheduler that is running, as tcp://HOST:8786.")
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(min=1, help="Processes on this computer. [default: what it allows]", show_default=False),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Do again what is finished.")] = False,
) -> None:
    """Find objects in many images by a recipe, on several processors or a dask cluster.

    What is finished is kept: run the same command again after a crash, and only what is missing is done.
    """
    with failures_told():
        from napari_fastsam.io.images.inputs import find_inputs
        from napari_fastsam.io.recipes import load_recipe
        from napari_fastsam.runs.run import run_recipe

        read, images = load_recipe(recipe), find_inputs(inputs)
        columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with progress_bar(*columns) as progress:
            task = progress.add_task(recipe.name, total=len(images))
            rows = run_recipe(
                read,
                images,
                output,
                scheduler=scheduler,
                workers=workers,
                force=force,
                on_start=lambda link: progress.console.print(f"dashboard: {link}"),
                on_done=lambda row: progress.advance(task),
            )
    Console().print(_table(rows))
    failed = [row for row in rows if row.status == "failed"]
    kept = sum(row.status == "kept" for row in rows)
    typer.echo(
        f"{len(rows) - len(failed) - kept} done, {kept} kept, {len(failed)} failed; report in {output / 'report.csv'}"
    )
    for row in failed:
        which = "" if row.reason.startswith(row.image) else f"{row.image}: "
        typer.echo(f"Error: {which}{row.reason}", err=True)
    if failed:
        raise typer.Exit(FAILED)


def _table(rows: Sequence[Row]) -> Table:
    table = Table("image", "status", "planes", "objects", "seconds")
    for row in rows[:_MOST_ROWS]:
        numbers = ("", "", "") if row.status == "failed" else (str(row.planes), str(row.objects), f"{row.seconds:.1f}")
        table.add_row(row.image, row.status, *numbers)
    if len(rows) > _MOST_ROWS:
        table.add_row(f"… and {len(rows) - _MOST_ROWS} more", "", "", "", "")
    return table
