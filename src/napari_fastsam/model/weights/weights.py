"""Checkpoints: where they lie on disk, and how one gets there (`model.weights.registry` says which there are).

The bundled model needs nothing. FastSAM's own and CLIP's are downloaded when asked for, checked against a SHA-256 and
moved into the cache folder in one step; a file that is there already, or that a person names, needs no
network.
"""

from __future__ import annotations

import dataclasses
import difflib
import hashlib
import os
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

from napari_fastsam.errors import ModelError
from napari_fastsam.model.weights import own_models
from napari_fastsam.model.weights.card import FASTSAM, Card, read_card
from napari_fastsam.model.weights.fetch import DownloadCancelled, fetch
from napari_fastsam.model.weights.formats import exported_at
from napari_fastsam.model.weights.registry import (
    BUNDLED_FOLDER,
    BUNDLED_NAME,
    CACHE_VARIABLE,
    REGISTRY,
    TEXT_ENCODERS,
    Purpose,
    Weights,
    cache_folder,
)

__all__ = [
    "BUNDLED_FOLDER",
    "BUNDLED_NAME",
    "CACHE_VARIABLE",
    "REGISTRY",
    "TEXT_ENCODERS",
    "Card",
    "DownloadCancelled",
    "Purpose",
    "Weights",
    "cache_folder",
    "card_for",
    "download",
    "find",
    "is_available",
    "known",
    "sha256_of",
]
_WANTED: dict[Purpose, str] = {
    "segmentation": "a segmentation model, which finds objects",
    "text": "a text encoder, which tells how well objects fit words",
}


def known(name: str, purpose: Purpose | None = "segmentation") -> Weights | None:
    """Return the entry of that name, in any case, with or without ``.pt``, or None; a file's name will do.

    Parameters
    ----------
    name
        What a person types.
    purpose
        What the checkpoint is to be for; None = whatever it is for.
    """
    wanted = name.strip().casefold().removesuffix(".pt")
    return next((w for w in _entries(purpose) if wanted in (w.name.casefold(), Path(w.file).stem.casefold())), None)


def find(name_or_path: str | Path, purpose: Purpose = "segmentation") -> Path:
    """Return the checkpoint's file, from the package, the disk or the cache; never from the network.

    A file that exists under the text as given comes first, if the text looks like a file (it has a suffix
    or a folder): somebody who types ``nuclei.pt`` beside a file of that name means the file. Then the names known for
    this purpose are tried, then, for segmentation, those of the person's own models (`model.weights.own_models`). An
    exported model may be a folder; a file that lies in one, such as OpenVINO's ``.xml``, stands for it.

    Raises
    ------
    ModelError
        If there is no such file or name, the name is known for another purpose, it is a folder, or the cached file is
        not complete.
    """
    text, path = str(name_or_path), Path(os.path.expanduser(name_or_path))
    plain = path.name == str(path)
    looks_like_file = isinstance(name_or_path, Path) or bool(path.suffix) or not plain
    exported = exported_at(path) if purpose == "segmentation" else None
    if exported is not None:
        return exported.absolute()
    if looks_like_file and path.is_file():
        return path.absolute()
    weights = known(text, purpose)
    own = own_models.locate(text) if weights is None and plain and purpose == "segmentation" else None
    if own is not None:
        return own
    if weights is None:
        raise ModelError(_why_not_found(text, path, looks_like_file, purpose))
    if not weights.path.is_file():
        raise ModelError(_how_to_get(weights))
    size = weights.path.stat().st_size
    if weights.bytes and size != weights.bytes:
        raise ModelError(
            f"{weights.path} has {size:,} bytes instead of {weights.bytes:,}, so it is not {weights.name} or "
            f"not all of it: download it again, or name its path if it is yours"
        )
    return weights.path


def is_available(name_or_path: str | Path, purpose: Purpose = "segmentation") -> bool:
    """Return whether `find` would find it."""
    try:
        find(name_or_path, purpose)
    except ModelError:
        return False
    return True


def card_for(path: Path) -> Card:
    """Return what is known about a checkpoint.

    In this order: the JSON file beside it of the same name with ``.json`` behind it, then that of the same stem; the
    stand-in for FastSAM's own, told by file name and size; a card that says nothing (``origin`` is then ``"unknown"``).

    Raises
    ------
    ModelError
        If there is a card beside it and it is wrong.
    """
    for beside in (path.with_name(path.name + ".json"), path.with_suffix(".json")):
        card = read_card(beside) if beside.is_file() else None
        if card is not None:
            return card
    weights = next((w for w in REGISTRY if w.file.casefold() == path.name.casefold() and not w.bundled), None)
    if weights is not None and path.is_file() and path.stat().st_size == weights.bytes:
        return dataclasses.replace(FASTSAM, name=weights.name, licence=weights.licence, sha256=weights.sha256)
    return Card(name=path.stem, description="a checkpoint without a card", origin="unknown")


