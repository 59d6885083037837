"""``napari-fastsam replay``: all labels of a folder made again, with another model or other thresholds."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from napari_fastsam.cli.common import FAILED, Conf, Device, Iou, note, report_errors, shown, tell

if TYPE_CHECKING:
    from napari_fastsam.core.judging.replay import Change
    from napari_fastsam.io.projects.project import Project
    from napari_fastsam.model.asking.repeating import Replay


def replay(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="A folder that was annotated.")],
    model: Annotated[
        str | None, typer.Option(help="A name or a checkpoint's file. [default: the one each label was made with]")
    ] = None,
    conf: Conf = None,
    iou: Iou = None,
    min_area: Annotated[float | None, typer.Option(help="Smallest object, in pixels.")] = None,
    max_area: Annotated[float | None, typer.Option(help="Largest object, in pixels.")] = None,
    device: Device = "auto",
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FILE", help="What became of each object, as CSV.")
    ] = None,
    take: Annotated[
        bool,
        typer.Option("--take", help="Take what was made for the labels; without it, these stay."),
    ] = False,
) -> None:
    """Make all labels of an annotated folder again; those that were corrected or drawn by hand are kept."""
    from napari_fastsam.io.projects.project import open_project
    from napari_fastsam.io.projects.replays import write_changes
    from napari_fastsam.model.asking.repeating import Replay

    with report_errors():
        project = open_project(folder)
        note(project.notes)
        try:
            changes, failed = _made_again(project, Replay(model, conf, iou, min_area, max_area), device, take)
            if output is not None:
                write_changes(output, changes)
        finally:
            project.close()
    if failed:
        raise typer.Exit(FAILED)


def _made_again(
    project: Project, asked: Replay, device: str, take: bool
) -> tuple[list[tuple[str, tuple[Change, ...]]], bool]:
    """Make labels again and say of each image what became of them; returns the changes, and whether anything failed."""
    from napari_fastsam.errors import FastSAMError, LabelsError
    from napari_fastsam.io.projects.replays import told
    from napari_fastsam.layers.projects.replayed import replay_images
    from napari_fastsam.layers.projects.replayed import take as take_labels
    from napari_fastsam.layers.projects.replaying import ReplayNetworks

    if not project.writable:
        raise LabelsError(f"{project.folder} is open in another window; close it there, and run this again")
    found: list[tuple[str, tuple[Change, ...]]] = []
    failed = False
    for one in replay_images(project.images, asked, ReplayNetworks(device)):
        try:
            if one.error is not None:
                raise one.error
            if take:
                take_labels(one.image)
        except FastSAMError as error:
            tell(error)
            failed = True
            continue
        note(f"{one.image.name}: {sentence}" for sentence in one.notes)
        typer.echo(f"{shown(one.image.name)}: {told(one.changes)}")
        found.append((one.image.name, one.changes))
    if not found and not failed:
        raise LabelsError(f"{project.folder} has no labels yet; annotate it first")
    return found, failed
