"""The bundled model, exported once for all tests."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from exporting import RUN_HERE
from napari_fastsam.model.export.export import Exported, export_model


@pytest.fixture(scope="session")
def exports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Exported]:
    """The bundled model in each format that this machine runs; ``fixed`` takes 256 × 256 pixels only."""
    folder = tmp_path_factory.mktemp("exports")
    made = {name: export_model("nuclei", name, folder, imgsz=64) for name in RUN_HERE}
    made["fixed"] = export_model("nuclei", "onnx", folder / "fixed.onnx", imgsz=250, dynamic=False)
    return made


@pytest.fixture
def damaged(exports: dict[str, Exported], tmp_path: Path) -> Callable[[str], Path]:
    """Copy an export, to be damaged; gives the copy."""

    def copy(name: str) -> Path:
        source = exports[name].path
        target = tmp_path / source.name
        (shutil.copytree if source.is_dir() else shutil.copyfile)(source, target)
        return target

    return copy
