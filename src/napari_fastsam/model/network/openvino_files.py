"""OpenVINO folders, checked before a runtime sees them: one description, its weights, and a note of their maker."""

from __future__ import annotations

import re
import stat
import xml.parsers.expat
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from napari_fastsam.errors import ModelError
from napari_fastsam.files import read_yaml

_MAX_XML, _MAX_BIN, _MAX_NOTE = 50_000_000, 1 << 30, 1_000_000
_MAX_LAYERS = 100_000
_MAX_NUMBERS = 1 << 29
"""Numbers in one output of a layer, by the description: 2 GB."""

_CONTROL_FLOW = {"If", "Loop", "TensorIterator"}
_STANDARD = re.compile(r"opset\d{1,3}")


@dataclass(frozen=True)
class OpenVinoFiles:
    """What an OpenVINO folder holds, in memory: a runtime that is given it opens no file itself."""

    description: bytes
    weights: bytes


def read_openvino(folder: Path) -> OpenVinoFiles:
    """Read and check an OpenVINO folder: its one ``.xml``, and the ``.bin`` of the same stem.

    Raises
    ------
    ModelError
        If a file is missing or too large, the description declares entities or a document type, uses operators that are
        not OpenVINO's own or that repeat and branch, or points out of the weights.
    """
    descriptions = sorted(folder.glob("*.xml"))
    if len(descriptions) != 1:
        raise ModelError(_refused(folder, f"it holds {len(descriptions)} .xml files, and one was expected"))
    text = _content(descriptions[0], folder, _MAX_XML)
    weights = _content(descriptions[0].with_suffix(".bin"), folder, _MAX_BIN)
    _Checks(folder, len(weights)).check(text)
    return OpenVinoFiles(text, weights)


def read_note(folder: Path) -> dict[str, Any]:
    """Return what the exporter wrote into ``metadata.yaml``; empty if there is nothing, or nothing that can be read."""
    path = folder / "metadata.yaml"
    try:
        note = read_yaml(path, "a note of an export", ModelError, _MAX_NOTE) if path.is_file() else {}
    except ModelError:
        return {}
    return {str(key): value for key, value in note.items()} if isinstance(note, dict) else {}


def _content(path: Path, folder: Path, most: int) -> bytes:
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode) or status.st_size > most:
            raise ModelError(_refused(folder, f"{path.name} is no file of at most {most:,} bytes"))
        return path.read_bytes()
    except OSError as error:
        raise ModelError(_refused(folder, f"{path.name} cannot be read ({error.strerror or error})")) from error


class _Checks:
    """Follows a description from its beginning to its end, without building it in memory."""

    def __init__(self, folder: Path, weight_bytes: int) -> None:
        self._folder, self._weight_bytes = folder, weight_bytes
        self._layers, self._depth = 0, 0
        self._kind, self._numbers = "", 1

    def check(self, text: bytes) -> None:
        parser = xml.parsers.expat.ParserCreate()
        parser.StartDoctypeDeclHandler = self._doctype
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        parser.buffer_text = True
        try:
            parser.Parse(text, True)
        except xml.parsers.expat.ExpatError as error:
            raise ModelError(_refused(self._folder, f"its description is no whole XML ({error})")) from error

    def _doctype(self, *_: Any) -> None:
        raise ModelError(_refused(self._folder, "its description declares a document type, with which XML reads files"))

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth == 1 and tag != "net":
            raise ModelError(_refused(self._folder, f"its description is XML of another kind, {tag[:100]!r}"))
        self._tag = tag
        if tag == "layer":
            self._layer(attributes.get("type", ""), attributes.get("version", ""))
        elif tag == "data" and self._kind == "Const":
            self._constant(attributes)
        elif tag == "port":
            self._numbers = 1

    def _end(self, tag: str) -> None:
        self._depth -= 1
        self._tag = ""

    def _characters(self, text: str) -> None:
        if self._tag == "dim" and text.strip().isdecimal():
            self._numbers *= max(1, int(text.strip()[:20]))
            if self._numbers > _MAX_NUMBERS:
                raise ModelError(_refused(self._folder, f"a layer {self._kind[:100]!r} has {self._numbers:,} numbers"))

    def _layer(self, kind: str, version: str) -> None:
        self._kind, self._layers = kind, self._layers + 1
        if self._layers > _MAX_LAYERS:
            raise ModelError(_refused(self._folder, f"it has more than {_MAX_LAYERS:,} layers"))
        if not _STANDARD.fullmatch(version):
            raise ModelError(
                _refused(self._folder, f"its layer {kind[:100]!r} is of {version[:100]!r}, not of OpenVINO's own set")
            )
        if kind in _CONTROL_FLOW:
            raise ModelError(_refused(self._folder, f"it uses {kind!r}, with which a network may run for ever"))

    def _constant(self, attributes: dict[str, str]) -> None:
        offset, size = attributes.get("offset", ""), attributes.get("size", "")
        whole = all(text.isdecimal() and len(text) < 20 for text in (offset, size))
        if not whole or int(offset) + int(size) > self._weight_bytes:
            raise ModelError(_refused(self._folder, f"weights at {offset[:30]!r} lie outside of its .bin"))


def _refused(folder: Path, why: str) -> str:
    return (
        f"{folder} is damaged or was not made by 'napari-fastsam export' or ultralytics, and was not opened: {why}; "
        f"export the checkpoint again"
    )
