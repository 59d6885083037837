"""What is finished and need not be done again: a record an image, kept beside the results."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path

from napari_fastsam.io.results.results import write_whole

FOLDER = ".napari-fastsam"


@dataclass(frozen=True)
class Record:
    """One finished image.

    Attributes
    ----------
    recipe, input
        Hash of the recipe and fingerprint of the image: what it was made of.
    output
        What lies under its name now; see `digest`.
    objects, planes, seconds
        What was found, and how long it took.
    """

    recipe: str
    input: str
    output: str
    objects: int
    planes: int
    seconds: float


def record_path(target: Path) -> Path:
    """Return where the record of an output is kept."""
    return target.parent / FOLDER / f"{target.name}.json"


def write_record(target: Path, record: Record) -> None:
    """Keep a record, whole or not at all."""
    path = record_path(target)
    path.parent.mkdir(exist_ok=True)
    write_whole(path, lambda file: file.write_text(json.dumps(asdict(record)), encoding="utf-8"))


def read_record(target: Path, recipe: str, fingerprint: str) -> Record | None:
    """Return the record of an output that is there, whole, and of this recipe and image; else None."""
    try:
        record = Record(**json.loads(record_path(target).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None
    if (record.recipe, record.input) != (recipe, fingerprint) or not target.exists():
        return None
    return record if record.output == digest(target) else None


def digest(target: Path) -> str:
    """Return the SHA-256 of a file, or of all files of a folder with their names."""
    whole = hashlib.sha256()
    for path in [target] if target.is_file() else sorted(p for p in target.rglob("*") if p.is_file()):
        whole.update(str(path.relative_to(target.parent)).encode())
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                whole.update(block)
    return whole.hexdigest()
