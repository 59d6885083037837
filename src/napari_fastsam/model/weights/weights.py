"""Checkpoints: where they lie on disk, and how one gets there (`model.weights.registry` says which there are).

The bundled model needs nothing. FastSAM's own and CLIP's are downloaded when asked for, checked against a SHA-256 and
moved into the cache folder in one step; a file that is there already, or that a person names, needs no
network.
"""

from __future__ import annotations

import dataclasses
import difflib
import os
from collections.abc import Callable
from pathlib import Path

from napari_fastsam.errors import ModelError
from napari_fastsam.model.weights import own_models
from napari_fastsam.model.weights.card import FASTSAM, Card
from napari_fastsam.model.weights.card_files import card_beside
from napari_fastsam.model.weights.fetch import DownloadCancelled, fetch
from napari_fastsam.model.weights.formats import exported_at
from napari_fastsam.model.weights.hashes import known_sha256, sha256_of
from napari_fastsam.model.weights.registry import (
    BUNDLED_FOLDER,
    BUNDLED_NAME,
    CACHE_VARIABLE,
    REGISTRY,
    TEXT_ENCODERS,
    Purpose,
    Weights,
    cache_folder,
    entry_named,
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
    return entry_named(name, _entries(purpose))


def find(name_or_path: str | Path, purpose: Purpose = "segmentation") -> Path:
    """Return the checkpoint's file, from the package, the disk or the cache; never from the network.

    A file that exists under the text as given comes first, if the text looks like a file (it has a suffix
    or a folder): somebody who types ``nuclei.pt`` beside a file of that name means the file. Then the names known for
    this purpose are tried, then, for segmentation, those of the person's own models (`model.weights.own_models`). An
    exported model may be a folder; a file that lies in one, such as OpenVINO's ``.xml``, stands for it.

    The SHA-256 of a file that a name of the registry stands for is compared, once in a process as long as it stays as
    it is.

    Raises
    ------
    ModelError
        If there is no such file or name, the name is known for another purpose, it is a folder, or the cached file is
        damaged.
    """
    return _found(name_or_path, purpose, thoroughly=True)


def _found(name_or_path: str | Path, purpose: Purpose, thoroughly: bool) -> Path:
    if not isinstance(name_or_path, str | Path):
        raise ModelError(f"the model is {name_or_path!r}; expected the name of one, such as 'nuclei', or a file's path")
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
    if not _is_whole(weights, weights.path, thoroughly):
        raise ModelError(_damaged(weights))
    return weights.path


def _is_whole(weights: Weights, path: Path, thoroughly: bool = True) -> bool:
    """Whether a file is that of a registry's entry: by size, and by SHA-256 where it is known or may be computed."""
    if weights.bytes and path.stat().st_size != weights.bytes:
        return False
    return (sha256_of(path) if thoroughly else known_sha256(path)) in (weights.sha256, None)


def is_available(name_or_path: str | Path, purpose: Purpose = "segmentation") -> bool:
    """Return whether `find` would find it, as far as can be told without reading the file."""
    try:
        _found(name_or_path, purpose, thoroughly=False)
    except ModelError:
        return False
    return True


def card_for(path: Path) -> Card:
    """Return what is known about a checkpoint.

    In this order: the JSON file beside it of the same name with ``.json`` behind it, then that of the same stem; the
    stand-in for FastSAM's own, told by file name, size and SHA-256; a card that says nothing (``origin`` is then
    ``"unknown"``).

    Raises
    ------
    ModelError
        If there is a card beside it and it is wrong, or names the SHA-256 of another file.
    """
    card = card_beside(path)
    if card is not None:
        return card
    weights = next((w for w in REGISTRY if w.file.casefold() == path.name.casefold() and not w.bundled), None)
    if weights is not None and path.is_file() and _is_whole(weights, path):
        return dataclasses.replace(FASTSAM, name=weights.name, licence=weights.licence, sha256=weights.sha256)
    return Card(name=path.stem, description="a checkpoint without a card", origin="unknown")


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
        doubt=_doubt_of(weights),
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


def _damaged(weights: Weights) -> str:
    size = weights.path.stat().st_size
    if weights.bundled:
        return f"{weights.path} is damaged, so the installation is broken; install napari-fastsam again"
    if weights.bytes and size != weights.bytes:
        what = f"has {size:,} bytes instead of {weights.bytes:,}, so it is not {weights.name} or not all of it"
    else:
        what = f"is damaged or not {weights.name}: its SHA-256 is {sha256_of(weights.path)}, not {weights.sha256}"
        what += _doubt_of(weights)
    return (
        f"{weights.path} {what}; download it again with 'napari-fastsam models download {weights.name}' or in the "
        f"dock, or, if it is a file of yours, name its path"
    )


def _doubt_of(weights: Weights) -> str:
    """Return what is to be said about an expected SHA-256 that was never confirmed."""
    return "" if weights.confirmed else " (seen in copies, not confirmed against the release)"


def _how_to_get(weights: Weights) -> str:
    if weights.bundled:
        return f"{weights.path} is missing, so the installation is broken; install napari-fastsam again"
    return (
        f"{weights.file} ({weights.megabytes}) has not been downloaded: run "
        f"'napari-fastsam models download {weights.name}' or choose it in the dock. {_by_hand(weights)}"
    )
