"""Text files from anybody: read as data only, with limits on their size and depth."""

from __future__ import annotations

import codecs
import json
import os
import stat
from pathlib import Path
from typing import Any

from napari_fastsam.errors import FastSAMError

MAX_BYTES = 20_000_000
"""Most bytes of a text file where nothing else is said: a recipe with a thousand examples takes about 1 MB."""


def read_json(path: Path, what: str, error_type: type[FastSAMError], max_bytes: int = MAX_BYTES) -> Any:
    """Return the content of a JSON file.

    Parameters
    ----------
    path
        The file.
    what
        What it should be, for messages: "a recipe".
    error_type
        What is raised if it is missing, no regular file, too large, too deeply nested, truncated or no JSON.
    max_bytes
        Larger files are refused before they are read.
    """
    text = read_text(path, what, error_type, max_bytes)
    try:
        return json.loads(text)
    except (ValueError, RecursionError, MemoryError) as error:
        raise error_type(f"{path} is damaged, or not {what}: it is not JSON ({error}); save it again") from error


def read_yaml(path: Path, what: str, error_type: type[FastSAMError], max_bytes: int = MAX_BYTES) -> Any:
    """Return the content of a YAML file: text, numbers, lists and mappings.

    Tags that name Python objects are refused, and so are aliases, with which a short file can describe a huge value.
    Parameters and errors are those of `read_json`.
    """
    import yaml

    class PlainLoader(yaml.SafeLoader):  # type: ignore[misc]  # yaml has no types
        def compose_node(self, parent: Any, index: Any) -> Any:
            if self.check_event(yaml.AliasEvent):
                mark = self.peek_event().start_mark
                raise yaml.composer.ComposerError(None, None, "it has an alias, which is not read here", mark)
            return super().compose_node(parent, index)

    text = read_text(path, what, error_type, max_bytes)
    try:
        return yaml.load(text, PlainLoader)
    except (yaml.YAMLError, ValueError, TypeError, RecursionError, MemoryError, OverflowError) as error:
        reason = " ".join(str(error).split())
        raise error_type(f"{path} is damaged, or not {what}: it cannot be read as YAML ({reason})") from error


def read_text(path: Path, what: str, error_type: type[FastSAMError], max_bytes: int = MAX_BYTES) -> str:
    """Return a UTF-8 file's text, or a UTF-16 file's that begins with its mark; the rest as in `read_json`."""
    try:
        # a pipe would block the open, so ask before it
        if not stat.S_ISREG(os.stat(path).st_mode):
            raise error_type(f"{path} is not a regular file; choose {what}")
        with path.open("rb") as file:
            content = file.read(max_bytes + 1)
    except OSError as error:
        raise error_type(f"{path} cannot be read: {error.strerror or error}") from error
    if len(content) > max_bytes:
        raise error_type(
            f"{path} has more than {max_bytes:,} bytes, too many for {what}; choose a file that was saved as one"
        )
    try:
        return content.decode(_encoding(content))
    except UnicodeDecodeError as error:
        raise error_type(f"{path} is damaged, or not {what}: it is not UTF-8 text ({error}); save it again") from error


def _encoding(content: bytes) -> str:
    """Return how text is encoded: programs of Windows put a mark in front."""
    marked = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) and len(content) > len(codecs.BOM_UTF16_LE)
    return "utf-16" if marked else "utf-8-sig"


def slashed(path: str) -> str:
    """Return a path as Windows writes it with the slashes of everybody else."""
    return path.replace("\\", "/")
