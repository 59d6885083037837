"""One small dataset of each kind."""

from __future__ import annotations

import json
from pathlib import Path

import imageio.v3 as iio
import pytest

from annotated import image_of, lines, nuclei, run_lengths


@pytest.fixture
def yolo(tmp_path: Path) -> Path:
    """A data.yaml with two images to validate and one to train."""
    root = tmp_path / "cells"
    for i, part in enumerate(("train", "val", "val")):
        for name in ("images", "labels"):
            (root / name / part).mkdir(parents=True, exist_ok=True)
        iio.imwrite(root / "images" / part / f"n{i}.png", image_of(nuclei(i)))
        (root / "labels" / part / f"n{i}.txt").write_text(lines(nuclei(i)))
    (root / "data.yaml").write_text("train: images/train\nval: images/val\nnames:\n  0: nucleus\n")
    return root / "data.yaml"


@pytest.fixture
def coco(tmp_path: Path) -> Path:
    """A JSON with two images in images/, polygons and run lengths."""
    (tmp_path / "images").mkdir()
    for i in range(2):
        iio.imwrite(tmp_path / "images" / f"n{i}.png", image_of(nuclei(i)))
    (tmp_path / "cells.json").write_text(
        json.dumps(
            {
                "images": [{"id": i + 5, "file_name": f"n{i}.png", "height": 40, "width": 60} for i in range(2)],
                "annotations": [
                    {"id": 1, "image_id": 5, "segmentation": [[10, 5, 20, 5, 20, 25, 10, 25]], "iscrowd": 0},
                    {"id": 2, "image_id": 5, "segmentation": [[12, 7, 15, 7, 15, 10, 12, 10], [30, 0, 34, 0, 34, 2]]},
                    {"id": 3, "image_id": 6, "segmentation": {"size": [40, 60], "counts": run_lengths(nuclei() == 7)}},
                    {"id": 4, "image_id": 6, "segmentation": [[0, 0, 9, 0, 9, 9]], "iscrowd": 1},
                ],
            }
        )
    )  # fmt: skip
    return tmp_path / "cells.json"
