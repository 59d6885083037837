"""JSON that a person was given: read with care."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from napari_fastsam.errors import FastSAMError

MAX_BYTES = 100_000_000
"""A larger file is none of ours: a thousand examples take about 1 MB."""


def read_json(path: Path, what: str, error_type: type[FastSAMError]) -> Any:
    """Return what a JSON file says.

    Parameters
    ----------
    path
        The file.
    what
        What it should be, for messages: "a recipe".
    error_type
        What is raised if it is missing, too large, truncated or no JSON.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise error_type(f"{path} is too large for {what}; choose a file that was saved as one")
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise error_type(f"{path} cannot be read: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise error_type(f"{path} is damaged, or not {what}: it is not JSON; save it again") from error
