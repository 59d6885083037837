"""ONNX files, checked before a runtime sees them: one network of standard operators, all of it in one file."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from napari_fastsam.errors import ModelError

MAX_BYTES = 1 << 30
"""FastSAM-x has 300 MB. Protocol buffers end at 2 GB."""

_MAX_NUMBERS = 1 << 29
"""Numbers in one tensor that the file itself asks for: 2 GB. The largest weights have 10 million."""

_MAX_MESSAGES = 2_000_000

_STANDARD = {"", "ai.onnx"}
_CONTROL_FLOW = {"If", "Loop", "Scan"}


@dataclass(frozen=True)
class OnnxFile:
    """An ONNX file that was read.

    Attributes
    ----------
    content
        Its bytes: what a runtime is given, so that it opens no file itself.
    metadata
        Texts that its maker put into it.
    """

    content: bytes
    metadata: dict[str, str]


def read_onnx(path: Path) -> OnnxFile:
    """Read and check an ONNX file.

    Raises
    ------
    ModelError
        If it is too large, keeps weights in other files, uses operators that are not ONNX's own or that repeat and
        branch, or makes a tensor of gigabytes.
    Exception
        What onnx raises for a file that it cannot read.
    """
    import onnx

    if path.stat().st_size > MAX_BYTES:
        raise ModelError(_refused(path, f"it has {path.stat().st_size:,} bytes, and {MAX_BYTES:,} are read at most"))
    content = path.read_bytes()
    model = onnx.load_model_from_string(content)
    own = {(function.domain, function.name) for function in model.functions}
    for message in _messages(model, path):
        kind = message.DESCRIPTOR.name
        if kind == "TensorProto" and (message.data_location or message.external_data):
            where = next((entry.value for entry in message.external_data if entry.key == "location"), "")
            raise ModelError(_refused(path, f"it keeps weights in another file, {where[:200]!r}"))
        if kind == "TensorProto" and math.prod(max(length, 1) for length in message.dims) > _MAX_NUMBERS:
            raise ModelError(_refused(path, f"its {message.name[:100]!r} claims to have {list(message.dims)} numbers"))
        if kind == "NodeProto":
            _check_node(message, own, path)
    _check_sizes(onnx.shape_inference.infer_shapes(model, data_prop=True), path)
    return OnnxFile(content, {entry.key: entry.value for entry in model.metadata_props})


def _check_node(node: Any, own: set[tuple[str, str]], path: Path) -> None:
    if node.domain not in _STANDARD and (node.domain, node.op_type) not in own:
        raise ModelError(_refused(path, f"it uses {node.op_type!r} of {node.domain!r}, not one of ONNX's operators"))
    if node.op_type in _CONTROL_FLOW:
        raise ModelError(_refused(path, f"it uses {node.op_type!r}, with which a network may run for ever"))


def _check_sizes(model: Any, path: Path) -> None:
    for value in model.graph.value_info:
        count = 1
        for dimension in value.type.tensor_type.shape.dim:
            count *= max(dimension.dim_value, 1)
        if count > _MAX_NUMBERS:
            raise ModelError(_refused(path, f"its {value.name[:100]!r} has {count:,} numbers"))


def _messages(root: Any, path: Path) -> Iterator[Any]:
    """Yield every message in a message, whatever field it is in."""
    waiting, count = [root], 0
    while waiting:
        message = waiting.pop()
        yield message
        for field, value in message.ListFields():
            if field.message_type is None:
                continue
            inner = list(value) if field.is_repeated else [value]
            count += len(inner)
            if count > _MAX_MESSAGES:
                raise ModelError(_refused(path, f"it has more than {_MAX_MESSAGES:,} parts"))
            waiting.extend(inner)


def _refused(path: Path, why: str) -> str:
    return (
        f"{path} was not opened: {why}; expected an ONNX file as 'napari-fastsam export' or ultralytics writes it: "
        f"export the checkpoint again"
    )
