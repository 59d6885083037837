"""Command lines that cannot be meant: what is unknown, and folders among the images."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from napari_fastsam.cli import app
from napari_fastsam.samples import SAMPLE_FOLDER

TISSUE = SAMPLE_FOLDER / "stained_tissue.png"


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(a) for a in arguments], prog_name="napari-fastsam")


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (["segment", TISSUE, "--box-format", "cxcywh"], "'cxcywh' is not one of 'xywh', 'xyxy'"),
        (["segment"], "Missing argument 'IMAGE'"),
        (["segment", TISSUE, "--conf", "high"], "'high'"),
        (["segment", TISSUE, "--scene", "-1"], "-1"),
        (["segment", TISSUE, "--retina-masks"], "--retina-masks"),
        (
            ["segment", TISSUE, "--points", "[1, 2]", "--points=[3, 4]"],
            "'--points': it is given twice; put all into one",
        ),
        (["models", "path", "--all"], "'napari-fastsam models path --help'"),
        (["predict"], "No such command 'predict'"),
        (["--all"], "No such option: --all"),
    ],
    ids=lambda value: "" if isinstance(value, str) else " ".join(map(str, value[2:] or value)),
)
def test_what_the_command_line_does_not_know_is_one_line_and_status_2(line: list[object], says: str) -> None:
    result = run(*line)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("Error: ")
    assert len(result.stderr.strip().splitlines()) == 1
    assert says in result.stderr
    assert "--help'" in result.stderr


@pytest.mark.parametrize("folder", [".", "images"])
def test_a_folder_among_the_images_is_named_and_the_others_are_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("images").mkdir()
    result = run("segment", folder, TISSUE, "-o", "labels")
    assert result.exit_code == 2
    assert f"{folder} is a folder; name the images in it, such as" in result.stderr
    assert "1 image, 1 failed" in result.stdout
    assert [path.name for path in Path("labels").iterdir()] == ["stained_tissue_labels.tif"]


def test_a_checkpoint_to_convert_that_is_not_there_is_named(tmp_path: Path) -> None:
    result = run("models", "convert", tmp_path / "none.pt", "-o", tmp_path / "new.pt")
    assert result.exit_code == 2
    assert result.stderr == f"Error: there is no file {tmp_path / 'none.pt'}; expected a checkpoint, a .pt file\n"


def test_prompts_in_a_file_and_by_options_are_named_as_they_were_given(tmp_path: Path) -> None:
    (tmp_path / "prompts.json").write_text('{"points_yx": [[9, 9]]}')
    result = run("segment", TISSUE, "-o", tmp_path, "--prompts", tmp_path / "prompts.json", "--points", "[[9, 9]]")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == "Error: points_yx are given twice, in a file and by options; leave one of them out\n"


def test_a_prompt_whose_object_no_area_allows_is_told_once(tmp_path: Path) -> None:
    result = run("segment", TISSUE, "-o", tmp_path, "--points", "[9, 9]", "--min-area", 50_000)
    assert result.exit_code == 0
    assert result.stdout.count("point 1: ") == 1
    assert "point 1: nothing found, " in result.stdout
