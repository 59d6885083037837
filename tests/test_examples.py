"""The scripts in examples/ run, and say what they did."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"
SAYS = {
    "all_objects": (["image.png", "out.tif"], "objects in out.tif"),
    "prompts": ([], "labels [1, 2, 3]"),
    "more_like_these": (["kept.json"], "objects look like the example"),
    "stack": ([], "2 objects through 4 planes"),
    "dock_from_code": (["--close"], "added to"),
}


def test_every_example_is_run():
    assert {path.stem for path in EXAMPLES.glob("*.py")} == set(SAYS)


@pytest.mark.parametrize("name", SAYS)
def test_an_example(name: str, tmp_path: Path):
    from napari_fastsam.samples import SAMPLE_FOLDER

    (tmp_path / "image.png").write_bytes((SAMPLE_FOLDER / "fluorescence_nuclei.png").read_bytes())
    arguments, said = SAYS[name]
    command = [sys.executable, str(EXAMPLES / f"{name}.py"), *arguments]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    assert said in done.stdout
