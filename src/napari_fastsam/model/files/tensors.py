"""A file of torch, read without running anything of it: tensors, plain values, and records of everything else."""

from __future__ import annotations

import struct
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_fastsam.model.files.archive import Archive
from napari_fastsam.model.files.pickle_values import Name, PickledObject, RefusedError, UnreadableError, as_key
from napari_fastsam.model.files.pickles import MAX_BYTES, Interpreter

if TYPE_CHECKING:
    import torch

_DTYPES = {
    "FloatStorage": "float32", "DoubleStorage": "float64", "HalfStorage": "float16", "BFloat16Storage": "bfloat16",
    "LongStorage": "int64", "IntStorage": "int32", "ShortStorage": "int16", "CharStorage": "int8",
    "ByteStorage": "uint8", "BoolStorage": "bool",
}  # fmt: skip

_MAX_DIMENSIONS = 16

_MAGIC = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19\x2e"
_MAX_LEGACY = 2 << 30

_NUMPY_SCALARS = {
    "f8": "d", "f4": "f", "f2": "e", "i8": "q", "i4": "i", "i2": "h", "i1": "b", "u8": "Q", "u4": "I", "u2": "H",
    "u1": "B", "b1": "?",
}  # fmt: skip


def read_torch(path: Path, inert: tuple[str, ...] | None = ()) -> Any:
    """Read a file that ``torch.save`` wrote, or the values of a TorchScript archive.

    Parameters
    ----------
    path
        The file: a zip archive, as torch writes since version 1.6, or what it wrote before.
    inert
        Modules, with all inside them, and full names of classes and functions that may be named. What they would make
        comes out as a `PickledObject`: ``("ultralytics", "torch.nn.modules")`` for a YOLO checkpoint, ``("__torch__",
        "torch.jit")`` for a TorchScript archive, nothing for weights by name. None = whatever is named.

    Returns
    -------
    Tensors on the CPU, dictionaries, lists, tuples, sets, text, numbers; `Name` and `PickledObject` within `inert`. It
    may be of any shape and depth, and may contain itself: whoever walks through it has to count.

    Raises
    ------
    RefusedError
        If it names a class or function that is neither known nor within `inert`, or claims more than it holds.
    UnreadableError
        If it is damaged, or not of torch.
    """
    try:
        if is_legacy(path):
            return _read_legacy(path, inert)
        with Archive(path) as archive:
            return _read_archive(archive, inert)
    except OSError as error:
        raise UnreadableError(f"it cannot be read ({error.strerror or error})") from error


def _read_archive(archive: Archive, inert: tuple[str, ...] | None) -> Any:
    folder = archive.folder
    order = f"{folder}/byteorder"
    if order in archive and (archive.size(order) > 8 or archive.read(order) != sys.byteorder.encode()):
        raise UnreadableError("it was written on a machine of another byte order")
    main = f"{folder}/data.pkl"
    if archive.size(main) > MAX_BYTES:
        raise RefusedError("data.pkl", f"its pickle has {archive.size(main):,} bytes, far more than a checkpoint's")
    storages = _Storages(archive, f"{folder}/data/")
    return Interpreter(bytes(archive.read(main)), CONSTRUCTORS, inert, storages.load).run()


class _Storages:
    """The numbers of an archive's tensors, each read once."""

    def __init__(self, archive: Archive, prefix: str) -> None:
        self._archive, self._prefix = archive, prefix
        self._read: dict[str, torch.Tensor] = {}

    def load(self, reference: Any) -> torch.Tensor:
        """Return the numbers that a pickle refers to, in one dimension."""
        if not (isinstance(reference, tuple) and len(reference) == 5 and reference[0] == "storage"):
            raise RefusedError("persistent id", f"it refers to {type(reference).__name__} outside of itself")
        _, kind, key, _, count = reference
        if not (isinstance(key, str) and key.isdecimal() and isinstance(count, int) and count >= 0):
            raise RefusedError("persistent id", "it refers to numbers that it does not hold")
        if key not in self._read:
            self._read[key] = self._numbers(kind, key)
        numbers = self._read[key]
        if count > len(numbers) or (isinstance(kind, Name) and numbers.dtype is not _dtype(kind)):
            raise RefusedError(
                "persistent id", f"a tensor claims {count:,} numbers where {len(numbers):,} are, or of another kind"
            )
        return numbers[:count]

    def _numbers(self, kind: Any, key: str) -> torch.Tensor:
        import torch

        dtype = _dtype(kind)
        content = self._archive.read(self._prefix + key)
        if not content:
            return torch.empty(0, dtype=dtype)
        if len(content) % dtype.itemsize:
            raise UnreadableError(f"the numbers {key} are cut off")
        if dtype is torch.bool:  # a byte may be anything in a file, and must not in a tensor
            return torch.frombuffer(content, dtype=torch.uint8) != 0
        return torch.frombuffer(content, dtype=dtype)


