"""A plain recipe, run on images."""

from pathlib import Path

from napari_fastsam.core.recipe import Parameters, Recipe
from napari_fastsam.io.images.inputs import Input
from napari_fastsam.runs.run import run_recipe

PLAIN = Recipe(parameters=Parameters(contrast_limits=(0.0, 80.0)))


def run(recipe, images, folder, scheduler, **options):
    rows = run_recipe(recipe, [i if isinstance(i, Input) else Input(i) for i in images], folder, scheduler=scheduler,
                      **options)  # fmt: skip
    return {Path(row.image).name: row for row in rows}
