"""Checkpoints whose network is not what it says: other methods, hooks, code in its description."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

from hostile.case import hostile
from hostile.making import DOORS, IMPORT, innocent, text, zipped


def _setting(name: str, value: Any) -> Callable[[Any], None]:
    return lambda network: network.__dict__.update({name: value})


def _tasks() -> Any:
    from ultralytics.nn import tasks

    return tasks


@hostile(*DOORS, refused="brings 'float'")
def _a_network_whose_float_is_another_function(folder: Path) -> Path:
    return innocent(folder, _setting("float", _tasks().parse_model))


@hostile(*DOORS, refused="activation")
def _a_network_whose_float_builds_another_from_code(folder: Path) -> Path:
    def change(network: Any) -> None:
        network.__dict__["float"] = _tasks().SegmentationModel
        network.yaml["activation"] = IMPORT

    return innocent(folder, change)


@hostile(*DOORS, refused="brings 'fuse'")
def _a_network_whose_fuse_is_another_function(folder: Path) -> Path:
    return innocent(folder, _setting("fuse", _tasks().load_checkpoint))


@hostile(*DOORS, refused="brings 'forward'")
def _a_network_whose_forward_is_another_function(folder: Path) -> Path:
    return innocent(folder, _setting("forward", _tasks().yaml_model_load))


@hostile(*DOORS, refused="brings 'forward'")
def _a_layer_whose_forward_is_another_function(folder: Path) -> Path:
    return innocent(folder, lambda network: _setting("forward", _tasks().load_checkpoint)(network.model[3].conv))


@hostile(*DOORS, refused="brings '__setstate__'|brings '__class__'")
def _attributes_that_python_calls(folder: Path) -> Path:
    def change(network: Any) -> None:
        network.__dict__["__setstate__"] = _tasks().load_checkpoint
        network.__dict__["__class__"] = _tasks().Ensemble

    return innocent(folder, change)


@hostile(*DOORS, refused="_forward_hooks")
def _a_hook_behind_a_layer(folder: Path) -> Path:
    return innocent(folder, lambda network: network.model[0]._forward_hooks.update({0: _tasks().load_checkpoint}))


@hostile(*DOORS, refused="_forward_pre_hooks")
def _a_hook_before_the_network(folder: Path) -> Path:
    return innocent(folder, lambda network: network._forward_pre_hooks.update({0: _tasks().load_checkpoint}))


@hostile(*DOORS, refused="_load_state_dict_pre_hooks")
def _a_hook_on_filling_the_network(folder: Path) -> Path:
    def change(network: Any) -> None:
        network._load_state_dict_pre_hooks[0] = _tasks().load_checkpoint

    return innocent(folder, change)


@hostile(*DOORS, refused="sets attributes")
def _attributes_of_a_function_of_torch(folder: Path) -> Path:
    state = b"}" + text("__defaults__") + b"K\x01s"
    return zipped(folder, b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\nN" + state + b"\x86b.")


@hostile(*DOORS, name="an ordered dictionary with methods of its own")
def _dictionary_with_methods(folder: Path) -> Path:
    made = b"ccollections\nOrderedDict\n)R}" + text("items") + b"cultralytics.nn.tasks\nload_checkpoint\nsb"
    return zipped(folder, b"\x80\x02}" + text("model") + made + b"s.")


@hostile(*DOORS, refused="is a nn.modules|its layer|parts that|brings|SiLU|disagree")
def _a_layer_of_another_kind(folder: Path) -> Path:
    def change(network: Any) -> None:
        network.model[0].conv = _tasks().Ensemble()

    return innocent(folder, change)


@hostile(*DOORS, refused="within themselves|too deep")
def _a_layer_within_itself(folder: Path) -> Path:
    def change(network: Any) -> None:
        network.model[0]._modules["again"] = network.model[0]

    return innocent(folder, change)


@hostile(*DOORS, refused="its layer .* has padding")
def _a_convolution_that_pads_without_end(folder: Path) -> Path:
    return innocent(folder, lambda network: setattr(network.model[0].conv, "padding", (10**6, 10**6)))


# descriptions within


def _describing(change: Callable[[dict[str, Any]], Any]) -> Callable[[Any], None]:
    def apply(network: Any) -> None:
        network.yaml = deepcopy(network.yaml)
        change(network.yaml)

    return apply


@hostile(*DOORS, refused="activation")
def _an_activation_that_is_code(folder: Path) -> Path:
    return innocent(folder, _describing(lambda d: d.update(activation=IMPORT)))


@hostile(*DOORS, refused="activation")
def _an_activation_that_only_looks_like_one(folder: Path) -> Path:
    return innocent(folder, _describing(lambda d: d.update(activation=f"nn.SiLU({IMPORT})")))


@hostile(*DOORS, refused="argument")
def _an_argument_that_is_code(folder: Path) -> Path:
    return innocent(folder, _describing(lambda d: d["backbone"][0].__setitem__(3, [IMPORT, 3, 2])))


@hostile(*DOORS, refused="is the layer")
def _a_layer_that_is_a_function(folder: Path) -> Path:
    return innocent(folder, _describing(lambda d: d["backbone"][0].__setitem__(2, "yaml_model_load")))


@hostile(*DOORS, refused="is the layer")
def _a_layer_of_torchvision(folder: Path) -> Path:
    return innocent(folder, _describing(lambda d: d["backbone"][0].__setitem__(2, "torchvision.ops.nms")))


@hostile(*DOORS, refused="expected a whole number")
def _a_description_with_a_billion_classes(folder: Path) -> Path:
    return innocent(folder, _describing(lambda d: d.update(nc=10**9)))


@hostile(*DOORS, refused="expected a number above 0, 16 at most|expected a whole number")
def _a_description_of_endless_width(folder: Path) -> Path:
    return innocent(folder, _describing(lambda d: d.update(scales={"n": [1e6, 1e6, 65536]})))
