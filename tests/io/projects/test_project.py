"""A folder of images: which there are, where their annotations go, and who may write."""

from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np
import pytest
import tifffile
from typer.testing import CliRunner

from napari_fastsam.cli import app
from napari_fastsam.errors import DatasetError, LabelsError
from napari_fastsam.io.projects import project as projects
from napari_fastsam.io.projects.project import open_project
from napari_fastsam.io.projects.state import Fingerprint, ImageState
from napari_fastsam.io.projects.steps import AnnotationStep, LabelTile
from napari_fastsam.io.projects.thumbnails import SIDE, thumbnail

PLANE = np.arange(64 * 80, dtype=np.uint16).reshape(64, 80)


@pytest.fixture(autouse=True)
def _own_data(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("NAPARI_FASTSAM_DATA", str(tmp_path_factory.mktemp("data")))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "cells"
    (place / "treated").mkdir(parents=True)
    for name in ("b.tif", "a.tif", "treated/a.tif", "a_labels.tif"):
        tifffile.imwrite(place / name, PLANE)
    tifffile.imwrite(place / "stack.tif", np.stack([PLANE] * 5), photometric="minisblack", metadata={"axes": "ZYX"})
    (place / "notes.txt").write_text("no image")
    return place


def names(project) -> list[str]:
    return [image.name for image in project.images]


def test_images_are_found_in_folders_below_and_results_are_none(folder):
    project = open_project(folder)
    assert names(project) == ["a.tif", "b.tif", "stack.tif", "treated/a.tif"]
    assert project.images[3].folder == folder / "annotations" / "treated" / "a.tif"
    assert [state.state for state in project.states()] == ["untouched"] * 4
    project.close()


def test_planes_of_stacks_are_images_of_their_own_if_wanted_and_stay_so(folder):
    open_project(folder, planes=True).close()
    project = open_project(folder)
    assert names(project) == ["a.tif", "b.tif", *(f"stack.tif#{z}" for z in range(5)), "treated/a.tif"]
    assert project.images[3].plane == (1,)
    project.close()


def test_annotations_are_no_images_when_the_folder_is_opened_again(folder):
    project = open_project(folder)
    kept = project.images[0].annotations()
    kept.append(AnnotationStep((64, 80), "int32", (LabelTile((0, 0), np.ones((9, 9), np.int32)),)))
    kept.save(kept.load().annotation, ImageState(state="done"))
    kept.close()
    project.close()
    project = open_project(folder)
    assert names(project) == ["a.tif", "b.tif", "stack.tif", "treated/a.tif"]
    states = list(project.states())
    assert [(s.state, s.objects) for s in states] == [("done", 1), *[("untouched", 0)] * 3]
    project.close()


def test_of_two_windows_the_second_is_told_and_does_not_write(folder):
    first, second = open_project(folder), open_project(folder)
    assert first.writable
    assert not second.writable
    assert "open in another window" in second.notes[0]
    first.close()
    third = open_project(folder)
    assert third.writable
    third.close()


def test_of_a_folder_that_cannot_be_written_to_annotations_go_elsewhere(folder, monkeypatch):
    make = projects.make_folder

    def refused(path: Path) -> None:
        if path == folder / "annotations":
            raise projects.OutputError("read only")
        make(path)

    monkeypatch.setattr(projects, "make_folder", refused)  # the tests may run as somebody who may write everywhere
    project = open_project(folder)
    assert project.writable
    assert project.annotations.is_relative_to(os.environ["NAPARI_FASTSAM_DATA"])
    assert str(project.annotations) in project.notes[0]
    assert not (folder / "annotations").exists()
    project.close()


@pytest.mark.skipif(os.path.normcase("A") == "a", reason="the file system takes both names for one")
def test_names_that_differ_in_case_only_are_kept_apart_whichever_was_there_first(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", PLANE)
    project = open_project(tmp_path)
    (first,) = project.images
    first.annotations().write_state(ImageState(state="done"))
    project.close()
    tifffile.imwrite(tmp_path / "A.tif", PLANE)

    project = open_project(tmp_path)
    folders = {image.name: image.folder.name for image in project.images}
    assert folders["a.tif"] == "a.tif"
    assert folders["A.tif"].casefold() != "a.tif"
    assert {i.name: s.state for i, s in zip(project.images, project.states(), strict=True)} == {
        "A.tif": "untouched",
        "a.tif": "done",
    }
    project.close()


def test_an_image_that_was_replaced_or_vanished_is_said_and_a_copy_is_not(folder):
    project = open_project(folder)
    image = project.images[0]
    state = ImageState(image=image.fingerprint())
    assert image.remark(state) == ""
    path = image.input.path
    content = path.read_bytes()
    path.write_bytes(content)
    os.utime(path, (1, 1))
    assert image.remark(state) == ""
    path.write_bytes(content[:-1] + b"\0\0")
    assert "changed or replaced" in image.remark(state)
    path.unlink()
    assert "cannot be read any more" in image.remark(state)
    project.close()


def test_what_is_no_folder_of_images_is_refused(tmp_path):
    with pytest.raises(DatasetError, match="is not there"):
        open_project(tmp_path / "nothing")
    with pytest.raises(DatasetError, match="has no image in it"):
        open_project(tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(DatasetError, match="is no folder"):
        open_project(tmp_path / "file")


def test_a_damaged_project_file_is_named(folder):
    (folder / "annotations").mkdir()
    (folder / "annotations" / "project.json").write_text("[]")
    with pytest.raises(LabelsError, match=r"project\.json"):
        open_project(folder)


def test_the_command_says_in_one_line_what_is_wrong(tmp_path):
    result = CliRunner().invoke(app, ["annotate", str(tmp_path / "nothing")])
    assert result.exit_code == 2
    assert result.stderr.startswith("Error: ")
    assert len(result.stderr.splitlines()) == 1


def test_ten_thousand_images_are_listed_without_being_opened(tmp_path, monkeypatch):
    for i in range(10_000):
        (tmp_path / f"{i:05d}.tif").touch()  # not one of them could be read
    monkeypatch.setattr(projects.Input, "open", lambda self: pytest.fail("an image was opened"))
    project = open_project(tmp_path)
    assert len(project.images) == 10_000
    assert sum(1 for state in project.states() if state.state == "untouched") == 10_000
    project.close()


def test_small_pictures_show_the_middle_of_images(folder):
    project = open_project(folder)
    for image in (project.images[0], project.images[2]):
        picture = thumbnail(image)
        assert picture.dtype == np.uint8
        assert max(picture.shape) <= SIDE
        assert picture[-1, -1, 0] > picture[0, 0, 0]
    project.close()


def test_a_fingerprint_of_a_large_file_reads_its_ends(tmp_path, monkeypatch):
    monkeypatch.setattr("napari_fastsam.io.projects.state._HASHED_WHOLE", 1000)
    file = tmp_path / "large.tif"
    file.write_bytes(bytes(200_000))
    known = Fingerprint.of(file)
    assert known.is_of(file)
    file.write_bytes(bytes(199_999) + b"1")
    os.utime(file, ns=(time.time_ns(), known.modified + 1))
    assert not known.is_of(file)


def test_a_folder_that_cannot_be_opened_is_not_held(folder):
    open_project(folder).close()
    about = folder / "annotations" / "project.json"
    about.write_text("{")
    with pytest.raises(LabelsError) as failed:
        open_project(folder)
    about.unlink()
    project = open_project(folder)
    assert project.writable, failed  # held on to, as by a traceback that somebody looks at
    project.close()


def test_annotated_images_that_are_gone_are_named_and_planes_are_not_taken_for_such(folder):
    project = open_project(folder, planes=True)
    for image in project.images:
        image.annotations().write_state(ImageState(state="done"))
        (image.folder / "replay").mkdir()
        (image.folder / "replay" / "state.json").touch()
    project.close()
    project = open_project(folder, planes=False)
    assert project.notes == ()
    project.close()
    for name in ("b.tif", "treated/a.tif", "stack.tif"):
        (folder / name).unlink()
    project = open_project(folder)
    (note,) = project.notes
    assert note.startswith("3 annotated images are not in cells any more: b.tif, stack.tif, treated/a.tif;")
    project.close()
