"""What an object must reach to be chosen."""

from __future__ import annotations

from dataclasses import dataclass

from napari_fastsam.core.objects.instances import check_thresholds


@dataclass(frozen=True)
class Thresholds:
    """What an object must reach to be chosen.

    Attributes
    ----------
    conf, iou, min_area, max_area
        As in `Instances.filter`.
    """

    conf: float = 0.25
    iou: float = 0.7
    min_area: float | None = None
    max_area: float | None = None

    def __post_init__(self) -> None:
        check_thresholds(self.conf, self.iou, self.min_area, self.max_area)
