"""What goes wrong with one image, its results or its folder is said of that image, and nothing else is lost."""

import csv
import http.client
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import imageio.v3 as iio
import numpy as np
import psutil
import pytest
import tifffile
import zarr
from distributed import LocalCluster
from typer.testing import CliRunner

from napari_fastsam.cli import app
from napari_fastsam.core.recipe import ModelPart, OutputPart, Parameters, Recipe
from napari_fastsam.errors import FastSAMError, ParameterError
from napari_fastsam.io.images.finding import find_inputs
from napari_fastsam.io.images.inputs import Input
from napari_fastsam.io.lock import locked
from napari_fastsam.io.recipes import save_recipe
from napari_fastsam.io.results.names import beside
from napari_fastsam.io.results.results import OutputError
from napari_fastsam.model.weights.weights import find
from napari_fastsam.runs.records import FOLDER, record_path
from napari_fastsam.runs.run import run_recipe

PLAIN = Recipe(parameters=Parameters(contrast_limits=(0.0, 80.0)))


@pytest.fixture(scope="module")
def scheduler():
    """The address of a scheduler whose one worker is a thread of this process."""
    with LocalCluster(
        n_workers=1, threads_per_worker=1, processes=False, protocol="tcp://", host="127.0.0.1", memory_limit=0,
        dashboard_address="127.0.0.1:0", worker_dashboard_address="127.0.0.1:0", silence_logs=50,
    ) as cluster:  # fmt: skip
        yield cluster.scheduler_address


@pytest.fixture
def image(tmp_path, fluorescence):
    """A piece of the sample, (96, 96)."""
    path = tmp_path / "good.png"
    iio.imwrite(path, fluorescence[:96, :96])
    return path


def run(recipe, images, folder, scheduler, **options):
    rows = run_recipe(recipe, [i if isinstance(i, Input) else Input(i) for i in images], folder, scheduler=scheduler,
                      **options)  # fmt: skip
    return {Path(row.image).name: row for row in rows}


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


class TestOverwriting:
    def test_an_overlay_does_not_overwrite_an_image(self, image, tmp_path):
        other = tmp_path / "good_overlay.png"
        shutil.copy(image, other)
        before = other.read_bytes()
        result = CliRunner().invoke(app, ["segment", str(image), str(other), "-o", str(tmp_path), "--overlay"])
        assert result.exit_code == 2
        assert f"{other} would overwrite {other}" in result.stderr
        assert other.read_bytes() == before
        assert not list(tmp_path.glob("*.tif")), "nothing was written"

    def test_examples_are_not_saved_over_an_image(self, image, tmp_path):
        arguments = ["--examples", "[[20, 20]]", "--save-exemplars", str(tmp_path / "x" / ".." / "good.png")]
        before = image.read_bytes()
        result = CliRunner().invoke(app, ["segment", str(image), "-o", str(tmp_path / "out"), *arguments])
        assert result.exit_code == 2
        assert "would overwrite" in result.stderr
        assert image.read_bytes() == before

    @pytest.mark.parametrize("name", ["good_labels.tif", "good_overlay.png", "good_measurements.csv", "report.csv"])
    def test_a_run_overwrites_no_input_under_any_path(self, image, tmp_path, scheduler, name):
        (tmp_path / "x").mkdir()
        other = tmp_path / name
        shutil.copy(image, other)
        recipe = Recipe(output=OutputPart(overlay=True, measurements="csv"))
        with pytest.raises(ParameterError, match="would overwrite"):
            run(recipe, [image, other], tmp_path / "x" / "..", scheduler)
        assert other.read_bytes() == image.read_bytes()
        assert sorted(p.name for p in tmp_path.iterdir()) == sorted(["good.png", name, "x"]), "nothing was written"

    def test_nor_its_recipe(self, image, tmp_path):
        save_recipe(PLAIN, tmp_path / "report.json")
        before = (tmp_path / "report.json").read_bytes()
        result = CliRunner().invoke(app, ["run", str(tmp_path / "report.json"), str(image), "-o", str(tmp_path)])
        assert result.exit_code == 2
        assert "would overwrite" in result.stderr
        assert (tmp_path / "report.json").read_bytes() == before

    def test_a_model_does_not_overwrite_the_images_that_it_learns_from(self, tmp_path, fluorescence):
        (tmp_path / "images").mkdir()
        iio.imwrite(tmp_path / "images" / "a.png", fluorescence[:64, :64])
        box = {"id": 1, "image_id": 1, "category_id": 1, "segmentation": [[1, 1, 9, 1, 9, 9, 1, 9]], "iscrowd": 0}
        content = {"images": [{"id": 1, "file_name": "a.png", "width": 64, "height": 64}], "annotations": [box]}
        content["categories"] = [{"id": 1, "name": "cell"}]
        (tmp_path / "cells.json").write_text(json.dumps(content))
        result = CliRunner().invoke(app, ["train", str(tmp_path / "cells.json"), "-o", str(tmp_path / "cells.pt")])
        assert result.exit_code == 2
        assert f"{tmp_path / 'cells.json'} would overwrite" in result.stderr
        result = CliRunner().invoke(
            app, ["evaluate", str(tmp_path / "cells.json"), "--json", str(tmp_path / "cells.json")]
        )
        assert result.exit_code == 2
        assert "would overwrite" in result.stderr
        assert json.loads((tmp_path / "cells.json").read_text()) == content


