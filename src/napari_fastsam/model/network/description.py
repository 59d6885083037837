"""The description of a YOLO segmentation network, checked: layers, numbers and words from lists, and nothing else.

Ultralytics builds a network from a dictionary, a YAML file or a part of each checkpoint, and looks names up or
evaluates text as it goes. It is given only what has been here.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from napari_fastsam.errors import ModelError

LAYERS = frozenset({
    "A2C2f", "AConv", "ADown", "Bottleneck", "BottleneckCSP", "C1", "C2", "C2PSA", "C2f", "C2fCIB", "C2fPSA", "C3",
    "C3Ghost", "C3TR", "C3k2", "C3x", "CBFuse", "CBLinear", "Concat", "Conv", "ConvTranspose", "DWConv",
    "DWConvTranspose2d", "ELAN1", "Focus", "GhostBottleneck", "GhostConv", "HGBlock", "HGStem", "PSA", "RepC3",
    "RepNCSPELAN4", "SCDown", "SPP", "SPPELAN", "SPPF", "Segment", "Segment26", "nn.Identity", "nn.MaxPool2d",
    "nn.Upsample", "nn.ZeroPad2d",
})  # fmt: skip
"""What a segmentation network of ultralytics is made of."""

HEADS = frozenset({"Segment", "Segment26"})

ACTIVATIONS = frozenset({
    "ELU", "GELU", "Hardswish", "Identity", "LeakyReLU", "Mish", "PReLU", "ReLU", "ReLU6", "SELU", "SiLU", "Sigmoid",
    "Softplus", "Tanh",
})  # fmt: skip

_WORDS = frozenset({"nc", "None", "True", "False", "nearest", "bilinear", "bicubic"})
"""Text that ultralytics replaces by a number, or hands to a layer."""

_MAX_NUMBER = 65536
_MAX_ROWS = 300
_MAX_REPEATS = 100
_MAX_ARGUMENTS = 16
_MAX_CLASSES = 20_000
_MAX_YAML_BYTES = 1 << 20

MAX_WEIGHTS = 500_000_000
"""Numbers that a network may have. The largest of ultralytics have 90 million."""

_ACTIVATION = re.compile(r"(?:torch\.)?nn\.([A-Za-z0-9]+)\(((?:inplace=)?(?:True|False|[0-9.]{1,10}))?\)")


class Refused(Exception):
    """A description is not one that a network is built from; the text says why."""


def checked(description: Any) -> dict[str, Any]:
    """Return a description with nothing in it but what a network is built from.

    Parameters
    ----------
    description
        What ultralytics' YAML files say, as dictionaries and lists.

    Returns
    -------
    dict
        A copy with the keys ``nc``, ``channels``, ``backbone``, ``head``, and as they were given ``activation``,
        ``depth_multiple``, ``end2end``, ``inplace``, ``reg_max``, ``scale``, ``scales``, ``width_multiple``.

    Raises
    ------
    Refused
        If a layer, an activation or a word is not on the list, a number is out of range, or the last layer is not the
        head of a segmentation network.
    """
    if not isinstance(description, dict):
        raise Refused("it has no description of its layers")
    found: dict[str, Any] = {
        "nc": _whole("nc", description.get("nc"), 1, _MAX_CLASSES),
        "channels": _whole("channels", description.get("channels", description.get("ch", 3)), 1, 64),
        "backbone": _rows("backbone", description.get("backbone")),
        "head": _rows("head", description.get("head")),
    }
    for key, check in _OPTIONAL.items():
        if description.get(key) is not None:
            found[key] = check(key, description[key])
    _check_scale(found)
    last = found["head"][-1][2]
    if last not in HEADS:
        raise Refused(f"its last layer is {last!r}, not the head of a segmentation network")
    return found


def _check_scale(found: dict[str, Any]) -> None:
    scales = found.get("scales")
    if scales and not found.get("scale"):
        found["scale"] = next(iter(scales))  # as ultralytics does, which says so each time
    if scales and found["scale"] not in scales:
        raise Refused(f"its scale is {found['scale']!r}, and it has {', '.join(scales)}")


def read_description(name: str) -> dict[str, Any]:
    """Read a network's description: a YAML file, or one that comes with ultralytics.

    Parameters
    ----------
    name
        Path of a file, or a name such as ``yolov8n-seg.yaml``. Addresses are not followed.

    Raises
    ------
    ModelError
        If there is none of that name, it is no YAML of plain values, or something that is not built from.
    """
    import yaml

    path = _described_by(name)
    if path is None:
        raise ModelError(
            f"{name} is not there, or does not describe a network; expected a file, or a name that ultralytics knows "
            f"such as yolov8n-seg.yaml"
        )
    try:
        if path.stat().st_size > _MAX_YAML_BYTES:
            raise Refused(f"it has more than {_MAX_YAML_BYTES:,} bytes")
        found = _loaded(path.read_text(encoding="utf-8"))
        if isinstance(found, dict):
            scale = re.search(r"yolo(?:e-)?v?\d+([nslmx])", Path(name).stem)
            if scale is not None:
                found["scale"] = scale[1]
        return checked(found)
    except Refused as error:
        raise ModelError(
            f"{name} does not describe a network that can be trained here: {error}; take one whose name ends in "
            f"-seg.yaml, such as yolov8n-seg.yaml"
        ) from error
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
        first = (str(error).splitlines() or [""])[0]
        raise ModelError(f"{name} is not there, or does not describe a network ({first}); correct it") from error


def _loaded(text: str) -> Any:
    import yaml

    class Plain(yaml.SafeLoader):  # type: ignore[misc]  # yaml is not typed
        """Without references, whose copies of copies can fill the memory."""

        def compose_node(self, parent: Any, index: Any) -> Any:
            if self.check_event(yaml.events.AliasEvent):
                raise Refused("it refers to parts of itself")
            return super().compose_node(parent, index)

    return yaml.load(text, Plain)


def _described_by(name: str) -> Path | None:
    """Return the file that a name stands for: itself, or one of ultralytics', where all sizes share one file."""
    if "://" in name:
        return None
    path = Path(name)
    if path.is_file():
        return path
    if path.name != name:
        return None
    from importlib.util import find_spec

    package = find_spec("ultralytics")
    if package is None or package.origin is None:
        return None
    wanted = {name, re.sub(r"(\d+)([nslmx])(.+)?$", r"\1\3", name)}
    folder = Path(package.origin).parent / "cfg" / "models"
    return next((file for file in sorted(folder.rglob("*.yaml")) if file.name in wanted), None)


