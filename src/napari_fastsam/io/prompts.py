"""Prompts as files: JSON with a key for each kind, rows before columns."""

from __future__ import annotations

import json
from pathlib import Path

from napari_fastsam.core.prompts.prompts import Prompts
from napari_fastsam.errors import PromptError, check_version
from napari_fastsam.io.json_files import read_json
from napari_fastsam.io.results.results import write_whole
from napari_fastsam.version import __version__

SCHEMA, VERSION = "napari-fastsam prompts", 1


def save_prompts(prompts: Prompts, path: str | Path) -> None:
    """Write prompts; a file of that name is replaced once the new one is whole.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    content = {"schema": SCHEMA, "version": VERSION, "written_by": __version__, **prompts.to_json()}
    write_whole(Path(path), lambda file: file.write_text(json.dumps(content), encoding="utf-8"))


def load_prompts(path: str | Path) -> Prompts:
    """Read prompts: what `save_prompts` wrote, or the value of ``prompts`` in the provenance of a label file.

    Raises
    ------
    PromptError
        If the file is missing or no JSON, or what it holds are no prompts; the message names the file and the key.
    """
    path = Path(path)
    content = read_json(path, "a file of prompts", PromptError)
    if not isinstance(content, dict) or content.get("schema", SCHEMA) != SCHEMA:
        raise PromptError(f"{path} holds no prompts; expected an object with keys such as points_yx and boxes_yxyx")
    check_version({"version": VERSION, **content}, VERSION, str(path), PromptError)
    own = {key: value for key, value in content.items() if key not in ("schema", "version", "written_by")}
    try:
        return Prompts.from_json(own)
    except PromptError as error:
        raise PromptError(f"{path}: {error}") from error


def together(prompts: Prompts | None, others: Prompts | None) -> Prompts | None:
    """Return the prompts of two sources as one value; None if there is neither.

    Raises
    ------
    PromptError
        If both have prompts of one kind.
    """
    if prompts is None or others is None:
        return others if prompts is None else prompts
    mine, theirs = prompts.to_json(), others.to_json()
    if twice := sorted(mine.keys() & theirs.keys()):
        # the last: point_labels come along with points_yx
        raise PromptError(f"{twice[-1]} are given twice, in a file and by options; leave one of them out")
    return Prompts.from_json(mine | theirs)
