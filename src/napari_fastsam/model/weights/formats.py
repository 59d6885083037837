"""Formats of exported models: their names, what they need, and how a file of one is told.

The names, endings and abilities are those of ultralytics' exporter; a test compares them. No torch here: the command
line and the dock ask this module before they load anything.
"""

from __future__ import annotations

import difflib
import importlib.util
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from napari_fastsam.errors import ParameterError

_ONNX = ("onnx", "onnxruntime", "onnxslim")
_TENSORFLOW = ("tensorflow", "tf_keras", "onnx2tf", "sng4onnx", "onnx_graphsurgeon", "ai-edge-litert", *_ONNX)


@dataclass(frozen=True)
class ModelFormat:
    """One format.

    Attributes
    ----------
    name
        What a person types: ultralytics' word.
    title
        Its name in a sentence.
    suffix
        What the name of the file or folder ends in.
    folder
        Whether it is a folder.
    dynamic
        Whether one export takes images of every size; otherwise the size is fixed when it is exported.
    half
        Whether it can hold 16-bit floats.
    to_export, to_run
        What pip has to have installed. Libraries that pip does not have, such as a chip's own compiler, are left to
        ultralytics' messages.
    calibrates
        Whether it is made of 8-bit integers, whose range is measured on example images.
    checked
        Whether it is data that is checked here before its library sees it. The others are, or may hold, programs, and
        are opened only where they are trusted (`weights.trust`).
    """

    name: str
    title: str
    suffix: str
    folder: bool = False
    dynamic: bool = False
    half: bool = False
    to_export: tuple[str, ...] = ()
    to_run: tuple[str, ...] = ()
    calibrates: bool = False
    checked: bool = False


FORMATS: tuple[ModelFormat, ...] = (
    ModelFormat("torchscript", "TorchScript", ".torchscript", dynamic=True, half=True),
    ModelFormat(
        "onnx", "ONNX", ".onnx", dynamic=True, half=True,
        to_export=_ONNX, to_run=("onnx", "onnxruntime"), checked=True,
    ),
    ModelFormat(
        "openvino", "OpenVINO", "_openvino_model", folder=True, dynamic=True, half=True,
        to_export=("openvino",), to_run=("openvino",), checked=True,
    ),
    ModelFormat(
        "engine", "TensorRT", ".engine", dynamic=True, half=True,
        to_export=(*_ONNX, "tensorrt"), to_run=("tensorrt",),
    ),
    ModelFormat(
        "coreml", "Core ML", ".mlpackage", folder=True, dynamic=True, half=True,
        to_export=("coremltools",), to_run=("coremltools",),
    ),
    ModelFormat(
        "coreai", "Core AI", ".aimodel", folder=True, half=True,
        to_export=("coreai-torch",), to_run=("coreai-torch",),
    ),
    ModelFormat(
        "saved_model", "TensorFlow SavedModel", "_saved_model", folder=True,
        to_export=_TENSORFLOW, to_run=("tensorflow",),
    ),
    ModelFormat("pb", "TensorFlow GraphDef", ".pb", to_export=_TENSORFLOW, to_run=("tensorflow",)),
    ModelFormat(
        "edgetpu", "TensorFlow Edge TPU", "_edgetpu.tflite",
        to_export=_TENSORFLOW, calibrates=True,
    ),
    ModelFormat(
        "litert", "LiteRT", ".tflite",
        to_export=("litert-torch", "ai-edge-litert"), to_run=("ai-edge-litert",),
    ),
    ModelFormat(
        "paddle", "PaddlePaddle", "_paddle_model", folder=True,
        to_export=("paddlepaddle", "x2paddle"), to_run=("paddlepaddle",),
    ),
    ModelFormat("mnn", "MNN", ".mnn", dynamic=True, half=True, to_export=(*_ONNX, "MNN"), to_run=("MNN",)),
    ModelFormat("ncnn", "NCNN", "_ncnn_model", folder=True, half=True, to_export=("ncnn", "pnnx"), to_run=("ncnn",)),
    ModelFormat(
        "imx", "Sony IMX500", "_imx_model", folder=True, calibrates=True,
        to_export=("model-compression-toolkit", "edge-mdt-cl", "edge-mdt-tpc"),
        to_run=("mct-quantizers", "edge-mdt-cl", "onnxruntime"),
    ),
    ModelFormat(
        "rknn", "Rockchip RKNN", "_rknn_model", folder=True, half=True,
        to_export=(*_ONNX, "rknn-toolkit2"), to_run=("rknn-toolkit-lite2",),
    ),
    ModelFormat(
        "executorch", "ExecuTorch", "_executorch_model", folder=True,
        to_export=("executorch",), to_run=("executorch",),
    ),
    ModelFormat(
        "axelera", "Axelera AI", "_axelera_model", folder=True, calibrates=True,
        to_export=("axelera-devkit",), to_run=("axelera-rt",),
    ),
    ModelFormat(
        "deepx", "DEEPX", "_deepx_model", folder=True, calibrates=True,
        to_export=(*_ONNX, "dx_com"), to_run=("dx_engine",),
    ),
    ModelFormat(
        "qnn", "Qualcomm QNN", "_qnn.onnx", calibrates=True,
        to_export=("onnx", "onnxslim", "onnxruntime-qnn"), to_run=("onnxruntime-qnn",),
    ),
    ModelFormat(
        "hailo", "Hailo", "_hailo_model", folder=True, calibrates=True,
        to_export=_ONNX, to_run=("hailo_platform",),
    ),
    ModelFormat(
        "ascend", "Huawei Ascend", "_ascend_model", folder=True, half=True,
        to_export=_ONNX, to_run=("ais_bench",),
    ),
    ModelFormat(
        "xilinx", "AMD Xilinx", "_xilinx_model", folder=True, calibrates=True,
        to_export=(*_ONNX, "amd-quark"), to_run=("onnxruntime",),
    ),
)  # fmt: skip

