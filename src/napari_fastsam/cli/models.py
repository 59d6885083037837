"""``napari-fastsam models``: what there is, where it lies, how to get it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, TransferSpeedColumn
from rich.table import Table

from napari_fastsam.cli.common import as_is, progress_bar, report_errors, shown

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
        table.add_row(*map(as_is, (entry.name, entry.megabytes, entry.licence, there, entry.about)))
    for own in own_models():
        about, size = own.problem or own.card.description, f"{size_of(own.path) / 1e6:.0f} MB"
        table.add_row(*map(as_is, (own.name, size, own.card.licence, "yours", about)))
    Console().print(table)


@models_app.command("download")
def download_models(
    names: Annotated[list[str], typer.Argument(metavar="NAME", help="FastSAM-s, FastSAM-x, or ViT-B/32 for texts.")],
) -> None:
    """Download models, unless they are there; print where they lie."""
    from napari_fastsam.model.weights import weights

    with report_errors(), progress_bar(BarColumn(), DownloadColumn(), TransferSpeedColumn()) as progress:
        for name in names:
            task = progress.add_task(shown(name), total=None)

            def show(done: int, total: int, task: Any = task) -> None:
                progress.update(task, completed=done, total=total or None)

            typer.echo(weights.download(name, progress=show))


@models_app.command("path")
def model_path(
    name: Annotated[str | None, typer.Argument(help="A model; if left out, the download folder is printed.")] = None,
) -> None:
    """Print where a model's file lies."""
    from napari_fastsam.model.weights import weights

    with report_errors():
        entry = None if name is None else weights.known(name, None)
        purpose = "segmentation" if entry is None else entry.purpose
        typer.echo(weights.cache_folder() if name is None else weights.find(name, purpose))


@models_app.command("trust")
def trust_export(
    path: Annotated[Path, typer.Argument(help="An exported model, file or folder.")],
) -> None:
    """Let an exported model that is a program run here, as it is now; ONNX and OpenVINO need no trust.

    TorchScript, TensorFlow, TensorRT and others are programs: trust only whom you would let run one.
    """
    from napari_fastsam.errors import ModelError
    from napari_fastsam.model.weights.formats import exported_at
    from napari_fastsam.model.weights.trust import list_path, trust

    with report_errors():
        export = exported_at(path)
        if export is None:
            raise ModelError(f"{path} is no exported model; expected a file or folder as 'napari-fastsam export' makes")
        typer.echo(f"{trust(export.absolute())}  {export.name}")
        typer.echo(f"may run here from now on, by the list in {list_path()}", err=True)


@models_app.command("convert")
def convert_model(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A checkpoint that was refused.")],
    output: Annotated[Path, typer.Option("-o", "--output", metavar="FILE", help="The file to write, .pt.")],
) -> None:
    """Take a network's weights and description alone out of a checkpoint.

    Nothing of the checkpoint runs. Whatever else it holds is left out.
    """
    from napari_fastsam.errors import ModelError, ParameterError
    from napari_fastsam.model.network.checkpoint import convert

    with report_errors():
        if output.suffix != ".pt" or output.is_dir():
            raise ParameterError(f"the model would be written to {output}; expected a file name that ends in .pt")
        if not file.is_file():
            raise ModelError(f"there is no file {file}; expected a checkpoint, a .pt file")
        if output.resolve() == file.resolve():
            raise ParameterError(f"{output} is the file that is read; choose another name")
        convert(file, output)
        typer.echo(output)
