"""*Export* in the dock: files of every format, large ones in a thread, from the layer as it was."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from napari_fastsam.io.formats import registry
from napari_fastsam.widgets.segment import exporting

LABELS = np.zeros((40, 50), np.int32)
LABELS[5:20, 5:20], LABELS[25:30, 30:40] = 1, 2


def with_labels(bench, labels: np.ndarray = LABELS):
    b = bench(np.zeros((40, 50), np.uint8))
    layer = b.viewer.add_labels(labels.copy(), name="mine", features={"index": [1, 2], "score": [0.75, 0.5]})
    b.settle()
    b.dock.labels.value = layer
    return b, layer


@pytest.mark.parametrize("name", [f.name for f in registry.writers() if f.keeps_labels])
def test_what_is_exported_is_what_is_shown(bench, tmp_path: Path, name: str) -> None:
    b, _ = with_labels(bench)
    b.dock.written.format.value = name
    path = tmp_path / f"a{registry.FORMATS[name].ending}"
    assert b.dock.export(path) == path
    read = registry.read_labels(path)
    np.testing.assert_array_equal(read.label_image(), LABELS)
    assert [one.score for one in read.objects] == [0.75, 0.5]
    assert str(path) in b.dock.message


def test_a_large_layer_is_written_in_a_thread_as_it_was(bench, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(exporting, "LARGE", 100)
    b, layer = with_labels(bench)
    b.dock.written.format.value = "tiff"
    path = tmp_path / "a.tif"
    b.dock.export(path)
    assert not path.exists()
    layer.data[:] = 7
    assert b.dock.export(tmp_path / "b.tif") is None
    assert "Another file is being written" in b.dock.message
    b.qtbot.waitUntil(lambda: "Exported" in b.dock.message or str(path) in b.dock.message, timeout=20_000)
    np.testing.assert_array_equal(registry.read_labels(path).label_image(), LABELS)
    assert not (tmp_path / "b.tif").exists()


def test_what_a_thread_cannot_write_is_told(bench, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(exporting, "LARGE", 100)
    b, _ = with_labels(bench, LABELS * 40_000)
    b.dock.written.format.value = "png"
    b.dock.export(tmp_path / "a.png")
    b.qtbot.waitUntil(lambda: "does not fit into PNG" in b.dock.message, timeout=20_000)
    assert list(tmp_path.iterdir()) == []


def test_a_closing_dock_gives_up_the_file(bench, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(exporting, "LARGE", 100)
    b, _ = with_labels(bench)
    b.dock.written.format.value = "geojson"
    b.dock.export(tmp_path / "a.geojson")
    b.viewer.close()
    assert [p.name for p in tmp_path.iterdir()] in ([], ["a.geojson"])
