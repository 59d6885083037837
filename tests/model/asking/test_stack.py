"""All planes of a stack, segmented and linked."""

import dataclasses

import dask.array as da
import numpy as np
import pytest
import zarr

import napari_fastsam as fs
from napari_fastsam.core.judging.metrics import match
from napari_fastsam.errors import FastSAMError, ImageError
from napari_fastsam.model.asking import plane_scale
from napari_fastsam.samples import nuclei_3d


@pytest.fixture(scope="module")
def model():
    return fs.load_model(device="cpu")


@pytest.fixture(scope="module")
def nuclei():
    """(31, 61, 57)"""
    return np.asarray(nuclei_3d()[0][0])


@pytest.fixture(scope="module")
def result(model, nuclei):
    return fs.segment_stack(model, nuclei)


def test_objects_have_one_number_through_the_stack(result, nuclei):
    assert result.labels.shape == nuclei.shape
    assert result.labels.max() == result.links.count == len(result.scores)
    deep = [np.count_nonzero((result.labels == n).any(axis=(1, 2))) for n in range(1, result.links.count + 1)]
    assert max(deep) > 5
    on_planes = sum(len(p) for p in result.planes)
    assert result.links.count < on_planes / 3


def test_large_planes_are_seen_in_tiles(model, fluorescence, monkeypatch):
    planes = np.stack([np.roll(np.tile(fluorescence, (1, 2)), shift, axis=1) for shift in (0, 3, 6)])
    at_once = fs.segment_stack(model, planes, imgsz=1952, contrast_limits=(0, 80))  # 1.4 ×
    monkeypatch.setattr(plane_scale, "LARGE", 500_000)
    tiled = fs.segment_stack(model, planes, scale=1.4, contrast_limits=(0, 80))
    (at_half,) = match(tiled.labels, at_once.labels, (0.5,))
    assert at_half.average_precision > 0.9
    assert tiled.links.count == pytest.approx(at_once.links.count, rel=0.05)
    again = fs.segment_stack(model, planes, diameter=model.card.shown_diameter / 1.4, contrast_limits=(0, 80))
    np.testing.assert_array_equal(again.labels, tiled.labels)


def test_dask_zarr_and_another_axis_give_the_same(model, nuclei, result, tmp_path):
    stored = zarr.create_array(tmp_path / "stack.zarr", shape=nuclei.shape, chunks=(1, 64, 64), dtype=nuclei.dtype)
    stored[:] = nuclei
    for same in (stored, da.from_array(nuclei, chunks=(4, 61, 57))):
        np.testing.assert_array_equal(fs.segment_stack(model, same).labels, result.labels)
    turned = fs.segment_stack(model, np.moveaxis(nuclei, 0, 2), axis=2)
    np.testing.assert_array_equal(turned.labels, result.labels)


def test_linking_and_thresholds_count(model, nuclei, result):
    strict = fs.segment_stack(model, nuclei, linking=fs.Linking(min_overlap=0.9))
    assert strict.links.count > result.links.count
    fewer = fs.segment_stack(model, nuclei, conf=0.9)
    assert fewer.links.count < result.links.count


def test_thresholds_below_what_is_kept_for_a_person_count_as_on_a_plane(model, fluorescence):
    """For live thresholds less is kept: up to an overlap of 0.9."""
    plane = fluorescence[:128, :128]
    found = fs.segment_stack(model, plane[None], conf=0.05, iou=1.0, imgsz=128, contrast_limits=(0, 80))
    alone = fs.segment(model, plane, conf=0.05, iou=1.0, imgsz=128, contrast_limits=(0, 80))
    kept = fs.segment(model, plane, conf=0.1, iou=0.9, imgsz=128, contrast_limits=(0, 80))
    assert len(found.planes[0]) == len(alone) > len(kept)


def test_colours(model, nuclei):
    colours = np.repeat(nuclei[:3, ..., None], 3, axis=3)
    assert fs.segment_stack(model, colours).labels.shape == (3, 61, 57)


@pytest.mark.parametrize("wrong", [np.zeros((5, 5)), np.zeros((2, 3, 4, 5)), np.zeros((0, 5, 5))])
def test_what_is_no_stack_is_refused(model, wrong):
    with pytest.raises(FastSAMError, match="the stack has shape"):
        fs.segment_stack(model, wrong)


@pytest.mark.parametrize("dtype", ["O", "S2", "m8[s]", "c8", [("a", "f4"), ("b", "u1")]], ids=str)
def test_values_that_are_no_real_numbers_are_refused_by_their_type(model, dtype):
    with pytest.raises(ImageError, match="expected real numbers"):
        fs.segment_stack(model, np.zeros((2, 8, 8), dtype), imgsz=32)


def test_an_exported_model_that_takes_one_size(model, nuclei, result):
    small = dataclasses.replace(model, fixed_input=(160, 160))
    assert fs.segment_stack(small, nuclei[:4]).links.count > 0
