"""Records, reports and folders that cannot be written, and names of all kinds."""

import csv
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from napari_fastsam.cli import app
from napari_fastsam.core.recipe import ModelPart, OutputPart, Recipe
from napari_fastsam.io.recipes import save_recipe
from napari_fastsam.io.results.names import beside
from napari_fastsam.io.results.results import OutputError
from napari_fastsam.model.weights.weights import find
from napari_fastsam.runs.records import FOLDER, record_path
from running import PLAIN, run


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
