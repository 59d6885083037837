"""What is finished and need not be done again: a record an image, kept beside the results."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from napari_fastsam.io.results.names import fitting
from napari_fastsam.io.results.results import write_whole

FOLDER = ".napari-fastsam"


@dataclass(frozen=True)
class Making:
    """What results are made with.

    Attributes
    ----------
    recipe
        Its hash.
    model, text_encoder
        SHA-256 of their files, whatever they are called; "" = there is none.
    """

    recipe: str
    model: str
    text_encoder: str = ""

    @property
    def key(self) -> str:
        """Equal for what is made with the same."""
        return hashlib.sha256("\n".join((self.recipe, self.model, self.text_encoder)).encode()).hexdigest()


@dataclass(frozen=True)
class Record:
    """One finished image.

    Attributes
    ----------
    making, input
        Key of `Making`, and fingerprint of the image: what it was made with and of.
    outputs
        What lies under the name of each result; see `digests`.
    objects, planes, seconds
        What was found, and how long it took.
    remarks
        What should be known of the image.
    """

    making: str
    input: str
    outputs: Mapping[str, str]
    objects: int
    planes: int
    seconds: float
    remarks: Sequence[str] = ()


def record_path(target: Path) -> Path:
    """Return where the record of an output is kept."""
    return target.parent / FOLDER / fitting(target.name, ".json")


def parts_folder(target: Path, making: Making, fingerprint: str) -> Path:
    """Return where planes and tiles wait until all of an image is there."""
    return target.parent / FOLDER / fitting(target.name, f"-{making.key[:12]}-{fingerprint}")


def write_record(target: Path, record: Record) -> None:
    """Keep a record, whole or not at all.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    text = json.dumps(asdict(record))
    write_whole(record_path(target), lambda file: file.write_text(text, encoding="utf-8"))


def read_record(target: Path, making: Making, fingerprint: str) -> Record | None:
    """Return the record of an output that is there with all its files, as they were written, of this image; else None.

    It is also None where the recipe, the model or the text encoder were others.
    """
    try:
        record = Record(**json.loads(record_path(target).read_text(encoding="utf-8")))
        if (record.making, record.input) != (making.key, fingerprint) or target.name not in record.outputs:
            return None
        same = digests(target.with_name(name) for name in record.outputs) == dict(record.outputs)
    except (OSError, ValueError, TypeError, AttributeError):
        return None
    return record if same else None


def digests(results: Iterable[Path]) -> dict[str, str]:
    """Return by name the SHA-256 of each result: of a file, or of all files of a folder with their names.

    Raises
    ------
    OSError
        If one of them is not there, or cannot be read.
    """
    return {path.name: _digest(path) for path in results}


def _digest(result: Path) -> str:
    whole = hashlib.sha256()
    inside = sorted(p for p in result.rglob("*") if p.is_file()) if result.is_dir() else [result]
    for path in inside:
        whole.update(str(path.relative_to(result.parent)).encode("utf-8", "surrogateescape"))
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                whole.update(block)
    return whole.hexdigest()
