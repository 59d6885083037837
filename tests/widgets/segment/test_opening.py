"""The dock opens before the libraries are there that only answers need."""

from __future__ import annotations

import json
import subprocess
import sys

OPENED = """
import json, os, sys
import napari
from napari_fastsam import samples
from qtpy.QtWidgets import QApplication

viewer = napari.Viewer(show=True)
viewer.add_image(*samples.fluorescence_nuclei()[0][:1])
QApplication.processEvents()
before = set(sys.modules)
viewer.window.add_plugin_dock_widget("napari-fastsam", "FastSAM")
new = sorted(set(sys.modules) - before)
print(json.dumps(new), flush=True)
os._exit(0)  # what is loaded behind the dock is not waited for
"""

LATE = (
    "torch", "ultralytics", "cv2", "pandas", "scipy.ndimage", "scipy.optimize", "scipy.sparse", "scipy.spatial",
    "skimage.draw", "skimage.measure", "skimage.morphology", "skimage.segmentation", "tifffile", "zarr", "pooch",
)  # fmt: skip


def test_opening_waits_for_no_library_that_only_answers_need() -> None:
    done = subprocess.run([sys.executable, "-c", OPENED], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    new = json.loads(done.stdout.splitlines()[-1])
    assert "napari_fastsam.widgets.segment.dock" in new
    assert [name for name in LATE if name in new] == []
