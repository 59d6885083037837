"""``napari-fastsam train --progress json`` when the program that listens is killed: the real command, a real end."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import tifffile

from napari_fastsam.model.training.training import Run
from napari_fastsam.model.weights import weights
from napari_fastsam.model.weights.weights import card_for


def test_the_best_so_far_is_written_when_nobody_listens_any_more(tmp_path: Path, fluorescence, fluorescence_truth):
    """Both pipes end at once, as with kill -9; and a run of that name that broke off earlier is in nobody's way."""
    for name, pixels in (("images", fluorescence), ("labels", fluorescence_truth.astype(np.uint16))):
        (tmp_path / "data" / name).mkdir(parents=True)
        tifffile.imwrite(tmp_path / "data" / name / "a.tif", pixels[90:186, 60:156])
    file = tmp_path / "models" / "kept.pt"
    left = Run(file, "", (), (), None, "").folder  # type: ignore[arg-type]
    (left / "weights").mkdir(parents=True)
    (left / "last.pt").write_bytes(b"broken off")

    command = [
        sys.executable,
        "-m",
        "napari_fastsam",
        "train",
        str(tmp_path / "data"),
        "-o",
        str(file),
        "--base",
        "nuclei",
    ]
    options = ["--epochs", "300", "--imgsz", "64", "--device", "cpu", "--progress", "json"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(
        [*command, *options], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        said = next(event for line in process.stdout if (event := json.loads(line))["event"] in ("epoch", "error"))
        assert said["event"] == "epoch"
        process.stdin.close()
        process.stdout.close()
        errors = process.stderr.read().decode()
        assert process.wait(600) == 0, errors
    assert "Traceback" not in errors
    assert card_for(file).base == weights.BUNDLED_NAME
    assert file.stat().st_size > 1e6
