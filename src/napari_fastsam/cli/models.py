"""``napari-fastsam models``: what there is, where it lies, how to get it."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, DownloadColumn, TransferSpeedColumn
from rich.table import Table

from napari_fastsam.cli.common import failures_told, progress_bar

models_app = typer.Typer(help="Models: what there is, where it lies, how to get it.", no_args_is_help=True)


@models_app.command("list")
def list_models() -> None:
    """List what is known by name: models and text encoders of the plugin, and your own models."""
    from napari_fastsam.model.weights import weights
    from napari_fastsam.model.weights.own_models import own_models, size_of

    table = Table("name", "size", "licence", "state", "about")
    for entry in (*weights.REGISTRY, *weights.TEXT_ENCODERS):
        got = weights.is_available(entry.name, entry.purpose)
        there = "bundled" if entry.bundled else "downloaded" if got else "not downloaded"
        table.add_row(entry.name, entry.megabytes, entry.licence, there, escape(entry.about))
    for own in own_models():
        about = escape(own.problem or own.card.description)
        table.add_row(escape(own.name), f"{size_of(own.path) / 1e6:.0f} MB", escape(own.card.licence), "yours", about)
    Console().print(table)


@models_app.command("download")
def download_models(
    names: Annotated[list[str], typer.Argument(metavar="NAME", help="FastSAM-s, FastSAM-x, or ViT-B/32 for texts.")],
) -> None:
    """Download models, unless they are there; print where they lie."""
    from napari_fastsam.model.weights import weights

    with failures_told(), progress_bar(BarColumn(), DownloadColumn(), TransferSpeedColumn()) as progress:
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
    from napari_fastsam.model.weights import weights

    with failures_told():
        entry = None if name is None else weights.known(name, None)
        purpose = "segmentation" if entry is None else entry.purpose
        typer.echo(weights.cache_folder() if name is None else weights.find(name, purpose))
