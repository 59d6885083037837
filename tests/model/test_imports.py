"""What importing us leaves behind in the process: nothing that another program would notice."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

WATCHED = [
    "QT_QPA_PLATFORM_PLUGIN_PATH", "QT_QPA_FONTDIR", "LD_LIBRARY_PATH", "OMP_NUM_THREADS", "OMP_WAIT_POLICY",
    "NUMEXPR_MAX_THREADS", "YOLO_OFFLINE", "YOLO_AUTOINSTALL", "YOLO_VERBOSE", "YOLO_CONFIG_DIR",
]  # fmt: skip


def run(code: str, home: Path, **environment: str) -> object:
    """Run code in a fresh process with an empty home; it prints one line of JSON."""
    kept = {k: v for k, v in os.environ.items() if k not in WATCHED and not k.startswith("XDG_")}
    kept.pop("NAPARI_FASTSAM_CACHE", None)
    variables = {**kept, "HOME": str(home), "NAPARI_FASTSAM_CACHE": str(home / "our cache"), **environment}
    done = subprocess.run(
        [sys.executable, "-W", "error::ImportWarning", "-c", code], env=variables, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_the_package_loads_nothing_heavy(tmp_path: Path) -> None:
    code = """
import json, sys
import napari_fastsam
heavy = ["torch", "napari", "qtpy", "PyQt6", "PySide6", "ultralytics", "cv2", "skimage", "scipy", "numpy", "pooch"]
print(json.dumps([name for name in heavy if name in sys.modules]))
"""
    assert run(code, tmp_path) == []


def test_values_need_no_torch(tmp_path: Path) -> None:
    code = """
import json, sys
import numpy as np
import napari_fastsam as fs
found = fs.Instances.from_masks(np.ones((1, 9, 9)))
(selection,) = fs.select(found, fs.Prompts(points=[[4, 4]]))
assert selection.found
print(json.dumps([name for name in ("torch", "napari", "qtpy", "ultralytics", "cv2") if name in sys.modules]))
"""
    assert run(code, tmp_path) == []


def test_an_unknown_name_is_an_attribute_error() -> None:
    import napari_fastsam as fs

    with pytest.raises(AttributeError, match="no attribute 'nothing_here'"):
        fs.nothing_here  # noqa: B018
    assert set(fs.__all__) == set(dir(fs))
    assert all(getattr(fs, name) is not None for name in fs.__all__)


@pytest.mark.parametrize(
    "given", [{}, {"QT_QPA_PLATFORM_PLUGIN_PATH": "/mine", "OMP_NUM_THREADS": "2", "YOLO_OFFLINE": "0"}]
)
def test_the_environment_is_as_it_was(tmp_path: Path, given: dict[str, str]) -> None:
    code = f"""
import json, os, sys
watched = {WATCHED!r}
before = {{name: os.environ.get(name) for name in watched}}
import numpy as np
printing = np.get_printoptions()
import napari_fastsam as fs
fs.load_model("nuclei", "cpu").segment(np.zeros((40, 50), np.uint8), imgsz=64)
assert "ultralytics" in sys.modules and "cv2" in sys.modules
assert np.get_printoptions() == printing, np.get_printoptions()
after = {{name: os.environ.get(name) for name in watched}}
import torch
print(json.dumps([before, after, torch.get_num_threads()]))
"""
    before, after, threads = run(code, tmp_path, **given)  # type: ignore[misc]
    assert before == after
    assert {k: v for k, v in before.items() if v is not None} == given
    if not given:
        assert threads > 1 or os.cpu_count() == 1, "ultralytics left torch with one thread"


def test_the_persons_settings_of_ultralytics_are_left_alone(tmp_path: Path) -> None:
    settings = tmp_path / ".config" / "Ultralytics" / "settings.json"
    settings.parent.mkdir(parents=True)
    settings.write_text('{"settings_version": "0.0.1", "sync": true, "mine": 1}')
    before = settings.read_text(), settings.stat().st_mtime_ns
    code = """
import json
import numpy as np
import napari_fastsam as fs
fs.load_model("nuclei", "cpu").segment(np.zeros((40, 50), np.uint8))
from ultralytics.utils import ONLINE, SETTINGS, SETTINGS_FILE
print(json.dumps([ONLINE, str(SETTINGS_FILE)]))
"""
    online, file = run(code, tmp_path)  # type: ignore[misc]
    assert (settings.read_text(), settings.stat().st_mtime_ns) == before
    assert sorted(p.name for p in settings.parent.iterdir()) == ["settings.json"]
    assert Path(file).is_relative_to(tmp_path / "our cache")
    assert online is False
    beside = {p.name for p in tmp_path.iterdir()} - {".config", "our cache"}
    assert not beside, "something was written into the home folder"
    # neither where the person names another folder
    theirs = tmp_path / "theirs"
    run(code, tmp_path, YOLO_CONFIG_DIR=str(theirs))
    assert not theirs.exists()


def test_models_of_both_kinds_load_without_triton(tmp_path: Path) -> None:
    # its LLVM ends a process that has drawn with Mesa's OpenGL, as a viewer on a computer without a GPU has
    clip = Path(__file__).parents[1] / "data" / "clip" / "small_clip.pt"
    code = f"""
import json, sys
import numpy as np
import napari_fastsam as fs
instances = fs.load_model("nuclei", "cpu").segment(np.zeros((40, 50), np.uint8))
fs.load_text_encoder({str(clip)!r}, "cpu").encode_texts(["nucleus"])
print(json.dumps("triton" in sys.modules))
"""
    assert run(code, tmp_path) is False
