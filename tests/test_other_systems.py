"""Windows and macOS: open files that stay where they are, names that no file may have, old encodings of text."""

from __future__ import annotations

import os
import sys

import numpy as np
import pytest
from typer.testing import CliRunner

from napari_fastsam.cli import app
from napari_fastsam.core.image.scale import Scale
from napari_fastsam.core.recipe import Recipe
from napari_fastsam.core.results.provenance import Provenance
from napari_fastsam.core.results.result import ArrayLabels, ResultObject, SegmentationResult
from napari_fastsam.io.formats import registry
from napari_fastsam.io.lock import locked
from napari_fastsam.io.projects.annotations import AnnotationFolder
from napari_fastsam.io.projects.journal import Journal, read_journal
from napari_fastsam.io.projects.state import ImageState
from napari_fastsam.io.projects.steps import Annotation, AnnotationStep, LabelTile
from napari_fastsam.io.recipes import load_recipe, save_recipe
from napari_fastsam.io.results.names import plain_name
from napari_fastsam.io.results.results import OutputError, write_whole
from napari_fastsam.model.weights import card_files
from napari_fastsam.model.weights.card import Card
from napari_fastsam.samples import SAMPLE_FOLDER
from windows_files import be_windows

RESERVED = ["CON", "con", "NUL", "aux", "PRN", "COM1", "lpt9", "con.v2"]
"""Windows takes these for devices, in any case and with anything behind a dot."""


@pytest.fixture
def windows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files as Windows has them; there they are so by themselves."""
    if sys.platform != "win32":
        be_windows(monkeypatch)


def result(count: int) -> SegmentationResult:
    labels = np.zeros((30, 40), np.int32)
    for number in range(1, count + 1):
        labels[2 : 2 + 3 * number, 8 * number : 8 * number + 5] = number
    objects = [ResultObject(n, 0.5, "cell", "point 1") for n in range(1, count + 1)]
    made = Provenance(version="0", image="cells.tif", model="nuclei", conf=0.3, contrast_limits=(0, 80))
    image = np.zeros(labels.shape, np.uint8)
    return SegmentationResult(
        ArrayLabels(labels),
        objects,
        Scale(("y", "x"), (0.5, 0.5), ("micrometer", "micrometer")),
        (made,),
        "cells.tif",
        lambda _: image,
    )


def test_an_open_file_is_not_replaced_there(windows, tmp_path):
    """What the other tests rely on."""
    path = tmp_path / "labels.tif"
    path.write_bytes(b"old")
    with path.open("rb"), pytest.raises(OutputError, match="get the right to write there"):
        write_whole(path, lambda new: new.write_bytes(b"new"))
    assert path.read_bytes() == b"old"
    assert [file.name for file in tmp_path.iterdir()] == ["labels.tif"]


@pytest.mark.parametrize("name", [kind.name for kind in registry.writers()])
def test_results_are_replaced(windows, tmp_path, name):
    kind = registry.writer(name)
    path = tmp_path / f"cells{kind.ending}"
    for count in (3, 2):
        kind.write(result(count), path)
    if kind.reads and kind.keeps_labels:
        assert len(np.unique(registry.read_labels(path).label_image())) == 3
        kind.write(result(3), path)  # what was read does not hold the file
    assert not [left.name for left in tmp_path.iterdir() if left.name.endswith((".part", ".old"))]


def test_a_journal_is_begun_anew_and_read_while_it_is_written(windows, tmp_path):
    path = tmp_path / "journal"
    journal = Journal(path)
    journal.append(b"one")
    assert read_journal(path).records == (b"one",)
    journal.begin_anew([b"two"])
    journal.append(b"three")
    journal.close()
    assert read_journal(path).records == (b"two", b"three")


def test_annotations_are_saved_over_those_that_are_there(windows, tmp_path):
    kept = AnnotationFolder(tmp_path)
    for value in (1, 2):
        labels = np.full((40, 50), value, np.int32)
        kept.save(Annotation(labels, None, {}, {}), ImageState(state="in work"))
        kept.append(AnnotationStep((40, 50), "int32", (LabelTile((0, 0), np.full((8, 8), 7, np.int32)),)))
        found = AnnotationFolder(tmp_path).load(writable=False)
        assert found.steps == 1
        assert found.annotation.labels[0, 0] == 7
        assert found.annotation.labels[20, 20] == value
    kept.close()


def test_a_model_and_its_card_are_replaced_together(windows, tmp_path):
    model, card = tmp_path / "cells.pt", tmp_path / "cells.json"
    for content in (b"first", b"second"):
        with card_files.written_beside(model, content) as new:
            put = lambda new=new: os.replace(new, model)  # noqa: E731
            card_files.write_with_card(model, card, Card(content.decode()), put)
    assert model.read_bytes() == b"second"
    assert card_files.read_card(card).name == "second"
    assert sorted(file.name for file in tmp_path.iterdir()) == ["cells.json", "cells.pt"]


def test_a_recipe_is_replaced(windows, tmp_path):
    path = tmp_path / "recipe.json"
    for _ in range(2):
        save_recipe(Recipe(), path)
        load_recipe(path)


def test_a_lock_is_let_go_before_its_folder_is_removed(windows, tmp_path):
    folder = tmp_path / "run"
    folder.mkdir()
    with locked(folder / "lock", "taken"):
        pass
    (folder / "lock").unlink(missing_ok=True)
    folder.rename(tmp_path / "elsewhere")


@pytest.mark.parametrize("name", RESERVED)
def test_no_file_is_called_like_a_device(name):
    plain = plain_name(name)
    assert plain.split(".")[0].casefold() not in {"con", "nul", "aux", "prn", "com1", "lpt9"}
    assert plain.casefold().startswith(name.casefold()[:3])


@pytest.mark.parametrize("name", ["plate 1: A/B", 'a<b>"c"|d?e*', "trailing dot.", "trailing space ", "Ångström µm"])
def test_names_are_such_that_every_system_takes_them(name):
    plain = plain_name(name)
    assert not set(plain) & set('<>:"/\\|?*')
    assert not plain.endswith((".", " "))


@pytest.mark.parametrize("encoding", ["cp1252", "cp437", "ascii"])
def test_what_is_printed_goes_through_a_pipe_of_windows(encoding, tmp_path):
    """Programs of Windows that are not asked otherwise write in its old encodings, which lack most signs."""
    image = str(SAMPLE_FOLDER / "stained_tissue.png")
    for arguments in (["--help"], ["formats"], ["models", "list"], ["segment", image, "-o", str(tmp_path)]):
        done = CliRunner(charset=encoding).invoke(app, arguments)
        assert done.exit_code == 0, repr(done.exception)
        assert done.stdout_bytes.strip()
