"""Exporting leaves and sends nothing, writes whole files or none, and says what will not do."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from exporting import RUN_HERE
from napari_fastsam.errors import ModelError, ParameterError
from napari_fastsam.model.export import export
from napari_fastsam.model.export.export import Exported, export_model
from napari_fastsam.model.network.segmenter import Model, load_model
from napari_fastsam.model.weights import weights
from napari_fastsam.model.weights.formats import format_named


def everything_in(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*")}


class TestExporting:
    def test_nothing_is_left_anywhere(self, nuclei: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        folders = {name: tmp_path / name for name in ("here", "beside", "temporary", "home", "out")}
        for folder in folders.values():
            folder.mkdir()
        source = folders["beside"] / "it's.my.pt model.pt"
        shutil.copyfile(nuclei.path, source)
        monkeypatch.chdir(folders["here"])
        monkeypatch.setenv("TMPDIR", str(folders["temporary"]))
        monkeypatch.setattr("tempfile.tempdir", None)
        monkeypatch.setenv("HOME", str(folders["home"]))
        before = nuclei.path.parent, everything_in(nuclei.path.parent)
        for name in ("onnx", "openvino", "torchscript"):
            made = export_model(source, name, folders["out"], imgsz=64)
            assert made.source == source
        assert everything_in(folders["here"]) == everything_in(folders["temporary"]) == set()
        assert everything_in(folders["home"]) == set()
        assert everything_in(folders["beside"]) == {source.name}
        assert {p.name for p in folders["out"].iterdir()} == {
            f"{source.stem}{format_named(n).suffix}{end}" for n in RUN_HERE for end in ("", ".json")
        }
        assert everything_in(before[0]) == before[1]
        assert len(load_model(made.path, "cpu").segment(np.zeros((40, 40), np.uint8))) == 0

    def test_nothing_is_sent(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Openvino's converter tells its makers of each conversion, where the module that does so is there."""
        spy = tmp_path / "path" / "openvino_telemetry.py"
        spy.parent.mkdir()
        spy.write_text(f"open({str(tmp_path / 'it told')!r}, 'w').close()\n")
        monkeypatch.setenv("PYTHONPATH", str(spy.parent))
        export_model("nuclei", "openvino", tmp_path, imgsz=64)
        assert not (tmp_path / "it told").exists()

    @pytest.mark.parametrize("name", RUN_HERE)
    def test_running_it_leaves_and_sends_nothing(self, exports: dict[str, Exported], tmp_path: Path, name: str) -> None:
        """ONNX Runtime 1.32 keeps a file of statistics, and sends them, where it is not told to leave that."""
        home, cache = tmp_path / "home", tmp_path / "cache"
        home.mkdir()
        code = f"""
import os
import numpy as np
before = dict(os.environ)
import napari_fastsam as fs
fs.load_model({str(exports[name].path)!r}, "cpu").segment(np.zeros((64, 64), np.uint8))
assert dict(os.environ) == before
import sys, torch
assert torch.get_num_threads() > 1 or os.cpu_count() == 1
print([name for name in ("torchvision", "triton", "matplotlib") if name in sys.modules])
"""
        kept = ("YOLO_", "OMP_", "XDG_", "ORT_")
        environment = {k: v for k, v in os.environ.items() if not k.startswith(kept)}
        environment |= {"HOME": str(home), "TMPDIR": str(home), "NAPARI_FASTSAM_CACHE": str(cache)}
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", code], env=environment, capture_output=True, text=True, cwd=home
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout.strip() == "[]", "not needed, and a danger beside OpenGL"
        assert done.stderr == ""
        assert everything_in(home) == set()

    def test_no_path_of_this_machine_is_in_the_file(self, exports: dict[str, Exported]) -> None:
        content = exports["onnx"].path.read_bytes()
        for text in (str(Path.home()), str(weights.BUNDLED_FOLDER), "napari-fastsam-"):
            if len(text) > 5:
                assert text.encode() not in content

    def test_here_is_where_it_goes_if_nothing_else_is_said(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        made = export_model("nuclei", "torchscript", imgsz=64)
        assert made.path.name == "nuclei.torchscript"
        assert everything_in(tmp_path) == {"nuclei.torchscript", "nuclei.torchscript.json"}

    @pytest.mark.parametrize("name", ["onnx", "openvino"])
    def test_what_is_there_is_replaced_whole(self, tmp_path: Path, name: str) -> None:
        target = tmp_path / f"x{format_named(name).suffix}"
        if name == "openvino":
            target.mkdir()
            (target / "of another model.xml").touch()
        else:
            target.write_text("old")
        made = export_model("nuclei", name, target, imgsz=64)
        assert made.replaced
        assert load_model(target, "cpu").fixed_input is None
        assert not (target / "of another model.xml").exists()
        assert {p.name for p in tmp_path.iterdir()} == {target.name, f"{target.name}.json"}

    @pytest.mark.parametrize("name", ["onnx", "openvino"])
    def test_a_full_disk_leaves_what_was_there(
        self, exports: dict[str, Exported], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
    ) -> None:
        def full(*args: Any, **more: Any) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        source = exports[name].path
        target = tmp_path / source.name
        (shutil.copytree if source.is_dir() else shutil.copyfile)(source, target)
        before = everything_in(tmp_path)
        monkeypatch.setattr(export, "_made", lambda *a: (source, {}))
        monkeypatch.setattr(shutil, "copytree" if source.is_dir() else "copyfile", full)
        with pytest.raises(ModelError, match=r"cannot be written: No space left on device; make room"):
            export_model("nuclei", name, tmp_path)
        monkeypatch.undo()
        assert everything_in(tmp_path) == before
        assert load_model(target, "cpu").name

    def test_a_folder_that_cannot_be_put_there_leaves_the_old_one(
        self, exports: dict[str, Exported], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        target = tmp_path / "x_openvino_model"
        shutil.copytree(exports["openvino"].path, target)
        before, rename = everything_in(tmp_path), Path.rename

        def fails(self: Path, other: Path) -> Path:
            if self.name == "new":
                raise OSError(errno.EIO, "Input/output error")
            return rename(self, other)

        monkeypatch.setattr(Path, "rename", fails)
        with pytest.raises(ModelError, match="cannot be written: Input/output error"):
            export._put(exports["openvino"].path, target)
        assert everything_in(tmp_path) == before

    @pytest.mark.parametrize(
        ("output", "message"),
        [
            ("x.pt", r"output is '.*x\.pt'; expected a folder that is there, or a name that ends in \.onnx"),
            (".onnx", "expected a folder that is there, or a name"),
            ("missing/x.onnx", "there is no folder .*missing"),
            ("a folder.onnx/x", "expected a folder that is there"),
        ],
    )
    def test_places_that_are_none(self, tmp_path: Path, output: str, message: str) -> None:
        with pytest.raises(ParameterError, match=message):
            export_model("nuclei", "onnx", tmp_path / output)

    def test_a_file_where_a_folder_is_made(self, tmp_path: Path) -> None:
        (tmp_path / "x_openvino_model").touch()
        with pytest.raises(ParameterError, match="is no folder; choose another output"):
            export_model("nuclei", "openvino", tmp_path / "x_openvino_model")
        (tmp_path / "nuclei.onnx").mkdir()
        with pytest.raises(ParameterError, match="is a folder; choose another output"):
            export_model("nuclei", "onnx", tmp_path)

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"format": "ncnn", "dynamic": True}, "NCNN takes images of one size only"),
            ({"format": "litert", "half": True}, "LiteRT cannot hold 16-bit floats"),
            ({"format": "imx"}, "Sony IMX500 is made of 8-bit integers.* name some as a YOLO data.yaml with data"),
            ({"format": "onnx", "data": "data.yaml"}, "ONNX needs no example images; leave data out"),
            ({"imgsz": "large"}, "imgsz is 'large'; expected a whole number of pixels"),
            ({"imgsz": float("nan")}, "imgsz is nan; expected a whole number of pixels"),
            ({"format": "imx", "data": "missing.yaml"}, "data is 'missing.yaml', and there is no such file"),
        ],
    )
    def test_options_that_do_not_fit(self, options: dict[str, Any], message: str) -> None:
        with pytest.raises(ParameterError, match=message):
            export_model("nuclei", **options)

    def test_an_exported_model_is_not_exported(self, exports: dict[str, Exported], tmp_path: Path) -> None:
        with pytest.raises(ModelError, match=r"is an exported model; name the checkpoint, a \.pt file"):
            export_model(exports["onnx"].path, "openvino", tmp_path)

    def test_a_checkpoint_that_cannot_be_read(self, tmp_path: Path) -> None:
        (tmp_path / "x.pt").write_bytes(b"nothing")
        with pytest.raises(ModelError, match=r"x\.pt is truncated, damaged") as caught:
            export_model(tmp_path / "x.pt", "torchscript", tmp_path)
        assert "napari-fastsam-" not in str(caught.value)
        assert everything_in(tmp_path) == {"x.pt"}

    def test_a_hostile_checkpoint_does_not_run(self, tmp_path: Path) -> None:
        torch.save({"model": Payload(tmp_path / "it ran")}, tmp_path / "x.pt")
        with pytest.raises(ModelError, match="was not loaded"):
            export_model(tmp_path / "x.pt", "torchscript", tmp_path)
        assert not (tmp_path / "it ran").exists()

    def test_what_ultralytics_refuses_is_told(self, tmp_path: Path) -> None:
        if torch.cuda.is_available():
            pytest.skip("it can here")
        with pytest.raises(ModelError, match=r"could not be exported for TorchScript \(.*only supported on GPU"):
            export_model("nuclei", "torchscript", tmp_path, half=True)

    @pytest.mark.parametrize("name", ["ncnn", "coreml"])
    def test_a_missing_library_is_named_before_anything_is_done(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
    ) -> None:
        monkeypatch.setattr(export.subprocess, "run", lambda *a, **k: pytest.fail("it began"))
        for module in ("ncnn", "coremltools"):
            monkeypatch.setitem(sys.modules, module, None)
        with pytest.raises(
            ModelError, match=r"exporting for .* needs .*, which (is|are) not installed; run: pip install"
        ):
            export_model("nuclei", name, tmp_path)
        assert everything_in(tmp_path) == set()

    @pytest.fixture
    def crashing(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        script = tmp_path / "python"
        script.write_text("#!/bin/sh\necho 'one line' >&2\necho 'Segmentation fault' >&2\nexit 139\n")
        script.chmod(0o755)
        monkeypatch.setattr(sys, "executable", str(script))
        yield
        script.unlink()

    @pytest.mark.usefixtures("crashing")
    def test_a_converter_that_crashes(self, tmp_path: Path) -> None:
        with pytest.raises(ModelError, match=r"the converter ended with status 139 \(Segmentation fault\)"):
            export_model("nuclei", "torchscript", tmp_path)
        assert everything_in(tmp_path) == {"python"}


class Payload:
    """What a hostile file holds: unpickling it makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[str, str]]:
        return open, (str(self.path), "w")
