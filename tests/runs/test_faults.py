"""What goes wrong with one image, its results or its folder is said of that image, and nothing else is lost."""

import csv
import http.client
import os
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import psutil
import pytest
import tifffile
import zarr
from typer.testing import CliRunner

from napari_fastsam.cli import app
from napari_fastsam.io.images.finding import find_inputs
from napari_fastsam.io.images.inputs import Input
from napari_fastsam.io.lock import locked
from napari_fastsam.io.recipes import save_recipe
from napari_fastsam.io.results.results import OutputError
from napari_fastsam.runs.records import FOLDER
from running import PLAIN, run


def ome_zarr(path, steps, shape=(16, 16)):
    group = zarr.open_group(path, mode="w")
    group.create_array("0", shape=shape, chunks=(1,) * (len(shape) - 2) + (16, 16), dtype=np.uint8)
    axes = [{"name": a} for a in "zyx"[-len(shape) :]]
    datasets = [{"path": "0", "coordinateTransformations": [{"type": "scale", "scale": steps}]}]
    group.attrs["ome"] = {"version": "0.5", "multiscales": [{"axes": axes, "datasets": datasets}]}


def fill_with_damage(folder):
    """Fill a folder with what cannot be read; returns what their rows say, by name."""
    tifffile.imwrite(folder / "xml.ome.tif", np.zeros((3, 32, 32), np.uint8), photometric="minisblack")
    with tifffile.TiffFile(folder / "xml.ome.tif", mode="r+") as file:
        tag = file.pages[0].tags["ImageDescription"]
        tag.overwrite("<OME><Image><Pixels SizeX=" + "<" * 20 + "OME>")
    tifffile.imwrite(folder / "short.tif", np.arange(10000, dtype=np.uint16).reshape(100, 100), compression="zlib")
    (folder / "short.tif").write_bytes((folder / "short.tif").read_bytes()[:-1500])
    tifffile.imwrite(folder / "tags.tif", np.zeros((32, 32), np.uint8))
    with tifffile.TiffFile(folder / "tags.tif", mode="r+") as file:
        file.pages[0].tags["BitsPerSample"].overwrite(7)
    (folder / "folder.tif").mkdir()
    (folder / "itself.png").symlink_to("itself.png")
    (folder / "nothing.png").symlink_to("nowhere.png")
    (folder / "empty.png").write_bytes(b"")
    os.mkfifo(folder / "pipe.tif")
    ome_zarr(folder / "word.zarr", ["a", "b"])
    ome_zarr(folder / "axes.zarr", [1.0], shape=(2, 16, 16))
    (folder / "no.zarr").mkdir()
    (folder / "damaged.zarr").mkdir()
    (folder / "damaged.zarr" / "zarr.json").write_text("{")
    plate = zarr.open_group(folder / "plate.zarr", mode="w")
    plate.attrs["ome"] = {"plate": {"wells": [{"path": "A/1"}, {"path": "B/2"}]}}
    plate.create_group("A/1").attrs["ome"] = {"well": {"images": [{"path": "0"}]}}
    ome_zarr(folder / "plate.zarr" / "A" / "1" / "0", [1.0, 1.0])
    return {
        "xml.ome.tif": "OME-XML", "short.tif": "short.tif", "tags.tif": "tags.tif", "folder.tif": "is a folder",
        "itself.png": "symbolic links", "nothing.png": "there is no file", "empty.png": "known format",
        "pipe.tif": "no file with an image", "word.zarr": "could not convert", "axes.zarr": "1 a scale",
        "no.zarr": "is a folder", "damaged.zarr": "cannot be read as an OME-Zarr", "2": "no OME-Zarr image",
    }  # fmt: skip


def test_whatever_one_image_raises_is_its_row(image, tmp_path, scheduler):
    folder = tmp_path / "in"
    folder.mkdir()
    said = fill_with_damage(folder)
    shutil.copy(image, folder / "good.png")
    rows = run(PLAIN, find_inputs([str(folder)]), tmp_path / "out", scheduler)
    failed = {name: row.reason for name, row in rows.items() if row.status == "failed"}
    assert {name: text in failed.get(name, "") for name, text in said.items()} == dict.fromkeys(said, True), failed
    assert sorted(rows.keys() - failed.keys()) == ["0", "good.png"], "a field of the plate that is there is segmented"
    with (tmp_path / "out" / "report.csv").open() as file:
        assert len(list(csv.DictReader(file))) == len(said) + 2


