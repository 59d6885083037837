"""What was tried out in the dock is saved as a recipe and gives the same labels, bit for bit; and measurements."""

from __future__ import annotations

import imageio.v3 as iio
import numpy as np
import pytest
import tifffile
from npe2 import PluginManager, PluginManifest

from napari_fastsam.core.objects.measurements import measure
from napari_fastsam.io.images.inputs import Input
from napari_fastsam.io.recipes import load_recipe
from napari_fastsam.layers.labels.exporting import scale_of
from napari_fastsam.model.asking import plane_scale
from napari_fastsam.model.network import segmenter
from napari_fastsam.runs import work


@pytest.fixture(autouse=True)
def _same_model(monkeypatch):
    monkeypatch.setattr(work, "load_model", lambda name: segmenter.load_model(name, "auto"))


def replayed(recipe, path, tmp_path):
    target = tmp_path / "labels.tif"
    work.do_image(load_recipe(recipe), Input(path), target)
    return tifffile.imread(target)


def test_everything_with_thresholds_and_size(bench, cells, tmp_path):
    b = bench()
    b.dock.task.value = "everything"
    b.dock.conf.value, b.dock.iou.value, b.dock.areas.min_area.value = 0.3, 0.6, 50
    b.dock.diameter.value = 25
    b.settle()
    recipe = b.dock.save_recipe(tmp_path / "recipe.json")
    assert "napari-fastsam run" in b.status
    iio.imwrite(tmp_path / "cells.png", cells)
    np.testing.assert_array_equal(replayed(recipe, tmp_path / "cells.png", tmp_path), b.shown)


def test_examples_go_along(bench, cells, tmp_path):
    b = bench()
    points, _ = b.prompts()
    b.dock.toggle_example()
    points.add([[126, 94]])
    b.settle()
    assert b.dock.controller.shown.count > 0
    recipe = b.dock.save_recipe(tmp_path / "recipe.json")
    assert load_recipe(recipe).search.exemplars["examples"]
    iio.imwrite(tmp_path / "cells.png", cells)
    np.testing.assert_array_equal(replayed(recipe, tmp_path / "cells.png", tmp_path), b.shown)


def test_a_film_with_its_links(bench, cells, tmp_path):
    film = np.stack([np.roll(cells, 3 * k, axis=1) for k in range(3)])
    b = bench(film, contrast_limits=(0, 80))
    b.dock.task.value, b.dock.region.value = "everything", "stack"
    b.settle()
    recipe = b.dock.save_recipe(tmp_path / "recipe.json")
    assert load_recipe(recipe).linking.axis == 0
    tifffile.imwrite(tmp_path / "film.tif", film, photometric="minisblack", metadata={"axes": "TYX"})
    np.testing.assert_array_equal(replayed(recipe, tmp_path / "film.tif", tmp_path), b.preview.data)


def test_a_large_plane_begins_where_it_was_looked_at(bench, cells, tmp_path, monkeypatch):
    monkeypatch.setattr(plane_scale, "LARGE", 200_000)
    plane = np.tile(cells, (3, 3))
    b = bench(plane, contrast_limits=(0, 80))
    b.dock.task.value = "everything"
    b.dock.diameter.value = 22
    b.settle()
    b.dock.run()
    b.settle()
    recipe = b.dock.save_recipe(tmp_path / "recipe.json")
    assert load_recipe(recipe).tiling.first is not None
    iio.imwrite(tmp_path / "plane.png", plane)
    np.testing.assert_array_equal(replayed(recipe, tmp_path / "plane.png", tmp_path), b.shown)


def test_points_are_no_recipe(bench, tmp_path):
    b = bench()
    b.click((126, 94))
    assert b.dock.save_recipe(tmp_path / "recipe.json") is None
    assert "belong to this image" in b.status
    assert not (tmp_path / "recipe.json").exists()


def test_measurements_join_the_features_of_the_labels(bench, cells):
    b = bench()
    b.dock.measure()
    assert "Add to labels" in b.status
    b.dock.task.value = "everything"
    b.settle()
    labels = b.dock.commit()
    b.dock.measure()
    features = labels.features
    expected = measure(labels.data, cells)
    assert features["index"].tolist() == expected["label"].tolist()
    np.testing.assert_allclose(features["intensity_mean"], expected["intensity_mean"])
    assert features["score"].notna().all()
    b.dock.measure()
    assert list(labels.features) == list(features), "once"


def test_measuring_opens_the_features_table_and_forgets_labels_that_are_gone(bench, cells):
    if "napari" not in PluginManager.instance():  # as in the tests of napari 0.9, which begin without any plugin
        PluginManager.instance().register(PluginManifest.from_distribution("napari"), warn_disabled=False)
    b = bench(show=True, scale=(0.5, 0.5), units=("um", "um"))
    b.dock.task.value = "everything"
    b.settle()
    labels = b.dock.commit()
    labels.data[labels.data == 2] = 0
    b.dock.measure()
    assert 2 not in set(labels.features["index"])
    np.testing.assert_allclose(labels.features["area_um2"], labels.features["area"] / 4)
    assert b.viewer.layers.selection.active is labels
    (table,) = [w for name, w in b.viewer.window.dock_widgets.items() if "Features table" in name]
    assert table.table.model().rowCount() == len(labels.features)
    assert "features table" in b.status


def test_an_area_is_that_of_a_pixel_as_the_affine_scales_it(bench):
    b = bench(scale=(0.5, 0.5), units=("um", "um"), affine=np.diag([2.0, 4.0, 1.0]))
    b.dock.task.value = "everything"
    b.settle()
    labels = b.dock.commit()
    b.dock.measure()
    np.testing.assert_allclose(labels.features["area_um2"], labels.features["area"] * 2)
    assert scale_of(labels).scale == pytest.approx((1, 2))


def test_without_units_of_length_there_is_no_area_in_micrometres(bench):
    b = bench()
    b.dock.task.value = "everything"
    b.settle()
    labels = b.dock.commit()
    b.dock.measure()
    assert "area_um2" not in labels.features
