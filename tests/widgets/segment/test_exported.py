"""An exported model in the dock is a model like any other."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from qtpy.QtWidgets import QFileDialog

from napari_fastsam.model.export.export import export_model
from napari_fastsam.model.weights.weights import sha256_of
from napari_fastsam.widgets.common.model_box import FROM_FILE

NUCLEI = np.array([[126, 94], [147, 244]], float)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundled model, exported: ``nuclei.onnx`` and ``nuclei_openvino_model``."""
    folder = tmp_path_factory.mktemp("exported")
    for name in ("onnx", "openvino"):
        export_model("nuclei", name, folder, imgsz=64)
    return folder


@pytest.mark.parametrize("chosen", ["nuclei.onnx", "nuclei_openvino_model/model.xml"])
def test_it_answers_like_the_checkpoint(bench, folder: Path, chosen: str, monkeypatch: pytest.MonkeyPatch) -> None:
    offered = []

    def choose(parent, title, start, patterns) -> tuple[str, str]:
        offered.append(patterns)
        return str(folder / chosen), ""

    monkeypatch.setattr(QFileDialog, "getOpenFileName", choose)
    b = bench()
    b.click(*NUCLEI)
    expected = b.shown.copy()
    assert set(np.unique(expected)) == {0, 1, 2}
    thresholds = b.dock.conf.value, b.dock.iou.value

    b.dock.model.value = FROM_FILE
    b.settle()
    assert b.dock.model.value == str(folder / chosen)
    assert all(pattern in offered[0] for pattern in ("*.pt", "*.onnx", "*.xml"))
    assert (b.dock.conf.value, b.dock.iou.value) == thresholds, "the card came along"
    np.testing.assert_array_equal(b.shown, expected)
    (run,) = b.dock.commit().metadata["napari-fastsam"]
    made = folder / Path(chosen).parts[0]
    assert run["model"] == str(folder / chosen)
    assert run["model_sha256"] == sha256_of(made)


def test_without_its_library_the_dock_says_what_to_install(
    bench, folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / "another.onnx"
    path.write_bytes((folder / "nuclei.onnx").read_bytes())
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    b = bench()
    b.click(NUCLEI[0])
    b.dock.model.value = str(path)
    b.settle()
    assert "pip install 'napari-fastsam[onnx]'" in b.status
    b.dock.model.value = "nuclei"
    b.settle()
    assert set(np.unique(b.shown)) == {0, 1}
