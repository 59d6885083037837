"""``napari-fastsam evaluate`` as a person types it."""

from __future__ import annotations

import csv
import json
import re
import shutil
from pathlib import Path

import imageio.v3 as iio
import numpy as np
import pytest
from typer.testing import CliRunner, Result

import napari_fastsam as fs
from dsb2018 import annotated_folder
from napari_fastsam.cli import app
from napari_fastsam.model.weights.weights import find


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["evaluate", *(str(a) for a in arguments), "--device", "cpu"], env={"COLUMNS": "80"})


def rows(result: Result) -> dict[str, list[str]]:
    """The table's rows by their name; "" is the heading."""
    assert result.exit_code == 0, result.output
    found = {}
    for line in result.stdout.splitlines():
        if numbers := re.search(r"(?: +(?:\d[\d.]*|–))+ *$", line):
            found[line[: numbers.start()].strip()] = numbers.group().split()
        elif "AP50" in line:
            found[""] = line.split()
    return found


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return annotated_folder(tmp_path / "nuclei", {"dense": "fluorescence", "tissue": "stained"})


@pytest.fixture
def own_model(tmp_path: Path) -> Path:
    """The bundled model as if it had been trained with one of the images held out."""
    source = find("nuclei")
    shutil.copy(source, tmp_path / "own.pt")
    card = json.loads(source.with_suffix(".json").read_text("utf-8"))
    card |= {"name": "own", "validation_images": ["tissue", "elsewhere"]}
    (tmp_path / "own.json").write_text(json.dumps(card))
    return tmp_path / "own.pt"


def test_the_table_is_what_the_python_face_says(data: Path) -> None:
    table = rows(run(data))
    evaluation = fs.evaluate(fs.load_model("nuclei", "cpu"), fs.read_dataset(data).examples)
    assert table[""] == ["images", "objects", "AP50", "AP75", "AP", "F1", "IoU", "click", "box", "s"]
    for name, group in (("all", None), ("fluorescence", "fluorescence"), ("stained", "stained")):
        summary = evaluation.summary(group)
        expected = [*summary.pooled.named().values(), summary.click_iou, summary.box_iou]
        assert table[name][:-1] == [str(summary.images), str(summary.objects), *(f"{v:.3f}" for v in expected)]
    by_image = evaluation.summary().by_image
    assert table["by image"] == [f"{v:.3f}" for v in by_image.named().values()]


def test_it_fits_a_terminal_and_prompts_can_be_left(data: Path) -> None:
    result = run(data, "--no-prompts")
    assert rows(result)[""] == ["images", "objects", "AP50", "AP75", "AP", "F1", "IoU", "s"]
    assert max(map(len, result.stdout.splitlines())) <= 80
    assert "…" not in result.stdout


def test_files_on_request(data: Path, tmp_path: Path) -> None:
    names = ("new/x.json", "new/x.csv", "x.png")
    options = [
        o for name in names for o in (f"--{name[-3:].replace('son', 'json').replace('png', 'plot')}", tmp_path / name)
    ]
    result = run(data, "--no-prompts", "--conf", "0.5", "--iou", "0.4", "--imgsz", "256", *options)
    table = rows(result)
    content = json.loads((tmp_path / "new" / "x.json").read_text("utf-8"))
    assert content["settings"] == {"conf": 0.5, "iou": 0.4, "imgsz": 256}
    assert f"{content['all']['pooled']['ap']:.3f}" == table["all"][4]
    assert content["data"] == {"name": "nuclei", "path": str(data), "split": "", "held_out": False}
    assert (content["version"], content["device"], content["all"]["click_iou"]) == (fs.__version__, "cpu", None)
    assert "ultralytics" not in content
    with (tmp_path / "new" / "x.csv").open(newline="") as file:
        assert [r["image"] for r in csv.DictReader(file)] == ["dense", "tissue"]
    assert iio.imread(tmp_path / "x.png").shape[0] > 100
    for name in names:
        assert f"Written: {tmp_path / name}" in result.stdout


def test_thresholds_count(data: Path) -> None:
    few, many = (rows(run(data, "--no-prompts", "--conf", conf))["all"] for conf in (0.95, 0.3))
    assert float(few[2]) < float(many[2])


def test_images_held_out_of_training(data: Path, own_model: Path) -> None:
    everything = run(data, "--model", own_model, "--no-prompts")
    assert rows(everything)["all"][0] == "2"
    assert "1 of the 2 images were held out when" in everything.stdout
    alone = run(data, "--model", own_model, "--no-prompts", "--held-out")
    assert rows(alone)["all"][:-1] == rows(everything)["stained"][:-1]
    assert "held out when" not in alone.stdout


