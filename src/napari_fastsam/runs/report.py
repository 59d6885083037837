"""What became of each image of a run: for programs and for people."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Literal

from napari_fastsam.errors import FastSAMError
from napari_fastsam.io.results.results import write_whole
from napari_fastsam.runs.outputs import reports_in
from napari_fastsam.runs.processes import LOST

Status = Literal["done", "kept", "failed"]


@dataclass(frozen=True)
class Row:
    """What became of one image.

    Attributes
    ----------
    image, labels
        What was read, and what was written.
    status
        "kept" = it was finished before.
    planes, objects, seconds
        What was found, and how long a worker took.
    reason
        Why it failed.
    remarks
        What should be known of it although it did not fail: that it is constant, saturated or without contrast, or that
        the file holds other images too.
    """

    image: str
    labels: str
    status: Status
    planes: int = 0
    objects: int = 0
    seconds: float = 0.0
    reason: str = ""
    remarks: str = ""


def write_report(folder: Path, rows: Sequence[Row]) -> None:
    """Write ``report.json`` and ``report.csv``, whole or not at all.

    Raises
    ------
    OutputError
        If that cannot be done.
    """
    content = [asdict(row) for row in rows]
    text = json.dumps(content, indent=2) + "\n"
    of_values, table = reports_in(folder)
    write_whole(of_values, lambda file: file.write_text(text, encoding="utf-8"))

    def write(file: Path) -> None:
        # a name may hold bytes that are no characters
        with file.open("w", newline="", encoding="utf-8", errors="backslashreplace") as opened:
            writer = csv.DictWriter(opened, [f.name for f in fields(Row)])
            writer.writeheader()
            writer.writerows(content)

    write_whole(table, write)


def sentence(error: BaseException) -> str:
    """Return what went wrong as one line."""
    if type(error).__name__ == "KilledWorker":  # dask's, whose message names a worker and not an image
        return LOST
    message = " ".join(str(error).split())
    if isinstance(error, FastSAMError):
        return message
    if isinstance(error, MemoryError):
        return f"there is not enough memory for it{f': {message}' if message else ''}"
    return f"{type(error).__name__}: {message}" if message else type(error).__name__
