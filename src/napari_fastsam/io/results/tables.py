"""Tables into CSV files, whole or not at all."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from napari_fastsam.io.results.results import write_whole


def write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Write a table with a header, in UTF-8; the file is replaced if it exists.

    Bytes of file names that are no characters are written as escapes.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    write_whole(path, lambda file: file.write_bytes(text.getvalue().encode("utf-8", "backslashreplace")))


def number(value: float) -> str:
    """Return a number with six digits; nothing for one that is not there."""
    return "" if value != value else f"{value:.6g}"
