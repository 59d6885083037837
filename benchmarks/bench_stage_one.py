"""Image array → Instances: against the bare network, and against ultralytics on the same checkpoint."""

from __future__ import annotations

import contextlib
import dataclasses

import numpy as np
import pytest
import torch
from timing import alternate

IMGSZ, CONF, IOU = 1024, 0.25, 0.7


@pytest.fixture
def model(model):
    """The bundled model, with ultralytics' idea of intensities and of the pixels in a box."""
    return dataclasses.replace(model, card=dataclasses.replace(model.card, window="type", box_pixels="index"))


def test_little_beside_the_network(benchmark, figure, model, sparse):
    picture = torch.from_numpy(np.repeat(sparse[..., None], 3, axis=2)).permute(2, 0, 1)[None].float().div_(255)
    assert picture.is_contiguous(memory_format=torch.channels_last)

    def bare():
        with torch.inference_mode():
            model.network(picture)

    def whole():
        return model.segment(sparse, imgsz=IMGSZ, conf=CONF, iou=IOU)

    count = len(benchmark.pedantic(whole, rounds=3, warmup_rounds=1))
    assert count >= 100
    ours, network = alternate(whole, bare, rounds=25)
    figure("bare forward pass, 1024²", network * 1e3, "ms")
    figure(f"image → Instances, 1024², {count} objects", ours * 1e3, "ms")
    figure("  … beside the bare forward pass", ours / network, "×", 1.15)


def test_against_ultralytics(benchmark, figure, model, dense):
    from ultralytics import FastSAM

    theirs = FastSAM(str(model.path))
    bgr = np.repeat(dense[..., None], 3, axis=2)

    def ultralytics():
        return theirs(
            bgr, imgsz=IMGSZ, conf=CONF, iou=IOU, max_det=3000, retina_masks=True, device="cpu", verbose=False
        )[0]

    def ours():
        return model.segment(dense, imgsz=IMGSZ, conf=CONF, iou=IOU)

    instances = benchmark.pedantic(ours, rounds=3, warmup_rounds=1)
    result = ultralytics()
    masks = result.masks.data.numpy().astype(bool)
    assert len(instances) >= 400
    figure(f"instances found, ours − ultralytics' {len(result)}", len(instances) - len(result), "", 0)
    figure("  … mean IoU of their masks", _mean_iou(instances, masks), "", 0.995, at_least=True)
    mine, other = alternate(ours, ultralytics, rounds=3)
    figure(f"image → Instances, 1024², {len(instances)} objects", mine * 1e3, "ms")
    figure("ultralytics.FastSAM, retina masks, the same", other * 1e3, "ms")
    figure("  … times ours", other / mine, "×", 7, at_least=True)


def test_a_box_prompt_against_ultralytics(benchmark, figure, model, dense):
    from ultralytics.models.fastsam import FastSAMPredictor

    import napari_fastsam as fs

    predictor = FastSAMPredictor(
        overrides={
            "model": str(model.path), "imgsz": IMGSZ, "conf": CONF, "iou": IOU, "max_det": 3000,
            "retina_masks": True, "device": "cpu", "verbose": False, "save": False, "mode": "predict",
            "task": "segment",
        }
    )  # fmt: skip
    with contextlib.redirect_stdout(None):
        results = predictor(np.repeat(dense[..., None], 3, axis=2))
    instances = model.segment(dense, imgsz=IMGSZ, conf=CONF, iou=IOU)
    y0, x0, y1, x1 = instances.boxes[7].tolist()
    prompts = fs.Prompts(boxes=[[y0, x0, y1, x1]])
    assert benchmark.pedantic(lambda: fs.select(instances, prompts), rounds=5)[0].found
    mine, other = alternate(
        lambda: fs.select(instances, prompts), lambda: predictor.prompt(results, bboxes=[[x0, y0, x1, y1]]), rounds=3
    )
    figure("a box on results already there", mine * 1e3, "ms")
    figure("ultralytics: the same", other * 1e3, "ms")


def _mean_iou(instances, masks) -> float:
    if len(instances) != len(masks):
        return float("nan")
    pairs = ((instances.mask(i), masks[i]) for i in range(len(masks)))
    return float(np.mean([(a & b).sum() / max((a | b).sum(), 1) for a, b in pairs]))
