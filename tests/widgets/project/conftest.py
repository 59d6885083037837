"""A folder of images in a real window, with the dock alone or with the one that finds objects."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from napari_fastsam.layers.prompts.new import new_points
from napari_fastsam.widgets.project import AnnotateFolderWidget


@pytest.fixture(autouse=True)
def _own_data(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("NAPARI_FASTSAM_DATA", str(tmp_path_factory.mktemp("data")))


@pytest.fixture
def folder(tmp_path: Path, cells: np.ndarray) -> Path:
    for i in range(3):
        tifffile.imwrite(tmp_path / f"field {i}.tif", np.roll(cells, 20 * i, 1))
    return tmp_path


@pytest.fixture
def open_dock(make_napari_viewer: Any, plugin_settings: None, qtbot: Any):
    docks = []

    def opened(folder: Path, show: bool = False) -> AnnotateFolderWidget:
        viewer = make_napari_viewer(show=show)
        dock = AnnotateFolderWidget(viewer)
        viewer.window.add_dock_widget(dock, name="Annotate a folder")
        docks.append(dock)
        dock.open_folder(folder)
        return dock

    yield opened
    for dock in docks:
        dock.disconnect_all()


class Folder:
    """A folder of three images in a viewer, with the dock that finds objects."""

    def __init__(self, bench: Any, folder: Path) -> None:
        self.bench = bench(None)
        self.viewer, self.qtbot, self.fastsam = self.bench.viewer, self.bench.qtbot, self.bench.dock
        self.dock = AnnotateFolderWidget(self.viewer)
        self.viewer.window.add_dock_widget(self.dock, name="Annotate a folder")
        self.docks: list[Any] = [self.dock]
        self.dock.open_folder(folder)
        self.bench.settle()

    @property
    def labels(self) -> Any:
        return self.dock.annotating.opened.labels

    def add_dock(self, dock: Any, name: str) -> Any:
        self.viewer.window.add_dock_widget(dock, name=name, tabify=True)
        self.docks.append(dock)
        return dock

    def wait_for_pass_ahead(self) -> None:
        """Wait until the network has seen the next image."""
        ahead = self.dock.annotating.current + 1
        self.qtbot.waitUntil(lambda: not self.dock._look_ahead.isActive(), timeout=60_000)
        assert self.fastsam.predict_ahead(*self.dock.annotating.layers_ahead(ahead))

    def accept(self, place: tuple[int, int]) -> None:
        """Add the object at a place to the labels."""
        if self.fastsam.points.value is None:
            self.viewer.add_layer(new_points(self.viewer.layers[0]))
        self.fastsam.points.value.add([place])
        self.bench.settle()
        self.fastsam.commit()
        self.bench.settle()

    def go_on(self) -> None:
        self.dock.next_image()
        self.bench.settle()

    def make_again(self, conf: float) -> None:
        """Make the labels of the folder again."""
        panel = self.dock.replay.panel
        panel.expand()
        panel.conf.setValue(conf)
        panel.again.click()
        self.qtbot.waitUntil(lambda: not self.dock.replay._runner.busy)


@pytest.fixture
def annotated(bench: Any) -> Iterator[Callable[[Path], Folder]]:
    """Opens a folder in a viewer with both docks."""
    made: list[Folder] = []

    def opened(path: Path) -> Folder:
        made.append(Folder(bench, path))
        return made[-1]

    yield opened
    for one in made:
        for dock in reversed(one.docks):
            dock.disconnect_all()
