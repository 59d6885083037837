"""What training starts from: a model by its name, the bundled one that finds most in the data, or nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_fastsam.model.network.checkpoint import read_network
from napari_fastsam.model.network.description import read_description
from napari_fastsam.model.network.segmenter import load_model
from napari_fastsam.model.training.card import CONF, IOU, mean_ap, pooled
from napari_fastsam.model.training.crops import AnnotatedPlane
from napari_fastsam.model.weights.card import Card
from napari_fastsam.model.weights.registry import REGISTRY
from napari_fastsam.model.weights.weights import card_for, find

if TYPE_CHECKING:
    from torch import nn

AUTO = "auto"
"""Instead of a name: the bundled model that finds most in the training images."""

_MOST_PLANES = 4
_MOST_PIXELS = 1024 * 1024


def read_base(base: str) -> tuple[nn.Module | dict[str, Any], Card | None]:
    """Return what training starts from: a network and its card, or a description and None."""
    if base.endswith((".yaml", ".yml")):
        return read_description(base), None
    path = find(base)
    return read_network(path)[0], card_for(path)


def base_that_suits(planes: Sequence[AnnotatedPlane], device: str) -> tuple[str, str]:
    """Return the bundled model that finds most in some of the planes, and a sentence that says why.

    Where none finds anything, it is the one that has seen most kinds of images.

    Parameters
    ----------
    planes
        What is trained on; a few of them are looked at, spread over all.
    device
        As in `load_model`.
    """
    chosen = [planes[i] for i in np.unique(np.linspace(0, len(planes) - 1, _MOST_PLANES).round().astype(int))]
    looked = [_part(plane) for plane in chosen]
    found = {}
    for name in sorted(weights.name for weights in REGISTRY if weights.bundled):  # of equals the first: microscopy
        matchings = pooled(load_model(name, device), looked, CONF, IOU)
        found[name] = mean_ap(matchings[:1])
    best = max(found, key=lambda name: found[name])
    others = ", ".join(f"{name} to {ap50:.2f}" for name, ap50 in found.items() if name != best)
    return best, f"starting from {best}, which comes to an AP50 of {found[best]:.2f} here before training; {others}"


def _part(plane: AnnotatedPlane) -> AnnotatedPlane:
    """Return a plane, or of a large one the part of a million pixels with most objects' pixels among its quarters."""
    height, width = plane.labels.shape
    if height * width <= _MOST_PIXELS:
        return plane
    side = 1024
    corners = [(y, x) for y in {0, max(0, height - side)} for x in {0, max(0, width - side)}]
    y, x = max(corners, key=lambda at: int((plane.labels[at[0] : at[0] + side, at[1] : at[1] + side] > 0).sum()))
    window = (slice(y, y + side), slice(x, x + side))
    ignored = None if plane.ignored is None else plane.ignored[window]
    return AnnotatedPlane.of(
        plane.name, plane.group, plane.rgb[window], plane.labels[window], complete=plane.complete, ignored=ignored
    )