@pytest.mark.parametrize("error", [MemoryError("Unable to allocate 9 TiB"), KeyError("x"), RecursionError()])
@pytest.mark.parametrize("step", ["fingerprint", "describe", "lazy"])
def test_any_error_at_any_step_is_that_of_the_image(image, tmp_path, scheduler, monkeypatch, step, error):
    """A real reader that meets one file on which it fails in a way that nobody thought of."""
    bad = tmp_path / "bad.png"
    shutil.copy(image, bad)
    real = getattr(Input, step)

    def failing(self, *arguments):
        if self.path.name == "bad.png":
            raise error
        return real(self, *arguments)

    monkeypatch.setattr(Input, step, failing)
    rows = run(PLAIN, [bad, image], tmp_path / "out", scheduler)
    assert (rows["bad.png"].status, rows["good.png"].status) == ("failed", "done")
    assert {MemoryError: "not enough memory", KeyError: "KeyError", RecursionError: "RecursionError"}[
        type(error)
    ] in rows["bad.png"].reason


def test_segment_tells_of_each_image_and_goes_on(image, tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    fill_with_damage(folder)
    shutil.copy(image, folder / "good.png")
    long = folder / ("x" * 300 + ".png")
    inputs = sorted([*folder.iterdir(), long])
    result = CliRunner().invoke(app, ["segment", *map(str, inputs), "-o", str(tmp_path / "out")])
    assert result.exit_code == 2
    assert isinstance(result.exception, SystemExit)
    assert (tmp_path / "out" / "good_labels.tif").exists()
    told = [line for line in result.stderr.splitlines() if line.startswith("Error: ")]
    # xml.ome.tif has its pixels, tags.tif too
    for name in {p.name for p in inputs} - {"good.png", "xml.ome.tif", "tags.tif"}:
        assert sum(f"/{name}" in line for line in told) == 1, name


def test_a_zarr_that_claims_a_billion_planes_is_begun_in_little_memory_and_nothing_can_be_reached(tmp_path):
    """Of the run itself: only the pages that show how it is going listen, and only on this computer."""
    ome_zarr(tmp_path / "claims.zarr", [1.0, 1.0, 1.0], shape=(1_000_000_000, 16, 16))
    save_recipe(PLAIN, tmp_path / "r.json")
    arguments = [tmp_path / "r.json", tmp_path / "claims.zarr", "-o", tmp_path / "out", "--workers", "1"]
    command = [sys.executable, "-m", "napari_fastsam", "run", *map(str, arguments)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        deadline = time.monotonic() + 300
        while len(list((tmp_path / "out").glob(f"{FOLDER}/claims_labels.tif-*/*.npz"))) < 3:
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.05)
        family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
        assert family[0].memory_info().rss < 2_000_000_000
        listening = [c for one in family for c in one.net_connections() if c.status == psutil.CONN_LISTEN]
        assert {c.laddr.ip for c in listening} == {"127.0.0.1"}
        for port in {c.laddr.port for c in listening}:  # pages, and not what takes tasks: that knows no HTTP
            pages = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
            pages.request("GET", "/health")
            assert pages.getresponse().status == 200
            pages.close()
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=200)
    finally:
        process.kill()
    assert "dashboard: http://127.0.0.1:" in err
    while any(one.is_running() and one.status() != psutil.STATUS_ZOMBIE for one in family[1:]):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_link_that_leads_into_its_own_folder_is_not_followed_round_and_round(image, tmp_path):
    (tmp_path / "round").symlink_to(".")
    (tmp_path / "and round").symlink_to(".")
    (tmp_path / "same.png").symlink_to("good.png")
    assert [i.path.name for i in find_inputs([str(tmp_path / "**" / "*.png"), str(image)])] == ["good.png"]


def test_a_lock_is_let_go_of_also_after_an_error(tmp_path):
    def fail():
        with locked(tmp_path / "lock", "taken"):
            with pytest.raises(OutputError, match="taken"), locked(tmp_path / "lock", "taken"):
                pass
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    with locked(tmp_path / "lock", "taken"):
        pass
