"""What labels cost their user, into a CSV file: a row a label image, and one for all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from napari_fastsam.core.review.effort import Effort
from napari_fastsam.io.results.tables import number, write_csv

HEADER = (
    "name", "objects", "clicks", "seconds", "clicks_per_object", "seconds_per_object", "checked", "right_share",
    "untouched_share",
)  # fmt: skip


@dataclass(frozen=True)
class LabelledImage:
    """What one label image took.

    Attributes
    ----------
    name
        Of the layer, or of the image.
    objects
        How many it has.
    effort
        What they took.
    checked, right
        How many were checked, and how many of these were right as they were.
    untouched
        How many have the pixels still that they were accepted with; None = not known.
    """

    name: str
    objects: int
    effort: Effort
    checked: int = 0
    right: int = 0
    untouched: int | None = None


def write_efforts(path: Path, images: Sequence[LabelledImage]) -> None:
    """Write a row an image; of more than one another row for all of them.

    Parameters
    ----------
    path
        Replaced if it exists.
    images
        In the order of the rows.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    rows = [_row(image) for image in images]
    if len(images) > 1:
        effort = sum((image.effort for image in images), Effort())
        checked, right = (sum(getattr(image, name) for image in images) for name in ("checked", "right"))
        known = [image.untouched for image in images if image.untouched is not None]
        untouched = sum(known) if len(known) == len(images) else None
        objects = sum(image.objects for image in images)
        rows.append(_row(LabelledImage("all", objects, effort, checked, right, untouched)))
    write_csv(path, HEADER, rows)


def _row(image: LabelledImage) -> list[str | int]:
    effort, objects = image.effort, image.objects
    return [
        image.name,
        objects,
        effort.clicks,
        number(effort.seconds),
        number(effort.clicks / objects) if objects else "",
        number(effort.seconds / objects) if objects else "",
        image.checked,
        number(image.right / image.checked) if image.checked else "",
        number(image.untouched / objects) if objects and image.untouched is not None else "",
    ]
