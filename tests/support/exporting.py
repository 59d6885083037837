"""Which formats run here, and how alike two results are."""

from __future__ import annotations

import numpy as np

from napari_fastsam.core.objects.instances import Instances

RUN_HERE = ("onnx", "openvino", "torchscript")


def mean_iou(found: Instances, others: Instances) -> float:
    """Mean over all instances of both of the best mask IoU with one of the other."""
    best = [
        max((mask.iou(other) for other in b.masks), default=0.0)
        for a, b in ((found, others), (others, found))
        for mask in a.masks
    ]
    assert best
    return float(np.mean(best))
