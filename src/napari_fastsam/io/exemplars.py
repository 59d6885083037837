"""Sets of examples as files: JSON, whole or not at all."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from napari_fastsam.core.likeness.exemplars import Exemplars
from napari_fastsam.errors import FastSAMError, PromptError, check_version
from napari_fastsam.io.json_files import read_json
from napari_fastsam.io.results.results import write_whole
from napari_fastsam.version import __version__

SCHEMA, VERSION = "napari-fastsam exemplars", 1


def save_exemplars(exemplars: Exemplars, path: Path) -> None:
    """Write a set of examples; a file of that name is replaced once the new one is whole.

    Raises
    ------
    PromptError
        If there is no example in it.
    OutputError
        If the file cannot be written.
    """
    if not len(exemplars.examples):
        raise PromptError("there is no example to save; mark an object like those that are wanted")
    content = exemplars_content(exemplars)
    write_whole(Path(path), lambda file: file.write_text(json.dumps(content), encoding="utf-8"))


def exemplars_content(exemplars: Exemplars) -> dict[str, Any]:
    """Return a set of examples as values that JSON knows."""
    return {
        "schema": SCHEMA,
        "version": VERSION,
        "written_by": __version__,
        **exemplars.to_json(),
    }


def load_exemplars(path: str | Path) -> Exemplars:
    """Read a set of examples.

    Raises
    ------
    PromptError
        If the file is missing, truncated, or no set of examples that this version knows.
    """
    path = Path(path)
    content = read_json(path, "a set of examples", PromptError)
    return exemplars_from(content, str(path))


def exemplars_from(content: Any, path: str) -> Exemplars:
    """Return the set that the values of such a file say; parameters and errors are those of `load_exemplars`."""
    if not isinstance(content, Mapping) or content.get("schema") != SCHEMA:
        raise PromptError(f"{path} is no set of examples; choose a file that was saved as one")
    check_version(content, VERSION, path, PromptError)
    try:
        return Exemplars.from_json(content)
    except FastSAMError as error:
        raise PromptError(f"{path} is damaged ({error}); save the examples again") from error
