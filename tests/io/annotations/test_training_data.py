"""Annotated images become a folder that `train` and `evaluate` read: whole or not at all."""

from __future__ import annotations

import errno
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
import tifffile

from napari_fastsam.errors import DatasetError
from napari_fastsam.io.annotations.datasets import read_dataset
from napari_fastsam.io.annotations.training_data import file_name, write_training_data
from napari_fastsam.io.results.results import OutputError

RNG = np.random.default_rng(1)


@dataclass
class One:
    name: str
    shape: tuple[int, ...] = (20, 30)
    objects: int = 3
    picture: np.ndarray = field(init=False)
    labels: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        self.picture = RNG.integers(0, 256, self.shape, dtype=np.uint8)
        self.labels = np.zeros(self.shape[:2], np.int32)
        for i in range(self.objects):
            self.labels[2 * i, :5] = i + 1


def write(folder: Path, *images) -> list[str]:
    return list(write_training_data(folder, images))


def test_what_is_written_is_read_as_a_dataset_with_the_same_pixels(tmp_path: Path):
    given = [One("cells_000"), One("tissue", (16, 16, 3)), One("thin", (9, 3)), One("empty", objects=0)]
    assert write(tmp_path / "new" / "data", *given) == [one.name for one in given]

    found = {example.name: example for example in read_dataset(tmp_path / "new" / "data").examples}
    assert set(found) == {one.name for one in given}
    for one in given:
        np.testing.assert_array_equal(found[one.name].image(), one.picture)
        np.testing.assert_array_equal(found[one.name].labels(), one.labels)


def test_more_objects_than_16_bits_can_count(tmp_path: Path):
    many = One("many", (300, 300), objects=0)
    many.labels = np.arange(90_000, dtype=np.int32).reshape(300, 300)
    write(tmp_path / "data", many)
    (example,) = read_dataset(tmp_path / "data").examples
    np.testing.assert_array_equal(example.labels(), many.labels)


def test_layers_that_are_called_alike_stay_apart(tmp_path: Path):
    names = ["a/b", "a b", "A_B", "a_b_2", "..", "", "µm 3:1"]
    write(tmp_path / "data", *[One(name) for name in names])
    assert len(read_dataset(tmp_path / "data").examples) == len(names)


@pytest.mark.parametrize(
    ("name", "file"),
    [("cells", "cells"), ("a/b\\c:d", "a_b_c_d"), (".hidden", "hidden"), ("  ", "image"), ("é 1", "é_1")],
)
def test_names_that_every_system_takes(name: str, file: str):
    taken: set[str] = set()
    assert file_name(name, taken) == file
    assert file_name(name, taken) == f"{file}_2"
    assert len(file_name("x" * 500, taken)) == 100


def test_parts_without_an_object_are_passed_over(tmp_path: Path):
    assert write(tmp_path / "data", None, One("a"), None) == ["a"]


def test_nothing_to_write_leaves_nothing(tmp_path: Path):
    with pytest.raises(DatasetError, match="no annotated image"):
        write(tmp_path / "data", None)
    assert list(tmp_path.iterdir()) == []


def test_whoever_stops_half_way_leaves_nothing(tmp_path: Path):
    writing = write_training_data(tmp_path / "data", [One("a"), One("b")])
    assert next(writing) == "a"
    assert [p.name.startswith(".data.") for p in tmp_path.iterdir()] == [True]
    writing.close()
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_said_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    real, calls = tifffile.imwrite, []

    def full(file, *args, **kwargs):
        calls.append(file)
        if len(calls) == 3:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(file, *args, **kwargs)

    monkeypatch.setattr(tifffile, "imwrite", full)
    with pytest.raises(OutputError, match=r"No space left on device.*make room"):
        write(tmp_path / "data", One("a"), One("b"))
    assert list(tmp_path.iterdir()) == []


def test_unlike_shapes_are_refused_by_name(tmp_path: Path):
    wrong = One("wrong")
    wrong.labels = wrong.labels[1:]
    with pytest.raises(DatasetError, match=r"'wrong' is \(20, 30\) pixels and its labels \(19, 30\)"):
        write(tmp_path / "data", One("a"), wrong)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path):
    write(tmp_path / "data", One("a"))
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(OutputError, match="not empty"):
        write(tmp_path / "data", One("b"))
    assert sorted(tmp_path.rglob("*")) == before
    (tmp_path / "empty").mkdir()
    assert write(tmp_path / "empty", One("b")) == ["b"]


def test_a_file_in_the_way_is_said(tmp_path: Path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputError, match="cannot be written"):
        write(tmp_path / "file" / "data", One("a"))
