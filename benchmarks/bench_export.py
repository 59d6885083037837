"""The bundled model as .pt and in exported formats, timed in turns in one run, and how alike their instances are."""

from __future__ import annotations

import time

import numpy as np
import pytest
from timing import in_turns

import napari_fastsam as fs
from napari_fastsam.model.export.export import export_model

IMGSZ = 1024
EXPORTS = {
    "ONNX Runtime": {"format": "onnx"},
    "OpenVINO": {"format": "openvino"},
    "OpenVINO, 16-bit": {"format": "openvino", "half": True},
    "TorchScript": {"format": "torchscript"},
}


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """Name → model, and the seconds until it was ready."""
    models = {}
    for name, options in EXPORTS.items():
        made = export_model("nuclei", output=tmp_path_factory.mktemp("export"), **options)
        start = time.perf_counter()
        models[name] = fs.load_model(made.path, device="cpu"), time.perf_counter() - start
    return models


@pytest.mark.parametrize("side", [IMGSZ, 256])
def test_speed_and_likeness(figure, model, sparse, exported, side):
    image = np.ascontiguousarray(sparse[:side, :side])
    models = {".pt": model, **{name: loaded for name, (loaded, _) in exported.items()}}
    expected = model.segment(image, imgsz=side)
    assert len(expected) > 10
    runs = [lambda m=m: m.segment(image, imgsz=side) for m in models.values()]
    seconds = dict(zip(models, in_turns(runs, rounds=9 if side == IMGSZ else 25), strict=True))
    figure(f"image → Instances, {side}², {len(expected)} objects, .pt", seconds[".pt"] * 1e3, "ms")
    for name in EXPORTS:
        figure(f"  … {name}", seconds[name] * 1e3, "ms")
        figure("    beside .pt", seconds[name] / seconds[".pt"], "×")
        least = 0.99 if "half" not in EXPORTS[name] else None
        likeness = _mean_iou(models[name].segment(image, imgsz=side), expected)
        figure("    mean IoU of the masks with those of .pt", likeness, "", least, at_least=True)


def test_until_it_is_ready(figure, model, exported):
    start = time.perf_counter()
    fs.load_model("nuclei", device="cpu")
    figure("until the model is ready, libraries loaded before, .pt", time.perf_counter() - start, "s")
    for name, (_, seconds) in exported.items():
        figure(f"  … {name}", seconds, "s")


def _mean_iou(found, expected) -> float:
    """Mean over the instances of both of the best IoU with one of the other."""
    return float(
        np.mean([max(m.iou(o) for o in b.masks) for a, b in ((found, expected), (expected, found)) for m in a.masks])
    )
