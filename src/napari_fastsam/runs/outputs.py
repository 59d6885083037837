"""What a run writes, by name."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from napari_fastsam.core.recipe import Recipe
from napari_fastsam.io.images.inputs import Input
from napari_fastsam.io.results.overwriting import check_overwriting
from napari_fastsam.io.results.results import names_for

_LABELS = {"tiff": "_labels.tif", "zarr": "_labels.zarr"}


def targets_of(images: Sequence[Input], recipe: Recipe, folder: Path, reads: Sequence[Path] = ()) -> list[Path]:
    """Return where the labels of each image go.

    Parameters
    ----------
    images, recipe, folder
        What is segmented, how, and where results go.
    reads
        What else is read and must not be overwritten, such as the recipe's file.

    Raises
    ------
    ParameterError
        If one of the files that will be written, reports included, is one that is read, or if two would be one.
    """
    # as if each were a file of its own beside the others, also the fields of a plate
    names = names_for([image.path.with_name(image.name + image.path.suffix) for image in images])
    targets = [folder / f"{name}{_LABELS[recipe.output.format]}" for name in names]
    written = [path for target in targets for path in results_of(target, recipe)]
    check_overwriting([*written, *reports_in(folder)], [*(image.path for image in images), *reads])
    return targets


def results_of(target: Path, recipe: Recipe) -> list[Path]:
    """Return all files that an image may have as its result; its labels come first."""
    table = [] if recipe.output.measurements is None else [table_of(target, recipe.output.measurements)]
    return [target, *table, *([overlay_of(target)] if recipe.output.overlay else [])]


def reports_in(folder: Path) -> tuple[Path, Path]:
    """Return where JSON and CSV say what became of the images."""
    return folder / "report.json", folder / "report.csv"


def table_of(target: Path, kind: str) -> Path:
    """Return where the measurements of an image go."""
    return _with_ending(target, f"_measurements.{kind}")


def overlay_of(target: Path) -> Path:
    """Return where the picture of an image with its outlines goes."""
    return _with_ending(target, "_overlay.png")


def _with_ending(target: Path, ending: str) -> Path:
    name = target.name
    for labels in _LABELS.values():
        name = name.removesuffix(labels)
    return target.with_name(name + ending)
