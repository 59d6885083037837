"""What is written beside a correcting network: what it was made from, and how good it is."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from napari_fastsam.model.correcting.training.images import LabelledPicture
from napari_fastsam.model.correcting.weights import TASK
from napari_fastsam.model.weights.card import Card


def card_of(
    name: str,
    pictures: Sequence[LabelledPicture],
    held_out: Sequence[LabelledPicture],
    base: Path | None,
    seconds: float,
    windows: int,
    measures: Mapping[str, float],
) -> Callable[[str], Card]:
    """Return the card of a correcting network, once its file's SHA-256 is known.

    Parameters
    ----------
    name
        Of the weights.
    pictures, held_out
        What it learnt from, and what it was measured on.
    base
        Weights that it started from.
    seconds, windows
        How long it was trained, and passes of windows through the network.
    measures
        What was measured.
    """
    from napari_fastsam.version import __version__

    objects = sum(len(picture.objects) for picture in pictures)
    kinds = sorted({picture.group for picture in pictures} - {""})
    of = f" ({'; '.join(kinds)})" if kinds else ""
    start = "from scratch" if base is None else f"starting from {base.name}"

    def card(sha256: str) -> Card:
        return Card(
            name=name,
            description="Turns a mask and clicks into the mask that is meant; finds nothing by itself",
            task=TASK,
            version=__version__,
            window="percentiles",
            intensity="0.1 to 99.9 % of a plane's values to 0-255 where no contrast limits are given",
            base="" if base is None else base.stem,
            created=datetime.datetime.now(datetime.UTC).date().isoformat(),
            licence="not stated",
            training_data=f"{len(pictures)} images{of} with {objects:,} objects, {start}; "
            f"{round(seconds / 60)} minutes, {windows:,} windows",
            validation_images=tuple(picture.name for picture in held_out),
            metrics=MappingProxyType(dict(measures)),
            notes="metrics are the mean IoU of held-out objects after 1, 2, 3, 5 and 10 clicks in a window that fits "
            "them, from nothing; all kinds weigh the same. For figures on whole images see evaluate --clicks.",
            sha256=sha256,
        )

    return card