def is_legacy(path: Path) -> bool:
    """Say whether a file is one of torch before version 1.6: pickles, the first of a number that marks it."""
    with path.open("rb") as file:
        return file.read(len(_MAGIC)) == _MAGIC


def _read_legacy(path: Path, inert: tuple[str, ...] | None) -> Any:
    """Read five pickles (mark, version, machine, content, keys of tensors), and then the tensors' numbers."""
    if path.stat().st_size > _MAX_LEGACY:
        raise RefusedError("legacy file", f"it is an old file of torch with more than {_MAX_LEGACY:,} bytes")
    data = path.read_bytes()
    storages = _Promised(len(data))
    position, values = 0, []
    for load in (None, None, None, storages.load, None):
        pickle = Interpreter(data, CONSTRUCTORS, inert, load, position)
        values.append(pickle.run())
        position = pickle.position
    *_, content, keys = values
    if not isinstance(keys, list) or len(keys) != len(storages.numbers) or not all(k in storages.numbers for k in keys):
        raise UnreadableError("it does not hold the numbers of all its tensors")
    for key in keys:
        position = storages.fill(key, data, position)
    return content


class _Promised:
    """The numbers of an old file's tensors, which come behind the pickle that refers to them."""

    def __init__(self, limit: int) -> None:
        self.numbers: dict[str, torch.Tensor] = {}
        self._left = limit

    def load(self, reference: Any) -> torch.Tensor:
        """Return numbers that are filled in later."""
        import torch

        if not (isinstance(reference, tuple) and len(reference) == 6 and reference[0] == "storage"):
            raise RefusedError("persistent id", f"it refers to {type(reference).__name__} outside of itself")
        _, kind, key, _, count, view = reference
        if not (isinstance(key, str) and type(count) is int and count >= 0) or view is not None:
            raise RefusedError("persistent id", "it refers to numbers that it does not hold")
        dtype = _dtype(kind)
        if key not in self.numbers:
            self._left -= count * dtype.itemsize
            if self._left < 0:
                raise RefusedError("persistent id", f"a tensor claims {count:,} numbers, more than the file has")
            self.numbers[key] = torch.zeros(count, dtype=dtype)
        if count != len(self.numbers[key]) or self.numbers[key].dtype is not dtype:
            raise RefusedError("persistent id", "two tensors share numbers and disagree on them")
        return self.numbers[key]

    def fill(self, key: str, data: bytes, position: int) -> int:
        """Fill in the numbers of `key`, which begin at `position` of `data`; return where they end."""
        import torch

        numbers = self.numbers[key]
        start = position + 8
        end = start + len(numbers) * numbers.itemsize
        if data[position:start] != len(numbers).to_bytes(8, "little") or end > len(data):
            raise UnreadableError("it is truncated within the numbers of a tensor")
        if len(numbers):
            content = torch.frombuffer(bytearray(data[start:end]), dtype=torch.uint8)
            numbers.copy_(content != 0 if numbers.dtype is torch.bool else content.view(numbers.dtype))
        return end


def _dtype(kind: Any) -> torch.dtype:
    import torch

    if isinstance(kind, Name) and kind.module == "torch" and kind.name in _DTYPES:
        dtype: torch.dtype = getattr(torch, _DTYPES[kind.name])
        return dtype
    raise RefusedError(str(kind)[:200], f"it holds numbers of the kind {str(kind)[:200]!r}, which is not read")


