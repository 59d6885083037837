"""The sample images that come with the plugin, for *File ▸ Open Sample* and for the demo.

Each function reads its file when it is called and returns layer data as napari's manifest asks for it. Where the
images come from, and under which licence, is said in ``sample_data/README.md`` and in each layer's metadata.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    SampleLayers = list[tuple[npt.NDArray[np.generic], dict[str, Any], str]]

SAMPLE_FOLDER = Path(__file__).parent / "sample_data"
_BBBC038 = "BBBC038, Data Science Bowl 2018"


def fluorescence_nuclei() -> SampleLayers:
    """Return nuclei in fluorescence, about a hundred of them.

    Returns
    -------
    list of (data, keywords, "image")
        One image layer: axes (Y, X), shape (520, 696), uint8.
    """
    # The brightest nuclei reach 118 of 255: on the full range of the type, half of them would hardly be seen.
    return [
        _sample(
            "fluorescence_nuclei.png",
            name="fluorescent nuclei",
            source=_BBBC038,
            licence="CC0-1.0",
            contrast_limits=(0, 80),
        )
    ]


def stained_tissue() -> SampleLayers:
    """Return nuclei in stained tissue, in colour.

    Returns
    -------
    list of (data, keywords, "image")
        One image layer: axes (Y, X, RGB), shape (256, 320, 3), uint8.
    """
    return [_sample("stained_tissue.png", name="stained tissue", source=_BBBC038, licence="CC0-1.0", rgb=True)]


def nuclei_3d() -> SampleLayers:
    """Return a small stack of synthetic nuclei.

    Returns
    -------
    list of (data, keywords, "image")
        One image layer: axes (Z, Y, X), shape (31, 61, 57), uint16.
    """
    return [_sample("nuclei_3d.tif", name="nuclei stack", source="stardist", licence="BSD-3-Clause")]


def _sample(
    file: str, *, name: str, source: str, licence: str, **keywords: Any
) -> tuple[npt.NDArray[np.generic], dict[str, Any], str]:
    """Read one file of the sample folder into layer data whose metadata tell where it comes from."""
    import imageio.v3 as iio  # not needed before somebody opens a sample

    data = iio.imread(SAMPLE_FOLDER / file)
    metadata = {"source": source, "licence": licence, "file": file}
    return data, {"name": name, "metadata": metadata, **keywords}, "image"
