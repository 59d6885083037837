"""Annotated images of the 2018 Data Science Bowl as a folder of a user, which commands read."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import imageio.v3 as iio

PICTURES = Path(__file__).parents[1] / "data" / "dsb2018"

ALL = (slice(None), slice(None))

PIECE = (slice(64, 192), slice(112, 240))
"""With some nuclei of each picture: a trained model is asked for every one."""


def copy_annotated(folder: Path, stems: Iterable[str], piece: tuple[slice, slice] = ALL) -> Path:
    """Write images and their labels, or a piece of each."""
    for name in ("images", "labels"):
        (folder / name).mkdir(parents=True)
    for stem in stems:
        iio.imwrite(folder / "images" / f"{stem}.png", iio.imread(PICTURES / f"{stem}.png")[piece])
        iio.imwrite(folder / "labels" / f"{stem}.png", iio.imread(PICTURES / f"{stem}_labels.png")[piece])
    return folder


def annotated_folder(folder: Path, kinds: dict[str, str], piece: tuple[slice, slice] = ALL) -> Path:
    """Write images and their labels, and an index that says of which kind they are."""
    copy_annotated(folder, kinds, piece)
    (folder / "index.csv").write_text("id,kind\n" + "".join(f"{stem},{kind}\n" for stem, kind in kinds.items()))
    return folder
