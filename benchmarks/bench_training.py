"""One training step: with masks compared at points, and with ultralytics' own loss."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from skimage.io import imread
from timing import alternate

from napari_fastsam.model.network.ultralytics_ import imported
from napari_fastsam.model.training.crops import AnnotatedPlane, TrainingCrops, collate
from napari_fastsam.samples import SAMPLE_FOLDER

SIZE, BATCH = 256, 16


@pytest.fixture(scope="module")
def batch():
    """Sixteen crops of the fluorescence sample, about thirty nuclei in each."""
    image = imread(SAMPLE_FOLDER / "fluorescence_nuclei.png")
    truth = imread(SAMPLE_FOLDER.parents[2] / "tests" / "data" / "samples" / "fluorescence_nuclei_labels.png")
    plane = AnnotatedPlane.of("sample", "", np.repeat(image[..., None], 3, axis=2), truth)
    crops = TrainingCrops([plane], SIZE, np.array([28 / plane.diameter]), BATCH)
    return collate([crops[i] for i in range(BATCH)])


def test_a_training_step_against_ultralytics_loss(benchmark, figure, batch):
    with imported():
        from ultralytics.nn.tasks import SegmentationModel
        from ultralytics.utils import DEFAULT_CFG

        from napari_fastsam.model.training.mask_loss import PointMaskLoss
    network = SegmentationModel("yolov8n-seg.yaml", nc=1, verbose=False).train().to(memory_format=torch.channels_last)
    network.args = DEFAULT_CFG
    losses = {"ours": PointMaskLoss(network), "theirs": network.init_criterion()}
    picture = (batch["img"].float() / 255).contiguous(memory_format=torch.channels_last)

    def step(name: str) -> None:
        network.criterion = losses[name]
        total, _ = network.loss(batch | {"img": picture}, network(picture))
        total.sum().backward()
        network.zero_grad()

    objects = len(batch["bboxes"])
    benchmark.pedantic(lambda: step("ours"), rounds=2, warmup_rounds=1)
    ours, theirs = alternate(lambda: step("ours"), lambda: step("theirs"), rounds=4)
    figure(f"training step, {BATCH} crops of {SIZE}², {objects} objects", ours * 1e3, "ms")
    figure("  … with ultralytics' mask loss at full resolution, times ours", theirs / ours, "×", 1, at_least=True)
