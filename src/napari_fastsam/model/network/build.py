"""A network built anew from what a file says of it: ultralytics' own layers, made by its own code."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from typing import TYPE_CHECKING, Any

from napari_fastsam.model.network.description import ACTIVATIONS, MAX_WEIGHTS, Refused, activation
from napari_fastsam.model.network.stored import SAME, TAKEN, Layer, StoredNetwork, called
from napari_fastsam.model.network.ultralytics_ import imported

if TYPE_CHECKING:
    import torch
    from torch import nn

_FUSED_BELOW = 10
"""Batch norms. Ultralytics folds all of them at once, or none."""

_building = threading.RLock()


def build(stored: StoredNetwork) -> nn.Module:
    """Build the network that lies in a file, in float32 and ready to be asked.

    No object of the file is in it: the layers are made from the description, and filled with the weights, all of which
    must fit.

    Raises
    ------
    Refused
        If layers or weights are not those of the description.
    """
    network = _empty(stored.description)
    norms = sum(layer.kind == "BatchNorm2d" for layer in stored.layers.values())
    if stored.layers and norms < _FUSED_BELOW:
        network.fuse(verbose=False)
    if stored.layers:
        _compare(network, stored.layers)
    _fill(network, stored.weights)
    head: Any = network.model[-1]
    head.stride = network.stride = _strides(network, stored)
    network.names = {i: stored.names.get(i, str(i)) for i in range(stored.description["nc"])}
    network.nc = stored.description["nc"]
    network.task = "segment"
    network.eval()
    ready: nn.Module = network
    return ready


def new(description: dict[str, Any], classes: int | None = None) -> nn.Module:
    """Build an untrained network from a checked description, with as many classes if that is said.

    Raises
    ------
    Refused
        If its layers do not go together, or it would be larger than any of ultralytics.
    """
    described = description if classes is None else {**description, "nc": classes}
    _empty(described)  # its size is known before memory is taken
    from ultralytics.nn.tasks import SegmentationModel

    bare = {key: value for key, value in deepcopy(described).items() if key != "activation"}
    with _activation(described.get("activation")), _told():
        network: Any = SegmentationModel(bare, ch=bare["channels"], verbose=False)
    network.yaml = deepcopy(described)
    ready: nn.Module = network
    return ready


def _empty(description: dict[str, Any]) -> Any:
    """Build a network whose weights have shapes, and take no memory until they are filled."""
    with imported():
        from ultralytics.nn.tasks import SegmentationModel, parse_model
        from ultralytics.utils.torch_utils import initialize_weights
    from torch import nn

    network: Any = SegmentationModel.__new__(SegmentationModel)
    nn.Module.__init__(network)
    bare = {key: value for key, value in deepcopy(description).items() if key != "activation"}
    with _activation(description.get("activation")), _told(), _unfilled():
        network.model, network.save = parse_model(bare, ch=description["channels"], verbose=False)
    network.yaml = deepcopy(description)
    network.inplace = description.get("inplace", True)
    network.model[-1].inplace = network.inplace
    initialize_weights(network)  # type: ignore[no-untyped-call]
    return network


@contextmanager
def _unfilled() -> Iterator[None]:
    """Make layers without the random numbers that they would begin with, and no more of them than a network has.

    Torch's meta device, which is meant for that, imports sympy, triton and a thousand modules more.
    """
    import torch
    from torch.overrides import TorchFunctionMode

    # whole functions only: others draw again until they like the numbers, and would never end without any
    fills = {torch.nn.init.kaiming_uniform_, torch.nn.init.uniform_, torch.nn.init.normal_}
    weights = 0

    class Unfilled(TorchFunctionMode):
        """For this thread alone."""

        def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            nonlocal weights
            if function in fills:
                return args[0] if args else kwargs["tensor"]
            if function is torch.empty:
                weights += math.prod(args[0] if isinstance(args[0], tuple | list) else args)
                if weights > MAX_WEIGHTS:
                    raise Refused(f"it describes a network of over {MAX_WEIGHTS:,} weights, far more than any has")
            return function(*args, **(kwargs or {}))

    with Unfilled():
        yield


@contextmanager
def _activation(text: str | None) -> Iterator[None]:
    """Let ultralytics' convolutions be made with an activation, which it would have evaluated as code."""
    with imported():
        from ultralytics.nn.modules import Conv
    with _building:
        before = Conv.default_act
        Conv.default_act = before if text is None else activation(text)
        try:
            yield
        finally:
            Conv.default_act = before


