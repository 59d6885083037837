"""A network as it lies in a file: its description, its weights by name, and what its layers say of themselves.

Two kinds of files have one: a checkpoint of ultralytics, whose pickled objects are walked through as records, and a
plain file, in which the same lies as dictionaries. Both come out as a `StoredNetwork`, from which `build` makes one.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from napari_fastsam.model.files.pickle_values import Name, PickledObject
from napari_fastsam.model.network.description import HEADS, Refused, checked

if TYPE_CHECKING:
    import torch

PLAIN_FORMAT = "napari-fastsam network"

_NETWORKS = ("ultralytics.nn.tasks.SegmentationModel",)
_WRAPPERS = (
    "torch.nn.parallel.distributed.DistributedDataParallel",
    "torch.nn.parallel.data_parallel.DataParallel",
)

_MAX_LAYERS = 20_000
_MAX_DEPTH = 32

_HOOKS = (
    "_backward_hooks", "_backward_pre_hooks", "_forward_hooks", "_forward_pre_hooks", "_load_state_dict_post_hooks",
    "_load_state_dict_pre_hooks", "_state_dict_hooks", "_state_dict_pre_hooks",
)  # fmt: skip

SAME = frozenset({
    "add", "align_corners", "area", "c", "c1", "c2", "ceil_mode", "d", "dilation", "groups", "head_dim",
    "kernel_size", "key_dim", "mode", "n", "nc", "negative_slope", "nl", "nm", "npr", "num_heads", "output_padding",
    "padding", "padding_mode", "reg_max", "scale_factor", "size", "stride",
})  # fmt: skip
"""What a layer says of itself that its description has settled, and must agree with."""

TAKEN = frozenset({"eps", "momentum", "_end2end"})
"""What a layer says of itself that its description leaves open."""

_SETTINGS = SAME | TAKEN


@dataclass(frozen=True)
class Layer:
    """One layer of a stored network.

    Attributes
    ----------
    kind
        Name of its class.
    settings
        Plain values of `SAME` and `TAKEN`.
    objects
        Names of its attributes that are objects.
    children
        Names of the layers in it.
    """

    kind: str
    settings: Mapping[str, Any]
    objects: frozenset[str] = frozenset()
    children: frozenset[str] = frozenset()


@dataclass(frozen=True, eq=False)
class StoredNetwork:
    """A network as it lies in a file.

    Attributes
    ----------
    description
        As `description.checked` returns it.
    weights
        Parameters and buffers by name, as torch names them.
    layers
        Layers by name; empty where a file does not say.
    names
        Of its classes.
    stride
        Input pixels a cell of each of its levels, fine to coarse; empty where a file does not say.
    """

    description: dict[str, Any]
    weights: dict[str, torch.Tensor]
    layers: dict[str, Layer] = field(default_factory=dict)
    names: dict[int, str] = field(default_factory=dict)
    stride: tuple[float, ...] = ()


def stored_network(content: Any) -> StoredNetwork:
    """Find the network in what `read_torch` read.

    Raises
    ------
    Refused
        If there is none, it is of another kind, or it brings code of its own along.
    """
    if not isinstance(content, dict):
        raise Refused(f"it holds no network but {_kind(content)}")
    # averaged weights, where training left them, are the better ones
    network = content.get("model") if content.get("ema") is None else content["ema"]
    for _ in range(2):
        if isinstance(network, PickledObject) and str(network.name) in _WRAPPERS:
            network = _named(_state(network, ""), "", "_modules").get("module")
    if isinstance(network, PickledObject):
        return _of_record(network)
    if isinstance(network, dict) and network and "yaml" in content:
        return _of_plain(content, network)
    if isinstance(network, dict) and "yaml" not in content:
        raise Refused("it holds weights without a description of the network (a dictionary under 'yaml')")
    raise Refused(f"it holds no network but {_kind(network)}")


def _of_record(network: PickledObject) -> StoredNetwork:
    if str(network.name) not in _NETWORKS:
        raise Refused(f"it holds no segmentation network of ultralytics but {network.name}")
    layers: dict[str, Layer] = {}
    weights: dict[str, torch.Tensor] = {}
    head: dict[str, Any] = {}
    for name, layer, state in _walk(network):
        layers[name] = _layer(name, layer, state)
        weights |= _tensors(name, state)
        head = state if layer.name.name in HEADS else head
    state = _state(network, "")
    stride = head.get("stride")
    return StoredNetwork(
        _described(state),
        weights,
        layers,
        class_names(state.get("names")),
        _stride(state.get("stride") if stride is None else stride),
    )


def _described(state: dict[str, Any]) -> dict[str, Any]:
    if not isinstance(state.get("yaml"), dict):
        raise Refused("it has no description of its layers (a dictionary under 'yaml')")
    return checked(state["yaml"])


def _walk(network: PickledObject) -> Iterator[tuple[str, PickledObject, dict[str, Any]]]:
    """Go through a network and all layers within it: names, records, attributes."""
    waiting = [("", network, 0)]
    count = 0
    while waiting:
        name, layer, depth = waiting.pop()
        count += 1
        if count > _MAX_LAYERS or depth > _MAX_DEPTH:
            raise Refused("its layers are too many, too deep, or within themselves")
        state = _state(layer, name)
        yield name, layer, state
        for child, inner in _named(state, name, "_modules").items():
            if inner is None:
                continue
            if not isinstance(inner, PickledObject):
                raise Refused(f"its layer {_joined(name, child)} is {_kind(inner)}")
            waiting.append((_joined(name, child), inner, depth + 1))


def called(name: str) -> str:
    """Return what a message calls a layer: the one without a name is the network itself."""
    return f"its layer {name}" if name else "its network"


def _joined(name: str, child: str) -> str:
    return f"{name}.{child}" if name else child


def _state(layer: PickledObject, name: str) -> dict[str, Any]:
    if not isinstance(layer.state, dict) or layer.items or not all(isinstance(key, str) for key in layer.state):
        raise Refused(f"{called(name)}, {layer.name}, has no attributes")
    return layer.state


def _named(state: dict[str, Any], name: str, key: str) -> dict[str, Any]:
    found = state.get(key) or {}
    if not isinstance(found, dict) or not all(_is_part(k) for k in found):
        raise Refused(f"{called(name)} has no names of its parts")
    return found


def _is_part(key: Any) -> bool:
    return isinstance(key, str) and 0 < len(key) <= 64 and key.replace("_", "a").isalnum()


def _layer(name: str, layer: PickledObject, state: dict[str, Any]) -> Layer:
    for hook in _HOOKS:
        value = state.get(hook)
        if value:
            raise Refused(f"{called(name)} has {hook}, code that would run beside it ({_within(value)})")
    settings = {key: value for key, value in state.items() if key in _SETTINGS and _is_plain(value)}
    children = frozenset(k for k, v in (state.get("_modules") or {}).items() if v is not None)
    objects = frozenset(
        key
        for key, value in state.items()
        if isinstance(value, PickledObject | Name) and not (key == "forward" and _is_own_forward(layer, value))
    )
    return Layer(layer.name.name, settings, objects, children)


def _is_own_forward(layer: PickledObject, value: Any) -> bool:
    """Say whether it is ultralytics' note that a layer is fused, which is found out anyway."""
    return (
        isinstance(value, PickledObject)
        and str(value.name) in ("builtins.getattr", "__builtin__.getattr")
        and len(value.args) == 2
        and value.args[0] is layer
        and value.args[1] in ("forward", "forward_fuse")
    )