def _rows(key: str, rows: Any) -> list[list[Any]]:
    if not isinstance(rows, list | tuple) or not 1 <= len(rows) <= _MAX_ROWS:
        raise Refused(f"its {key} is not a list of 1 to {_MAX_ROWS} layers")
    return [_row(f"{key}[{i}]", row) for i, row in enumerate(rows)]


def _row(key: str, row: Any) -> list[Any]:
    """Check one layer: from which layers, how often, which, with what."""
    if not isinstance(row, list | tuple) or len(row) != 4:
        raise Refused(f"its {key} is not [from, number, layer, arguments]")
    sources, repeats, layer, arguments = row
    if not isinstance(layer, str) or layer.removeprefix("torch.") not in LAYERS:
        raise Refused(f"its {key} is the layer {_short(layer)}, which is not one of a segmentation network")
    several = isinstance(sources, list | tuple)
    taken = [_whole(key, s, -_MAX_ROWS, _MAX_ROWS) for s in (sources if several else [sources])[:_MAX_ARGUMENTS]]
    if not isinstance(arguments, list | tuple) or len(arguments) > _MAX_ARGUMENTS or not taken:
        raise Refused(f"its {key} has arguments that are not a short list")
    given = [_argument(key, argument) for argument in arguments]
    return [taken if several else taken[0], _whole(key, repeats, 1, _MAX_REPEATS), layer.removeprefix("torch."), given]


def _argument(key: str, value: Any) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int | float) and abs(value) <= _MAX_NUMBER:
        return value
    if isinstance(value, str) and value in _WORDS:
        return value
    if isinstance(value, list | tuple) and all(type(v) in (int, float) and abs(v) <= _MAX_NUMBER for v in value):
        return list(value)[:_MAX_ARGUMENTS]
    raise Refused(f"its {key} has the argument {_short(value)}; expected numbers, or {', '.join(sorted(_WORDS))}")


def activation_name(key: str, value: Any) -> str:
    """Return an activation that is on the list, as ``nn.SiLU()``, ``nn.LeakyReLU(0.1)`` or ``torch.nn.ReLU()``."""
    match = _ACTIVATION.fullmatch(value) if isinstance(value, str) else None
    if match is None or match[1] not in ACTIVATIONS:
        raise Refused(
            f"its {key} is {_short(value)}; expected one of {', '.join(f'nn.{a}()' for a in sorted(ACTIVATIONS))}"
        )
    return str(value)


def activation(text: str) -> Any:
    """Make the activation that `activation_name` let through."""
    from torch import nn

    match = _ACTIVATION.fullmatch(text)
    if match is None or match[1] not in ACTIVATIONS:
        raise Refused(f"its activation is {_short(text)}")
    argument = (match[2] or "").removeprefix("inplace=")
    kind = getattr(nn, match[1])
    if argument in ("True", "False"):
        return kind(inplace=argument == "True")
    return kind(float(argument)) if argument else kind()


def _whole(key: str, value: Any, least: int, most: int) -> int:
    if type(value) is not int or not least <= value <= most:
        raise Refused(f"its {key} has {_short(value)}; expected a whole number from {least} to {most:,}")
    return value


def _factor(key: str, value: Any) -> float:
    if type(value) not in (int, float) or not 0 < value <= 16 or not math.isfinite(value):
        raise Refused(f"its {key} is {_short(value)}; expected a number above 0, 16 at most")
    number: float = value
    return number


def _flag(key: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise Refused(f"its {key} is {_short(value)}; expected true or false")
    return value


def _word(key: str, value: Any) -> str:
    if not isinstance(value, str) or len(value) > 255:
        raise Refused(f"its {key} is {_short(value)}; expected a word")
    return value


def _scales(key: str, value: Any) -> dict[str, list[float]]:
    if not isinstance(value, dict) or len(value) > 32:
        raise Refused(f"its {key} are {_short(value)}; expected names with three numbers each")
    found = {}
    for name, numbers in value.items():
        if not isinstance(name, str) or not isinstance(numbers, list | tuple) or len(numbers) != 3:
            raise Refused(f"its {key} have {_short(name)}; expected names with three numbers each")
        depth, width, most = numbers
        found[name[:32]] = [_factor(key, depth), _factor(key, width), _whole(key, most, 1, _MAX_NUMBER)]
    return found


_OPTIONAL: Mapping[str, Any] = {
    "activation": activation_name,
    "depth_multiple": _factor,
    "width_multiple": _factor,
    "scales": _scales,
    "scale": _word,
    "end2end": _flag,
    "inplace": _flag,
    "reg_max": lambda key, value: _whole(key, value, 1, 128),
}


def _short(value: Any) -> str:
    """Tell a value in one line, whatever it is."""
    if isinstance(value, int) and abs(value) > 10**12:
        return "a very large number"
    if value is None or isinstance(value, str | int | float):
        text = repr(value)
        return text if len(text) <= 80 else f"{text[:77]}…"
    return f"a {type(value).__name__}"
