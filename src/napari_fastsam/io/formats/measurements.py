"""Measurements of all objects as a table: CSV or parquet, a row an object."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from napari_fastsam.core.image.scale import Scale
from napari_fastsam.core.results.result import SegmentationResult
from napari_fastsam.io.formats.about import about
from napari_fastsam.io.formats.registry import Format, register
from napari_fastsam.io.results.results import OutputError, write_whole

if TYPE_CHECKING:
    import pandas as pd

_MICROMETERS = {
    "micrometer": 1.0, "micron": 1.0, "um": 1.0, "µm": 1.0, "μm": 1.0, "nanometer": 1e-3, "nm": 1e-3,
    "millimeter": 1e3, "mm": 1e3,
}  # fmt: skip
"""How many there are in a unit."""

_LENGTHS = ("axis_major_length", "axis_minor_length", "perimeter")


@register
class CsvMeasurements(Format):
    """A table in text."""

    name = "csv"
    ending = "_measurements.csv"
    description = "measurements, CSV"
    holds = frozenset(("stacks", "scores", "classes", "scale", "provenance"))

    def write(self, result: SegmentationResult, path: Path) -> None:
        """Measure all objects, plane by plane, and write a row for each."""
        table = measured(result)
        write_whole(path, lambda file: table.to_csv(file, index=False))


@register
class ParquetMeasurements(Format):
    """A table in columns, for large ones."""

    name = "parquet"
    ending = "_measurements.parquet"
    description = "measurements, parquet"
    holds = frozenset(("stacks", "scores", "classes", "scale", "provenance"))

    def write(self, result: SegmentationResult, path: Path) -> None:
        """Measure all objects, plane by plane, and write a row for each."""
        try:
            import pyarrow  # noqa: F401
        except ImportError as error:
            raise OutputError(
                f'{path} needs pyarrow: pip install "napari-fastsam[parquet]", or choose the format csv'
            ) from error
        table = measured(result)
        if made := about(result, objects=False):
            table.attrs = {"napari-fastsam": json.dumps(made)}  # pandas keeps it beside the columns
        write_whole(path, lambda file: table.to_parquet(file, index=False))


def measured(result: SegmentationResult) -> pd.DataFrame:
    """Return a row for each object of each plane: `core.objects.measurements.measure`, the plane's place in front.

    Brightness is there where the image's pixels are, ``class`` where objects have one. Where the size of a pixel is
    known, areas and lengths follow in µm, under the same names with ``_um2`` and ``_um``; lengths in any direction only
    where pixels are square. Last come ``image`` and ``model``, where it is known how an object came about.
    """
    import pandas as pd  # here, and the dock opens without it

    from napari_fastsam.core.objects.measurements import measure

    tables, on_plane = [], result.by_plane()
    classes = any(found.class_name for found in result.objects)
    for index, labels in result.labels.planes():
        known = on_plane(index)
        pixels = None if result.pixels is None else result.pixels(index)
        table = measure(np.asarray(labels[:, :]), pixels, {o.number: o.score for o in known})
        if classes:
            names = {found.number: found.class_name for found in known}
            table["class"] = [names.get(int(number), "") for number in table["label"]]
        for place, (axis, at) in enumerate(zip(result.scale.axes, index, strict=False)):
            table.insert(place, axis, at)
        tables.append(table)
    whole = pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()
    for name, values in _in_micrometers(whole, result.scale).items():
        whole[name] = values
    if len(whole):
        for name in ("image", "model"):
            told = [_told(result, int(number), name) for number in whole["label"]]
            if any(told):
                whole[name] = told
    return whole


def _in_micrometers(table: pd.DataFrame, scale: Scale) -> dict[str, pd.Series]:
    """Return what of a table is a length or an area, in µm and µm²; empty where the size of a pixel is not known."""
    factors = [_MICROMETERS.get(unit) for unit in scale.units[-2:]]
    if None in factors or not len(table):
        return {}
    y, x = (step * factor for step, factor in zip(scale.scale[-2:], factors, strict=True) if factor is not None)
    sizes = {"area": ("_um2", y * x), "centroid_y": ("_um", y), "centroid_x": ("_um", x)}
    if math.isclose(y, x):
        sizes |= dict.fromkeys(_LENGTHS, ("_um", y))
    return {name + ending: table[name] * size for name, (ending, size) in sizes.items() if name in table}


def _told(result: SegmentationResult, number: int, what: str) -> str:
    """Return a name that the entry of provenance has which a label came about by; "" if there is none."""
    for entry in reversed(result.provenance):
        if entry.labels is None or number in entry.labels:
            return str(getattr(entry, what))
    return result.image if what == "image" else ""
