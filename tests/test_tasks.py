"""Each task of the documentation, from its first step to its last, as somebody would follow it."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from napari_fastsam.cli import app
from pages import ROOT, blocks_of, command_lines, shape_of

TASKS = sorted((ROOT / "docs" / "tasks").glob("*.md"))
SMALL_TRAINING = ["--epochs", "1", "--imgsz", "64", "--batch", "16", "--device", "cpu"]
"""Instead of minutes."""


def test_there_is_a_page_for_each_task():
    assert {page.stem for page in TASKS} == {"nuclei", "cellpose", "particles", "follow", "train", "plate"}


@pytest.mark.parametrize("page", TASKS, ids=lambda page: page.stem)
def test_a_task_is_done_as_its_page_says(page: Path, with_samples, make_napari_viewer_proxy, monkeypatch, capsys):
    """Scripts and command lines in order, in one folder. A text block after a script is its output."""
    import napari

    monkeypatch.setattr(napari, "Viewer", make_napari_viewer_proxy)
    blocks, namespace = blocks_of(page), dict[str, object]()
    assert {"python", "console"} & {block.language for block in blocks}
    for block, following in zip(blocks, [*blocks[1:], None], strict=True):
        if block.language == "python":
            exec(compile(block.text, block.where, "exec"), namespace)  # noqa: S102 - that is the test
            printed = capsys.readouterr().out
            if following is not None and following.language == "text":
                assert shape_of(printed) == shape_of(following.text), block.where
        for line, output in command_lines(block):
            program, *arguments = shlex.split(line)
            assert program == "napari-fastsam"
            more = SMALL_TRAINING if arguments[0] == "train" else []
            result = CliRunner().invoke(app, [*arguments, *more])
            assert result.exit_code == 0, f"{block.where}: {result.output}"
            if output.strip():
                assert shape_of(result.stdout) == shape_of(output), block.where
