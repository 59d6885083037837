"""A large plane, tile by tile."""

import dataclasses

import dask.array as da
import imageio.v3 as iio
import numpy as np
import pytest
import zarr

import napari_fastsam as fs
from napari_fastsam.core.judging.metrics import match
from napari_fastsam.core.planes.tiling import Tiling
from napari_fastsam.errors import FastSAMError
from napari_fastsam.model.asking import plane_scale
from napari_fastsam.model.asking.tiled import start_tiled


@pytest.fixture(scope="module")
def model():
    return fs.load_model(device="cpu")


@pytest.fixture(scope="module")
def mosaic(fluorescence):
    """3 × 3 times the sample, (1560, 2088): nuclei lie on every seam."""
    return np.tile(fluorescence, (3, 3))


@pytest.fixture(scope="module")
def tiled(model, mosaic):
    return fs.segment(model, mosaic, tiled=True, scale=1.4)


def test_seams_leave_no_trace(model, mosaic, tiled):
    assert tiled.tiles > 9
    whole = model.segment(
        mosaic, imgsz=2912, contrast_limits=start_tiled(model, mosaic, Tiling(scale=1.4)).plan.contrast_limits
    )
    at_half, at_most = match(tiled.labels, whole.to_labels(), (0.5, 0.8))
    assert at_half.average_precision > 0.97, "as if the network had seen the plane at once"
    assert at_most.average_precision > 0.93


def test_numbers_scores_and_areas_belong_together(tiled):
    numbers, painted = np.unique(tiled.labels[tiled.labels > 0], return_counts=True)
    assert numbers[-1] <= len(tiled) == len(tiled.scores) == len(tiled.areas) == len(tiled.boxes)
    assert (painted <= tiled.areas[numbers - 1]).all()
    assert (tiled.scores > 0.25).all()


def test_dask_and_zarr_give_the_same_and_labels_may_go_to_zarr(model, mosaic, tiled, tmp_path):
    image = zarr.create_array(tmp_path / "image.zarr", shape=mosaic.shape, chunks=(512, 512), dtype=mosaic.dtype)
    image[:] = mosaic
    labels = zarr.create_array(tmp_path / "labels.zarr", shape=mosaic.shape, chunks=(512, 512), dtype=np.int32)
    fs.segment(model, image, tiled=True, scale=1.4, labels=labels)
    np.testing.assert_array_equal(labels[:], tiled.labels)
    lazy = da.from_array(mosaic, chunks=700)
    np.testing.assert_array_equal(fs.segment(model, lazy, tiled=True, scale=1.4).labels, tiled.labels)


def test_a_first_look_measures_the_objects(model, mosaic):
    run = start_tiled(model, mosaic, Tiling())
    assert run.plan.grid.scale == pytest.approx(model.segment(mosaic[:520, :696]).proposals.letterbox.gain, rel=0.2)
    run = start_tiled(model, mosaic, Tiling(diameter=20))
    assert run.plan.grid.scale == pytest.approx(model.card.shown_diameter / 20)


def test_it_begins_where_a_person_looks_and_may_be_left_in_between(model, mosaic):
    run = start_tiled(model, mosaic, Tiling(scale=1.4), first=(1500.0, 2000.0))
    progress = next(iter(run))
    assert progress.done == 1
    assert progress.total == len(run)
    y0, _, *end = progress.window
    assert tuple(end) == mosaic.shape
    assert progress.objects == len(run.canvas) > 0
    assert not run.canvas.labels[:y0].any(), "nothing beyond what was seen"


def test_an_object_larger_than_any_tile_is_found_once(model):
    y, x = np.mgrid[:3000, :3000]
    disk = (((y - 1500) ** 2 + (x - 1400) ** 2 < 900**2) * np.uint8(200)).astype(np.uint8)
    found = fs.segment(model, disk, tiled=True, scale=1.0)
    assert len(found) == 1
    assert np.count_nonzero((found.labels > 0) & (disk > 0)) / np.count_nonzero((found.labels > 0) | (disk > 0)) > 0.9


def test_colours_sizes_and_areas(model, mosaic):
    colours = np.repeat(mosaic[:800, :1200, None], 3, axis=2)
    found = fs.segment(model, colours, tiled=True, scale=1.4, min_area=100, max_area=300)
    assert len(found) > 20
    assert ((found.areas >= 100) & (found.areas <= 300)).all()


