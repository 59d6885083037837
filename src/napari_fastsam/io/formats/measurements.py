"""Measurements of all objects as a table: CSV or parquet, a row an object."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from napari_fastsam.core.results.result import SegmentationResult
from napari_fastsam.io.formats.registry import Format, register
from napari_fastsam.io.results.results import OutputError, write_whole

if TYPE_CHECKING:
    import pandas as pd


@register
class CsvMeasurements(Format):
    """A table in text."""

    name = "csv"
    ending = "_measurements.csv"
    description = "measurements, CSV"
    holds = frozenset(("stacks", "scores", "classes"))

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
    holds = frozenset(("stacks", "scores", "classes"))

    def write(self, result: SegmentationResult, path: Path) -> None:
        """Measure all objects, plane by plane, and write a row for each."""
        try:
            import pyarrow  # noqa: F401
        except ImportError as error:
            raise OutputError(
                f'{path} needs pyarrow: pip install "napari-fastsam[parquet]", or choose the format csv'
            ) from error
        table = measured(result)
        write_whole(path, lambda file: table.to_parquet(file, index=False))


def measured(result: SegmentationResult) -> pd.DataFrame:
    """Return a row for each object of each plane: `core.objects.measurements.measure`, the plane's place in front.

    Brightness is there where the image's pixels are, ``class`` where objects have one.
    """
    import pandas as pd  # here, and the dock opens without it

    from napari_fastsam.core.objects.measurements import measure

    tables, on_plane = [], result.by_plane()
    classes = any(found.class_name for found in result.objects)
    for index, labels in result.labels.planes():
        known = on_plane(index)
        pixels = None if result.pixels is None else result.pixels(index)
        table = measure(np.asarray(labels[:, :]).astype(np.int32), pixels, {o.number: o.score for o in known})
        if classes:
            names = {found.number: found.class_name for found in known}
            table["class"] = [names.get(int(number), "") for number in table["label"]]
        for place, (axis, at) in enumerate(zip(result.scale.axes, index, strict=False)):
            table.insert(place, axis, at)
        tables.append(table)
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()
