"""``evaluate --clicks`` and ``train-corrections``, as they are typed."""

import csv
import json
import shutil
from types import SimpleNamespace

import imageio.v3 as iio
import numpy as np
import pytest
from typer.testing import CliRunner

import napari_fastsam as fs
from dsb2018 import PICTURES, annotated_folder
from napari_fastsam.cli import app
from napari_fastsam.cli.evaluate_clicks import held_out_of_both
from napari_fastsam.core.correcting.simulated_user import first_click, next_click
from napari_fastsam.errors import DatasetError
from napari_fastsam.model.correcting.weights import load_corrector


@pytest.fixture
def data(tmp_path):
    return annotated_folder(tmp_path / "nuclei", {"sparse": "fluorescence", "tissue": "stained"})


def run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.mark.parametrize(("by_corrections", "judged"), [({"sparse", "tissue"}, ["sparse"]), ({"tissue"}, None)])
def test_what_either_network_has_learnt_from_is_not_judged_on(data, by_corrections, judged):
    network, corrector = (
        SimpleNamespace(card=SimpleNamespace(validation_images=names)) for names in (["sparse"], [*by_corrections])
    )
    dataset = fs.read_dataset(data)
    if judged is None:
        with pytest.raises(DatasetError, match="both the model and the correcting network"):
            held_out_of_both(dataset, network, corrector)
    else:
        assert [one.name for one in held_out_of_both(dataset, network, corrector)] == judged


@pytest.mark.parametrize("start", ["point", "box", "nothing"])
def test_clicks_make_objects_better_and_that_is_written(data, tmp_path, start):
    files = {
        name: tmp_path / f"clicks.{suffix}" for name, suffix in (("json", "json"), ("csv", "csv"), ("plot", "png"))
    }
    options = [part for name, file in files.items() for part in (f"--{name}", file)]
    result = run("evaluate", data, "--clicks", 5, "--start", start, "--per-image", 2, *options)
    assert result.exit_code == 0, result.output
    assert "IoU@5" in result.stdout
    assert "mSA@7" in result.stdout
    assert max(map(len, result.stdout.replace(str(tmp_path), "").splitlines())) <= 80
    content = json.loads(files["json"].read_text())
    curve = content["all"]["curve"]
    assert len(content["objects"]) == content["all"]["objects"] == 4
    assert curve[4] > max(curve[0] - 0.01, 0.65)
    assert set(content["kinds"]) == {"fluorescence", "stained"}
    assert content["start"] == start
    with files["csv"].open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["kind"] for row in rows] == ["fluorescence"] * 2 + ["stained"] * 2
    assert float(rows[0]["iou_5"]) == pytest.approx(content["objects"][0]["iou"][4], abs=1e-3)
    assert iio.imread(files["plot"]).shape[0] > 100


@pytest.mark.parametrize("start", ["point", "box"])
def test_what_is_measured_is_what_a_user_gets(data, tmp_path, start):
    run("evaluate", data, "--clicks", 4, "--start", start, "--per-image", 1, "--json", tmp_path / "clicks.json")
    content = json.loads((tmp_path / "clicks.json").read_text())
    model = fs.load_model("nuclei")
    for row, stem in zip(content["objects"], ("sparse", "tissue"), strict=True):
        truth = iio.imread(PICTURES / f"{stem}_labels.png") == row["label"]
        rows, columns = np.nonzero(truth)
        box = (rows.min(), columns.min(), rows.max() + 1, columns.max() + 1)
        drawn = {"boxes": [box], "box_objects": [1]} if start == "box" else {}
        prediction = fs.predict(model, iio.imread(PICTURES / f"{stem}.png"))
        clicks, ious = [], []
        mask = prediction.select(fs.Prompts(**drawn))[0].mask if drawn else None
        while len(ious) < 4:
            click = first_click(truth) if mask is None else next_click(mask, truth)
            clicks.append(click)
            points, labels = [(c.row, c.column) for c in clicks], [int(c.positive) for c in clicks]
            (answer,) = prediction.select(fs.Prompts(points, labels, [1] * len(clicks), **drawn), refine=True)
            mask = answer.mask
            ious.append((mask & truth).sum() / (mask | truth).sum())
        assert row["iou"] == pytest.approx(ious, abs=1e-3)


def test_without_the_network_the_gaussian_process_answers(data):
    result = run(
        "evaluate", data, "--clicks", 2, "--start", "nothing", "--per-image", 1, "--corrections", "gaussian-process"
    )
    assert result.exit_code == 0, result.output
    assert "Gaussian process" in result.stdout


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--start", "box"), "add --clicks 20"),
        (("--clicks", "0", "--start", "nothing"), "clicks is 0"),
        (("--clicks", "2", "--corrections", "nowhere.pt", "--start", "nothing"), "nowhere.pt"),
        (("--clicks", "2", "--conf", "0.9"), "leave out --conf, --iou, --imgsz and --no-prompts"),
        (("--clicks", "2", "--no-prompts"), "leave out --conf, --iou, --imgsz and --no-prompts"),
    ],
)
def test_what_cannot_be_asked_is_one_line(data, options, said):
    result = run("evaluate", data, *options)
    assert result.exit_code == 2
    assert said in result.stderr
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize("option", ["--json", "--csv"])
def test_the_annotations_that_are_judged_by_are_not_overwritten(data, tmp_path, option):
    labels = fs.read_dataset(data).examples[0].truth.file
    before = labels.read_bytes()
    result = run("evaluate", data, "--clicks", 1, "--per-image", 1, "--start", "nothing", option, labels)
    assert result.exit_code == 2
    assert f"would overwrite {labels}" in result.stderr
    assert labels.read_bytes() == before


def test_a_correcting_network_is_trained_from_several_folders(data, tmp_path):
    other = tmp_path / "other"
    shutil.copytree(data, other)
    held_out = tmp_path / "names.txt"
    held_out.write_text("nuclei/tissue\n")
    file = tmp_path / "mine.pt"
    result = run(
        "train-corrections", data, other, "-o", file, "--minutes", 0.03, "--base", "none", "--widths", "8,8,8",
        "--cells", 32, "--batch", 4, "--device", "cpu", "--held-out", held_out,
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert "of 2 images to learn from, 2 images held out" in result.stdout
    assert load_corrector(file).cells == 32
    assert json.loads(file.with_suffix(".json").read_text())["validation_images"] == ["tissue", "tissue"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("-o", "a.onnx"), "ends in .pt"),
        (("-o", "a.pt", "--widths", "8,9"), "--widths"),
        (("-o", "a.pt", "--minutes", "0"), "training time"),
        (("-o", "a.pt", "--base", "nowhere.pt"), "nowhere.pt"),
        (("-o", "a.pt", "--held-out", "nowhere.txt"), "nowhere.txt"),
    ],
)
def test_a_training_that_cannot_be_is_one_line(data, tmp_path, monkeypatch, options, said):
    monkeypatch.chdir(tmp_path)
    result = run("train-corrections", data, *options)
    assert result.exit_code == 2
    assert said in result.stderr
    assert not list(tmp_path.glob("a.*"))
