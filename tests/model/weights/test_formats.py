"""The table of formats is ultralytics' own, and names tell formats."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from napari_fastsam.errors import ModelError, ParameterError
from napari_fastsam.model.network.ultralytics_ import imported
from napari_fastsam.model.weights.formats import (
    FORMATS,
    NAMES,
    exported_at,
    format_named,
    format_of,
    how_to_install,
    missing,
)
from napari_fastsam.model.weights.weights import card_for, find, sha256_of


def test_the_table_is_that_of_ultralytics() -> None:
    with imported():
        from ultralytics.engine.exporter import FP16_FORMATS, export_formats
    theirs = export_formats()
    columns = zip(theirs["Argument"][1:], theirs["Suffix"][1:], theirs["Arguments"][1:], strict=True)
    expected = [(name, suffix, "dynamic" in can, name in FP16_FORMATS) for name, suffix, can in columns]

    assert [(f.name, f.suffix, f.dynamic, f.half) for f in FORMATS] == expected


def test_what_is_made_of_integers_needs_examples() -> None:
    with imported():
        from ultralytics.engine.exporter import FP16_FORMATS, FP32_UNSUPPORTED_FORMATS
    assert {f.name for f in FORMATS if f.calibrates} == FP32_UNSUPPORTED_FORMATS - FP16_FORMATS


@pytest.mark.parametrize("name", ["onnx", "ONNX", " OpenVINO "])
def test_case_does_not_matter(name: str) -> None:
    assert format_named(name).name == name.strip().lower()


def test_a_format_that_there_is_not() -> None:
    with pytest.raises(ParameterError, match=r"format is 'onxx' \(did you mean onnx\?\); expected one of torchscript"):
        format_named("onxx")
    with pytest.raises(ParameterError, match=r"format is ''; expected one of"):
        format_named("")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.onnx", "onnx"),
        ("A.ONNX", "onnx"),
        ("a_qnn.onnx", "qnn"),
        ("a.pt.onnx", "onnx"),
        ("a_openvino_model", "openvino"),
        ("a_edgetpu.tflite", "edgetpu"),
        ("a.tflite", "litert"),
        ("a.pt", None),
        ("a", None),
        (".onnx", None),
        ("_openvino_model", None),
        ("onnx", None),
    ],
)
def test_the_longest_ending_tells_the_format(name: str, expected: str | None) -> None:
    found = format_of(Path("folder.onnx") / name)
    assert (found.name if found else None) == expected


def test_every_format_is_told_by_its_ending() -> None:
    assert tuple(format_of(Path(f"x{f.suffix}")).name for f in FORMATS) == NAMES  # type: ignore[union-attr]


def test_a_folder_stands_for_the_files_in_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "mine_openvino_model"
    folder.mkdir()
    for name in ("model.xml", "model.bin", "other.pt"):
        (folder / name).touch()
    assert exported_at(folder) == exported_at(folder / "model.xml") == exported_at(folder / "model.bin") == folder
    assert exported_at(folder / "other.pt") is None
    assert exported_at(folder / "missing.xml") is None
    monkeypatch.chdir(tmp_path)
    # as a person types it
    for text in ("mine_openvino_model", "mine_openvino_model/", "./mine_openvino_model", str(folder / "model.xml")):
        assert find(text) == folder
    monkeypatch.chdir(folder)
    assert find("model.xml") == folder
    assert find("other.pt") == folder / "other.pt"


def test_a_file_is_no_folder_and_the_other_way_round(tmp_path: Path) -> None:
    (tmp_path / "a_openvino_model").touch()
    (tmp_path / "b.onnx").mkdir()
    assert exported_at(tmp_path / "a_openvino_model") is None
    assert exported_at(tmp_path / "b.onnx") is None
    with pytest.raises(ModelError, match="is a folder"):
        find(tmp_path / "b.onnx")


def test_the_card_of_the_whole_name_comes_before_that_of_the_stem(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text('{"name": "of the stem", "task": "segment"}')
    assert card_for(tmp_path / "x.onnx").name == "of the stem"
    (tmp_path / "x.onnx.json").write_text('{"name": "of the export", "task": "segment"}')
    assert card_for(tmp_path / "x.onnx").name == "of the export"
    assert card_for(tmp_path / "x.pt").name == "of the stem"
    (tmp_path / "x_openvino_model.json").write_text('{"name": "of the folder", "task": "segment"}')
    assert card_for(tmp_path / "x_openvino_model").name == "of the folder"


def test_the_sum_of_a_folder_is_that_of_names_and_contents(tmp_path: Path) -> None:
    def made(name: str, files: dict[str, str]) -> str:
        for file, content in files.items():
            path = tmp_path / name / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
        return sha256_of(tmp_path / name)

    first = made("one", {"a": "1", "b/c": "2"})
    assert made("two", {"b/c": "2", "a": "1"}) == first
    assert made("three", {"a": "2", "b/c": "1"}) != first
    assert made("four", {"a": "1", "b/d": "2"}) != first
    assert made("five", {"a": "1", "b/c": "2", "e": ""}) != first


def test_what_is_missing_and_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    assert missing(("numpy", "scipy")) == []
    assert missing(("numpy", "there-is-no-such-library")) == ["there-is-no-such-library"]
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    assert missing(("onnxruntime",)) == ["onnxruntime"]
    assert how_to_install(format_named("onnx"), ["onnxruntime"]) == "pip install 'napari-fastsam[onnx]'"
    assert how_to_install(format_named("ncnn"), ["ncnn", "pnnx"]) == "pip install ncnn pnnx"
