"""ND2 files of version 3, small and made here, with the structure that the library nd2 reads.

A chunk is a header (magic number, length of the name, length of the data), its name and its data; a map of all chunks
stands at the end. What is told of the image is in the variant CLX Lite: type, name in UTF-16, value; lists are levels
of entries without a name.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

_MAGIC, _ALIGNED = 0x0ABECEDA, 4096
_BOOL, _UINT, _DOUBLE, _STRING, _LEVEL = 1, 3, 6, 8, 11


def write_nd2(
    path: Path,
    frames: Sequence[NDArray[Any]],
    loops: Sequence[tuple[str, int]] = (),
    channels: Sequence[str] = ("mono",),
    pixel_size: float = 0.5,
    z_step: float = 2.0,
) -> Path:
    """Write frames, each (Y, X, components); those that are left out at the end were never recorded.

    Parameters
    ----------
    path
        The file.
    frames
        In the order of the loops, the last fastest.
    loops
        Axes, of P (positions), T and Z, with their lengths, the slowest first.
    channels
        Their names; the components of a frame are shared among them.
    pixel_size, z_step
        In micrometers.
    """
    height, width, components = frames[0].shape
    item = frames[0].dtype.itemsize
    attributes = {
        "uiWidth": width, "uiWidthBytes": width * components * item, "uiHeight": height, "uiComp": components,
        "uiBpcInMemory": 8 * item, "uiBpcSignificant": 8 * item, "uiSequenceCount": len(frames), "eCompression": 2,
    }  # fmt: skip
    each = components // len(channels)
    planes = {
        f"a{i}": {"sDescription": name, "uiCompCount": each, "pFluorescentProbe": {"uiColor": 0}}
        for i, name in enumerate(channels)
    }
    picture = {
        "bCalibrated": True,
        "dCalibration": pixel_size,
        "sPicturePlanes": {"uiCount": len(channels), "sPlaneNew": planes},
    }
    told = {
        b"ImageAttributesLV!": {"SLxImageAttributes": attributes},
        b"ImageMetadataSeqLV|0!": {"SLxPictureMetadata": picture},
    }
    if loops:
        told[b"ImageMetadataLV!"] = {"SLxExperiment": _experiment(loops, z_step)}
    chunks = {name: b"".join(_lite(*pair) for pair in content.items()) for name, content in told.items()}
    pixels = {f"ImageDataSeq|{i}!".encode(): bytes(8) + frame.tobytes() for i, frame in enumerate(frames)}
    with path.open("wb") as file:
        file.write(struct.pack("<IIQ32s64s", _MAGIC, 32, 64, b"ND2 FILE SIGNATURE CHUNK NAME01!", b"Ver3.0"))
        places = b""
        for name, data in (chunks | pixels).items():
            file.write(bytes(-file.tell() % _ALIGNED))
            places += name + struct.pack("<QQ", file.tell(), len(data))
            file.write(_chunk(name, data, _ALIGNED - 24 if name in pixels else len(name) + 1))
        file.write(bytes(-file.tell() % _ALIGNED))
        end = b"ND2 CHUNK MAP SIGNATURE 0000001!" + struct.pack("<Q", file.tell())
        file.write(_chunk(b"ND2 FILEMAP SIGNATURE NAME 0001!", places + end, 32))
    return path


def _chunk(name: bytes, data: bytes, length: int) -> bytes:
    return struct.pack("<IIQ", _MAGIC, length, len(data)) + name.ljust(length, b"\0") + data


def _experiment(loops: Sequence[tuple[str, int]], z_step: float) -> dict[str, Any]:
    """Return loops within each other."""
    (axis, count), *inner = loops
    kind, more = {
        "T": (1, {"dStart": 0.0, "dPeriod": 1000.0, "dDuration": 1000.0 * count}),
        "P": (2, {"Points": [{"dPosX": float(i), "dPosY": 0.0} for i in range(count)]}),
        "Z": (4, {"dZLow": 0.0, "dZHigh": z_step * (count - 1), "dZStep": z_step, "dZHome": 0.0}),
    }[axis]
    said: dict[str, Any] = {"eType": kind, "uLoopPars": {"uiCount": count, **more}}
    return said | ({"ppNextLevelEx": [_experiment(inner, z_step)]} if inner else {})


def _lite(name: str, value: object) -> bytes:
    text = (name + "\0").encode("utf-16-le")
    if isinstance(value, dict | list):
        pairs = value.items() if isinstance(value, dict) else [("", one) for one in value]
        items = [_lite(*pair) for pair in pairs]
        head = struct.pack("<BB", _LEVEL, len(name) + 1) + text
        content = b"".join(items)
        size = len(head) + 12 + len(content)
        return head + struct.pack("<IQ", len(items), size) + content + bytes(8 * len(items))
    kind, data = {
        bool: (_BOOL, lambda: struct.pack("<B", value)),
        int: (_UINT, lambda: struct.pack("<I", value)),
        float: (_DOUBLE, lambda: struct.pack("<d", value)),
        str: (_STRING, lambda: f"{value}\0".encode("utf-16-le")),
    }[type(value)]
    return struct.pack("<BB", kind, len(name) + 1) + text + data()
