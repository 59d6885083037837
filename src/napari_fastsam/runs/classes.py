"""The classes of the objects that a run finds, by the classifier of its recipe."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from napari_fastsam.core.classes.learning import classify
from napari_fastsam.core.planes.tiling import Tiling
from napari_fastsam.core.recipe import Recipe
from napari_fastsam.core.results.result import Index
from napari_fastsam.io.classifiers import classifier_from
from napari_fastsam.io.images.inputs import Input
from napari_fastsam.model.asking.describing import describe_labels
from napari_fastsam.model.network.segmenter import Model
from napari_fastsam.runs.tasks import PlaneLabels


def with_classes(
    model: Model,
    recipe: Recipe,
    image: Input,
    find: Callable[[Any], Iterator[tuple[Index, PlaneLabels]]],
    onto: Any = None,
) -> Iterator[tuple[Index, PlaneLabels]]:
    """Yield each plane that is found, with the classes of its objects; costs another pass of the network.

    Parameters
    ----------
    model
        The recipe's network.
    recipe
        Has a classifier.
    image
        What is worked on.
    find
        Yields the planes; given where a large one may be painted.
    onto
        Handed to `find`.

    Raises
    ------
    ParameterError
        If the classifier takes objects as another network describes them.
    """
    classifier, asked = classifier_from(recipe.classifier, "recipe.classifier"), recipe.parameters
    tiling = Tiling(recipe.tiling.diameter, recipe.tiling.scale)
    for index, plane in find(onto):
        objects = describe_labels(
            model, image.lazy(index), np.asarray(plane.labels[:, :]),
            contrast_limits=asked.shown_limits, imgsz=asked.imgsz, tiling=tiling,
        )  # fmt: skip
        found = classify(classifier, objects)
        named = (
            replace(one, class_name=found[one.number].name) if one.number in found else one for one in plane.objects
        )
        yield index, replace(plane, objects=tuple(named))
