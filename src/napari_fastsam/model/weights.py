"""Checkpoints: which ones there are, where they lie on disk, and how one gets there.

The bundled model needs nothing. FastSAM's own are downloaded when asked for, checked against a SHA-256 and
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
from typing import Literal

from napari_fastsam.errors import ModelError
from napari_fastsam.model import own_models
from napari_fastsam.model.card import FASTSAM, Card, read_card
from napari_fastsam.model.fetch import DownloadCancelled, fetch
from napari_fastsam.model.formats import exported_at

__all__ = [
    "BUNDLED_NAME",
    "CACHE_VARIABLE",
    "REGISTRY",
    "TEXT_ENCODERS",
    "Card",
    "DownloadCancelled",
    "Weights",
    "cache_folder",
    "card_for",
    "download",
    "find",
    "is_available",
    "known",
    "sha256_of",
]

CACHE_VARIABLE = "NAPARI_FASTSAM_CACHE"
BUNDLED_FOLDER = Path(__file__).parent / "bundled"
BUNDLED_NAME = "nuclei"
_ASSETS = "https://github.com/ultralytics/assets/releases/download/v8.4.0/"


@dataclasses.dataclass(frozen=True)
class Weights:
    """One checkpoint that this package knows by name.

    Attributes
    ----------
    name
        What a person types; case does not matter and ``.pt`` may follow.
    file
        File name, in the cache folder or in the package.
    bytes
        Size of the file; 0 = not known.
    sha256
        In hexadecimal.
    url
        Where it is downloaded from; None = it comes with the package.
    licence
        Licence of the weights.
    about
        One line for a person.
    confirmed
        Whether the SHA-256 was compared with the release itself; if not, it was seen in copies only.
    purpose
        ``"segment"`` = it finds objects; ``"text"`` = it compares words with pictures.
    """

    name: str
    file: str
    bytes: int
    sha256: str
    url: str | None
    licence: str
    about: str
    confirmed: bool = True
    purpose: Literal["segment", "text"] = "segment"

    @property
    def bundled(self) -> bool:
        """Whether the file comes with the package."""
        return self.url is None

    @property
    def path(self) -> Path:
        """Where the file lies, or will lie after `download`."""
        return (BUNDLED_FOLDER if self.bundled else cache_folder()) / self.file


REGISTRY: tuple[Weights, ...] = (
    Weights(
        name=BUNDLED_NAME,
        file="nuclei.pt",
        bytes=6_735_989,
        sha256="16486848bdaa6e48fd61d11e0452dc5d7afb2b8cd63b23695ba1cb5393a62bd3",
        url=None,
        licence="AGPL-3.0",
        about="nuclei in fluorescence, stained tissue and bright field; comes with the plugin",
    ),
    Weights(
        name="FastSAM-s",
        file="FastSAM-s.pt",
        bytes=23_851_578,
        sha256="c9f78716a81c7aff0d608ccc73e1b82ab3aaad86005049f6a92106a0be6d0844",
        url=_ASSETS + "FastSAM-s.pt",
        licence="AGPL-3.0",
        about="any object, small network",
    ),
    Weights(
        name="FastSAM-x",
        file="FastSAM-x.pt",
        bytes=144_943_063,
        sha256="c0be4e7ddbe4c15333d15a859c676d053c486d0a746a3be6a7a9790d52a9b6d7",
        url=_ASSETS + "FastSAM-x.pt",
        licence="AGPL-3.0",
        about="any object, large network, slower",
        confirmed=False,
    ),
)


def _clip(name: str, sha256: str, file: str, about: str, size: int = 0) -> Weights:
    url = f"https://openaipublic.azureedge.net/clip/models/{sha256}/{file}"
    return Weights(name, file, size, sha256, url, "MIT", about, purpose="text")


TEXT_ENCODERS: tuple[Weights, ...] = (
    _clip(
        "ViT-B/32",
        "40d365715913c9da98579312b702a82c18be219cc2a73407c4526f58eba950af",
        "ViT-B-32.pt",
        "CLIP, the smallest vision transformer",
        353_976_522,
    ),
    _clip(
        "ViT-B/16",
        "5806e77cd80f8b59890b7e101eabd078d9fb84e6937f9e85e4ecb61988df416f",
        "ViT-B-16.pt",
        "CLIP, finer and slower",
    ),
    _clip(
        "ViT-L/14",
        "b8cca3fd41ae0c99ba7e8951adf17d267cdb84cd88be6f7c2e0eca1737a03836",
        "ViT-L-14.pt",
        "CLIP, large",
    ),
    _clip(
        "ViT-L/14@336px",
        "3035c92b350959924f9f00213499208652fc7ea050643e8b385c2dac08641f02",
        "ViT-L-14-336px.pt",
        "CLIP, large, larger pictures",
    ),
    _clip(
        "RN50",
        "afeb0e10f9e5a86da6080e35cf09123aca3b358a0c3e3b6c78a7b63bc04b6762",
        "RN50.pt",
        "CLIP with a convolutional network",
    ),
    _clip(
        "RN101",
        "8fa8567bab74a42d41c5915025a8e4538c3bdbe8804a470a72f30b0d94fab599",
        "RN101.pt",
        "CLIP with a convolutional network, deeper",
    ),
    _clip(
        "RN50x4",
        "7e526bd135e493cef0776de27d5f42653e6b4c8bf9e0f653bb11773263205fdd",
        "RN50x4.pt",
        "CLIP with a convolutional network, larger",
    ),
    _clip(
        "RN50x16",
        "52378b407f34354e150460fe41077663dd5b39c54cd0bfd2b27167a4a06ec9aa",
        "RN50x16.pt",
        "CLIP with a convolutional network, large",
    ),
    _clip(
        "RN50x64",
        "be1cfb55d75a9666199fb2206c106743da0f6468c9d327f3e0d0a543a9919d9c",
        "RN50x64.pt",
        "CLIP with a convolutional network, very large",
    ),
)
"""What `clip.available_models()` lists; a test compares. To import clip would bring triton in (`model.clip_`)."""


def cache_folder() -> Path:
    """Return the folder that downloads go to; it need not exist yet.

    The environment variable ``NAPARI_FASTSAM_CACHE`` names another than the system's folder for caches.
    """
    named = os.environ.get(CACHE_VARIABLE, "").strip()
    if named:
        return Path(os.path.expanduser(named)).absolute()
    import pooch

    return Path(pooch.os_cache("napari-fastsam"))


def known(name: str) -> Weights | None:
    """Return the registry's entry of that name, in any case, with or without ``.pt``, or None."""
    wanted = name.strip().casefold().removesuffix(".pt")
    return next((w for w in (*REGISTRY, *TEXT_ENCODERS) if w.name.casefold() == wanted), None)


