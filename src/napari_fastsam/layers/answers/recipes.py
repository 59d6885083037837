"""What was tried out in the dock as a recipe, and what is measured of a Labels layer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_fastsam.core.likeness.exemplars import Exemplars
from napari_fastsam.core.objects.measurements import measure
from napari_fastsam.core.recipe import (
    LinkingPart,
    ModelPart,
    OutputPart,
    Parameters,
    Recipe,
    RecipeError,
    SearchPart,
    TilingPart,
)
from napari_fastsam.errors import LabelsError
from napari_fastsam.io.exemplars import exemplars_content
from napari_fastsam.layers.answers.request import Request
from napari_fastsam.layers.labels.features import axis_names, indexed
from napari_fastsam.layers.planes.channels import channel_limits
from napari_fastsam.layers.planes.transforms import pixel_area

if TYPE_CHECKING:
    import pandas as pd
    from napari.layers import Image, Labels


def recipe_of(
    request: Request, exemplars: Exemplars | None, model_sha256: str, output: OutputPart | None = None
) -> Recipe:
    """Return a request as a recipe, which gives the same labels on the same pixels.

    Parameters
    ----------
    request
        What is asked for.
    exemplars
        The examples among it, those marked on this image too.
    model_sha256
        Of the model's file.
    output
        What is written on other images; None = a label TIFF.

    Raises
    ------
    RecipeError
        If prompts are asked about that mean nothing on another image.
    """
    controls, read = request.controls, request.read.prompts
    search = None
    if controls.others is not None:
        raise RecipeError(
            f"The objects of layer “{controls.others.name}” are proposals for this image only: choose "
            "none under Advanced ▸ Proposals, and name a folder under proposals in the recipe."
        )
    if controls.task == "prompts":
        if not (read.texts or read.has_examples) or request.stack is not None:
            raise RecipeError(
                "Points, boxes and outlines belong to this image, and a recipe is for many. Segment everything, or "
                "search a plane by words or examples, then save the recipe."
            )
        if exemplars is None and read.has_examples:
            raise RecipeError(
                "The examples lie on no object that is known. Run it once, see that each lies on an object, then save "
                "the recipe."
            )
        asked = controls.search
        search = SearchPart(
            read.texts,
            controls.text_encoder,
            None if exemplars is None else exemplars_content(exemplars),
            asked.text_threshold,
            asked.best_only,
            asked.example_threshold,
            controls.classes,
        )
    limits, linking = controls.thresholds, controls.linking
    links = None
    if request.stack is not None:
        # the runs' axes are those that are left without the channels'
        before = sum(c.axis is not None and c.axis < request.stack.axis for c in controls.channels[:1])
        links = LinkingPart(request.stack.axis - before, linking.max_gap, linking.min_overlap, linking.divisions)
    return Recipe(
        ModelPart(controls.model, model_sha256),
        Parameters(
            controls.imgsz,
            limits.conf,
            limits.iou,
            limits.min_area,
            limits.max_area,
            None if controls.channels else request.contrast_limits,
            tuple(channel.position for channel in controls.channels),
            channel_limits(controls.channels),
            fine_edges=controls.fine_edges,
        ),
        search,
        TilingPart(controls.tiling.diameter, controls.tiling.scale, request.looking_at),
        links,
        output or OutputPart(),
    )


def add_measurements(layer: Labels, image: Image) -> pd.DataFrame:
    """Measure all objects of a Labels layer and put that into its features, beside what is there.

    Rows are about the label in their column *index*; where there is none, about the label that is their place, from 0,
    as in napari. What was measured before is replaced, all other columns stay; where rows name their label, those of
    labels that are gone go.

    Parameters
    ----------
    layer
        With the image's pixels.
    image
        What brightness is measured in; at full resolution.

    Returns
    -------
    pandas.DataFrame
        The measurements; of a plane whose scale has units of length also ``area_um2``, in µm².

    Raises
    ------
    LabelsError
        If the two have not the same pixels, or are pyramids, too large to be measured at once.
    """
    if layer.multiscale or image.multiscale:
        raise LabelsError(
            "A pyramid cannot be measured here, because measuring needs all pixels in memory. Use `napari-fastsam run` "
            "with a recipe whose output has measurements."
        )
    labels = np.asarray(layer.data)
    table = measure(labels, np.asarray(image.data), axes=axis_names(image))
    square = pixel_area(layer, (0, 1)) if layer.ndim == 2 else None
    if square is not None:
        table.insert(table.columns.get_loc("area") + 1, "area_um2", table["area"] * square)
    new = table.rename(columns={"label": "index"})
    old = indexed(layer)
    if "index" in layer.features:
        old = old[old["index"].isin({0, *new["index"]})]
    kept = old.drop(columns=[name for name in new.columns if name in old and name != "index"])
    layer.features = kept.merge(new, on="index", how="outer")
    return table
