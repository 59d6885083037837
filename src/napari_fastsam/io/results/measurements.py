"""Tables of measurements as files, whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from napari_fastsam.io.results.results import OutputError, write_whole


def write_table(path: Path, table: pd.DataFrame) -> None:
    """Write a table as CSV or parquet, as the file's name ends.

    Raises
    ------
    OutputError
        If it cannot be written, or the library for parquet is not installed.
    """
    if path.suffix == ".parquet":
        try:
            import pyarrow  # noqa: F401
        except ImportError as error:
            raise OutputError(
                f'{path} needs pyarrow: pip install "napari-fastsam[parquet]", or ask for csv in the recipe'
            ) from error
        write_whole(path, lambda file: table.to_parquet(file, index=False))
    else:
        write_whole(path, lambda file: table.to_csv(file, index=False))
