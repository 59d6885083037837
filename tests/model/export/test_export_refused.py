"""Exported files that are damaged, foreign, or cannot run here."""

from __future__ import annotations

import dataclasses
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch

from exporting import mean_iou
from napari_fastsam.errors import DeviceError, ModelError
from napari_fastsam.model.export.export import Exported
from napari_fastsam.model.network.exported import ExportedNetwork, load_exported
from napari_fastsam.model.network.segmenter import Model, load_model
from napari_fastsam.model.weights.formats import FORMATS, format_named
from napari_fastsam.model.weights.trust import trust


class TestRefused:
    @pytest.mark.parametrize("share", [0.0, 0.3, 0.99])
    @pytest.mark.parametrize("name", ["onnx", "torchscript"])
    def test_a_truncated_file(self, damaged: Callable[[str], Path], name: str, share: float) -> None:
        path = damaged(name)
        path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
        trust(path)
        with pytest.raises(ModelError, match=rf"{path.name} is truncated, damaged, or not a model for"):
            load_model(path, "cpu")

    @pytest.mark.parametrize("part", [".xml", ".bin"])
    @pytest.mark.parametrize("how", ["truncated", "missing"])
    def test_a_damaged_folder(self, damaged: Callable[[str], Path], part: str, how: str) -> None:
        path = damaged("openvino")
        (file,) = path.glob(f"*{part}")
        whole = file.read_bytes()
        file.unlink() if how == "missing" else file.write_bytes(whole[: len(whole) // 2])
        with pytest.raises(ModelError, match=r"nuclei_openvino_model is damaged or was not made"):
            load_model(path, "cpu")

    def test_a_damaged_note_of_the_maker_does_no_harm(
        self, damaged: Callable[[str], Path], picture: Callable[[str], np.ndarray], nuclei: Model
    ) -> None:
        path = damaged("openvino")
        (path / "metadata.yaml").write_text("names: [", encoding="utf-8")
        model = load_model(path, "cpu")
        assert model.segment(picture("sparse"), imgsz=256).shape == (256, 256)

    @pytest.mark.parametrize(
        "outputs",
        [
            {"output0": (1, 37, 84)},  # a detector
            {"output0": (1, 300, 38), "output1": (1, 32, 16, 16)},  # with nms
            {"output0": (1, 36, 84), "output1": (1, 32, 16, 16)},  # no class
            {"output0": (1, 37, 84), "output1": (1, 32, 32, 32)},
            {"output0": (2, 37, 84), "output1": (2, 32, 16, 16)},
            {"output0": (37, 84), "output1": (32, 16, 16)},
        ],
        ids=str,
    )
    def test_another_kind_of_onnx(self, tmp_path: Path, outputs: dict[str, tuple[int, ...]]) -> None:
        path = constant_onnx(tmp_path / "other.onnx", outputs)
        with pytest.raises(ModelError, match=r"other\.onnx does not answer like a YOLO segmentation model"):
            load_model(path, "cpu")

    def test_what_the_others_lack_is_enough(self, tmp_path: Path) -> None:
        path = constant_onnx(tmp_path / "like.onnx", {"output0": (1, 37, 84), "output1": (1, 32, 16, 16)})
        assert len(load_model(path, "cpu").segment(np.zeros((64, 64), np.uint8))) == 0

    def test_an_onnx_that_takes_no_image(self, tmp_path: Path) -> None:
        shapes = {"output0": (1, 37, 84), "output1": (1, 32, 16, 16)}
        path = constant_onnx(tmp_path / "other.onnx", shapes, takes=(1, 10))
        with pytest.raises(ModelError, match=r"other\.onnx does not answer like"):
            load_model(path, "cpu")
        path = constant_onnx(tmp_path / "grey.onnx", shapes, takes=(1, 1, 64, 64))
        with pytest.raises(ModelError, match=r"grey\.onnx does not answer like"):
            load_model(path, "cpu")
        path = constant_onnx(tmp_path / "odd.onnx", shapes, takes=(1, 3, 60, 64))
        with pytest.raises(ModelError, match=r"takes 60 × 64 pixels; expected multiples of 32"):
            load_model(path, "cpu")

    def test_a_module_that_is_no_network_of_ours(self, tmp_path: Path) -> None:
        path = tmp_path / "other.torchscript"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # of newer torch, about torch.jit
            torch.jit.trace(torch.nn.Conv2d(3, 1, 3), torch.zeros(1, 3, 64, 64)).save(path)
        trust(path)
        with pytest.raises(ModelError, match="does not answer like a YOLO segmentation model"):
            load_model(path, "cpu")

    @pytest.mark.parametrize(
        ("name", "module", "extra"), [("onnx", "onnxruntime", "onnx"), ("openvino", "openvino", "openvino")]
    )
    def test_without_the_library_that_runs_it(
        self, exports: dict[str, Exported], monkeypatch: pytest.MonkeyPatch, name: str, module: str, extra: str
    ) -> None:
        monkeypatch.setitem(sys.modules, module, None)
        with pytest.raises(ModelError, match=rf"which needs {module}; run: pip install 'napari-fastsam\[{extra}\]'"):
            load_model(exports[name].path, "cpu")

    @pytest.mark.parametrize(
        "name", [f.name for f in FORMATS if f.name not in ("onnx", "openvino", "torchscript", "xilinx")]
    )
    def test_formats_whose_library_is_not_here(self, tmp_path: Path, name: str) -> None:
        format_ = format_named(name)
        path = tmp_path / f"x{format_.suffix}"
        path.mkdir() if format_.folder else path.touch()
        trust(path)
        with pytest.raises(ModelError, match=r"is a model for .* run: pip install \w|truncated, damaged"):
            load_model(path, "cpu")

    def test_nothing_is_installed_behind_the_persons_back(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, nuclei: Model
    ) -> None:
        from ultralytics.utils import checks

        # as where somebody else imported ultralytics before us
        monkeypatch.setattr(checks, "AUTOINSTALL", True)
        monkeypatch.setattr(checks.subprocess, "check_output", lambda *a, **k: pytest.fail("it installs something"))
        path = tmp_path / "x.mnn"
        path.touch()
        trust(path)
        with pytest.raises(ModelError, match=r"cannot be run here .*MNN.*; run: pip install MNN"):
            load_exported(path, dataclasses.replace(format_named("mnn"), to_run=()), "cpu")
        assert checks.AUTOINSTALL is True

    @pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
    def test_a_device_that_is_not_there(self, exports: dict[str, Exported]) -> None:
        with pytest.raises(DeviceError, match="sees no CUDA GPU"):
            load_model(exports["onnx"].path, "cuda")

    def test_a_device_that_the_library_does_not_know(
        self, exports: dict[str, Exported], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
        for name in ("onnx", "openvino"):
            with pytest.raises(DeviceError, match=r"device 'cuda' was asked for, but .* runs on 'cpu'; use 'auto'"):
                load_model(exports[name].path, "cuda")
            assert load_model(exports[name].path, "auto").device == "cpu"

    def test_a_failure_while_it_runs_names_the_file(self) -> None:
        def fail(batch: torch.Tensor) -> Any:
            raise RuntimeError("out of memory\nand more")

        network = ExportedNetwork(Path("some.engine"), format_named("engine"), "cpu", None, {}, fail)
        with pytest.raises(
            ModelError, match=r"TensorRT failed on an input of 32 × 64 pixels \(RuntimeError: out of mem"
        ):
            network(torch.zeros(1, 3, 32, 64))

    def test_outputs_in_the_other_order(self) -> None:
        first, second = torch.zeros(1, 32, 8, 8), torch.zeros(1, 37, 21)
        network = ExportedNetwork(Path("x.mnn"), format_named("mnn"), "cpu", None, {}, lambda _: [first, second])
        ((predictions, prototypes),) = network(torch.zeros(1, 3, 32, 32))
        assert predictions is second
        assert prototypes is first


class TestOtherRuntimes:
    """Formats that ultralytics' own backends run; NCNN and MNN were tried by hand, their libraries are not here."""

    @pytest.fixture
    def backend(self, nuclei: Model, monkeypatch: pytest.MonkeyPatch) -> None:
        class Backend:
            """The network in torch, which reads memory as if channels came first, as NCNN does."""

            device = torch.device("cpu")
            metadata = {"imgsz": [256, 256], "args": {"dynamic": False}, "license": "none"}  # noqa: RUF012

            def __init__(self, path: str, device: torch.device, verbose: bool) -> None:
                assert Path(path).name == "x.mnn"
                assert not verbose

            def __call__(self, batch: torch.Tensor) -> list[torch.Tensor]:
                flat = torch.as_strided(batch, (batch.numel(),), (1,))
                (predictions, prototypes), *_ = nuclei.network(flat.reshape(batch.shape))
                return [predictions, prototypes]

        monkeypatch.setattr("ultralytics.nn.autobackend.AutoBackend", Backend)
        monkeypatch.setitem(sys.modules, "MNN", sys)

    @pytest.mark.usefixtures("backend")
    def test_their_memory_and_their_notes(
        self, nuclei: Model, tmp_path: Path, picture: Callable[[str], np.ndarray]
    ) -> None:
        (tmp_path / "x.mnn").touch()
        trust(tmp_path / "x.mnn")
        model = load_model(tmp_path / "x.mnn", "cpu")
        assert model.fixed_input == (256, 256)
        assert model.card.licence == "none"
        image = picture("sparse")
        # of the file nothing is known, so it is used as ultralytics would
        plain = dataclasses.replace(nuclei, card=dataclasses.replace(nuclei.card, window="type", box_pixels="index"))
        assert mean_iou(model.segment(image), plain.segment(image, imgsz=256, conf=0.25, iou=0.7)) >= 0.999


def constant_onnx(path: Path, outputs: dict[str, tuple[int, ...]], takes: tuple[int, ...] = (1, 3, 64, 64)) -> Path:
    """Write an ONNX model that answers zeros of given shapes, whatever it is shown."""
    number = onnx.TensorProto.FLOAT
    nodes = [
        onnx.helper.make_node(
            "Constant", [], [name], value=onnx.numpy_helper.from_array(np.zeros(shape, np.float32), name)
        )
        for name, shape in outputs.items()
    ]
    graph = onnx.helper.make_graph(
        nodes,
        "constant",
        [onnx.helper.make_tensor_value_info("images", number, takes)],
        [onnx.helper.make_tensor_value_info(name, number, shape) for name, shape in outputs.items()],
    )
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, path)
    return path