def _tensor(storage: Any, offset: Any, size: Any, stride: Any, *_: Any) -> torch.Tensor:
    """Make what ``torch._utils._rebuild_tensor_v2`` makes, within the numbers that are there."""
    import torch

    if not (isinstance(storage, torch.Tensor) and storage.dim() == 1 and _are_whole(offset, size, stride)):
        raise RefusedError("torch._utils._rebuild_tensor_v2", "a tensor's shape is not one")
    count, last = 1, offset
    for length, step in zip(size, stride, strict=True):
        count *= length
        last += (length - 1) * step
    if count > len(storage) or (count and last >= len(storage)):
        raise RefusedError(
            "torch._utils._rebuild_tensor_v2", f"a tensor claims {count:,} numbers, more than its {len(storage):,}"
        )
    if not count:
        return torch.empty(size, dtype=storage.dtype) if max(size, default=0) < 1 << 31 else torch.empty(0)
    return storage.as_strided(size, stride, offset)


def _are_whole(offset: Any, size: Any, stride: Any) -> bool:
    """Say whether all are whole numbers from 0 on, and as many steps as lengths."""
    if not (type(size) is type(stride) is tuple and len(size) == len(stride) <= _MAX_DIMENSIONS):
        return False
    return all(type(value) is int and value >= 0 for value in (offset, *size, *stride))


def _parameter(data: Any, *_: Any) -> torch.Tensor:
    import torch

    if not isinstance(data, torch.Tensor):
        raise RefusedError("torch._utils._rebuild_parameter", "a parameter is no tensor")
    return data


def _dictionary(pairs: Any = ()) -> dict[Any, Any]:
    if not isinstance(pairs, list | tuple) or not all(isinstance(p, list | tuple) and len(p) == 2 for p in pairs):
        raise UnreadableError("a dictionary is made of something else than pairs")
    return {as_key(key): value for key, value in pairs}


def _set(values: Any = ()) -> set[Any]:
    if not isinstance(values, list | tuple):
        raise UnreadableError("a set is made of something else than a list")
    return {as_key(value) for value in values}


def _size(values: Any = ()) -> tuple[Any, ...]:
    return tuple(values) if isinstance(values, list | tuple) else ()


def _no_bytes(*args: Any) -> bytes:
    """Return b"", which pickles before protocol 3 make so; nobody gets zeros by number."""
    if args:
        raise UnreadableError("it makes bytes of something else than text")
    return b""


def _encoded(text: Any = "", *_: Any) -> bytes:
    """Return the bytes that pickles of the protocol that torch uses write as text."""
    return text.encode("latin-1") if isinstance(text, str) else b""


def _numpy_scalar(dtype: Any = None, content: Any = b"", *_: Any) -> Any:
    """Return a number of numpy as Python's own, and what is not understood as a record."""
    name = Name("numpy", "scalar")
    if not isinstance(dtype, PickledObject) or not dtype.args or not isinstance(content, bytes):
        return PickledObject(name)
    code = _NUMPY_SCALARS.get(dtype.args[0]) if isinstance(dtype.args[0], str) else None
    if code is None or struct.calcsize(code) != len(content):
        return PickledObject(name)
    return struct.unpack(f"<{code}", content)[0]


def _inert(name: str) -> Callable[..., PickledObject]:
    module, _, last = name.rpartition(".")
    return lambda *args: PickledObject(Name(module, last), args)


CONSTRUCTORS: Mapping[str, Callable[..., Any]] = {
    "torch._utils._rebuild_tensor_v2": _tensor,
    "torch._utils._rebuild_parameter": _parameter,
    "torch._utils._rebuild_parameter_with_state": _parameter,
    "collections.OrderedDict": _dictionary,
    "builtins.set": _set,
    "__builtin__.set": _set,
    "builtins.frozenset": _set,
    "__builtin__.frozenset": _set,
    "torch.Size": _size,
    "_codecs.encode": _encoded,
    "__builtin__.bytes": _no_bytes,
    "numpy.core.multiarray.scalar": _numpy_scalar,
    "numpy._core.multiarray.scalar": _numpy_scalar,
    **{f"torch.{name}": _inert(f"torch.{name}") for name in _DTYPES},
    **{
        name: _inert(name)
        for name in (
            "torch.device", "numpy.dtype", "torch.float32", "torch.float16", "torch.float64", "torch.bfloat16",
            "torch.int64", "torch.int32", "torch.int16", "torch.int8", "torch.uint8", "torch.bool",
        )
    },
}  # fmt: skip
"""What is made of what a file of torch names: these functions, and nothing of torch's or numpy's own."""