class TestKept:
    RECIPE = Recipe(output=OutputPart(overlay=True, measurements="csv"))

    def again(self, image, tmp_path, scheduler, recipe=RECIPE):
        return run(recipe, [image], tmp_path / "out", scheduler)["good.png"].status

    @pytest.mark.parametrize("name", ["good_labels.tif", "good_measurements.csv", "good_overlay.png"])
    def test_a_result_that_is_gone_or_changed_is_made_again(self, image, tmp_path, scheduler, name):
        assert self.again(image, tmp_path, scheduler) == "done"
        assert self.again(image, tmp_path, scheduler) == "kept"
        result = tmp_path / "out" / name
        before = result.read_bytes()
        result.unlink()
        assert self.again(image, tmp_path, scheduler) == "done"
        assert result.read_bytes() == before
        result.write_bytes(before[:-1] + b"?")
        assert self.again(image, tmp_path, scheduler) == "done"
        assert result.read_bytes() == before

    def test_another_model_behind_the_same_path_is_noticed(self, image, tmp_path, scheduler):
        model = tmp_path / "cells.pt"
        shutil.copy(find("nuclei"), model)
        recipe = Recipe(model=ModelPart(str(model)))
        assert self.again(image, tmp_path, scheduler, recipe) == "done"
        assert self.again(image, tmp_path, scheduler, recipe) == "kept"
        with model.open("ab") as file:
            file.write(b"\0")
        os.utime(model, ns=(1, 1))
        try:
            status = self.again(image, tmp_path, scheduler, recipe)
        except FastSAMError:
            status = "refused"
        assert status != "kept"

    def test_another_text_encoder_behind_the_same_path_is_noticed(self, image, tmp_path, scheduler, small_clip):
        from napari_fastsam.core.recipe import SearchPart

        encoder = tmp_path / "clip.pt"
        shutil.copy(small_clip, encoder)
        recipe = Recipe(search=SearchPart(texts=("red",), text_encoder=str(encoder), text_threshold=-1.0))
        assert self.again(image, tmp_path, scheduler, recipe) == "done"
        assert self.again(image, tmp_path, scheduler, recipe) == "kept"
        encoder.write_bytes(b"another one")
        row = run(recipe, [image], tmp_path / "out", scheduler)["good.png"]
        assert row.status == "failed"

    def test_a_record_of_another_version_is_none(self, image, tmp_path, scheduler):
        assert self.again(image, tmp_path, scheduler) == "done"
        path = record_path(tmp_path / "out" / "good_labels.tif")
        path.write_text(json.dumps({**json.loads(path.read_text()), "outputs": ["good_labels.tif"]}))
        assert self.again(image, tmp_path, scheduler) == "done"


def test_a_record_that_cannot_be_written_is_said_and_the_run_goes_on(image, tmp_path, scheduler):
    other = tmp_path / "other.png"
    shutil.copy(image, other)
    in_the_way = record_path(tmp_path / "out" / "good_labels.tif")
    in_the_way.mkdir(parents=True)
    rows = run(PLAIN, [image, other], tmp_path / "out", scheduler)
    assert rows["good.png"].status == "failed"
    assert "its labels were written, but not that they are finished" in rows["good.png"].reason
    assert rows["other.png"].status == "done"
    assert (tmp_path / "out" / "good_labels.tif").exists()


def test_a_report_that_cannot_be_written_hides_no_result(image, tmp_path, scheduler):
    save_recipe(PLAIN, tmp_path / "r.json")
    (tmp_path / "out" / "report.csv" / "in the way").mkdir(parents=True)
    arguments = ["run", tmp_path / "r.json", image, "-o", tmp_path / "out", "--scheduler", scheduler]
    result = CliRunner().invoke(app, [str(a) for a in arguments])
    assert result.exit_code == 2
    assert "1 done, 0 kept, 0 failed" in result.stdout
    assert "report.csv cannot be written" in result.stderr


