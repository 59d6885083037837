"""Labels of a folder made again from what they were asked with: with the real model, as the dock adds them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tifffile
from napari.components import ViewerModel
from napari.layers import Points, Shapes
from typer.testing import CliRunner

from napari_fastsam.cli import app
from napari_fastsam.core.review.effort import EFFORT_KEY
from napari_fastsam.errors import LabelsError
from napari_fastsam.io.projects.project import open_project
from napari_fastsam.io.projects.replays import read_replay
from napari_fastsam.io.projects.state import read_state
from napari_fastsam.layers.answers.provenance import provenance_of
from napari_fastsam.layers.answers.session import Controls, Session
from napari_fastsam.layers.labels import preview
from napari_fastsam.layers.labels.write import commit
from napari_fastsam.layers.projects import recorder
from napari_fastsam.layers.projects.annotating import Annotating
from napari_fastsam.layers.projects.replayed import replay_images, take, take_into
from napari_fastsam.model.asking.repeating import Replay
from napari_fastsam.model.asking.thresholds import Thresholds

NUCLEI = [[126, 94], [147, 244]]


class Folder:
    """A folder with one image that is open, and what the dock does with it."""

    def __init__(self, path: Path, pixels: np.ndarray) -> None:
        tifffile.imwrite(path / "field.tif", pixels)
        self.path, self.viewer = path, ViewerModel()
        self.annotating = Annotating(self.viewer, open_project(path), lambda: None, lambda place: None)
        self.opened = self.annotating.open(0)
        self.image, self.labels = self.opened.images[0], self.opened.labels
        self.points = self.viewer.add_layer(Points(ndim=2))
        self.session = Session(self.viewer, 1 << 29)

    def add(self, task: str = "everything", conf: float = 0.3, **controls) -> dict[int, int]:
        asked = Controls(
            self.image, self.points, Shapes(ndim=2), device="cpu", task=task, thresholds=Thresholds(conf), **controls
        )
        request = self.session.request(asked)
        for _ in self.session.work(request):
            pass
        result = self.session.result(request)
        told = {"prompt": {o.number: o.prompt for o in result.objects}} if task == "prompts" else {}
        made = provenance_of(result, self.session.model_hash(request)).to_json()
        columns = {**told, "class": {o.number: "round" for o in result.objects}}
        return commit(
            self.labels, self.image, request.plane, result.labels, scores=result.scores, provenance=made,
            columns=columns,
        ).ids  # fmt: skip

    def close(self) -> None:
        assert self.annotating.close() == []


@pytest.fixture
def folder(tmp_path, fluorescence):
    return Folder(tmp_path, fluorescence[:256, :320])


def replayed(path: Path, asked: Replay):
    project = open_project(path)
    try:
        (found,) = replay_images(project.images, asked)
        return project.images[0], found
    finally:
        project.close()


def outcomes(found) -> dict[str, int]:
    return pd.Series([change.outcome for change in found.changes]).value_counts().to_dict()


def test_the_same_model_and_thresholds_give_the_same_labels_pixel_by_pixel(folder):
    folder.points.data = NUCLEI
    folder.add("prompts")
    folder.add()
    before = folder.labels.data.copy()
    folder.close()
    image, found = replayed(folder.path, Replay())
    assert found.error is None
    assert found.notes == ()
    assert outcomes(found) == {"same": len(np.unique(before)) - 1}
    stored = read_replay(image.folder)
    np.testing.assert_array_equal(stored.annotation.labels, before)
    assert set(stored.annotation.features["class"]) == {"round"}


def test_a_higher_threshold_takes_objects_away_and_those_changed_by_hand_stay(folder):
    ids = list(folder.add(conf=0.05).values())
    areas = pd.Series(folder.labels.data.ravel()).value_counts()
    scores = folder.labels.features.set_index("index")["score"]
    unsure = scores[(scores < 0.85) & (areas.reindex(scores.index) > 20)].index.tolist()
    by_brush, by_eraser, *others = unsure
    assert others
    y, x = np.argwhere(folder.labels.data == 0)[0]
    folder.labels.data_setitem((np.array([y]), np.array([x])), by_brush)
    rows, columns = np.nonzero(folder.labels.data == by_eraser)
    folder.labels.data_setitem((rows[:3], columns[:3]), 0)
    drawn = max(ids) + 1
    free = np.argwhere(folder.labels.data == 0)[-1]
    folder.labels.data_setitem((np.array([free[0]]), np.array([free[1]])), drawn)
    before = folder.labels.data.copy()
    folder.close()

    image, found = replayed(folder.path, Replay(conf=0.85))
    became = {change.label: change.outcome for change in found.changes}
    assert became[by_brush] == became[by_eraser] == became[drawn] == "kept"
    assert {became[label] for label in others} == {"gone"}
    after = read_replay(image.folder).annotation
    for label in (by_brush, by_eraser, drawn):
        np.testing.assert_array_equal(after.labels == label, before == label)
    sure = scores.index[scores >= 0.85]
    assert all(became[label] in ("same", "changed") for label in sure)
    assert not set(others) & set(after.features["index"])


def test_what_a_person_deleted_does_not_come_back(folder):
    ids = list(folder.add().values())
    deleted = ids[0]
    folder.labels.data_setitem(np.nonzero(folder.labels.data == deleted), 0)
    gone = np.argwhere(folder.labels.data == 0)
    folder.close()
    image, found = replayed(folder.path, Replay(conf=0.25))
    assert deleted not in {change.label for change in found.changes}
    first = read_replay(image.folder).annotation.labels
    assert len(gone)
    take(image)
    _, again = replayed(folder.path, Replay(conf=0.2))
    after = read_replay(image.folder).annotation.labels
    assert first.any()
    assert {change.outcome for change in again.changes} <= {"same", "changed", "new"}
    middle = [round(float(at)) for at in folder.labels.metadata["napari-fastsam"][0]["pixels"][str(deleted)][1:]]
    count = folder.labels.metadata["napari-fastsam"][0]["pixels"][str(deleted)][0]
    assert after[middle[0] // count, middle[1] // count] == 0


def test_labels_are_taken_whole_and_not_over_what_was_changed_since(folder):
    folder.add(conf=0.1)
    folder.close()
    image, found = replayed(folder.path, Replay(conf=0.6))
    before = image.annotations().load().annotation.labels
    taken = take(image)
    assert taken == found.changes
    after = image.annotations().load()
    assert after.annotation.labels.max() <= before.max()
    assert len(np.unique(after.annotation.labels)) < len(np.unique(before))
    assert sorted(after.annotation.features["index"]) == np.unique(after.annotation.labels)[1:].tolist()
    assert after.state.objects == len(after.annotation.features)
    assert read_replay(image.folder) is None
    assert take(image) == ()

    replayed(folder.path, Replay(conf=0.7))
    annotating = Annotating(folder.viewer, open_project(folder.path), lambda: None, lambda place: None)
    opened = annotating.open(0)
    opened.labels.data_setitem((np.array([0]), np.array([0])), 99)
    with pytest.raises(LabelsError, match="changed since"):
        take_into(opened.labels, image)
    opened.labels.data_setitem((np.array([0]), np.array([0])), 0)
    take_into(opened.labels, image)
    annotating.keep()
    annotating.close()
    assert len(image.annotations().load().annotation.features) < len(after.annotation.features)


def test_the_command_tells_and_writes_what_changed_and_takes_it_when_asked(folder, tmp_path_factory):
    folder.add(conf=0.1)
    folder.close()
    listed = tmp_path_factory.mktemp("out") / "changes.csv"
    labels = folder.path / "annotations" / "field.tif" / "labels.tif"
    before = labels.read_bytes()
    done = CliRunner().invoke(app, ["replay", str(folder.path), "--conf", "0.6", "-o", str(listed), "--device", "cpu"])
    assert done.exit_code == 0, done.output
    assert "field.tif: " in done.output
    assert " gone" in done.output
    assert labels.read_bytes() == before
    table = pd.read_csv(listed)
    assert set(table["outcome"]) >= {"gone", "same"}
    assert (table[table["outcome"] == "gone"]["area_after"] == 0).all()
    done = CliRunner().invoke(app, ["replay", str(folder.path), "--conf", "0.6", "--take", "--device", "cpu"])
    assert done.exit_code == 0, done.output
    assert len(np.unique(tifffile.imread(labels))) == 1 + (table["outcome"] != "gone").sum()


def test_a_model_that_is_not_there_is_one_line_and_nothing_changes(folder):
    folder.add()
    folder.close()
    done = CliRunner().invoke(app, ["replay", str(folder.path), "--model", "no such model", "--device", "cpu"])
    assert done.exit_code == 2
    assert "no such model" in done.output
    assert not (folder.path / "annotations" / "field.tif" / "replay").exists()


def test_a_folder_without_labels_is_an_error(folder):
    folder.close()
    done = CliRunner().invoke(app, ["replay", str(folder.path)])
    assert done.exit_code == 2
    assert "no labels yet" in done.output


def test_what_the_labels_took_is_in_the_state_and_a_table_of_the_folder(folder, tmp_path_factory):
    ids = list(folder.add().values())
    folder.labels.metadata = {**folder.labels.metadata, EFFORT_KEY: {"clicks": 12, "seconds": 30.0}}
    rows, columns = np.nonzero(folder.labels.data == ids[0])
    folder.labels.data_setitem((rows[:3], columns[:3]), 0)
    table = folder.labels.features
    table["review"] = ["right", "wrong", *[""] * (len(table) - 2)]
    folder.labels.features = table
    now = folder.annotating.efforts()
    folder.close()
    file = tmp_path_factory.mktemp("out") / "effort.csv"
    done = CliRunner().invoke(app, ["annotate", str(folder.path), "--effort", str(file)])
    assert done.exit_code == 0, done.output
    (row,) = pd.read_csv(file).to_dict("records")
    assert (row["name"], row["objects"], row["clicks"], row["seconds"]) == ("field.tif", len(ids), 12, 30)
    assert (row["checked"], row["right_share"]) == (2, 0.5)
    assert row["untouched_share"] == pytest.approx((len(ids) - 1) / len(ids), abs=1e-5)
    assert now[0].untouched == len(ids) - 1
    state = read_state(folder.path / "annotations" / "field.tif")
    assert state.effort["clicks"] == 12


def test_what_is_taken_into_a_pyramid_is_in_the_journal(folder, monkeypatch):
    folder.add(conf=0.1)
    folder.close()
    image, _ = replayed(folder.path, Replay(conf=0.6))
    monkeypatch.setattr(preview, "MOST_DRAWN", 1000)
    monkeypatch.setattr(preview, "_TOP_OF_PYRAMID", 100)
    monkeypatch.setattr(recorder, "MOST_COMPARED", 0)  # as planes of large images are not compared
    annotating = Annotating(folder.viewer, open_project(folder.path), lambda: None, lambda place: None)
    labels = annotating.open(0).labels
    assert labels.multiscale
    before = labels.data[0].copy()
    take_into(labels, image)
    assert (labels.data[0] != before).any()
    annotating.keep()
    kept = image.annotations().load(writable=False).annotation  # as it is when the process is killed now
    annotating.close()
    np.testing.assert_array_equal(kept.labels, labels.data[0])
    assert sorted(kept.features["index"]) == np.unique(kept.labels)[1:].tolist()