@pytest.mark.parametrize(
    ("image", "options", "says"),
    [
        (np.zeros((2, 50, 50)), {}, "expected one plane"),
        (np.zeros((50, 50)), {"labels": np.zeros((9, 9), np.int32)}, "expected the image's"),
        (np.zeros((50, 50)), {"labels": np.zeros((50, 50))}, "labels is of type float64"),
        (np.zeros((50, 50)), {"conf": 2}, "from 0 to 1"),
        (np.full((50, 50), np.nan), {}, "no finite value"),
        (np.zeros((50, 50), "S2"), {}, "expected real numbers"),
    ],
)
def test_what_cannot_be_done_is_said(model, image, options, says):
    with pytest.raises(FastSAMError, match=says):
        fs.segment(model, image, tiled=True, **options)


def test_prompts_are_answered_from_their_tiles(model, mosaic, fluorescence):
    prompts = fs.Prompts(
        points=[[126 + 1040, 94 + 1392], [147, 244], [-9, 3]], boxes=[[207 + 520, 596, 257 + 520, 633]]
    )
    one, two, beyond, box = fs.segment(model, mosaic, prompts, tiled=True, contrast_limits=(0, 80), scale=1.4)
    (expected,) = fs.segment(model, fluorescence, fs.Prompts(points=[[126, 94]]), contrast_limits=(0, 80))
    assert one.crop.iou(expected.crop.moved(1040, 1392)) > 0.9
    assert [two.found, beyond.found, box.found] == [True, False, True]
    assert "outside the image" in beyond.reason
    assert two.mask[147, 244]
    with pytest.raises(FastSAMError, match="no text_encoder"):
        fs.segment(model, mosaic, fs.Prompts(texts=["a nucleus"]), tiled=True)


def test_examples_are_compared_with_all_objects_there_are(model, mosaic, tiled):
    prompts = fs.Prompts(points=[[147, 244]], examples=[[126, 94]])
    first, *alike = fs.segment(
        model, mosaic, prompts, tiled=True, contrast_limits=(0, 80), scale=1.4, example_threshold=0.5
    )
    assert first.mask[147, 244]
    assert 9 < len(alike) < len(tiled)
    covered = sum(selection.mask.astype(int) for selection in alike)
    copies = [(126 + 520 * row, 94 + 696 * column) for row in range(3) for column in range(3)]
    assert [int(covered[place]) for place in copies] == [1] * 9, "in every tile, and each once"


def test_words_are_compared_with_all_objects_there_are(model, fluorescence, small_clip):
    encoder = fs.load_text_encoder(small_clip, "cpu")
    large = fs.segment(
        model, fluorescence, fs.Prompts(texts=["a cell"]), tiled=True, scale=3.0, contrast_limits=(0, 80),
        text_encoder=encoder, text_best=True,
    )  # fmt: skip
    (best,) = large
    assert best.prompt.kind == "text"
    assert best.found


def test_large_files_of_the_command_line_are_seen_in_tiles(model, mosaic, monkeypatch, tmp_path):
    from napari_fastsam import batch

    monkeypatch.setattr(plane_scale, "LARGE", 1_000_000)
    mosaic = mosaic[:1040, :1392]
    iio.imwrite(tmp_path / "mosaic.png", mosaic)
    limits = batch.Thresholds(*model.thresholds())
    found = batch.segment_file(tmp_path / "mosaic.png", tmp_path / "m_labels.tif", batch.Job(model, thresholds=limits))
    expected = fs.segment(model, mosaic, tiled=True)
    assert found.objects == len(np.unique(expected.labels)) - 1
    job = batch.Job(model, fs.Prompts(points=[[126 + 520, 94 + 696]]), limits)
    assert batch.segment_file(tmp_path / "mosaic.png", tmp_path / "p_labels.tif", job).objects == 1


def test_an_exported_model_that_takes_one_size_gets_smaller_tiles(model, mosaic):
    small = dataclasses.replace(model, fixed_input=(320, 320))
    found = fs.segment(small, mosaic[:900, :900], tiled=True, scale=1.4)
    usual = fs.segment(model, mosaic[:900, :900], tiled=True, scale=1.4)
    assert found.tiles > usual.tiles
    (at_half,) = match(found.labels, usual.labels, (0.5,))
    assert at_half.average_precision > 0.9
    (one,) = fs.segment(small, mosaic, fs.Prompts(points=[[126, 94]]), tiled=True, contrast_limits=(0, 80), scale=1.4)
    assert one.found


@pytest.mark.parametrize("options", [{"imgsz": 1472}, {"tiled": True, "scale": 1.4}])
def test_labels_that_cannot_hold_all_objects_are_refused(model, mosaic, options):
    plane = mosaic[:1040, :1044]
    with pytest.raises(FastSAMError, match="labels is of type uint8, which cannot hold the number"):
        fs.segment(model, plane, labels=np.zeros(plane.shape, np.uint8), contrast_limits=(0, 80), conf=0.1, **options)
