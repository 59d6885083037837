"""Files that a person names: given already, or asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qtpy.QtWidgets import QFileDialog


def file_to_save(parent: Any, title: str, suggestion: str, path: str | Path | None) -> Path | None:
    """Return `path`, or what a person chooses; None if that is nothing."""
    chosen = path or QFileDialog.getSaveFileName(parent, title, suggestion, f"*{Path(suggestion).suffix}")[0]
    return Path(chosen) if chosen else None


def table_to_save(parent: Any, title: str, suggestion: str, path: str | Path | None) -> Path | None:
    """As `file_to_save`; a name without an ending gets that of CSV files."""
    chosen = file_to_save(parent, title, suggestion, path)
    return chosen if chosen is None or chosen.suffix else chosen.with_name(f"{chosen.name}.csv")


def file_to_open(parent: Any, title: str, suffix: str, path: str | Path | None) -> Path | None:
    """Return `path`, or what a person chooses; None if that is nothing."""
    chosen = path or QFileDialog.getOpenFileName(parent, title, "", f"*{suffix}")[0]
    return Path(chosen) if chosen else None
