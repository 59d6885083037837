"""Classifiers as files: JSON, whole or not at all."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from napari_fastsam.core.classes.classifier import Classifier, from_tables, to_tables
from napari_fastsam.errors import ParameterError, check_version
from napari_fastsam.io.json_files import read_json
from napari_fastsam.io.results.results import write_whole
from napari_fastsam.version import __version__

SCHEMA, VERSION = "napari-fastsam classifier", 1


def save_classifier(classifier: Classifier, path: str | Path) -> None:
    """Write a classifier; a file of that name is replaced once the new one is whole.

    The file names the network whose descriptions it takes by the first digits of its SHA-256.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    content = classifier_content(classifier)
    write_whole(Path(path), lambda file: file.write_text(json.dumps(content) + "\n", encoding="utf-8"))


def classifier_content(classifier: Classifier) -> dict[str, Any]:
    """Return a classifier as values that JSON knows, as a recipe holds it."""
    return {"schema": SCHEMA, "version": VERSION, "written_by": __version__, **to_tables(classifier)}


def load_classifier(path: str | Path) -> Classifier:
    """Read a classifier.

    Raises
    ------
    ParameterError
        If the file is missing, truncated, or no classifier that this version knows.
    """
    return classifier_from(read_json(Path(path), "a classifier", ParameterError), str(path))


def classifier_from(content: Any, path: str) -> Classifier:
    """Return the classifier that the values of such a file say; errors are those of `load_classifier`."""
    if not isinstance(content, Mapping) or content.get("schema") != SCHEMA:
        raise ParameterError(f"{path} is no classifier; choose a file that was saved as one")
    check_version(content, VERSION, path, ParameterError)
    try:
        return from_tables(content)
    except ParameterError as error:
        raise ParameterError(f"{path} is damaged ({error}); save the classifier again") from error
