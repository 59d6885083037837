"""What is known of an image of a project beside its objects: how far it is, a note, what its file was."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from napari_fastsam.errors import LabelsError, check_version
from napari_fastsam.files import read_json
from napari_fastsam.io.results.results import write_whole
from napari_fastsam.version import __version__

Progress = Literal["untouched", "in work", "done", "skipped"]
PROGRESS: tuple[Progress, ...] = get_args(Progress)

SCHEMA, VERSION = "napari-fastsam annotations", 1
FILE = "state.json"

_HASHED_WHOLE = 32 << 20
_HASHED_END = 1 << 16


@dataclass(frozen=True)
class Fingerprint:
    """What tells a file from another one of its name.

    Attributes
    ----------
    size, modified
        Bytes, and nanoseconds since 1970.
    content
        SHA-256 of the content; of large files of its beginning, its end and its size.
    """

    size: int
    modified: int
    content: str

    @classmethod
    def of(cls, path: Path) -> Fingerprint:
        """Return that of a file, or of all files in a folder.

        Raises
        ------
        OSError
            If it cannot be read.
        """
        if path.is_dir():
            files = sorted(p for p in path.rglob("*") if p.is_file())
            stats = [p.stat() for p in files]
            told = json.dumps([[p.relative_to(path).as_posix(), s.st_size] for p, s in zip(files, stats, strict=True)])
            newest = max((s.st_mtime_ns for s in stats), default=0)
            return cls(sum(s.st_size for s in stats), newest, hashlib.sha256(told.encode()).hexdigest())
        status = path.stat()
        return cls(status.st_size, status.st_mtime_ns, _content_hash(path, status.st_size))

    def is_of(self, path: Path) -> bool:
        """Whether a file is still the same; one that was copied is.

        Raises
        ------
        OSError
            If it cannot be read.
        """
        if path.is_dir():
            return Fingerprint.of(path).content == self.content
        status = path.stat()
        if status.st_size != self.size:
            return False
        return status.st_mtime_ns == self.modified or _content_hash(path, status.st_size) == self.content


def _content_hash(path: Path, size: int) -> str:
    found = hashlib.sha256(str(size).encode())
    with path.open("rb") as file:
        if size <= _HASHED_WHOLE:
            for block in iter(lambda: file.read(1 << 20), b""):
                found.update(block)
        else:
            found.update(file.read(_HASHED_END))
            file.seek(-_HASHED_END, os.SEEK_END)
            found.update(file.read(_HASHED_END))
    return found.hexdigest()


@dataclass(frozen=True)
class ImageState:
    """How far an image is.

    Attributes
    ----------
    state
        One of `PROGRESS`.
    note
        Whatever a user wants to remember.
    objects
        How many labels there are.
    seconds
        How long the image was open.
    effort
        What the labels took, as `io.projects.effort.effort_of` counts it.
    image
        What the image's file was; None = not known.
    labels
        SHA-256 of ``labels.tif``; "" = there is none.
    dtype
        Of the Labels layer, as numpy calls it.
    columns
        Types of the columns of ``features.csv``.
    metadata
        Of the Labels layer.
    """

    state: Progress = "untouched"
    note: str = ""
    objects: int = 0
    seconds: float = 0.0
    effort: Mapping[str, float] = field(default_factory=dict)
    image: Fingerprint | None = None
    labels: str = ""
    dtype: str = "int32"
    columns: Mapping[str, str] = field(default_factory=dict)
    metadata: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return it as values that JSON knows."""
        content = {one.name: getattr(self, one.name) for one in fields(self)}
        if self.image is not None:
            content["image"] = {one.name: getattr(self.image, one.name) for one in fields(self.image)}
        return content

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> ImageState:
        """Return what `to_json` made values of; unknown keys are left out.

        Raises
        ------
        KeyError, TypeError, ValueError
            If it is something else.
        """
        known = {one.name: content[one.name] for one in fields(cls) if one.name in content}
        if known.get("state", PROGRESS[0]) not in PROGRESS:
            raise ValueError(f"state is {known['state']!r}; expected one of {', '.join(PROGRESS)}")
        if np.dtype(str(known.get("dtype", "int32"))).kind not in "biu":
            raise ValueError(f"dtype is {known['dtype']!r}; expected one of whole numbers")
        for name in ("effort", "columns", "metadata"):
            if not isinstance(known.get(name, {}), Mapping):
                raise TypeError(f"{name} is {known[name]!r}; expected names with values")
        image = known.get("image")
        return replace(
            cls(**known),
            image=None if image is None else Fingerprint(**image),
            note=str(known.get("note", "")),
            objects=int(known.get("objects", 0)),
        )


def write_state(folder: Path, state: ImageState) -> None:
    """Write the state of an image into the folder of its annotations, whole or not at all.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    content = {"schema": SCHEMA, "version": VERSION, "written_by": __version__, **state.to_json()}
    text = json.dumps(content, indent=1, default=str) + "\n"
    write_whole(folder / FILE, lambda file: file.write_text(text, encoding="utf-8"))


def read_state(folder: Path) -> ImageState:
    """Read the state of an image; an image without a file is untouched.

    Raises
    ------
    LabelsError
        If the file is damaged, or of a version that is not known.
    """
    path = folder / FILE
    if not path.exists():
        return ImageState()
    content = read_json(path, "the state of an image", LabelsError)
    if not isinstance(content, dict) or content.get("schema") != SCHEMA:
        raise LabelsError(f"{path} is not the state of an image; remove it, or put back a copy")
    check_version(content, VERSION, str(path), LabelsError)
    try:
        return ImageState.from_json(content)
    except (KeyError, TypeError, ValueError) as error:
        raise LabelsError(f"{path} is damaged ({error}); remove it, or put back a copy") from error
