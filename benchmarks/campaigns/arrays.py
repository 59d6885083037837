"""Arrays of any kind, by the dice: dtype, shape, values, memory, and what holds them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import dask.array as da
import numpy as np
import zarr
from numpy.typing import NDArray

Generator = np.random.Generator

DTYPES = ("?", "u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f2", "f4", "f8")
BIG_ENDIAN = (">u2", ">i2", ">u4", ">i4", ">i8", ">f4", ">f8", ">f2")
STRANGE = ("g", "c8", "c16", "O", "U3", "S2", "M8[s]", "m8[s]", "V4", [("a", "f4"), ("b", "u1")])
LENGTHS = (1, 2, 3, 4, 5, 7, 16, 31, 33, 64, 97)


def any_shape(rng: Generator) -> tuple[int, ...]:
    """Return mostly the shape of a plane, sometimes of anything."""
    plane = tuple(int(n) for n in rng.choice(LENGTHS, 2))
    kind = rng.integers(20)
    if kind < 11:
        return plane
    if kind < 14:
        return (*plane, int(rng.choice([3, 4])))
    if kind < 16:
        return (int(rng.integers(1, 5)), *plane)
    if kind == 16:
        return (int(rng.integers(1, 3)), *plane, int(rng.choice([1, 2, 3, 4, 5])))
    if kind == 17:
        return tuple(int(n) for n in rng.choice(LENGTHS[:6], rng.integers(0, 6)))
    if kind == 18:
        return tuple(rng.permutation([0, *plane]).tolist()[: rng.integers(1, 4)])
    return (1, int(rng.integers(1, 3000)))


def any_dtype(rng: Generator) -> Any:
    """Return a dtype: of numbers mostly, of either byte order, or of something that is no number."""
    kind = rng.integers(10)
    return np.dtype(DTYPES[rng.integers(len(DTYPES))] if kind < 6 else
                    BIG_ENDIAN[rng.integers(len(BIG_ENDIAN))] if kind < 9 else
                    STRANGE[rng.integers(len(STRANGE))])  # fmt: skip


def any_values(rng: Generator, shape: tuple[int, ...], dtype: Any) -> NDArray[Any]:
    """Return an array of a dtype with values that are noise, blobs, flat, at its limits, or none at all."""
    if dtype.kind in "OUSMmV" or dtype.names:
        return np.zeros(shape, dtype) if rng.integers(2) or dtype.kind != "O" else np.full(shape, None, object)
    kind = rng.integers(7)
    values = rng.random(shape) if kind < 2 else np.zeros(shape)
    if kind in (2, 3) and values.ndim >= 2:
        values = _blobs(rng, shape)
    elif kind == 4:
        values = values + rng.random()
    elif kind == 5:
        values = (rng.random(shape) < 0.02).astype(float)
    with np.errstate(all="ignore"):
        scaled = values * float(rng.choice([1, 80, 255, 4000, 65535, 1e9])) - float(rng.choice([0, 0, 0, 100]))
        array = np.array(_cast(scaled, dtype))
    if rng.integers(3) == 0 and array.size:
        _spoil(rng, array)
    return array


def _cast(values: NDArray[np.float64], dtype: Any) -> NDArray[Any]:
    if dtype.kind in "ui":
        info = np.iinfo(dtype)
        values = np.clip(values, float(info.min), float(np.nextafter(info.max, 0)) if dtype.itemsize == 8 else info.max)
    return values.astype(dtype)


def _blobs(rng: Generator, shape: tuple[int, ...]) -> NDArray[np.float64]:
    axes = (0, 1) if len(shape) == 3 and shape[-1] in (3, 4) else (len(shape) - 2, len(shape) - 1)
    y, x = np.ogrid[: shape[axes[0]], : shape[axes[1]]]
    plane = np.zeros((shape[axes[0]], shape[axes[1]]))
    for _ in range(int(rng.integers(1, 6))):
        cy, cx, r = rng.random() * len(y), rng.random() * plane.shape[1], 1 + 12 * rng.random()
        plane = np.maximum(plane, np.exp(-((y - cy) ** 2 + (x - cx) ** 2) / r**2))
    return np.broadcast_to(plane[..., None] if axes == (0, 1) and len(shape) == 3 else plane, shape) + 0.0


def _spoil(rng: Generator, array: NDArray[Any]) -> None:
    """Put what is no number, or the largest there is, into some places or all."""
    if array.dtype.kind in "fc":
        top = float(np.finfo(array.dtype).max) if array.dtype.char != "g" else 1e308
        bad = [np.nan, np.inf, -np.inf, top, -top, 1e-45][: int(rng.integers(1, 7))]
    elif array.dtype.kind in "ui":
        bad = [np.iinfo(array.dtype).max, np.iinfo(array.dtype).min]
    else:
        bad = [True]
    where = rng.random(array.shape) < rng.choice([0.01, 0.3, 1.0])
    with np.errstate(all="ignore"):
        array[where] = rng.choice(np.array(bad, array.dtype), int(where.sum()))


# ---------------------------------------------------------------- memory


def any_memory(rng: Generator, array: NDArray[Any]) -> NDArray[Any]:
    """Return the same values in another layout of memory."""
    kind = rng.integers(9)
    if kind == 0:
        return np.asfortranarray(array)
    if kind == 1 and array.ndim:
        return np.flip(np.flip(array, 0).copy(), 0)
    if kind == 2 and array.ndim:
        return np.repeat(array, 2, axis=array.ndim - 1)[..., ::2]
    if kind == 3:
        frozen = array.copy()
        frozen.setflags(write=False)
        return frozen
    if kind == 4 and array.dtype.kind != "O":
        odd = np.empty(array.nbytes + 1, np.uint8)[1:].view(array.dtype.str if not array.dtype.names else array.dtype)
        unaligned = odd.reshape(array.shape)
        unaligned[...] = array
        return unaligned
    if kind == 5 and array.ndim == 2 and array.size:
        return np.broadcast_to(array[:1], array.shape)
    if kind == 6 and array.ndim >= 2:
        return np.swapaxes(np.swapaxes(array, 0, -1).copy(), 0, -1)
    return array


# ---------------------------------------------------------------- what holds them


def _dask(rng: Generator, array: NDArray[Any]) -> Any:
    chunks = tuple(int(rng.integers(1, n + 1)) if n else 0 for n in array.shape)
    many = np.prod([-(-n // c) if c else 1 for n, c in zip(array.shape, chunks, strict=True)])
    return da.from_array(array, chunks=chunks if many <= 64 else -1)


def _zarr(rng: Generator, array: NDArray[Any]) -> Any:
    if array.dtype.kind not in "buif" or array.dtype.char == "g" or 0 in array.shape or not array.ndim:
        return array
    chunks = tuple(int(rng.integers(max(n // 3, 1), n + 1)) for n in array.shape)
    version = int(rng.choice([2, 3]))
    return zarr.create_array({}, data=np.ascontiguousarray(array), chunks=chunks, zarr_format=version)  # type: ignore[arg-type]


def _masked(rng: Generator, array: NDArray[Any]) -> Any:
    return np.ma.masked_array(array, mask=rng.random(array.shape) < 0.3)


def _list(rng: Generator, array: NDArray[Any]) -> Any:
    return array.tolist() if array.size < 500 else array


HOLDERS: tuple[Callable[[Generator, NDArray[Any]], Any], ...] = (_dask, _zarr, _masked, _list)


def any_array(rng: Generator, shape: tuple[int, ...] | None = None) -> Any:
    """Return an array of any kind."""
    shape = any_shape(rng) if shape is None else shape
    array = any_memory(rng, any_values(rng, shape, any_dtype(rng)))
    if rng.integers(2):
        return array
    return HOLDERS[rng.integers(len(HOLDERS))](rng, array)


def words(array: Any) -> str:
    """Say what an array is, for a message."""
    return (
        f"{type(array).__module__}.{type(array).__name__} {getattr(array, 'shape', '')} {getattr(array, 'dtype', '')}"
    )
