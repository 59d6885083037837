"""Which checkpoints are known by name, and where their files lie."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Purpose = Literal["segmentation", "text"]
"""What a checkpoint is for: to find objects, or to tell which of them fit words."""

CACHE_VARIABLE = "NAPARI_FASTSAM_CACHE"
BUNDLED_FOLDER = Path(__file__).parents[1] / "bundled"
BUNDLED_NAME = "nuclei"
_ASSETS = "https://github.com/ultralytics/assets/releases/download/v8.4.0/"


@dataclass(frozen=True)
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
        What it is for.
    """

    name: str
    file: str
    bytes: int
    sha256: str
    url: str | None
    licence: str
    about: str
    confirmed: bool = True
    purpose: Purpose = "segmentation"

    @property
    def bundled(self) -> bool:
        """Whether the file comes with the package."""
        return self.url is None

    @property
    def megabytes(self) -> str:
        """The size for a person."""
        return f"{self.bytes / 1e6:.0f} MB" if self.bytes else "size not known"

    @property
    def path(self) -> Path:
        """Where the file lies, or will lie after `download`."""
        return (BUNDLED_FOLDER if self.bundled else cache_folder()) / self.file


REGISTRY: tuple[Weights, ...] = (
    Weights(
        name=BUNDLED_NAME,
        file="nuclei.pt",
        bytes=6_736_053,
        sha256="dde5fa0a2ca5ec74003bf44e3cb8f73621f173e00aef6ac75432844a5c377cd8",
        url=None,
        licence="AGPL-3.0",
        about="nuclei in fluorescence, stained tissue and bright field; comes with the plugin",
    ),
    Weights(
        name="microscopy",
        file="microscopy.pt",
        bytes=6_736_181,
        sha256="ac761890cb9e822f343eee17e19689c0aa05e054074554e6079d46f9c5a60c2f",
        url=None,
        licence="AGPL-3.0",
        about="nuclei, cells, bacteria, yeast, particles, axons, organelles; comes with the plugin",
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

_CLIP = "https://openaipublic.azureedge.net/clip/models/"


def _clip(name: str, sha256: str, about: str, size: int = 0) -> Weights:
    """One of CLIP's releases: its file is named as it is, and lies in a folder named by its SHA-256."""
    file = name.replace("/", "-").replace("@", "-") + ".pt"
    url = f"{_CLIP}{sha256}/{file}"
    return Weights(name, file, size, sha256, url, licence="MIT", about=about, purpose="text")


TEXT_ENCODERS: tuple[Weights, ...] = (
    _clip(
        "ViT-B/32",
        "40d365715913c9da98579312b702a82c18be219cc2a73407c4526f58eba950af",
        "texts: CLIP, the one that FastSAM uses",
        353_976_522,
    ),
    _clip(
        "ViT-B/16",
        "5806e77cd80f8b59890b7e101eabd078d9fb84e6937f9e85e4ecb61988df416f",
        "texts: CLIP, finer patches, slower",
    ),
    _clip(
        "ViT-L/14",
        "b8cca3fd41ae0c99ba7e8951adf17d267cdb84cd88be6f7c2e0eca1737a03836",
        "texts: CLIP, large network, much slower",
    ),
    _clip(
        "ViT-L/14@336px",
        "3035c92b350959924f9f00213499208652fc7ea050643e8b385c2dac08641f02",
        "texts: CLIP, large network and larger pictures, slowest",
    ),
    _clip(
        "RN50",
        "afeb0e10f9e5a86da6080e35cf09123aca3b358a0c3e3b6c78a7b63bc04b6762",
        "texts: CLIP as a residual network",
    ),
    _clip(
        "RN101",
        "8fa8567bab74a42d41c5915025a8e4538c3bdbe8804a470a72f30b0d94fab599",
        "texts: CLIP as a residual network, deeper",
    ),
    _clip(
        "RN50x4",
        "7e526bd135e493cef0776de27d5f42653e6b4c8bf9e0f653bb11773263205fdd",
        "texts: CLIP as a residual network, 4 times the work",
    ),
    _clip(
        "RN50x16",
        "52378b407f34354e150460fe41077663dd5b39c54cd0bfd2b27167a4a06ec9aa",
        "texts: CLIP as a residual network, 16 times the work",
    ),
    _clip(
        "RN50x64",
        "be1cfb55d75a9666199fb2206c106743da0f6468c9d327f3e0d0a543a9919d9c",
        "texts: CLIP as a residual network, 64 times the work",
    ),
)


def cache_folder() -> Path:
    """Return the folder that downloads go to; it need not exist yet.

    The environment variable ``NAPARI_FASTSAM_CACHE`` names another than the system's folder for caches.
    """
    named = os.environ.get(CACHE_VARIABLE, "").strip()
    if named:
        return Path(os.path.expanduser(named)).absolute()
    import pooch

    return Path(pooch.os_cache("napari-fastsam"))


def entry_named(name: str, entries: Iterable[Weights]) -> Weights | None:
    """Return the entry of that name, in any case, with or without ``.pt``, or None; a file's name will do."""
    wanted = name.strip().casefold().removesuffix(".pt")
    return next((w for w in entries if wanted in (w.name.casefold(), Path(w.file).stem.casefold())), None)
