"""Sets of examples come back from their files as they were, and nothing else is taken for one."""

from __future__ import annotations

import json

import numpy as np
import pytest

import napari_fastsam as fs
from napari_fastsam.errors import FastSAMError, PromptError


@pytest.fixture
def exemplars() -> fs.Exemplars:
    rng = np.random.default_rng(0)
    return fs.Exemplars("pooled-1:64", rng.normal(size=(2, 5)).astype(np.float32), np.zeros((0, 5), np.float32))


def test_there_and_back(exemplars, tmp_path):
    fs.save_exemplars(exemplars, tmp_path / "set.json")
    back = fs.load_exemplars(tmp_path / "set.json")
    assert back.kind == exemplars.kind
    np.testing.assert_array_equal(back.examples, exemplars.examples)
    assert back.counter_examples.shape == (0, 5)
    assert [path.name for path in tmp_path.iterdir()] == ["set.json"]


def test_a_set_without_an_example_is_not_saved(exemplars, tmp_path):
    none = fs.Exemplars(exemplars.kind, exemplars.counter_examples, exemplars.examples)
    with pytest.raises(PromptError, match="no example to save"):
        fs.save_exemplars(none, tmp_path / "set.json")
    assert not list(tmp_path.iterdir())


def test_where_nothing_can_be_written(exemplars, tmp_path):
    with pytest.raises(FastSAMError, match="cannot be written"):
        fs.save_exemplars(exemplars, tmp_path / "no folder" / "set.json")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda text: text[: len(text) // 2], "not JSON"),
        (lambda text: "[]", "no set of examples"),
        (lambda text: text.replace('"version": 1', '"version": 2'), "update"),
        (lambda text: json.dumps(json.loads(text) | {"examples": [[1, 2], [3]]}), "damaged"),
        (lambda text: json.dumps(json.loads(text) | {"examples": [[10**400] * 5]}), "damaged"),
        (lambda text: json.dumps(json.loads(text) | {"examples": [[1e300] * 5]}), "damaged"),
        (lambda text: json.dumps(json.loads(text) | {"examples": [[float("nan")] * 5]}), "damaged"),
        (lambda text: json.dumps(json.loads(text) | {"counter_examples": [[float("inf")] * 5]}), "damaged"),
        (lambda text: json.dumps(json.loads(text) | {"examples": [["a"] * 5]}), "damaged"),
        (lambda text: json.dumps(json.loads(text) | {"examples": {"a": 1}}), "no list with an example"),
        (lambda text: json.dumps(json.loads(text) | {"examples": 3}), "no list with an example"),
        (lambda text: json.dumps(json.loads(text) | {"examples": []}), "no list with an example"),
        (lambda text: json.dumps(json.loads(text) | {"counter_examples": [[1.0]]}), "damaged"),
        (lambda text: "[" * 100_000, "not JSON"),
    ],
    ids=[
        "truncated",
        "foreign",
        "newer",
        "ragged",
        "beyond floats",
        "beyond float32",
        "nan",
        "infinite",
        "words",
        "a table of names",
        "a number",
        "empty",
        "other width",
        "deep",
    ],
)
def test_files_that_are_none(exemplars, tmp_path, change, said):
    path = tmp_path / "set.json"
    fs.save_exemplars(exemplars, path)
    path.write_text(change(path.read_text()))
    with pytest.raises(PromptError, match=said) as caught:
        fs.load_exemplars(path)
    assert str(path) in str(caught.value)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(PromptError, match="cannot be read"):
        fs.load_exemplars(tmp_path / "none.json")
