"""Ultralytics' own rules for prompts, so that both can be compared.

What `ultralytics.models.fastsam.FastSAMPredictor.prompt` (8.4) does, stated on cropped masks: the answer is the set of
all instances that any prompt hits, in the order of detection. Which prompt gave which is not known, a box that
overlaps nothing answers with the first instance, and a label of 0 alone answers with everything it does not hit.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from napari_fastsam.core.likeness.text import TextEncoder
from napari_fastsam.core.objects.embeddings import image_features_of
from napari_fastsam.core.objects.instances import Instances
from napari_fastsam.core.prompts.prompts import Prompts

LEAST_AREA = 100
"""Pixels of a mask that is too small to be compared with words."""

SNAP = 20
"""Boxes that end this close to the border of the image, in pixels, are moved onto it."""


def select_like_ultralytics(instances: Instances, prompts: Prompts) -> Instances:
    """Return the instances that ultralytics returns for these boxes and points.

    Parameters
    ----------
    instances
        All of the plane, none of them empty.
    prompts
        Boxes and points; object numbers are not known to ultralytics. Coordinates are cut off to whole pixels, as
        there. Outlines and scribbles are left out; boxes with reversed corners, which ultralytics takes for empty
        ones, are in order here (`Prompts` sees to that).
    """
    if not len(instances) or not (len(prompts.boxes) or len(prompts.points)):
        return instances
    hit = np.zeros(len(instances), bool)
    if len(prompts.boxes):
        hit |= _by_boxes(instances, prompts.boxes)
    if len(prompts.points):
        hit |= _by_points(instances, prompts.points, prompts.point_labels)
    return instances.subset(hit)


def select_texts_like_ultralytics(instances: Instances, texts: Sequence[str], encoder: TextEncoder) -> Instances:
    """Return the instances that ultralytics returns for these texts: the most similar one of each.

    Parameters
    ----------
    instances
        All of the plane, which know their image. Those of 100 pixels or less are never an answer.
    texts
        What is wanted.
    encoder
        Compares words and pictures; ultralytics shows it the box, snapped to the border and cut off to whole pixels,
        black outside of the mask.
    """
    kept = np.flatnonzero(instances.areas > LEAST_AREA)
    if not len(kept) or not len(texts):
        return instances.subset(np.zeros(0, np.intp)) if len(texts) else instances
    rgb = image_features_of(instances).rgb
    height, width = instances.shape
    boxes = np.clip(np.trunc(snap_boxes(instances)), 0, [height, width, height, width]).astype(int)
    pictures = []
    for i in kept.tolist():
        y0, x0, y1, x1 = boxes[i]
        pictures.append(rgb[y0:y1, x0:x1] * instances.mask(i)[y0:y1, x0:x1, None])
    similarities = encoder.encode_texts(texts) @ encoder.encode_images(pictures).T
    hit = np.zeros(len(instances), bool)
    hit[kept[similarities.argmax(axis=1)]] = True
    return instances.subset(hit)


def snap_boxes(instances: Instances) -> NDArray[np.float32]:
    """Return the instances' boxes as ultralytics reports them: (N, 4) ``y0, x0, y1, x1``, snapped to the border."""
    height, width = instances.shape
    boxes = instances.boxes.copy()
    boxes[:, :2][boxes[:, :2] < SNAP] = 0
    for axis, length in ((2, height), (3, width)):
        boxes[boxes[:, axis] > length - SNAP, axis] = length
    areas = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
    boxes[areas / (height * width) > 0.9] = (0, 0, height, width)
    return boxes


def _by_boxes(instances: Instances, boxes: NDArray[np.float64]) -> NDArray[np.bool_]:
    height, width = instances.shape
    whole = np.clip(np.trunc(boxes), 0, [height, width, height, width]).astype(int)
    hit = np.zeros(len(instances), bool)
    for y0, x0, y1, x1 in whole.tolist():
        within = np.array(
            [
                np.count_nonzero(
                    crop.pixels[
                        max(y0 - crop.top, 0) : max(y1 - crop.top, 0),
                        max(x0 - crop.left, 0) : max(x1 - crop.left, 0),
                    ]
                )
                for crop in instances.masks
            ]
        )
        union = (y1 - y0) * (x1 - x0) + instances.areas - within
        hit[np.argmax(within / union)] = True
    return hit


def _by_points(instances: Instances, points: NDArray[np.float64], labels: NDArray[np.int64]) -> NDArray[np.bool_]:
    height, width = instances.shape
    whole = np.clip(np.trunc(points), 0, [height - 1, width - 1])
    inside = np.array([crop.covers(whole) for crop in instances.masks])
    wanted, unwanted = inside[:, labels == 1], inside[:, labels == 0]
    hit: NDArray[np.bool_] = ~np.logical_or.reduce(unwanted, axis=1)
    if wanted.shape[1]:
        hit &= np.logical_or.reduce(wanted, axis=1)
    return hit