def test_a_second_run_into_the_same_folder_is_told_to_wait(image, tmp_path, scheduler):
    program = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "from napari_fastsam.io.lock import locked\n"
        "with locked(Path(sys.argv[1]), 'taken'):\n"
        "    print('held', flush=True)\n"
        "    time.sleep(600)\n"
    )
    (tmp_path / "out" / FOLDER).mkdir(parents=True)
    lock = tmp_path / "out" / FOLDER / "lock"
    with subprocess.Popen([sys.executable, "-c", program, lock], stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline() == "held\n"
        with pytest.raises(OutputError, match=r"another run is writing into .*out; wait for its end"):
            run(PLAIN, [image], tmp_path / "out", scheduler)
        other.send_signal(signal.SIGKILL)
    assert run(PLAIN, [image], tmp_path / "out", scheduler)["good.png"].status == "done", "the dead hold nothing"


@pytest.mark.parametrize("below", ["", "further/down"])
def test_a_folder_that_cannot_be_made_is_told_before_anything_is_done(image, tmp_path, scheduler, below):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(OutputError, match="cannot be made"):
        run(PLAIN, [image], tmp_path / "file" / below, scheduler)
    assert (tmp_path / "file").read_text() == "mine"


def test_what_a_run_that_was_killed_left_is_found_at_the_next_start(image, tmp_path, scheduler):
    recipe = Recipe(output=OutputPart(format="zarr"))
    labels = tmp_path / "out" / "good_labels.zarr"
    assert run(recipe, [image], tmp_path / "out", scheduler)["good.png"].status == "done"
    labels.rename(beside(labels, ".old"))
    (tmp_path / "out" / ".good_labels.zarr.abcd1234.part").mkdir()
    (tmp_path / "out" / ".report.csv.abcd1234.part").write_text("half")
    assert run(recipe, [image], tmp_path / "out", scheduler)["good.png"].status == "kept"
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == [
        FOLDER, "good_labels.zarr", "report.csv", "report.json",
    ]  # fmt: skip


def test_names_are_shown_as_they_are(image, tmp_path, scheduler):
    names = ["[bold]x[red].png", "a [1] :smile:.png", os.fsdecode(b"caff\xe9.png"), "two\nlines \x1b[31m.png"]
    (tmp_path / "in").mkdir()
    for name in names:
        shutil.copy(image, tmp_path / "in" / name)
    save_recipe(PLAIN, tmp_path / "r.json")
    arguments = ["run", tmp_path / "r.json", tmp_path / "in", "-o", tmp_path / "out", "--scheduler", scheduler]
    result = CliRunner().invoke(app, [str(a) for a in arguments], env={"COLUMNS": "400"})
    assert result.exit_code == 0, result.output
    for shown in ("[bold]x[red].png", "a [1] :smile:.png", r"caff\udce9.png", r"two\nlines \x1b[31m.png"):
        assert shown in result.stdout
    assert len(list((tmp_path / "out").glob("*_labels.tif"))) == 4
    with (tmp_path / "out" / "report.csv").open(encoding="utf-8") as file:
        assert any(row["image"].endswith(r"caff\udce9.png") for row in csv.DictReader(file))
    arguments = ["segment", *sorted((tmp_path / "in").iterdir()), "-o", tmp_path / "s"]
    shown = CliRunner().invoke(app, [str(a) for a in arguments], env={"COLUMNS": "400"})
    assert shown.exit_code == 0, shown.output
    assert shown.stdout.count("a [1] :smile:.png") == 2


def test_a_name_of_245_bytes_has_all_its_results_and_one_that_is_longer_is_told_so(image, tmp_path, scheduler):
    recipe = Recipe(output=OutputPart(format="zarr"))
    long, longer = tmp_path / ("x" * 240 + ".png"), tmp_path / ("y" * 250 + ".png")
    for path in (long, longer):
        shutil.copy(image, path)
    for status in ("done", "kept"):
        rows = run(recipe, [long, longer], tmp_path / "out", scheduler)
        assert rows[long.name].status == status
        assert "File name too long; give the image a shorter name" in rows[longer.name].reason


def test_relative_paths_reach_workers_that_run_elsewhere(image, tmp_path, monkeypatch):
    program = (
        "from distributed import LocalCluster\n"
        "if __name__ == '__main__':\n"
        "    with LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=':0', host='127.0.0.1') as c:\n"
        "        print(c.scheduler_address, flush=True)\n"
        "        input()\n"
    )
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "cluster.py").write_text(program)
    shutil.copy(find("nuclei"), tmp_path / "cells.pt")
    monkeypatch.chdir(tmp_path)
    with subprocess.Popen(
        [sys.executable, "cluster.py"], cwd=elsewhere, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as cluster:
        address = cluster.stdout.readline().strip()
        rows = run(Recipe(model=ModelPart("cells.pt")), [Path("good.png")], Path("out"), address)
        cluster.communicate("\n", timeout=300)
    assert rows["good.png"].status == "done", rows
    assert (tmp_path / "out" / "good_labels.tif").exists()
    assert sorted(p.name for p in elsewhere.iterdir()) == ["cluster.py"]


def test_a_zarr_that_claims_a_billion_planes_is_begun_in_little_memory_and_nothing_can_be_reached(tmp_path):
    """Of the run itself: only the pages that show how it is going listen, and only on this computer."""
    ome_zarr(tmp_path / "claims.zarr", [1.0, 1.0, 1.0], shape=(1_000_000_000, 16, 16))
    save_recipe(PLAIN, tmp_path / "r.json")
    arguments = [tmp_path / "r.json", tmp_path / "claims.zarr", "-o", tmp_path / "out", "--workers", "1"]
    command = [sys.executable, "-m", "napari_fastsam.cli", "run", *map(str, arguments)]
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