def _within(value: Any) -> str:
    """Tell what the first hook is."""
    inner = next(iter(value.values()), None) if isinstance(value, dict) else value
    return _kind(inner)


def _is_plain(value: Any) -> bool:
    simple = (bool, int, float, str, type(None))
    return type(value) in simple or (
        isinstance(value, tuple | list) and len(value) <= 4 and all(type(v) in simple for v in value)
    )


def _tensors(name: str, state: dict[str, Any]) -> dict[str, torch.Tensor]:
    import torch

    unsaved = state.get("_non_persistent_buffers_set") or set()
    found = {}
    for key in ("_parameters", "_buffers"):
        for part, value in _named(state, name, key).items():
            if value is None or (isinstance(unsaved, set) and key == "_buffers" and part in unsaved):
                continue
            if not isinstance(value, torch.Tensor):
                raise Refused(f"its weight {_joined(name, part)} is {_kind(value)}")
            found[_joined(name, part)] = value
    return found


def _of_plain(content: dict[str, Any], weights: dict[Any, Any]) -> StoredNetwork:
    import torch

    if len(weights) > _MAX_LAYERS * 6 or not all(
        isinstance(k, str) and isinstance(v, torch.Tensor) for k, v in weights.items()
    ):
        raise Refused("its weights are not tensors by name")
    for prefix in ("module.", "model.model."):
        while weights and all(name.startswith(prefix) for name in weights):
            weights = {name.removeprefix(prefix.partition(".")[0] + "."): v for name, v in weights.items()}
    layers = content.get("layers") or {}
    if not isinstance(layers, dict) or len(layers) > _MAX_LAYERS:
        raise Refused("its layers are not by name")
    return StoredNetwork(
        _described(content),
        weights,
        {str(name)[:512]: _plain_layer(name, layer) for name, layer in layers.items()},
        class_names(content.get("names")),
        _stride(content.get("stride")),
    )


def _plain_layer(name: Any, layer: Any) -> Layer:
    match layer:
        case (str(kind), dict(settings), list(children)) if all(_is_part(child) for child in children):
            kept = {k: v for k, v in settings.items() if k in _SETTINGS and _is_plain(v)}
            return Layer(kind[:64], kept, frozenset(), frozenset(children))
    raise Refused(f"its layer {str(name)[:64]} is not a kind, its settings and the names within it")


def plain(network: StoredNetwork, **more: Any) -> dict[str, Any]:
    """Return a stored network as plain values and tensors, which need no restricted reader; with `more` beside it."""
    layers = {name: [a.kind, dict(a.settings), sorted(a.children)] for name, a in network.layers.items()}
    return {
        "format": PLAIN_FORMAT,
        "version": 1,
        "yaml": network.description,
        "model": {name: value.detach().clone() for name, value in network.weights.items()},
        "layers": layers,
        "names": network.names,
        "stride": list(network.stride),
        **more,
    }


def class_names(names: Any) -> dict[int, str]:
    """Return names of classes, as far as they are numbers with words."""
    if isinstance(names, list | tuple):
        names = dict(enumerate(names))
    if not isinstance(names, dict):
        return {}
    return {k: v[:255] for k, v in names.items() if type(k) is int and isinstance(v, str)}


def _stride(value: Any) -> tuple[float, ...]:
    import torch

    if isinstance(value, torch.Tensor) and value.dim() == 1 and len(value) <= 8:
        value = value.tolist()
    if value is None:
        return ()
    if not isinstance(value, list | tuple) or len(value) > 8:
        raise Refused("its strides are not a few numbers")
    if not all(type(v) in (int, float) and math.isfinite(v) and 1 <= v <= 1024 for v in value):
        raise Refused("its strides are not from 1 to 1024 pixels")
    return tuple(float(v) for v in value)


def _kind(value: Any) -> str:
    if isinstance(value, Name):
        return str(value)[:200]
    return str(value.name)[:200] if isinstance(value, PickledObject) else f"a {type(value).__name__}"
