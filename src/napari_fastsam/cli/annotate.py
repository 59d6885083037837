"""``napari-fastsam annotate``: a folder of images in napari, with the docks that it takes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from napari_fastsam.cli.common import note, report_errors


def annotate(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="A folder with images, in folders below it too.")],
    planes: Annotated[
        bool, typer.Option("--planes", help="Each plane of a stack is an image of its own, the first time too.")
    ] = False,
    effort: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Only write what the labels of each image took, as CSV, and open nothing."),
    ] = None,
) -> None:
    """Annotate a folder of images in napari: what you do is saved step by step beside them."""
    from napari_fastsam.io.projects.effort import labelled_images
    from napari_fastsam.io.projects.project import open_project
    from napari_fastsam.io.results.efforts import write_efforts

    with report_errors():
        project = open_project(folder, planes or None)
        if effort is not None:
            write_efforts(effort, labelled_images((image.name for image in project.images), project.states()))
            project.close()
            return
        note(project.notes)
        project.close()
        # A process of its own: this one starts no Qt.
        command = [sys.executable, "-m", "napari_fastsam.widgets.project", str(folder)]
        raise typer.Exit(subprocess.run(command, check=False).returncode)
