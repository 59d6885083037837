"""Nuclei as a label image, and the image that they would be."""

from __future__ import annotations

import numpy as np
from skimage.draw import disk

from napari_fastsam.model.network.ultralytics_ import imported

SHAPE = (40, 60)


def nuclei(seed: int = 0) -> np.ndarray:
    """A label image with a large disk, a small one within it, and some beside them."""
    labels = np.zeros(SHAPE, np.uint16)
    labels[disk((20, 20), 14, shape=SHAPE)] = 1
    labels[disk((17, 22), 4, shape=SHAPE)] = 2
    labels[disk((10 + seed, 46), 6, shape=SHAPE)] = 7
    labels[36:40, 50:60] = 300
    return labels


def image_of(labels: np.ndarray) -> np.ndarray:
    return np.where(labels > 0, 200, 20).astype(np.uint8)


def lines(labels: np.ndarray) -> str:
    size = np.array(labels.shape[::-1])
    return "".join(f"0 {' '.join(f'{v:.6f}' for v in (c / size).ravel())}\n" for c in contours(labels))


def contours(labels: np.ndarray) -> list[np.ndarray]:
    """The outer border of each object as OpenCV finds it: (V, 2) x, y of pixels."""
    with imported():
        import cv2
    found = []
    for number in np.unique(labels[labels > 0]):
        outlines, _ = cv2.findContours((labels == number).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
        found.append(max(outlines, key=len)[:, 0])
    return found


def run_lengths(mask: np.ndarray) -> list[int]:
    """COCO's run lengths, column by column, background first."""
    flat = mask.ravel(order="F")
    ends = np.flatnonzero(np.diff(flat)) + 1
    counts = np.diff([0, *ends, flat.size]).tolist()
    return [0, *counts] if flat[0] else counts
