"""``napari-fastsam export`` as a person types it, and what it makes used by the other commands."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import tifffile
from typer.testing import CliRunner, Result

from napari_fastsam.cli import app
from napari_fastsam.model.weights.formats import FORMATS, NAMES
from napari_fastsam.model.weights.weights import find
from napari_fastsam.samples import SAMPLE_FOLDER

TISSUE = SAMPLE_FOLDER / "stained_tissue.png"


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(a) for a in arguments])


def test_the_file_is_a_model_for_the_other_commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = run("export", "--imgsz", 64)
    assert result.exit_code == 0, result.output
    assert re.fullmatch(r"nuclei\.onnx: ONNX, \d+\.\d MB, images of every size\n", result.stdout)
    assert result.stderr == ""
    assert {p.name for p in tmp_path.iterdir()} == {"nuclei.onnx", "nuclei.onnx.json"}

    assert run("models", "path", "nuclei.onnx").stdout.strip() == str(tmp_path / "nuclei.onnx")
    labels = {}
    for model in ("nuclei", "nuclei.onnx"):
        result = run("segment", TISSUE, "--model", model, "-o", tmp_path / "out", "--device", "cpu")
        assert result.exit_code == 0, result.output
        labels[model] = tifffile.imread(tmp_path / "out" / "stained_tissue_labels.tif")
    assert labels["nuclei"].max() > 10
    assert np.mean(labels["nuclei"] == labels["nuclei.onnx"]) > 0.999


def test_a_fixed_size_is_said_and_so_is_what_was_replaced(tmp_path: Path) -> None:
    target = tmp_path / "x_openvino_model"
    for replaced in ("", " (replaced)"):
        result = run("export", "--format", "openvino", "-o", target, "--no-dynamic", "--imgsz", 200)
        assert result.exit_code == 0, result.output
        end = re.escape(f" MB, 224 × 224 pixels{replaced}\n")
        assert re.search(rf"x_openvino_model: OpenVINO, \d+\.\d{end}$", result.stdout)
    result = run("segment", TISSUE, "--model", target / "model.xml", "-o", tmp_path, "--imgsz", 640)
    assert result.exit_code == 2
    assert "imgsz is 640, but x_openvino_model was exported for 224 pixels" in result.stderr
    assert run("segment", TISSUE, "--model", target / "model.xml", "-o", tmp_path).exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--format", "onxx"], "format is 'onxx' (did you mean onnx?); expected one of"),
        (["--format", "imx"], "example images"),
        (["--format", "litert", "--half"], "cannot hold 16-bit floats"),
        (["--format", "ncnn", "--dynamic"], "takes images of one size only"),
        (["--imgsz", "5"], "imgsz is 5; expected a whole number of pixels from 32 to 8192"),
        (["-o", "x.txt"], "expected a folder that is there, or a name that ends in .onnx"),
        (["--model", "nothing.pt"], "there is no file"),
        (["--device", "toaster"], "device is 'toaster'; expected auto, cpu, cuda, cuda:N or mps"),
        (["--model", "nothing"], "is neither a file nor a model"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_wrong_option_is_one_line_and_status_2(arguments: list[str], message: str, tmp_path: Path) -> None:
    result = run("export", *arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.startswith("Error: ")
    assert result.stderr.count("\n") == 1
    assert message in result.stderr


# those that pip installs and that are not among the extras that tests are run with
@pytest.mark.parametrize("name", [f.name for f in FORMATS if f.to_export and f.name not in ("onnx", "openvino")])
def test_a_missing_library_is_one_line_that_says_what_to_install(name: str, tmp_path: Path) -> None:
    (tmp_path / "data.yaml").touch()
    data = ["--data", tmp_path / "data.yaml"] if name in {f.name for f in FORMATS if f.calibrates} else []
    result = run("export", "--format", name, "-o", tmp_path, *data)
    assert result.exit_code == 2
    assert result.stderr.startswith("Error: ")
    assert result.stderr.count("\n") == 1
    if name not in ("hailo", "ascend"):  # what they need besides is not pip's
        assert re.search(r"needs .* not installed; run: pip install \w", result.stderr), result.stderr
    assert {p.name for p in tmp_path.iterdir()} == {"data.yaml"}


def test_help_names_every_format() -> None:
    text = " ".join(re.sub(r"[│╭╮╰╯─]", "", run("export", "--help").stdout).split())
    assert ", ".join(NAMES) in text
    assert "[default: here, under the model's name]" in text


def test_the_page_names_every_format_with_its_ending() -> None:
    page = (Path(__file__).parents[2] / "docs" / "export.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `(\w+)` \| [^|]+ \| `\S*?([._]\S+?)/?` \|", page, re.M))
    assert rows == {f.name: f.suffix for f in FORMATS}
    for f in FORMATS:
        (row,) = re.findall(rf"^\| `{f.name}` \|.*{re.escape(f.suffix)}.*$", page, re.M)
        assert f.title in row
        assert ("any" if f.dynamic else "one") == row.split("|")[4].strip()


def test_nothing_is_written_beside_the_bundled_model() -> None:
    bundled = {f"{name}{suffix}" for name in ("nuclei", "microscopy", "corrections") for suffix in (".pt", ".json")}
    assert {p.name for p in find("nuclei").parent.iterdir()} == bundled