def sha256_of(path: Path) -> str:
    """Return the file's SHA-256 in hexadecimal; the same file, unchanged in size and time, is read once.

    Of a folder it is the SHA-256 of lines with the name and the SHA-256 of each of its files, in order of the names.

    Raises
    ------
    ModelError
        If the file cannot be read.
    """
    try:
        if path.is_dir():
            files = {file.relative_to(path).as_posix(): file for file in path.rglob("*") if file.is_file()}
            lines = "".join(f"{name} {sha256_of(files[name])}\n" for name in sorted(files))
            return hashlib.sha256(lines.encode()).hexdigest()
        status = path.stat()
        return _sha256(path, status.st_size, status.st_mtime_ns)
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror or error}") from error


@lru_cache(maxsize=32)
def _sha256(path: Path, size: int, mtime_ns: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def download(
    name: str,
    progress: Callable[[int, int], None] | None = None,
    cancel: Callable[[], bool] | None = None,
) -> Path:
    """Fetch a registry model into the cache folder, unless it is there and whole, and return its file.

    Parameters
    ----------
    name
        A name that is known, whatever the checkpoint is for; for the bundled model there is nothing to fetch.
    progress
        Called in this thread with the bytes that have come and the bytes there are to come (0 = not known).
    cancel
        Asked again and again while bytes come; once it returns True, the download ends. On a line that has
        gone dead this takes up to 15 s.

    Raises
    ------
    ModelError
        If the registry has no such name.
    DownloadCancelled
        If `cancel` returned True.
    DownloadError
        If there is no network, no room, no permission, or what came is not the right file.
    """
    weights = known(name, None)
    if weights is None:
        raise ModelError(
            f"{name!r} is no model of the registry{_nearest(name, None, own=False)}; "
            f"there are {_names(None, own=False)}"
        )
    if weights.url is None:
        return find(weights.name)
    fetch(
        weights.url,
        weights.path,
        size=weights.bytes,
        sha256=weights.sha256,
        otherwise=_by_hand(weights),
        doubt="" if weights.confirmed else " (seen in copies, not confirmed against the release)",
        progress=progress,
        cancel=cancel,
    )
    return weights.path


def _entries(purpose: Purpose | None) -> tuple[Weights, ...]:
    if purpose is None:
        return *REGISTRY, *TEXT_ENCODERS
    return REGISTRY if purpose == "segmentation" else TEXT_ENCODERS


def _all_names(purpose: Purpose | None, own: bool) -> list[str]:
    theirs = own_models.files() if own and purpose != "text" else ()
    return [*(w.name for w in _entries(purpose)), *theirs]


def _names(purpose: Purpose | None, own: bool = True) -> str:
    return ", ".join(_all_names(purpose, own))


def _nearest(name: str, purpose: Purpose | None, own: bool = True) -> str:
    names = {n.casefold(): n for n in reversed(_all_names(purpose, own))}
    near = difflib.get_close_matches(name.casefold(), list(names), n=1)
    return f" (did you mean {names[near[0]]}?)" if near else ""


def _by_hand(weights: Weights) -> str:
    """Say how to get along without the download."""
    otherwise = (
        f"go on with the bundled model {BUNDLED_NAME!r}, which needs no network"
        if weights.purpose == "segmentation"
        else "name a CLIP file that you have; points, boxes and examples need none"
    )
    return f"Fetch {weights.url} by hand and put it into {weights.path.parent} as {weights.file}, or {otherwise}"


def _why_not_found(text: str, path: Path, looks_like_file: bool, purpose: Purpose) -> str:
    what, names = _WANTED[purpose], _names(purpose)
    if not text.strip():
        return f"no model is named; expected a file or one of {names}"
    other = known(text, None)
    if other is not None:
        return f"{other.name} is {_WANTED[other.purpose]}, and {what} was expected: a file, or one of {names}"
    near = _nearest(text, purpose)
    if path.is_dir():
        return f"{path} is a folder; name the checkpoint's file in it, or one of {names}"
    if looks_like_file:
        return f"there is no file {path.absolute()}{near}; expected a checkpoint or one of {names}"
    return f"{text!r} is neither a file nor a model of the registry{near}; there are {names}"


def _how_to_get(weights: Weights) -> str:
    if weights.bundled:
        return f"{weights.path} is missing, so the installation is broken; install napari-fastsam again"
    return (
        f"{weights.file} ({weights.megabytes}) has not been downloaded: run "
        f"'napari-fastsam models download {weights.name}' or choose it in the dock. {_by_hand(weights)}"
    )
