"""Whether cellpose reads what is written for it, and what it writes is read here, by its own functions.

``python benchmarks/read_by_cellpose.py`` in an environment that has cellpose beside napari-fastsam.
"""

from __future__ import annotations

import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

import numpy as np
import tifffile

from napari_fastsam.core.results.result import ArrayLabels, SegmentationResult
from napari_fastsam.io.formats.registry import read_labels, writer

LABELS = np.zeros((60, 70), np.int32)
LABELS[3:20, 4:22], LABELS[8:12, 9:13], LABELS[3:20, 22:30], LABELS[59, 69], LABELS[30:50, 20:60] = 1, 0, 2, 3, 4
"""A hole, objects that touch, one pixel in the corner."""


def main() -> None:
    """Print what was read; the exit status is 1 where anything differs."""
    try:
        from cellpose import io
    except ImportError:
        sys.exit("cellpose is not installed here.")
    folder = Path(tempfile.mkdtemp())
    image = (LABELS * 50).astype(np.uint8)
    tifffile.imwrite(folder / "a.tif", image)
    result = SegmentationResult(ArrayLabels(LABELS), image="a.tif")
    same = {}
    for name, ending in (("cellpose", "_seg.npy"), ("cellpose-masks", "_masks")):
        writer(name).write(result, folder / f"a{writer(name).ending}")
        labels = io.load_images_labels(str(folder), mask_filter=ending)[1]
        same[f"{name}, written here"] = len(labels) == 1 and np.array_equal(labels[0], LABELS)
    flows = [np.zeros((*LABELS.shape, 3), np.uint8), np.zeros((2, *LABELS.shape), np.float32), np.zeros(LABELS.shape)]
    io.masks_flows_to_seg(image, LABELS.astype(np.uint16), flows, str(folder / "b.tif"))
    same["cellpose, written by cellpose"] = np.array_equal(read_labels(folder / "b_seg.npy").label_image(), LABELS)
    io.save_masks(image, LABELS.astype(np.uint16), flows, str(folder / "c.tif"), tif=True, png=False)
    written = folder / "c_cp_masks.tif"
    same["cellpose-masks, written by cellpose"] = np.array_equal(read_labels(written).label_image(), LABELS)
    for what, equal in same.items():
        print(f"cellpose {version('cellpose')}: {what}: {'equal' if equal else 'different'}")
    sys.exit(not all(same.values()))


if __name__ == "__main__":
    main()
