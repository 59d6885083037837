"""Several datasets together, and what an index says of them."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import tifffile

from napari_fastsam.errors import DatasetError
from napari_fastsam.io.annotations.datasets import read_dataset, read_datasets


def dataset(folder: Path, *names: str, index: str = "") -> Path:
    for name in names:
        for part in ("images", "labels"):
            (folder / part).mkdir(parents=True, exist_ok=True)
            tifffile.imwrite(folder / part / f"{name}.tif", np.eye(8, dtype=np.uint8))
    if index:
        (folder / "index.csv").write_text(index, encoding="utf-8")
    return folder


def test_images_of_one_name_are_told_apart_by_their_datasets(tmp_path: Path) -> None:
    found = read_datasets([dataset(tmp_path / "cells", "a", "b"), dataset(tmp_path / "nuclei", "b")])
    assert [(e.name, e.group) for e in found] == [("a", "cells"), ("cells/b", "cells"), ("nuclei/b", "nuclei")]


def test_kinds_of_an_index_stay_and_a_single_dataset_is_as_ever(tmp_path: Path) -> None:
    cells = dataset(tmp_path / "cells", "a", "b", index="id,kind\na,yeast\n")
    assert [e.group for e in read_datasets([cells])] == ["yeast", ""]
    assert [e.group for e in read_datasets([cells, dataset(tmp_path / "more", "c")])] == ["yeast", "cells", "more"]


def test_a_split_is_taken_of_those_that_have_it(tmp_path: Path) -> None:
    parts = dataset(tmp_path / "parts" / "x", "unused")
    for part in ("images", "labels"):
        shutil.move(parts / part, tmp_path / "parts" / part / "train")
        shutil.copytree(tmp_path / "parts" / part / "train", tmp_path / "parts" / part / "val")
        (tmp_path / "parts" / part / "val" / "unused.tif").rename(tmp_path / "parts" / part / "val" / "measured.tif")
    parts.rmdir()
    found = read_datasets([tmp_path / "parts", dataset(tmp_path / "whole", "a")], "train")
    assert [e.name for e in found] == ["unused", "a"]


def test_folders_of_one_name_with_images_of_one_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="rename one of the folders"):
        read_datasets([dataset(tmp_path / "one" / "cells", "a"), dataset(tmp_path / "two" / "cells", "a")])


def test_an_index_says_which_images_are_drawn_in_part(tmp_path: Path) -> None:
    index = "id,kind,complete\na,flakes,false\nb,flakes,True\nc,flakes,\n"
    found = read_dataset(dataset(tmp_path / "flakes", "a", "b", "c", "d", index=index)).examples
    assert [e.complete for e in found] == [False, True, True, True]


def test_an_index_that_says_something_else_is_refused(tmp_path: Path) -> None:
    folder = dataset(tmp_path / "flakes", "a", index="id,kind,complete\na,flakes,mostly\n")
    with pytest.raises(DatasetError, match=r"'mostly' in the column complete of a; expected true or false"):
        read_dataset(folder)


def test_a_folder_says_where_nothing_is_known(tmp_path: Path) -> None:
    folder = dataset(tmp_path / "cells", "a", "b")
    (folder / "ignored").mkdir()
    unknown = np.zeros((8, 8), np.uint8)
    unknown[2:4] = 255
    tifffile.imwrite(folder / "ignored" / "b.tif", unknown)
    whole, part = read_dataset(folder).examples
    assert whole.ignored() is None
    np.testing.assert_array_equal(part.ignored(), unknown > 0)


@pytest.mark.parametrize(("name", "shape", "words"), [("c", (8, 8), "without an image"), ("a", (4, 8), "same rows")])
def test_what_is_ignored_has_to_fit(tmp_path: Path, name: str, shape: tuple[int, int], words: str) -> None:
    folder = dataset(tmp_path / "cells", "a", "b")
    (folder / "ignored").mkdir()
    tifffile.imwrite(folder / "ignored" / f"{name}.tif", np.ones(shape, np.uint8))
    with pytest.raises(DatasetError, match=words):
        read_dataset(folder).examples[0].ignored()
