"""Descriptions of networks, ``.yaml``, that training starts from."""

from __future__ import annotations

from pathlib import Path

from hostile.case import hostile
from hostile.making import IMPORT

CLEAN = """
nc: 1
scales: {n: [0.33, 0.25, 1024]}
backbone:
  - [-1, 1, Conv, [64, 3, 2]]
head:
  - [[0], 1, Segment, [nc, 32, 256]]
"""


def _written(folder: Path, text: str, name: str = "yolov8n-seg.yaml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


@hostile("base", refused="does not describe")
def _a_python_object(folder: Path) -> Path:
    return _written(folder, f"nc: !!python/object/apply:os.system ['touch ran']\n{CLEAN}")


@hostile("base", refused="does not describe")
def _a_python_module(folder: Path) -> Path:
    return _written(folder, f"{CLEAN}\nx: !!python/module:this\n")


@hostile("base", refused="activation")
def _a_described_activation_that_is_code(folder: Path) -> Path:
    return _written(folder, f'{CLEAN}\nactivation: "{IMPORT}"\n')


@hostile("base", refused="activation")
def _a_described_activation_by_name(folder: Path) -> Path:
    return _written(folder, f"{CLEAN}\nactivation: nn.Module.load_state_dict()\n")


@hostile("base", refused="argument")
def _a_described_argument_that_is_code(folder: Path) -> Path:
    return _written(folder, CLEAN.replace("[64, 3, 2]", f'["{IMPORT}", 3, 2]'))


@hostile("base", refused="is the layer 'TorchVision'")
def _a_described_layer_that_asks_for_a_download(folder: Path) -> Path:
    return _written(folder, CLEAN.replace("Conv, [64, 3, 2]", "TorchVision, [512, resnet18, DEFAULT, True, 2]"))


@hostile("base", refused="is the layer")
def _a_described_layer_that_is_a_function(folder: Path) -> Path:
    return _written(folder, CLEAN.replace("Conv, [64, 3, 2]", "torch_safe_load, [bait.pt]"))


@hostile("base", refused="refers to parts of itself")
def _copies_of_copies(folder: Path) -> Path:
    lines = ["a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 12)]
    return _written(folder, "\n".join([*lines, CLEAN]))


@hostile("base", refused="does not describe")
def _lists_in_lists_without_end(folder: Path) -> Path:
    return _written(folder, "nc: " + "[" * 100_000)


@hostile("base", refused="bytes")
def _a_description_of_ten_megabytes(folder: Path) -> Path:
    return _written(folder, CLEAN + "# " + "x" * (10 << 20))


@hostile("base", refused="number")
def _a_described_network_of_endless_width(folder: Path) -> Path:
    return _written(folder, CLEAN.replace("[64, 3, 2]", "[64, 3, 2, 1, 1, 10000000000]"))


@hostile("base", refused="weights, far more")
def _a_described_network_of_a_terabyte(folder: Path) -> Path:
    return _written(folder, CLEAN.replace("Conv, [64, 3, 2]", "Conv, [65536, 4095, 2]"))


@hostile("base", refused="is not there")
def _an_address(folder: Path) -> Path:
    return Path("http://127.0.0.1:9/yolov8n-seg.yaml")
