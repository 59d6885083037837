"""What a run has found of an image, into all files that its recipe asks for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from napari_fastsam.core.prompts.prompts import Prompts
from napari_fastsam.core.recipe import Recipe
from napari_fastsam.core.results.provenance import Provenance
from napari_fastsam.core.results.result import Index, ResultObject, SegmentationResult
from napari_fastsam.io.exemplars import exemplars_from
from napari_fastsam.io.formats.registry import Format
from napari_fastsam.io.images.inputs import Input
from napari_fastsam.model.correcting.weights import default_corrector
from napari_fastsam.model.network.segmenter import Model
from napari_fastsam.model.weights.weights import sha256_of
from napari_fastsam.runs.tasks import PlaneLabels
from napari_fastsam.version import __version__


class RunLabels:
    """The label image of a run, made plane by plane, once.

    Parameters
    ----------
    shape
        Of all of it, rows and columns last.
    find
        Yields each plane's index and labels, in order; given where a large plane may be painted.
    axis
        Along which the objects are linked; None = they are not.

    Attributes
    ----------
    shape
        As given.
    objects
        Of the planes that were given so far; of planes that were linked each counts once.
    """

    def __init__(
        self,
        shape: tuple[int, ...],
        find: Callable[[Any], Iterator[tuple[Index, PlaneLabels]]],
        axis: int | None,
    ) -> None:
        self.shape = shape
        self.objects: list[ResultObject] = []
        self._find, self._axis = find, axis

    def planes(self, onto: Any = None) -> Iterator[tuple[Index, Any]]:
        """Yield each plane's index and its labels, in order."""
        noted = set()
        for index, found in self._find(onto):
            place = tuple(None if axis == self._axis else at for axis, at in enumerate(index))
            if place not in noted:
                noted.add(place)
                self.objects += [replace(one, place=place) for one in found.objects]
            yield index, found.labels


def write_results(result: SegmentationResult, files: Mapping[Format, Path]) -> list[Path]:
    """Write a result in every format that can hold it.

    Parameters
    ----------
    result
        Its planes may be made as they are asked for: they are asked for once.
    files
        Where each format goes. The first keeps the labels, and the others are made of what it has kept, so that no
        stack need be in memory.

    Returns
    -------
    list of Path
        What was written.
    """
    (first, target), *others = files.items()
    first.write(result, target)
    written = [target]
    if others:
        result = replace(result, labels=first.read(target).labels)
    for other, path in others:
        if other.suits(result):
            other.write(result, path)
            written.append(path)
    return written


def provenance_of(recipe: Recipe, image: Input, model: Model) -> Provenance:
    """Return how the labels of an image come about by a recipe."""
    asked, search, linking = recipe.parameters, recipe.search, recipe.linking
    conf, iou = model.thresholds(asked.conf, asked.iou)
    prompts = recipe.prompts
    if search is not None:
        exemplars = None if search.exemplars is None else exemplars_from(search.exemplars, "search.exemplars")
        prompts = Prompts(texts=search.texts, exemplars=exemplars).to_json()
    return Provenance(
        version=__version__,
        image=image.path.name + (f"/{image.where}" if image.where else ""),
        channels=asked.channels,
        channel_limits=asked.channel_limits,
        model=model.card.name,
        model_sha256=recipe.model.sha256 or sha256_of(model.path),
        task="everything" if prompts is None else "prompts",
        imgsz=asked.imgsz,
        conf=conf,
        iou=iou,
        min_area=asked.min_area,
        max_area=asked.max_area,
        contrast_limits=asked.contrast_limits,
        contrast=model.card.window if asked.contrast_limits is None and not asked.channel_limits else None,
        scene=asked.scene,
        pixel_size=asked.pixel_size,
        diameter=recipe.tiling.diameter,
        scale=recipe.tiling.scale,
        prompts=prompts,
        refine=None if recipe.prompts is None else asked.refine,
        corrector=default_corrector().name if recipe.prompts is not None and asked.refine else None,
        fine_edges=asked.fine_edges,
        others=recipe.proposals,
        text_encoder=search.text_encoder if search is not None and search.texts else None,
        text_threshold=None if search is None else search.text_threshold,
        text_best=None if search is None else search.best_only,
        example_threshold=None if search is None else search.example_threshold,
        classes=None if search is None else search.classes,
        stack_axis=None if linking is None else linking.axis,
        linking=None if linking is None else {k: v for k, v in asdict(linking).items() if k != "axis"},
    )
