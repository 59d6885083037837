"""The main flow of the docks in a real window, for a process that is watched: ``python docks_flow.py FOLDER``."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import napari
import numpy as np
from qtpy.QtWidgets import QApplication

from napari_fastsam.samples import fluorescence_nuclei
from napari_fastsam.widgets import FastSAMWidget
from napari_fastsam.widgets.classes import ClassesWidget
from napari_fastsam.widgets.compare import CompareWidget
from napari_fastsam.widgets.project import AnnotateFolderWidget
from napari_fastsam.widgets.review import ReviewWidget
from napari_fastsam.widgets.train import TrainWidget


def settle(dock: Any) -> None:
    """Wait until the dock has answered."""
    until = time.monotonic() + 200
    updates = dock._engine.updates
    QApplication.processEvents()
    while updates.now._hasPendingEmission or updates.soon._hasPendingEmission or dock._engine.runner.busy:
        QApplication.processEvents()
        time.sleep(0.01)
        if time.monotonic() > until:
            raise SystemExit("no answer")


def main(folder: Path) -> None:
    """Click, add, export, and open every other dock."""
    viewer = napari.Viewer(show=False)
    viewer.add_image(fluorescence_nuclei()[0][0][:256, :320], name="cells", contrast_limits=(0, 80))
    dock = FastSAMWidget(viewer)
    viewer.window.add_dock_widget(dock, name="FastSAM")
    settle(dock)
    dock.make_prompt_layers()
    dock.points.value.add(np.array([[126.0, 94.0]]))
    settle(dock)
    labels = dock.commit()
    settle(dock)
    dock.measure()
    dock.export(folder / "labels.tif")
    dock.save_recipe(folder / "recipe.json")
    for kind in (CompareWidget, TrainWidget, ReviewWidget, ClassesWidget, AnnotateFolderWidget):
        other = kind(viewer)
        viewer.window.add_dock_widget(other, name=kind.__name__)
        QApplication.processEvents()
        viewer.window.remove_dock_widget(other.native)
    settle(dock)
    viewer.window.remove_dock_widget(dock.native)
    viewer.close()
    print("objects", 0 if labels is None else int(labels.data.max()), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
