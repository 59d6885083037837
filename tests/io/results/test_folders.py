"""A folder that replaces another is there whole, or the other still is, wherever it is broken off."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from napari_fastsam.errors import FastSAMError
from napari_fastsam.io.images.ome_zarr import Scale, new_labels, open_image
from napari_fastsam.io.results.folders import clear_away, mend, put_in_place
from napari_fastsam.io.results.names import LONGEST, beside, fitting
from napari_fastsam.io.results.results import OutputError, write_whole

SCALE = Scale(("y", "x"), (1.0, 1.0), ("", ""))


def folder(path, content):
    path.mkdir()
    (path / "file").write_text(content)
    return path


def fail_at(monkeypatch, *numbers):
    """Let some of the renames of folders fail; 0 is the first."""
    rename, calls = Path.rename, []

    def failing(self, target):
        calls.append(self)
        if len(calls) - 1 in numbers:
            raise OSError(5, "Input/output error")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", failing)


@pytest.mark.parametrize("number", [0, 1])
def test_a_result_is_in_view_when_it_cannot_be_replaced(tmp_path, monkeypatch, number):
    path = tmp_path / "labels.zarr"
    with new_labels(path, (4, 4), SCALE) as array:
        array[...] = 3
    fail_at(monkeypatch, number)
    with (
        pytest.raises(OutputError, match=r"labels\.zarr cannot be written: Input/output error"),
        new_labels(path, (4, 4), SCALE) as array,
    ):
        array[...] = 7
    assert open_image(path)[0][0, 0] == 3
    assert [p.name for p in tmp_path.iterdir()] == ["labels.zarr"], "and nothing else is left"


def test_where_it_lies_is_said_if_it_cannot_be_put_back_and_the_next_write_does(tmp_path, monkeypatch):
    path = folder(tmp_path / "result", "old")
    new = folder(tmp_path / "new", "new")
    fail_at(monkeypatch, 1, 2)
    with pytest.raises(OSError, match="Input/output error; what was there lies in") as caught:
        put_in_place(new, path)
    aside = beside(path, ".old")
    assert str(aside) in str(caught.value)
    assert (aside / "file").read_text() == "old"
    mend(path)
    assert (path / "file").read_text() == "old"


def test_a_program_that_is_killed_between_the_two_steps_loses_nothing(tmp_path):
    folder(tmp_path / "result", "old")
    folder(tmp_path / "new", "new")
    program = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from napari_fastsam.io.results.folders import put_in_place\n"
        "rename = Path.rename\n"
        "def killed(self, target):\n"
        "    if self.name == 'new':\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
        "    return rename(self, target)\n"
        "Path.rename = killed\n"
        "put_in_place(Path(sys.argv[1], 'new'), Path(sys.argv[1], 'result'))\n"
    )
    assert subprocess.run([sys.executable, "-c", program, tmp_path], check=False).returncode == -signal.SIGKILL
    assert not (tmp_path / "result").exists()
    mend(tmp_path / "result")
    assert (tmp_path / "result" / "file").read_text() == "old"
    put_in_place(tmp_path / "new", tmp_path / "result")
    assert (tmp_path / "result" / "file").read_text() == "new"
    assert os.listdir(tmp_path) == ["result"]


def test_what_was_put_aside_goes_once_the_new_one_is_there(tmp_path):
    path = folder(tmp_path / "result", "new")
    folder(beside(path, ".old"), "old")
    mend(path)
    assert (path / "file").read_text() == "new"
    assert os.listdir(tmp_path) == ["result"]


def test_only_what_writers_of_these_results_left_is_cleared_away(tmp_path):
    ours, other = tmp_path / "a_labels.tif", tmp_path / "b_labels.tif"
    ours.write_text("result")
    for name in (".a_labels.tif.abcd1234.part", ".b_labels.tif.abcd1234.part", ".notes.part", "a_labels.tif.part"):
        (tmp_path / name).write_text("")
    (tmp_path / ".a_labels.tif.efgh5678.part").mkdir()
    clear_away(tmp_path, [ours])
    assert sorted(os.listdir(tmp_path)) == [
        ".b_labels.tif.abcd1234.part", ".notes.part", "a_labels.tif", "a_labels.tif.part",
    ]  # fmt: skip
    assert other.name.startswith("b")


@pytest.mark.parametrize("name", ["x" * 245, "ä" * 122, "x" * LONGEST])
def test_a_name_as_long_as_the_file_system_takes_can_be_written(tmp_path, name):
    path = tmp_path / name
    write_whole(path, lambda file: file.write_text("whole"))
    assert path.read_text() == "whole"
    assert len(os.fsencode(fitting(name, ".json"))) <= LONGEST
    folder(tmp_path / "new", "whole")
    path.unlink()
    folder(path, "before")
    put_in_place(tmp_path / "new", path)
    assert (path / "file").read_text() == "whole"


def test_a_name_that_is_too_long_is_called_that(tmp_path):
    with pytest.raises(FastSAMError, match="File name too long; give the image a shorter name") as caught:
        write_whole(tmp_path / ("x" * 256), lambda file: file.write_text("whole"))
    assert "make room" not in str(caught.value)
    assert os.listdir(tmp_path) == []
