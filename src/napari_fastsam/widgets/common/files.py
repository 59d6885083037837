"""Files that a person names: given already, or asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qtpy.QtWidgets import QFileDialog, QMessageBox


def file_to_save(
    parent: Any, title: str, suggestion: str, path: str | Path | None, ending: str | None = None
) -> Path | None:
    """Return `path`, or what a person chooses; None if that is nothing.

    A name that is chosen without an ending gets `ending`, or else that of the suggestion: it is found again by that.
    """
    if path:
        return Path(path)
    chosen = QFileDialog.getSaveFileName(parent, title, suggestion, f"*{Path(suggestion).suffix}")[0]
    if not chosen:
        return None
    file, ending = Path(chosen), Path(suggestion).suffix if ending is None else ending
    if file.suffix or not ending:
        return file
    named = file.with_name(f"{file.name}{ending}")
    # the dialog asked about the name without an ending
    return named if not named.exists() or _may_replace(parent, named) else None


def table_to_save(parent: Any, title: str, suggestion: str, path: str | Path | None) -> Path | None:
    """As `file_to_save`; also a name that was given gets the ending of CSV files where it has none."""
    chosen = file_to_save(parent, title, suggestion, path)
    return chosen if chosen is None or chosen.suffix else chosen.with_name(f"{chosen.name}.csv")


def file_to_open(parent: Any, title: str, suffix: str, path: str | Path | None) -> Path | None:
    """Return `path`, or what a person chooses; None if that is nothing."""
    chosen = path or QFileDialog.getOpenFileName(parent, title, "", f"*{suffix}")[0]
    return Path(chosen) if chosen else None


def _may_replace(parent: Any, file: Path) -> bool:
    answer = QMessageBox.question(parent, "Replace?", f"{file.name} is there already. Replace it?")
    return bool(answer == QMessageBox.StandardButton.Yes)
