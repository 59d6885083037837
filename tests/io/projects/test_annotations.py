"""Annotations of an image: written whole, and what was done since kept step by step."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tifffile

from napari_fastsam.io.formats.registry import read_labels
from napari_fastsam.io.projects import annotations, journal
from napari_fastsam.io.projects.annotations import AnnotationFolder, count_objects
from napari_fastsam.io.projects.feature_tables import change_between, read_features, write_features
from napari_fastsam.io.projects.state import ImageState, read_state
from napari_fastsam.io.projects.steps import Annotation, AnnotationStep, LabelTile
from napari_fastsam.io.results.results import OutputError

SHAPE = (40, 50)


def step(value: int, y: int = 0, x: int = 0, **more) -> AnnotationStep:
    return AnnotationStep(SHAPE, "int32", (LabelTile((y, x), np.full((8, 8), value, np.int32)),), **more)


def table(*rows: tuple[int, float, str]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["index", "score", "class"])


def saved(folder: Path) -> Annotation:
    labels = np.zeros(SHAPE, np.int32)
    labels[5:20, 5:20] = 1
    whole = Annotation(labels, table((1, 0.5, "")), {}, {"napari-fastsam classes": [{"name": "round"}]})
    kept = AnnotationFolder(folder)
    kept.save(whole, ImageState(state="in work", note="dim"))
    kept.close()
    return whole


def test_what_is_saved_is_read_again_and_other_programs_read_it(tmp_path):
    whole = saved(tmp_path)
    found = AnnotationFolder(tmp_path).load()

    assert (found.steps, found.notes) == (0, ())
    np.testing.assert_array_equal(found.annotation.labels, whole.labels)
    pd.testing.assert_frame_equal(found.annotation.features, whole.features)
    assert found.annotation.metadata == whole.metadata
    assert (found.state.state, found.state.note, found.state.objects) == ("in work", "dim", 1)
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "labels.tif"), whole.labels)
    assert pd.read_csv(tmp_path / "features.csv")["score"].tolist() == [0.5]


def test_what_is_not_known_of_an_object_is_not_told_to_other_programs(tmp_path):
    rows = pd.DataFrame(
        {"index": [1, 2], "class": ["round", np.nan], "text": [np.nan, "a cell"], "score": ["?", "0.5"]}
    )
    kept = AnnotationFolder(tmp_path)
    kept.save(Annotation(np.array([[1, 1, 0, 2, 2]], np.int32), rows), ImageState())
    kept.close()
    objects = read_labels(tmp_path / "labels.tif").objects
    assert [(one.number, one.class_name) for one in objects] == [(1, "round"), (2, "a cell")]
    np.testing.assert_array_equal([one.score for one in objects], [np.nan, 0.5])


def test_truth_values_stay_so_where_some_are_not_known(tmp_path):
    rows = pd.DataFrame({"index": [1, 2, 3], "divides": [True, False, None], "class": ["", "a", ""]})
    kept = AnnotationFolder(tmp_path)
    kept.save(Annotation(np.array([[1, 2, 3]], np.int32), rows), ImageState())
    kept.close()
    found = AnnotationFolder(tmp_path).load().annotation.features
    assert found["divides"].tolist() == [True, False, None]
    assert found["class"].tolist() == ["", "a", ""]


def test_steps_since_are_restored_and_restoring_twice_gives_the_same(tmp_path):
    whole = saved(tmp_path)
    kept = AnnotationFolder(tmp_path)
    after = table((1, 0.5, "round"), (2, 0.75, ""))
    kept.append(step(2, 24, 24, features=change_between(whole.features, after)))
    kept.append(step(3, 0, 32, metadata={"napari-fastsam classes": ([{"name": "long"}], 1)}))
    kept.close()

    for _ in range(2):
        found = AnnotationFolder(tmp_path).load()
        assert (found.steps, found.notes) == (2, ())
        assert found.annotation.labels[5, 5] == 1
        assert found.annotation.labels[24, 24] == 2
        assert found.annotation.labels[0, 32] == 3
        pd.testing.assert_frame_equal(found.annotation.features, after)
        assert [one["name"] for one in found.annotation.metadata["napari-fastsam classes"]] == ["round", "long"]


def test_an_image_without_files_is_restored_from_its_journal_alone(tmp_path):
    kept = AnnotationFolder(tmp_path / "new")
    kept.append(step(4))
    kept.close()
    found = AnnotationFolder(tmp_path / "new").load()

    assert (found.state.state, found.state.objects) == ("in work", 1)
    assert count_objects(found.annotation.labels) == 1


def test_a_damaged_tail_is_cut_and_work_goes_on_behind_what_is_whole(tmp_path):
    kept = AnnotationFolder(tmp_path)
    kept.append(step(1))
    kept.append(step(2, 16, 16))
    kept.close()
    file = tmp_path / "journal.bin"
    file.write_bytes(file.read_bytes()[:-3])

    found = AnnotationFolder(tmp_path).load()
    assert (found.steps, found.notes) == (1, ())
    kept = AnnotationFolder(tmp_path)
    kept.append(step(3, 24, 24))
    kept.close()
    found = AnnotationFolder(tmp_path).load()
    assert found.steps == 2
    assert np.unique(found.annotation.labels).tolist() == [0, 1, 3]


def test_a_damaged_middle_is_said_and_what_was_done_before_is_restored(tmp_path):
    kept = AnnotationFolder(tmp_path)
    for value in (1, 2, 3):
        kept.append(step(value, 8 * value))
    kept.close()
    file = tmp_path / "journal.bin"
    content = bytearray(file.read_bytes())
    places = [i for i in range(len(content)) if content[i : i + 4] == journal.MARKER]
    content[places[2] + 20] ^= 255  # of the second step: the first record names the labels that the steps are put on
    file.write_bytes(bytes(content))

    found = AnnotationFolder(tmp_path).load()
    assert np.unique(found.annotation.labels).tolist() == [0, 1]
    assert found.steps == 1
    assert "1 later steps are not" in found.notes[0]


def test_a_journal_is_not_put_on_labels_that_another_program_wrote(tmp_path):
    saved(tmp_path)
    kept = AnnotationFolder(tmp_path)
    kept.append(step(2, 24, 24))
    kept.close()
    tifffile.imwrite(tmp_path / "labels.tif", np.full(SHAPE, 7, np.uint8))

    found = AnnotationFolder(tmp_path).load()
    assert found.steps == 0
    assert np.unique(found.annotation.labels).tolist() == [7]
    assert "journal-1.bin" in found.notes[0]
    assert (tmp_path / "journal-1.bin").exists()
    assert AnnotationFolder(tmp_path).load().notes == ()


@pytest.mark.parametrize("killed_at", ["labels.tif", "state.json", "journal.bin"])
def test_a_save_that_ends_half_way_loses_nothing(tmp_path, monkeypatch, killed_at):
    whole = saved(tmp_path)
    kept = AnnotationFolder(tmp_path)
    after = table((1, 0.5, ""), (2, 0.25, "round"))
    kept.append(step(2, 24, 24, features=change_between(whole.features, after)))
    whole.apply(step(2, 24, 24, features=change_between(whole.features, after)))
    replace = Path.replace

    class Killed(BaseException):
        pass

    def killed(self: Path, target: Path) -> Path:
        if Path(target).name == killed_at:
            raise Killed
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", killed)
    with pytest.raises(Killed):
        kept.save(whole, ImageState(state="done"))
    monkeypatch.undo()

    found = AnnotationFolder(tmp_path).load()
    assert found.notes == ()
    np.testing.assert_array_equal(found.annotation.labels, whole.labels)
    pd.testing.assert_frame_equal(found.annotation.features, after)


def test_a_full_disk_leaves_the_journal_as_it_was_and_what_is_saved_later_is_whole(tmp_path, monkeypatch):
    kept = AnnotationFolder(tmp_path)
    kept.append(step(1))
    write, full = os.write, [True]

    def half(file: int, content: memoryview) -> int:
        if not full[0]:
            return write(file, content)
        write(file, content[: len(content) // 2])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(journal.os, "write", half)
    with pytest.raises(OutputError, match="make room"):
        kept.append(step(2, 16, 16))
    assert np.unique(AnnotationFolder(tmp_path).load().annotation.labels).tolist() == [0, 1]

    full[0] = False
    kept.append(step(3, 16, 16))
    kept.close()
    found = AnnotationFolder(tmp_path).load()
    assert np.unique(found.annotation.labels).tolist() == [0, 1, 3]
    assert found.notes == ()


def test_damaged_files_are_named_and_the_rest_is_read(tmp_path):
    saved(tmp_path)
    (tmp_path / "state.json").write_text("{")
    (tmp_path / "labels.tif").write_bytes(b"II*\0nothing")
    found = AnnotationFolder(tmp_path).load()

    assert found.annotation.labels is None
    assert any("state.json" in note for note in found.notes)
    assert any("labels.tif" in note for note in found.notes)
    assert (tmp_path / "labels-1.tif").exists(), "what is saved next must not overwrite it"
    assert found.annotation.features["index"].tolist() == [1]


def test_a_table_that_calls_objects_by_something_else_than_numbers_is_named(tmp_path):
    whole = saved(tmp_path)
    features = tmp_path / "features.csv"
    features.write_text(features.read_text().replace("\n1,", "\n1null,"))
    kept = AnnotationFolder(tmp_path)
    found = kept.load()
    assert any("features.csv calls an object '1null'" in note for note in found.notes)
    np.testing.assert_array_equal(found.annotation.labels, whole.labels)
    kept.save(found.annotation, found.state)
    kept.close()


def test_what_a_killed_writer_left_is_cleared_away(tmp_path):
    saved(tmp_path)
    left = tmp_path / ".labels.tif.abc123.part"
    left.write_bytes(b"half")
    kept = AnnotationFolder(tmp_path)
    kept.append(step(1))
    kept.close()
    assert not left.exists()
    assert {p.name for p in tmp_path.iterdir()} <= set(annotations.FILES)


def test_a_step_takes_some_kilobytes(tmp_path):
    rng = np.random.default_rng(0)
    tile = np.repeat(np.repeat(rng.integers(0, 9, (8, 8)), 16, 0), 16, 1).astype(np.int32)
    stroke = AnnotationStep((2048, 2048), "int32", (LabelTile((0, 0), tile), LabelTile((128, 0), tile)))
    assert len(stroke.to_bytes()) < 4000


def test_objects_are_counted_whatever_their_numbers():
    assert count_objects(np.array([[0, 3, 3], [0, 9, 0]])) == 2
    assert count_objects(np.array([[0, 3, 2_000_000_000]])) == 2
    assert count_objects(np.zeros((0, 3), int)) == 0


def test_a_state_that_is_unknown_is_refused(tmp_path):
    saved(tmp_path)
    text = (tmp_path / "state.json").read_text()
    (tmp_path / "state.json").write_text(text.replace('"in work"', '"lost"'))
    with pytest.raises(Exception, match="untouched, in work, done, skipped"):
        read_state(tmp_path)


def test_a_journal_that_cannot_be_opened_again_touches_no_other_file_and_goes_on(tmp_path, monkeypatch):
    """What a campaign of faults found: its old descriptor, closed, was used, and may be another file's by then."""
    kept = AnnotationFolder(tmp_path)
    kept.append(step(1))
    real = os.open

    def refusing(path, *arguments, **options):
        if str(path).endswith("journal.bin"):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return real(path, *arguments, **options)

    with monkeypatch.context() as patch:
        patch.setattr(os, "open", refusing)
        with pytest.raises(OutputError, match="get the right to write there"):
            kept.discard_journal()
        kept.sync()
        with pytest.raises(OutputError, match="get the right to write there"):
            kept.append(step(2))
    kept.append(step(3))
    kept.close()
    found = AnnotationFolder(tmp_path).load()
    assert np.unique(found.annotation.labels).tolist() == [0, 3]


