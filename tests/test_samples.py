"""The samples: what a person gets from *File ▸ Open Sample*."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
from napari.layers import Image, Layer

from napari_fastsam import samples


@pytest.mark.parametrize(
    ("sample", "shape", "dtype", "rgb"),
    [
        pytest.param(samples.fluorescence_nuclei, (520, 696), np.uint8, False, id="fluorescence"),
        pytest.param(samples.stained_tissue, (256, 320, 3), np.uint8, True, id="tissue"),
        pytest.param(samples.nuclei_3d, (31, 61, 57), np.uint16, False, id="stack"),
    ],
)
def test_a_sample_becomes_an_image_layer_with_its_source(sample, shape, dtype, rgb):
    (layer_data,) = sample()
    layer = Layer.create(*layer_data)

    assert isinstance(layer, Image)
    assert layer.data.shape == shape
    assert layer.data.dtype == dtype
    assert layer.rgb is rgb
    assert layer.data.std() > 1, "an empty picture"
    assert (samples.SAMPLE_FOLDER / layer.metadata["file"]).is_file()
    assert layer.metadata["licence"] in {"CC0-1.0", "BSD-3-Clause"}


def test_every_file_of_the_folder_is_named_with_source_and_licence():
    readme = (samples.SAMPLE_FOLDER / "README.md").read_text(encoding="utf-8")
    files = {path.name for path in samples.SAMPLE_FOLDER.iterdir()} - {"README.md"}

    assert files == {"fluorescence_nuclei.png", "stained_tissue.png", "nuclei_3d.tif"}
    rows = {line.split("`")[1]: line for line in readme.splitlines() if line.startswith("| `")}
    assert files == set(rows)
    assert all("CC0" in row or "BSD-3" in row for row in rows.values())


def test_the_truth_lies_on_the_fluorescence_sample(fluorescence, fluorescence_truth):
    assert fluorescence_truth.shape == fluorescence.shape
    assert len(np.unique(fluorescence_truth)) - 1 == 107
    assert fluorescence[fluorescence_truth > 0].mean() > 5 * fluorescence[fluorescence_truth == 0].mean()


def test_importing_the_samples_reads_no_file_and_loads_nothing_heavy():
    code = (
        "import sys, napari_fastsam.samples; "
        "print(*sorted({'torch', 'napari', 'qtpy', 'imageio', 'numpy'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True, env={**os.environ}
    )
    assert done.stdout.strip() == ""