NAMES = tuple(f.name for f in FORMATS)

FILE_PATTERNS = (
    *(f"*{f.suffix}" for f in FORMATS if not f.folder),
    *("*.xml", "*.param", "*.pdiparams", "*.pte", "Manifest.json"),  # in the folders of others
)
"""What a dialogue that chooses files offers."""

_MODULES = {
    "amd-quark": "quark",
    "axelera-devkit": "axelera",
    "axelera-rt": "axelera",
    "edge-mdt-cl": "edgemdt_cl",
    "edge-mdt-tpc": "edgemdt_tpc",
    "paddlepaddle": "paddle",
    "rknn-toolkit-lite2": "rknnlite",
    "rknn-toolkit2": "rknn",
}
"""What is imported, where it is not the name that pip knows with underscores."""


def format_named(name: str) -> ModelFormat:
    """Return the format of that name, in any case.

    Raises
    ------
    ParameterError
        If there is none.
    """
    wanted = name.strip().casefold()
    found = next((f for f in FORMATS if f.name == wanted), None)
    if found is None:
        near = difflib.get_close_matches(wanted, NAMES, n=1)
        hint = f" (did you mean {near[0]}?)" if near else ""
        raise ParameterError(f"format is {name!r}{hint}; expected one of {', '.join(NAMES)}")
    return found


def format_of(path: Path) -> ModelFormat | None:
    """Return the format that a file's or folder's name tells, or None; the longest ending counts."""
    name = path.name.casefold()
    fitting = [f for f in FORMATS if name.endswith(f.suffix) and len(name) > len(f.suffix)]
    return max(fitting, key=lambda f: len(f.suffix), default=None)


def exported_at(path: Path) -> Path | None:
    """Return the exported file or folder that `path` is or lies in, or None.

    In a dialogue that chooses files a person points at one *in* a folder, such as OpenVINO's ``.xml``.
    """
    folder = path.parent.absolute()
    around, itself = format_of(folder), format_of(path)
    if around is not None and around.folder and path.is_file() and path.suffix.casefold() != ".pt":
        return folder
    if itself is None or not (path.is_dir() if itself.folder else path.is_file()):
        return None
    return path


def missing(requirements: Iterable[str]) -> list[str]:
    """Return those of `requirements` that cannot be imported here."""
    return [name for name in requirements if not _importable(_MODULES.get(name, re.sub("-", "_", name)))]


def how_to_install(format_: ModelFormat, requirements: Iterable[str]) -> str:
    """Return the command that installs what a format needs."""
    if format_.name in ("onnx", "openvino"):
        return f"pip install 'napari-fastsam[{format_.name}]'"
    return f"pip install {' '.join(requirements)}"


def _importable(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except (ImportError, ValueError):  # a parent that is missing or broken; a stand-in in sys.modules
        return False