@contextmanager
def _told() -> Iterator[None]:
    """Say that a description does not fit together, whatever ultralytics raises on it."""
    try:
        yield
    except (
        ArithmeticError, AssertionError, AttributeError, LookupError, RuntimeError, TypeError, ValueError,
    ) as error:  # fmt: skip
        first = (str(error).splitlines() or [""])[0]
        raise Refused(f"its description does not make a network ({type(error).__name__}: {first[:200]})") from error


def _compare(network: nn.Module, layers: dict[str, Layer]) -> None:
    """Make sure that the layers of a file are those that were built, and take over what they leave open."""
    for name, module in network.named_modules(remove_duplicate=False):
        layer = layers.get(name)
        if layer is None:
            raise Refused(f"it has no layer {name}, which its description says")
        if type(module).__name__ != layer.kind:
            module = _exchanged(network, name, module, layer)
        there = frozenset(key for key, value in module._modules.items() if value is not None)  # noqa: SLF001
        if there != layer.children:
            odd = sorted(there ^ layer.children)[0]
            raise Refused(f"{called(name)} and its description disagree on its part {odd!r}")
        for key in layer.objects:
            if callable(getattr(type(module), key, None)):
                raise Refused(f"{called(name)} brings {key!r} along, which would run as code")
        _settle(name, module, layer)
    if len(layers) != sum(1 for _ in network.named_modules(remove_duplicate=False)):
        raise Refused("it has layers that its description does not say")


def _exchanged(network: nn.Module, name: str, module: nn.Module, layer: Layer) -> nn.Module:
    """Put another activation in the place of one: ultralytics has changed a few over its versions."""
    if type(module).__name__ not in ACTIVATIONS or layer.kind not in ACTIVATIONS:
        raise Refused(f"its layer {name} is a {layer.kind[:64]} where its description says {type(module).__name__}")
    above, _, last = name.rpartition(".")
    slope = layer.settings.get("negative_slope")
    made: nn.Module = activation(f"nn.{layer.kind}({slope})" if isinstance(slope, float) else f"nn.{layer.kind}()")
    setattr(network.get_submodule(above), last, made)
    return made


def _settle(name: str, module: nn.Module, layer: Layer) -> None:
    for key, value in layer.settings.items():
        if key in TAKEN:
            if (key == "_end2end" and isinstance(value, bool)) or (
                key in module.__dict__ and type(value) is float and 0 < value < 1
            ):
                setattr(module, key, value)
            continue
        built = module.__dict__.get(key, value)
        if key in SAME and not hasattr(built, "shape") and _alike(built) != _alike(value):
            raise Refused(f"its layer {name} has {key} {str(value)[:40]} where its description says {str(built)[:40]}")


def _alike(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _fill(network: nn.Module, weights: dict[str, torch.Tensor]) -> None:
    expected = network.state_dict()
    for name in expected.keys() ^ weights.keys():
        raise Refused(f"its weights {'lack' if name in expected else 'have'} {name[:100]!r}, unlike its description")
    for name, empty in expected.items():
        value = weights[name]
        if value.shape != empty.shape or value.is_floating_point() != empty.is_floating_point():
            raise Refused(f"its weight {name} is {tuple(value.shape)} where its description says {tuple(empty.shape)}")
    # a copy each: two layers may share their numbers in a file, and what is trained must not
    filled = {name: value.detach().to(expected[name].dtype, copy=True) for name, value in weights.items()}
    network.load_state_dict(filled, strict=True, assign=True)


def _strides(network: Any, stored: StoredNetwork) -> torch.Tensor:
    """Return the strides that a file says, or find them out as ultralytics does."""
    import torch

    head = network.model[-1]
    if stored.stride:
        if len(stored.stride) != head.nl:
            raise Refused(f"it has {len(stored.stride)} strides for {head.nl} levels")
        return torch.tensor(stored.stride)
    side, heard = 256, []
    hook = head.register_forward_pre_hook(lambda _, given: heard.extend(given[0]))
    try:
        network.eval()
        head.stride = torch.ones(head.nl)
        with torch.inference_mode(), _told():
            network(torch.zeros(1, stored.description["channels"], side, side))
    finally:
        hook.remove()
    return torch.tensor([side / level.shape[-2] for level in heard])