@pytest.mark.parametrize("wrong", [{"dtype": "intNaN32"}, {"dtype": "float32"}, {"columns": []}, {"metadata": "x"}])
def test_a_state_that_says_what_cannot_be_is_named_and_the_labels_are_read(tmp_path, wrong):
    """Found by a campaign, with one letter of a file changed."""
    whole = saved(tmp_path)
    content = json.loads((tmp_path / "state.json").read_text())
    (tmp_path / "state.json").write_text(json.dumps(content | wrong))
    found = AnnotationFolder(tmp_path).load()
    assert any("state.json is damaged" in note for note in found.notes)
    np.testing.assert_array_equal(found.annotation.labels, whole.labels)


def test_numbers_are_read_to_their_last_digit(tmp_path):
    scores = [0.5, 18 / 7, 0.1 + 0.2, 1e-5 / 3, float("nan"), float("inf")]
    rows = pd.DataFrame({"index": range(1, len(scores) + 1), "score": scores, "large": [2**53 + 1] * len(scores)})
    assert rows["score"].dtype.kind == "f"
    kinds = write_features(tmp_path / "features.csv", rows)
    for dtypes in (kinds, {}):
        found = read_features(tmp_path / "features.csv", dtypes)
        pd.testing.assert_frame_equal(found, rows, check_exact=True)


def test_whatever_says_that_a_value_is_missing_is_kept_and_read(tmp_path):
    before = table((1, 0.5, ""), (2, 0.75, ""))
    after = before.assign(
        count=pd.array([1, None], dtype="Int64"),
        divides=pd.array([True, None], dtype="boolean"),
        seen=pd.to_datetime(["2026-11-29", None]),
        kind=pd.Categorical(["a", None]),
    )
    again = after.assign(score=[0.5, 0.25])
    kept = AnnotationFolder(tmp_path)
    kept.append(step(1, features=change_between(before, after)))
    kept.append(step(2, features=change_between(after, again)))
    assert len(change_between(after, again).rows) == 1
    found = kept.load().annotation
    pd.testing.assert_frame_equal(found.features, again, check_categorical=False)
    kept.save(found, ImageState())
    kept.close()
    assert str(AnnotationFolder(tmp_path).load().annotation.features["count"].dtype) == "Int64"