def find(name_or_path: str | Path) -> Path:
    """Return the model's file, from the package, the disk or the cache; never from the network.

    A file that exists under the text as given comes first, if the text looks like a file (it has a suffix
    or a folder): somebody who types ``nuclei.pt`` beside a file of that name means the file. Then the
    registry's names are tried, then those of the person's own models (`model.own_models`). An exported model may be a
    folder; a file that lies in one, such as OpenVINO's ``.xml``, stands for it.

    Raises
    ------
    ModelError
        If there is no such file or name, it is a folder, or the cached file is not complete.
    """
    path = Path(os.path.expanduser(name_or_path))
    looks_like_file = isinstance(name_or_path, Path) or bool(path.suffix) or path.name != str(path)
    exported = exported_at(path)
    if exported is not None:
        return exported.absolute()
    if looks_like_file and path.is_file():
        return path.absolute()
    weights = None if isinstance(name_or_path, Path) else known(name_or_path)
    own = own_models.locate(str(name_or_path)) if weights is None and path.name == str(path) else None
    if own is not None:
        return own
    if weights is None:
        raise ModelError(_why_not_found(str(name_or_path), path, looks_like_file))
    if not weights.path.is_file():
        raise ModelError(_how_to_get(weights))
    size = weights.path.stat().st_size
    if weights.bytes and size != weights.bytes:
        raise ModelError(
            f"{weights.path} has {size:,} bytes instead of {weights.bytes:,}, so it is not {weights.name} or "
            f"not all of it: download it again, or name its path if it is yours"
        )
    return weights.path


def is_available(name_or_path: str | Path) -> bool:
    """Return whether `find` would find it."""
    try:
        find(name_or_path)
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
        A name of the registry; for the bundled model there is nothing to fetch.
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
    weights = known(name)
    if weights is None:
        raise ModelError(
            f"{name!r} is no model of the registry{_nearest(name, own=False)}; there are {_names(own=False)}"
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


def _names(own: bool = True) -> str:
    return ", ".join([*(w.name for w in REGISTRY), *(own_models.files() if own else ())])


def _nearest(name: str, own: bool = True) -> str:
    names = {n.casefold(): n for n in [*(own_models.files() if own else ()), *(w.name for w in REGISTRY)]}
    near = difflib.get_close_matches(name.casefold(), list(names), n=1)
    return f" (did you mean {names[near[0]]}?)" if near else ""


def _by_hand(weights: Weights) -> str:
    """Say how to get along without the download."""
    by_hand = f"Fetch {weights.url} by hand and put it into {weights.path.parent} as {weights.file}, "
    if weights.purpose == "text":
        return by_hand + "or go on with points, boxes and examples, which need no text model"
    return by_hand + f"or go on with the bundled model {BUNDLED_NAME!r}, which needs no network"


def _why_not_found(text: str, path: Path, looks_like_file: bool) -> str:
    if not text.strip():
        return f"no model is named; expected a file or one of {_names()}"
    if path.is_dir():
        return f"{path} is a folder; name the checkpoint's file in it, or one of {_names()}"
    if looks_like_file:
        return f"there is no file {path.absolute()}{_nearest(text)}; expected a checkpoint or one of {_names()}"
    return f"{text!r} is neither a file nor a model of the registry{_nearest(text)}; there are {_names()}"


def _how_to_get(weights: Weights) -> str:
    if weights.bundled:
        return f"{weights.path} is missing, so the installation is broken; install napari-fastsam again"
    size = f" ({weights.bytes / 1e6:.0f} MB)" if weights.bytes else ""
    return (
        f"{weights.file}{size} has not been downloaded: run "
        f"'napari-fastsam models download {weights.name}' or choose it in the dock. {_by_hand(weights)}"
    )
