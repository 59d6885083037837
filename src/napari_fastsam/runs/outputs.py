"""What a run writes, by name."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from napari_fastsam.core.recipe import Recipe
from napari_fastsam.io.formats.registry import Format
from napari_fastsam.io.images.inputs import Input
from napari_fastsam.io.recipes import formats_of
from napari_fastsam.io.results.overwriting import check_overwriting
from napari_fastsam.io.results.results import names_for


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
    RecipeError
        If the recipe names a format that is not known.
    """
    labels = formats_of(recipe.output)[0]
    # as if each were a file of its own beside the others, also the fields of a plate
    names = names_for([image.path.with_name(image.name + image.path.suffix) for image in images])
    targets = [folder / f"{name}{labels.ending}" for name in names]
    written = [path for target in targets for path in results_of(target, recipe)]
    check_overwriting([*written, *reports_in(folder)], [*(image.path for image in images), *reads])
    return targets


def results_of(target: Path, recipe: Recipe) -> list[Path]:
    """Return all files that an image may have as its result; its labels come first."""
    return list(files_of(target, recipe).values())


def files_of(target: Path, recipe: Recipe) -> dict[Format, Path]:
    """Return the file of each format that an image may have as its result; its labels come first.

    Parameters
    ----------
    target
        Where its labels go.
    recipe
        Names the formats.
    """
    labels, *others = formats_of(recipe.output)
    name = target.name.removesuffix(labels.ending)
    return {labels: target} | {other: target.with_name(name + other.ending) for other in others}


def reports_in(folder: Path) -> tuple[Path, Path]:
    """Return where JSON and CSV say what became of the images."""
    return folder / "report.json", folder / "report.csv"
