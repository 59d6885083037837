"""Prompt layers as values that JSON knows, and made again from them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_fastsam.errors import LabelsError
from napari_fastsam.io.projects.feature_tables import change_between, table_of
from napari_fastsam.layers.history.prompt_rows import PromptRows
from napari_fastsam.layers.prompts.marks import METADATA_KEY
from napari_fastsam.layers.prompts.new import new_points, new_shapes

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image, Layer, Points, Shapes

SCHEMA, VERSION = "napari-fastsam prompt layers", 1


def is_prompt_layer(layer: Layer) -> bool:
    """Whether a layer is one for prompts that the plugin made."""
    return bool(layer.metadata.get(METADATA_KEY) == "prompts")


def prompts_on(viewer: ViewerModel, layer: Layer) -> list[Points | Shapes]:
    """Return the prompt layers of a viewer that have as many axes as a layer; others are of other images."""
    return [one for one in viewer.layers if is_prompt_layer(one) and one.ndim == layer.ndim]


def prompts_to_json(layers: Iterable[Points | Shapes]) -> dict[str, Any]:
    """Return what prompt layers hold; nothing if that is no prompt."""
    told = [_layer_to_json(layer) for layer in layers if len(layer.data)]
    return {"schema": SCHEMA, "version": VERSION, "layers": told} if told else {}


def _layer_to_json(layer: Points | Shapes) -> dict[str, Any]:
    rows = PromptRows.of(layer)
    table = change_between(None, rows.features)
    return {
        "kind": "shapes" if rows.forms else "points",
        "data": [row.tolist() for row in rows.data] if rows.forms else rows.data[0].tolist(),
        "forms": list(rows.forms),
        "features": {} if table is None else {"dtypes": dict(table.dtypes), "rows": [list(row) for row in table.rows]},
        "next_object": None if rows.next_object is None else int(rows.next_object),
    }


def prompts_from_json(content: Mapping[str, Any], image: Image) -> list[Points | Shapes]:
    """Return layers on an image that hold what was kept of prompts.

    Raises
    ------
    LabelsError
        If it is something else.
    """
    if not content:
        return []
    if content.get("schema") != SCHEMA or content.get("version") != VERSION:
        raise LabelsError(f"the prompts are of {content.get('schema')!r}; expected {SCHEMA!r}, version {VERSION}")
    try:
        return [_layer_from_json(one, image) for one in content["layers"]]
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise LabelsError(f"the prompts are damaged ({type(error).__name__}: {error})") from error


def _layer_from_json(content: Mapping[str, Any], image: Image) -> Points | Shapes:
    shapes = content["kind"] == "shapes"
    layer = new_shapes(image) if shapes else new_points(image)
    told = content["features"]
    features = table_of(told["dtypes"], tuple(map(tuple, told["rows"])))
    for name in features:
        if name in layer.features:
            features[name] = features[name].astype(layer.features[name].dtype)
    data = tuple(np.array(row, float) for row in content["data"]) if shapes else (np.array(content["data"], float),)
    PromptRows(data, tuple(content["forms"]), features, {}, content["next_object"]).put_into(layer)
    return layer