def test_images_without_objects_are_said(data: Path) -> None:
    labels = data / "labels" / "dense.png"
    iio.imwrite(labels, np.zeros_like(iio.imread(labels)))
    result = run(data, "--no-prompts")
    assert "1 image without an object: dense" in result.stdout
    assert rows(result)["fluorescence"][2] == "0.000"  # what is found there is false


def make_yolo(data: Path) -> Path:
    """The same images with outlines, made by OpenCV."""
    from napari_fastsam.model.network.ultralytics_ import imported

    with imported():
        import cv2
    for file in (data / "labels").glob("*.png"):
        labels = iio.imread(file)
        lines = []
        for number in np.unique(labels[labels > 0]):
            found, _ = cv2.findContours((labels == number).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
            contour = max(found, key=len)[:, 0] / labels.shape[::-1]
            lines += [f"0 {' '.join(f'{v:.6f}' for v in contour.ravel())}"] if len(contour) > 2 else []
        file.with_suffix(".txt").write_text("\n".join(lines))
        file.unlink()
    yaml = data / "data.yaml"
    yaml.write_text("val: images\nnames: [nucleus]\n")
    return yaml


def test_a_yolo_dataset_also_goes_through_ultralytics_validator(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = rows(run(data, "--no-prompts"))["all"]
    yaml = make_yolo(data)
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    before = sorted(tmp_path.rglob("*"))
    result = run(yaml, "--no-prompts", "--json", tmp_path / "x.json")
    table = rows(result)
    # holes and one-pixel objects apart, the same objects
    assert [float(v) for v in table["all"][2:7]] == pytest.approx([float(v) for v in expected[2:7]], abs=0.02)
    theirs = json.loads((tmp_path / "x.json").read_text("utf-8"))["ultralytics"]
    said = re.search(r"validator: box mAP50 (\S+), mAP50-95 (\S+); mask mAP50 (\S+), mAP50-95 (\S+)", result.stdout)
    assert said
    assert list(said.groups()) == [f"{theirs[n]:.3f}" for n in ("box_map50", "box_map", "mask_map50", "mask_map")]
    assert set(tmp_path.rglob("*")) - set(before) == {tmp_path / "x.json"}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nowhere"], "there is no nowhere; expected a folder with images/ and labels/"),
        (["{data}", "--split", "val"], "has no split 'val'; it has no parts"),
        (["{data}", "--conf", "2"], "conf is 2.0; expected a number from 0 to 1"),
        (["{data}", "--imgsz", "7"], "imgsz is 7; expected a whole number"),
        (["{data}", "--held-out"], "none of the 54 images that the training of nuclei held out is in"),
        (["{data}", "--plot", "x.gif"], "end its name in .png, .svg, .pdf"),
        (["{data}", "--json", "{data}"], "is a folder; name a file in it"),
        (["{data}", "--csv", "{data}/index.csv"], "index.csv, which is to be read"),
        (["{data}", "--csv", "{data}/index.csv/x.csv"], "cannot be made: a file of that name is in the way"),
        (["{data}", "--model", "nothing"], "'nothing' is neither a file nor a model"),
    ],
)  # fmt: skip
def test_what_is_asked_wrongly_is_one_line_and_status_2(data: Path, arguments: list[str], said: str) -> None:
    result = run(*(a.format(data=data) for a in arguments))
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.startswith("Error: ")
    assert result.stderr.count("\n") == 1
    assert said in result.stderr


def test_data_of_no_use_is_told_before_the_network_runs(data: Path, own_model: Path, monkeypatch) -> None:
    monkeypatch.setattr(fs, "evaluate", lambda *_, **__: pytest.fail("the network ran"))
    labels = data / "labels" / "tissue.png"
    iio.imwrite(labels, np.zeros((3, 4), np.uint8))
    result = run(data)
    assert (result.exit_code, result.stdout) == (2, "")
    assert f"{labels} is 3 × 4 pixels" in result.stderr
    for file in (data / "labels").iterdir():
        iio.imwrite(file, np.zeros(iio.imread(data / "images" / file.name).shape[:2], np.uint8))
    assert "no image of" in run(data).stderr
    for folder in ("images", "labels"):
        (data / folder / "tissue.png").unlink()
    assert "none of the 2 images that the training of" in run(data, "--model", own_model, "--held-out").stderr
