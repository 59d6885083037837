"""The wheel holds the package with its data, nothing else, and works away from the checkout."""

from __future__ import annotations

import email
import os
import subprocess
import sys
import zipfile
from pathlib import Path, PurePosixPath

import pytest

from napari_fastsam.model.weights import weights

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "napari_fastsam"
DATA = {
    "napari_fastsam": {"napari.yaml", "py.typed"},
    "napari_fastsam/_vendor/clip": {"bpe_simple_vocab_16e6.txt.gz"},
    "napari_fastsam/model/bundled": {
        f"{name}{suffix}"
        for name in (*(m.name for m in weights.REGISTRY if m.url is None), "corrections")
        for suffix in (".pt", ".json")
    },
    "napari_fastsam/sample_data": {"README.md", "fluorescence_nuclei.png", "nuclei_3d.tif", "stained_tissue.png"},
}
"""What is no Python, by folder."""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel as it would be published."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=300)
    (built,) = folder.iterdir()
    return built


def contents(wheel: Path) -> list[PurePosixPath]:
    with zipfile.ZipFile(wheel) as archive:
        return [PurePosixPath(name) for name in archive.namelist()]


def test_it_has_every_module_and_no_other_file_of_python(wheel):
    packed = {str(name) for name in contents(wheel) if name.suffix == ".py"}
    assert packed == {f"napari_fastsam/{path.relative_to(SOURCE).as_posix()}" for path in SOURCE.rglob("*.py")}


def test_data_is_what_is_meant(wheel):
    packed: dict[str, set[str]] = {}
    for name in contents(wheel):
        if name.suffix != ".py" and not name.parts[0].endswith(".dist-info"):
            packed.setdefault(str(name.parent), set()).add(name.name)
    assert packed == DATA


def test_licences_go_along(wheel):
    licences = {name.name for name in contents(wheel) if "licenses" in name.parts}
    assert licences == {"LICENSE", *(path.name for path in (ROOT / "LICENSES").iterdir())}


def test_whoever_has_napari_already_keeps_the_qt_that_is_there(wheel):
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        required = email.message_from_bytes(archive.read(name)).get_all("Requires-Dist", [])
    base = [line for line in required if "extra ==" not in line]
    assert any(line.startswith("napari>=") for line in base)
    assert not [line for line in base if "qt" in line.lower() and not line.startswith(("qtpy", "superqt"))]


def test_it_finds_objects_away_from_the_checkout(wheel, tmp_path):
    unpacked = tmp_path / "site"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(unpacked)
    code = (
        "import napari_fastsam as fs\n"
        "from napari_fastsam.samples import fluorescence_nuclei\n"
        "((image, _, _),) = fluorescence_nuclei()\n"
        "print(fs.__file__, len(fs.load_model('nuclei').segment(image)))\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(unpacked)}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0, done.stderr
    where, count = done.stdout.split()
    assert Path(where).is_relative_to(unpacked)
    assert int(count) > 80
