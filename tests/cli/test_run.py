"""A recipe on many images, as a person runs it: real workers, and the program in a process where that matters."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import imageio.v3 as iio
import numpy as np
import pandas as pd
import psutil
import pytest
import tifffile
import zarr
from typer.testing import CliRunner, Result

import napari_fastsam as fs
from napari_fastsam.cli import app
from napari_fastsam.core.prompts.examples import exemplars_of
from napari_fastsam.core.recipe import LinkingPart, ModelPart, OutputPart, Parameters, Recipe, SearchPart, TilingPart
from napari_fastsam.io.exemplars import exemplars_content
from napari_fastsam.io.images.inputs import Input
from napari_fastsam.io.recipes import load_recipe, save_recipe
from napari_fastsam.model.asking import plane_scale
from napari_fastsam.runs import work
from napari_fastsam.runs.tasks import RunTask
from napari_fastsam.samples import nuclei_3d

LIMITS = (0.0, 80.0)


def start(*arguments, **options):
    command = [sys.executable, "-m", "napari_fastsam", "run", *map(str, arguments)]
    # tests share the processors: threads that wait leave them to others
    environment = {**os.environ, "OMP_WAIT_POLICY": "PASSIVE"}
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment, **options
    )


def ended(process):
    """Status, and what was printed on stdout and stderr."""
    out, err = process.communicate(timeout=600)
    return process.returncode, out, err


def run(*arguments: object) -> Result:
    """The command within this process."""
    return CliRunner().invoke(app, ["run", *map(str, arguments)], env={"COLUMNS": "200"})


@pytest.fixture(scope="module")
def scheduler(tmp_path_factory) -> Iterator[str]:
    """The address of a dask scheduler with one worker, as a cluster has it."""
    program = tmp_path_factory.mktemp("cluster") / "cluster.py"
    program.write_text(
        "from distributed import LocalCluster\n"
        "if __name__ == '__main__':\n"
        "    with LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=':0', host='127.0.0.1') as c:\n"
        "        print(c.scheduler_address, flush=True)\n"
        "        input()\n"
    )
    with subprocess.Popen(
        [sys.executable, program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as cluster:
        yield cluster.stdout.readline().strip()
        cluster.communicate("\n", timeout=300)


def report(folder):
    with (folder / "report.csv").open() as file:
        return {Path(row["image"]).name: row for row in csv.DictReader(file)}


@pytest.fixture(scope="module")
def images(tmp_path_factory, fluorescence):
    """Eight pieces of the sample, (160, 200) each."""
    folder = tmp_path_factory.mktemp("images")
    for i in range(8):
        iio.imwrite(folder / f"piece{i}.png", fluorescence[40 * i : 40 * i + 160, 50 * i : 50 * i + 200])
    return folder


@pytest.fixture
def recipe(tmp_path):
    path = tmp_path / "recipe.json"
    save_recipe(Recipe(parameters=Parameters(contrast_limits=LIMITS)), path)
    return path


def test_everything_that_a_folder_can_hold(images, tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    for name in ("piece0.png", "piece1.png"):
        (folder / name).write_bytes((images / name).read_bytes())
    stack = np.asarray(nuclei_3d()[0][0])[10:13]
    tifffile.imwrite(folder / "stack.tif", stack, photometric="minisblack", metadata={"axes": "ZYX"})
    (folder / "broken.png").write_bytes(b"no picture")
    save_recipe(Recipe(output=OutputPart(overlay=True, measurements="parquet")), tmp_path / "r.json")
    code, out, err = ended(start(tmp_path / "r.json", folder, "-o", tmp_path / "out", "--workers", 2))

    assert code == 2
    assert "3 done, 0 kept, 1 failed" in out
    assert "dashboard: http://127.0.0.1" in err
    assert [line for line in err.splitlines() if line.startswith("Error")] == [
        f"Error: {folder / 'broken.png'} cannot be read as an image: it is damaged, or of no known format"
    ]
    rows = report(tmp_path / "out")
    assert {name: row["status"] for name, row in rows.items()} == {
        "broken.png": "failed", "piece0.png": "done", "piece1.png": "done", "stack.tif": "done",
    }  # fmt: skip
    model = fs.load_model(device="cpu")
    labels = tifffile.imread(tmp_path / "out" / "piece0_labels.tif")
    np.testing.assert_array_equal(labels, model.segment(iio.imread(images / "piece0.png")).to_labels())
    planes = tifffile.imread(tmp_path / "out" / "stack_labels.tif")
    np.testing.assert_array_equal(planes, [model.segment(plane).to_labels() for plane in stack])
    table = pd.read_parquet(tmp_path / "out" / "stack_measurements.parquet")
    assert set(table["z"]) == {0, 1, 2}
    assert table[table["z"] == 1]["area"].sum() == np.count_nonzero(planes[1])
    assert (tmp_path / "out" / "piece0_overlay.png").exists()
    assert not list((tmp_path / "out" / ".napari-fastsam").glob("*-*")), "nothing half-done is left"


def test_a_stack_is_linked_into_ome_zarr(tmp_path, scheduler):
    stack = np.asarray(nuclei_3d()[0][0])[8:14]
    tifffile.imwrite(tmp_path / "stack.tif", stack, photometric="minisblack", metadata={"axes": "ZYX"})
    save_recipe(Recipe(linking=LinkingPart(), output=OutputPart(format="zarr")), tmp_path / "r.json")
    result = run(tmp_path / "r.json", tmp_path / "stack.tif", "-o", tmp_path / "out", "--scheduler", scheduler)
    assert result.exit_code == 0, result.output
    labels = zarr.open_group(tmp_path / "out" / "stack_labels.zarr", mode="r")["0"][...]
    np.testing.assert_array_equal(labels, fs.segment_stack(fs.load_model(device="cpu"), stack).labels)


def test_a_worker_that_is_killed_is_replaced(images, recipe, tmp_path):
    process = start(recipe, images, "-o", tmp_path / "out", "--workers", 1)
    wait_for(lambda: list((tmp_path / "out").glob("*_labels.tif")), process)
    workers = [
        child
        for child in psutil.Process(process.pid).children(recursive=True)
        if "spawn_main" in " ".join(child.cmdline())
    ]
    assert workers
    os.kill(workers[0].pid, signal.SIGKILL)
    code, out, err = ended(process)
    assert code == 0, err
    assert "8 done" in out
    assert len(list((tmp_path / "out").glob("*_labels.tif"))) == 8


def test_a_run_that_is_killed_goes_on_where_it_was(images, recipe, tmp_path, scheduler):
    out = tmp_path / "out"
    process = start(recipe, images, "-o", out, "--workers", 1, start_new_session=True)
    wait_for(lambda: len(list((out / ".napari-fastsam").glob("*.json"))) >= 2, process)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    finished = {path.name.removesuffix(".json") for path in (out / ".napari-fastsam").glob("*.json")}
    assert 2 <= len(finished) < 8
    for path in out.glob("*_labels.tif"):
        tifffile.imread(path)  # whole
    damaged = out / sorted(finished)[0]
    damaged.write_bytes(damaged.read_bytes()[:-20])

    again = run(recipe, images, "-o", out, "--scheduler", scheduler)
    assert again.exit_code == 0, again.output
    assert f"{8 - len(finished) + 1} done, {len(finished) - 1} kept" in again.stdout
    assert tifffile.imread(damaged).shape == (160, 200)

    save_recipe(Recipe(parameters=Parameters(contrast_limits=LIMITS, conf=0.9)), recipe)
    other = run(recipe, images, "-o", out, "--scheduler", scheduler)
    assert "8 done, 0 kept" in other.stdout, "another recipe, other results"


def test_a_large_plane_is_a_task_for_each_tile(fluorescence, tmp_path):
    plane = np.tile(fluorescence, (8, 6))[:4160, :4128]
    tifffile.imwrite(tmp_path / "slide.tif", plane, tile=(256, 256), compression="zlib")
    save_recipe(
        Recipe(parameters=Parameters(contrast_limits=LIMITS), tiling=TilingPart(scale=0.7)), tmp_path / "r.json"
    )
    out = tmp_path / "out"

    def tiles():
        return sorted((out / ".napari-fastsam").glob("slide_labels.tif-*/plane-*.npz"))

    process = start(tmp_path / "r.json", tmp_path / "slide.tif", "-o", out, "--workers", 1, start_new_session=True)
    wait_for(lambda: len(tiles()) >= 3, process)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert not (out / "slide_labels.tif").exists()
    damaged, *whole = tiles()
    damaged.write_bytes(damaged.read_bytes()[:-20])
    folder, record = damaged.parent, damaged.with_name("plane.json")
    missing = {part.path(folder) for part in RunTask("plan", ()).tiles(folder) if not part.is_whole(folder)}
    assert record.exists()
    assert damaged in missing
    assert not missing & set(whole)

    before = {path: path.stat().st_mtime_ns for path in whole}
    process = start(tmp_path / "r.json", tmp_path / "slide.tif", "-o", out, "--workers", 2)
    wait_for(lambda: len(tiles()) > len(whole) + 1, process)
    assert {path: path.stat().st_mtime_ns for path in whole if path.exists()} == before, "seen only once"
    code, _, err = ended(process)
    assert code == 0, err
    expected = fs.segment(fs.load_model(device="cpu"), plane, tiled=True, scale=0.7, contrast_limits=LIMITS).labels
    assert expected.max() > 500
    np.testing.assert_array_equal(tifffile.imread(out / "slide_labels.tif"), expected)
    assert not list((out / ".napari-fastsam").glob("*-*"))


def test_what_is_searched_for_on_a_large_plane(fluorescence, tmp_path, monkeypatch):
    monkeypatch.setattr(plane_scale, "LARGE", 500_000)
    plane = np.tile(fluorescence, (2, 2))
    tifffile.imwrite(tmp_path / "slide.tif", plane)
    model = fs.load_model(device="cpu")
    exemplars, _ = exemplars_of(model.segment(fluorescence), fs.Prompts(examples=[[126, 94]]))
    search = SearchPart(exemplars=exemplars_content(exemplars), example_threshold=0.5)
    recipe = Recipe(search=search, parameters=Parameters(contrast_limits=LIMITS), tiling=TilingPart(scale=1.4))
    image, found, expected = Input(tmp_path / "slide.tif"), tmp_path / "found.tif", tmp_path / "expected.tif"

    plan = RunTask("plan", ())
    pieces = work.do_part(recipe, image, plan, tmp_path)["pieces"]
    assert pieces == len(plan.tiles(tmp_path)) > 1
    for tile in plan.tiles(tmp_path):
        assert not tile.is_whole(tmp_path)
        work.do_part(recipe, image, tile, tmp_path)
        assert tile.is_whole(tmp_path)
    said = work.do_image(recipe, image, found, tmp_path)

    labels = tifffile.imread(found)
    assert set(np.unique(labels)) == set(range(said["objects"] + 1))
    copies = [labels[126 + 520 * row, 94 + 696 * column] for row in range(2) for column in range(2)]
    assert 0 not in copies
    assert len(set(copies)) == 4
    everything = fs.segment(model, plane, tiled=True, scale=1.4, contrast_limits=LIMITS)
    assert 4 < said["objects"] < len(everything)
    work.do_image(recipe, image, expected)
    np.testing.assert_array_equal(labels, tifffile.imread(expected), "piece by piece as all at once")


def wait_for(condition, process):
    deadline = time.monotonic() + 600
    while not condition():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_scheduler_that_is_running(images, recipe, tmp_path, scheduler):
    code, out, err = ended(start(recipe, images / "piece0.png", "-o", tmp_path / "out", "--scheduler", scheduler))
    assert code == 0, err
    assert "1 done" in out


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"model": ModelPart("nuclei", "0" * 64)}, "the recipe was made with another 'nuclei'"),
        ({"model": ModelPart("nothing.pt")}, "nothing.pt"),
        ({"search": SearchPart(exemplars={"schema": "?"})}, "no set of examples"),
    ],
)
def test_what_cannot_be_run_is_one_line_and_status_2(images, tmp_path, scheduler, change, says):
    save_recipe(Recipe(**change), tmp_path / "r.json")
    result = run(tmp_path / "r.json", images / "piece0.png", "-o", tmp_path / "out", "--scheduler", scheduler)
    assert result.exit_code == 2
    (line,) = [line for line in result.stderr.splitlines() if line.startswith("Error")]
    assert says in line


def test_bad_arguments_are_one_line(images, recipe, tmp_path):
    (tmp_path / "no.json").write_text("{")
    for arguments, says in (
        ((tmp_path / "no.json", images), "not JSON"),
        ((tmp_path / "missing.json", images), "cannot be read"),
        ((recipe, tmp_path / "*.png"), "neither a file"),
        ((recipe, images / "piece0.png", "--scheduler", "tcp://127.0.0.1:1"), "no dask scheduler answers"),
    ):
        result = run(*arguments, "-o", tmp_path / "out")
        assert result.exit_code == 2
        assert isinstance(result.exception, SystemExit), "and no traceback"
        assert says in result.stderr


def test_a_recipe_file_is_whole_and_readable(recipe):
    assert load_recipe(recipe).parameters.contrast_limits == LIMITS
    assert json.loads(recipe.read_text())["schema"] == "napari-fastsam recipe"
