"""Checkpoints that take time or memory without end, or claim more than there is."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import Any

from hostile.case import hostile
from hostile.making import DOORS, ONE, number, text, zipped


def _storage(key: str = "0", count: int = 4, kind: bytes = b"FloatStorage") -> bytes:
    name = b"ctorch\n" + kind + b"\n"
    return b"(" + text("storage") + name + text(key) + text("cpu") + number(count) + b"tQ"


def _tensor(size: tuple[int, ...], stride: tuple[int, ...], offset: int = 0, **storage: Any) -> bytes:
    shape, steps = (b"(" + b"".join(number(v) for v in values) + b"t" for values in (size, stride))
    made = b"ctorch._utils\n_rebuild_tensor_v2\n(" + _storage(**storage) + number(offset) + shape + steps
    return made + b"\x89}tR"


def _with_tensor(folder: Path, tensor: bytes) -> Path:
    return zipped(folder, b"\x80\x02}" + text("model") + tensor + b"s.", **{"data/0": bytes(16)})


@hostile(*DOORS, refused="does not hold")
def _numbers_from_another_file(folder: Path) -> Path:
    return _with_tensor(folder, _tensor((4,), (1,), key="../../bait"))


@hostile(*DOORS, refused="claims")
def _a_tensor_that_claims_more_than_there_is(folder: Path) -> Path:
    return _with_tensor(folder, _tensor((10**10,), (1,)))


@hostile(*DOORS, refused="claims")
def _a_tensor_that_repeats_a_number_without_end(folder: Path) -> Path:
    return _with_tensor(folder, _tensor((10**6, 10**6), (0, 0)))


@hostile(*DOORS, refused="shape")
def _a_tensor_that_begins_before_its_numbers(folder: Path) -> Path:
    return _with_tensor(folder, _tensor((4,), (1,), offset=-(1 << 20)))


@hostile(*DOORS, refused="shape")
def _a_tensor_that_steps_backwards(folder: Path) -> Path:
    return _with_tensor(folder, _tensor((4,), (-1,)))


@hostile(*DOORS, refused="claims")
def _numbers_that_claim_ten_gigabytes(folder: Path) -> Path:
    return _with_tensor(folder, _tensor((4,), (1,), count=10 << 30))


@hostile(*DOORS, refused="unpacks to")
def _ten_gigabytes_of_zeros(folder: Path) -> Path:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = packer.compress(bytes(1 << 20)) + packer.flush(zlib.Z_FULL_FLUSH)
    packed = block * (10 << 10) + zlib.compressobj(9, zlib.DEFLATED, -15).flush()
    path = folder / "model.pt"
    name, unpacked = b"archive/data.pkl", 0xFFFFFFF0
    sizes = struct.pack("<III", 0, len(packed), unpacked)
    with path.open("wb") as file:
        central = b""
        for part in (name, b"archive/data/0", b"archive/data/1"):
            start = file.tell()
            file.write(b"PK\x03\x04" + struct.pack("<HHHHH", 20, 0, 8, 0, 33) + sizes)
            file.write(struct.pack("<HH", len(part), 0) + part + packed)
            central += b"PK\x01\x02" + struct.pack("<HHHHHH", 20, 20, 0, 8, 0, 33) + sizes
            central += struct.pack("<HHHHHII", len(part), 0, 0, 0, 0, 0, start) + part
        start = file.tell()
        file.write(central + b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, 3, 3, len(central), start, 0))
    return path


@hostile(*DOORS, refused="unpacks to|two entries")
def _entries_that_share_their_bytes(folder: Path) -> Path:
    path, content = folder / "model.pt", bytes(1 << 20)
    with path.open("wb") as file:
        name = b"archive/data.pkl"
        sizes = struct.pack("<III", zlib.crc32(content), len(content), len(content))
        file.write(b"PK\x03\x04" + struct.pack("<HHHHH", 20, 0, 0, 0, 33) + sizes)
        file.write(struct.pack("<HH", len(name), 0) + name + content)
        start, central = file.tell(), b""
        for i in range(10_000):
            name = f"archive/data/{i}".encode()
            central += b"PK\x01\x02" + struct.pack("<HHHHHH", 20, 20, 0, 0, 0, 33) + sizes
            central += struct.pack("<HHHHHII", len(name), 0, 0, 0, 0, 0, 0) + name
        file.write(central + b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, 10_000, 10_000, len(central), start, 0))
    return path


@hostile(*DOORS, refused="far more than a model")
def _a_list_of_a_million_entries(folder: Path) -> Path:
    path = folder / "model.pt"
    entry = b"PK\x01\x02" + bytes(42)
    central = entry * 400_000
    end = struct.pack("<HHHHIIH", 0, 0, 0xFFFF, 0xFFFF, len(central), 4, 0)
    path.write_bytes(b"PK\x03\x04" + central + b"PK\x05\x06" + end)
    return path


@hostile(*ONE, refused="far more than a checkpoint")
def _a_pickle_of_a_hundred_megabytes(folder: Path) -> Path:
    return zipped(folder, b"\x80\x02" + b"N0" * (50 << 20) + b"N.")


@hostile(*ONE, refused="instructions")
def _a_pickle_of_many_small_steps(folder: Path) -> Path:
    return zipped(folder, b"\x80\x02" + b"N0" * (10 << 20) + b"N.")


@hostile(*ONE, refused="instructions")
def _a_set_made_again_and_again(folder: Path) -> Path:
    values = b"](" + b"".join(b"M" + struct.pack("<H", i) for i in range(60_000)) + b"eq\x00"
    return zipped(folder, b"\x80\x02" + values + b"0" + b"cbuiltins\nset\nh\x00\x85R0" * 50_000 + b"N.")


@hostile(*DOORS, refused="not loaded")
def _a_key_that_takes_forever_to_hash(folder: Path) -> Path:
    return zipped(folder, b"\x80\x02}" + b"K\x01\x85" + b"2\x86" * 60 + b"Ns.")


@hostile(*ONE, refused="not loaded")
def _lists_a_million_deep(folder: Path) -> Path:
    return zipped(folder, b"\x80\x02}" + text("model") + b"]" * 10**6 + b"a" * (10**6 - 1) + b"s.")


@hostile(*DOORS, refused="LONG4|damaged|bytes")
def _an_integer_of_a_million_bytes(folder: Path) -> Path:
    return zipped(folder, b"\x80\x02\x8b" + struct.pack("<i", 10**6) + b"\x7f" * 10**6 + b".")


@hostile(*DOORS, refused="damaged")
def _text_longer_than_the_file(folder: Path) -> Path:
    return zipped(folder, b"\x80\x04\x8d" + struct.pack("<Q", 1 << 62) + b"x.")
