"""What training starts from unless somebody says so: the bundled model that finds most in the images."""

from __future__ import annotations

import numpy as np

from napari_fastsam.model.training.base import AUTO, base_that_suits
from napari_fastsam.model.training.crops import AnnotatedPlane


def test_nuclei_are_learnt_on_from_a_model_that_finds_them(fluorescence: np.ndarray, fluorescence_truth) -> None:
    window = (slice(256), slice(320))
    rgb = np.repeat(np.clip(fluorescence[window].astype(int) * 3, 0, 255).astype(np.uint8)[..., None], 3, axis=2)
    name, why = base_that_suits([AnnotatedPlane.of("a", "", rgb, fluorescence_truth[window])], "cpu")
    assert name in ("nuclei", "microscopy")
    assert why.startswith(f"starting from {name}, which comes to an AP50 of 0.")


def test_where_neither_finds_anything_it_is_the_one_that_has_seen_more_kinds() -> None:
    labels = np.zeros((128, 128), np.int32)
    labels[40:80, 40:80] = 1
    name, why = base_that_suits([AnnotatedPlane.of("a", "", np.zeros((128, 128, 3), np.uint8), labels)], "cpu")
    assert name == "microscopy"
    assert "AP50 of 0.00" in why
    assert AUTO not in why
