"""Checkpoints, ``.pt``, that want something to run, or to take time and memory without end."""

from __future__ import annotations

import builtins
import functools
import importlib
import io
import operator
import os
import pickle
import struct
import subprocess
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import torch

from hostile.case import hostile

SHELL = "touch ran"
CODE = "open('ran', 'w').close()"
IMPORT = "__import__('os').system('touch ran')"

DOORS = ("model", "base", "export", "convert")
ONE = ("model",)
"""For files that take a second to be refused."""


class Call:
    """Pickled, it is a call."""

    def __init__(self, function: Callable[..., Any], *args: Any, state: Any = None) -> None:
        self._parts = (function, args) if state is None else (function, args, state)

    def __reduce__(self) -> tuple[Any, ...]:
        return self._parts


@cache
def _network() -> Any:
    """Return a YOLOv8 segmentation network that is small and innocent."""
    from napari_fastsam.model.network.build import new
    from napari_fastsam.model.network.description import read_description

    description = read_description("yolov8n-seg.yaml")
    description["scales"] = {"n": [0.33, 0.0625, 256]}
    network = new(description, classes=1)
    network.nc, network.args = 1, {}
    return network.eval()


def innocent(folder: Path, change: Callable[[Any], None] = lambda network: None, **more: Any) -> Path:
    """Write a checkpoint as ultralytics does, after a change to its network."""
    network = deepcopy(_network())
    change(network)
    path = folder / "model.pt"
    torch.save({"model": network, "ema": None, "epoch": -1, "train_args": {"imgsz": 64}, **more}, path)
    return path


def saved(folder: Path, content: Any, **options: Any) -> Path:
    path = folder / "model.pt"
    torch.save(content, path, **options)
    return path


def zipped(folder: Path, pickled: bytes, **entries: bytes) -> Path:
    """Write an archive as torch does, with a pickle of one's own."""
    path = folder / "model.pt"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name, content in {"data.pkl": pickled, "version": b"3\n", "byteorder": b"little", **entries}.items():
            archive.writestr(f"archive/{name}", content)
    return path


def text(value: str) -> bytes:
    """Return the instruction that pushes text."""
    raw = value.encode()
    return b"X" + struct.pack("<I", len(raw)) + raw


def number(value: int) -> bytes:
    """Return the instruction that pushes a number."""
    raw = value.to_bytes(value.bit_length() // 8 + 1, "little", signed=True)
    return b"\x8a" + bytes([len(raw)]) + raw


# calls


@hostile(*DOORS, refused="posix.system|nt.system", trips=True)
def _a_shell_command(folder: Path) -> Path:
    return saved(folder, {"model": Call(os.system, SHELL)})


@hostile(*DOORS, refused="posix.system|nt.system", trips=True)
def _a_shell_command_beside_a_network(folder: Path) -> Path:
    return innocent(folder, train_results=[{"x": Call(os.system, SHELL)}])


@hostile(*DOORS, refused="Popen", trips=True)
def _a_child(folder: Path) -> Path:
    return saved(folder, {"ema": Call(subprocess.Popen, ["touch", "ran"])})


@hostile(*DOORS, refused="builtins.eval", trips=True)
def _eval(folder: Path) -> Path:
    return saved(folder, {"model": Call(eval, CODE)}, pickle_protocol=4)


@hostile(*DOORS, refused="builtins.exec", trips=True)
def _exec(folder: Path) -> Path:
    return saved(folder, {"model": Call(exec, CODE)}, pickle_protocol=4)


@hostile(*DOORS, refused="open", trips=True)
def _a_file_opened_for_writing(folder: Path) -> Path:
    return saved(folder, {"model": [Call(builtins.open, "ran", "w")]}, pickle_protocol=4)


@hostile(*DOORS, refused="calls what is no name", trips=True)
def _a_chain_of_getattr(folder: Path) -> Path:
    # getattr(getattr(parse_model, "__globals__"), "get")("__builtins__"), and on to open: names of ultralytics only
    chain = b"\x80\x02cbuiltins\ngetattr\n" + b"cbuiltins\ngetattr\ncultralytics.nn.tasks\nparse_model\n"
    chain += text("__globals__") + b"\x86R" + text("get") + b"\x86R" + text("__builtins__") + b"\x85R."
    begin, end = chain[:-1], b""
    open_ = b"cbuiltins\ngetattr\n" + begin[2:] + text("get") + b"\x86R" + text("open") + b"\x85R"
    end = text("ran") + text("w") + b"\x86R."
    return zipped(folder, b"\x80\x02" + open_ + end)


@hostile(*DOORS, refused="functools.partial", trips=False)
def _a_partial_function(folder: Path) -> Path:
    return innocent(folder, lambda network: network.__dict__.update(float=functools.partial(os.system, SHELL)))


@hostile(*DOORS, refused="operator.attrgetter")
def _an_attrgetter(folder: Path) -> Path:
    return saved(folder, {"model": Call(operator.attrgetter, "system")})


@hostile(*DOORS, refused="operator.methodcaller")
def _a_methodcaller(folder: Path) -> Path:
    return saved(folder, {"model": Call(operator.methodcaller, "system", SHELL)})


@hostile(*DOORS, refused="importlib.import_module", trips=True)
def _an_import(folder: Path) -> Path:
    return saved(folder, {"model": Call(importlib.import_module, "this")})


@hostile(*DOORS, refused="torch.hub", trips=False)
def _a_download_by_torch_hub(folder: Path) -> Path:
    return saved(folder, {"model": Call(torch.hub.load_state_dict_from_url, "http://127.0.0.1:9/weights.pt")})


@hostile(*DOORS, refused="torch.serialization.load", trips=True)
def _another_file_loaded(folder: Path) -> Path:
    torch.save({"model": Call(os.system, SHELL)}, folder / "bait.pt")
    return zipped(folder, b"\x80\x02ctorch.serialization\nload\n" + text(str(folder / "bait.pt")) + b"\x85R.")


@hostile(*DOORS, refused="DistillationModel")
def _a_distillation_model_that_loads_its_teacher(folder: Path) -> Path:
    torch.save({"model": Call(os.system, SHELL)}, folder / "bait.pt")
    name = b"cultralytics.nn.distill_model\nDistillationModel\n"
    return zipped(folder, b"\x80\x02}" + text("model") + name + text(str(folder / "bait.pt")) + b"\x85Rs.")


@hostile(*DOORS, refused="DistillationModel")
def _a_distillation_model_by_newobj(folder: Path) -> Path:
    name = b"cultralytics.nn.distill_model\nDistillationModel\n"
    return zipped(folder, b"\x80\x02}" + text("model") + name + text("bait.pt") + b"\x85\x81s.")


@hostile(*DOORS, refused="TorchVision")
def _a_layer_that_asks_for_a_download(folder: Path) -> Path:
    name = b"cultralytics.nn.modules.block\nTorchVision\n"
    return zipped(folder, b"\x80\x02}" + text("model") + name + text("resnet18") + text("DEFAULT") + b"\x86Rs.")


@hostile(*DOORS, refused="load_checkpoint")
def _a_loader_of_ultralytics(folder: Path) -> Path:
    torch.save({"model": Call(os.system, SHELL)}, folder / "bait.pt")
    name = b"cultralytics.nn.tasks\nload_checkpoint\n"
    return zipped(folder, b"\x80\x02}" + text("model") + name + text(str(folder / "bait.pt")) + b"\x85Rs.")


@hostile(*DOORS, refused="copyreg|copy_reg")
def _a_class_made_past_its_constructor(folder: Path) -> Path:
    return zipped(folder, b"\x80\x02ccopyreg\n_reconstructor\nctypes\nFunctionType\nc__builtin__\nobject\nN\x87R.")


@hostile(*DOORS, refused="_rebuild_from_type_v2")
def _a_tensor_of_a_type_that_sets_state(folder: Path) -> Path:
    call = b"ctorch._tensor\n_rebuild_from_type_v2\ncos\nsystem\nctorch\nTensor\n(" + text(SHELL) + b"t}(tR"
    return zipped(folder, b"\x80\x02" + call + b".")


@hostile(*DOORS, name="a number of numpy that is an object")
def _numpy_object(folder: Path) -> Path:
    dtype = b"cnumpy\ndtype\n" + text("O8") + b"\x89\x88\x87R"
    evil = pickle.dumps(Call(os.system, SHELL))
    scalar = b"cnumpy.core.multiarray\nscalar\n" + dtype + b"B" + struct.pack("<I", len(evil)) + evil + b"\x86R"
    return zipped(folder, b"\x80\x02}" + text("train_metrics") + scalar + b"s.")


# attributes


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


# other ways to write a pickle


@hostile(*DOORS, refused="posix.system|nt.system", trips=True)
def _an_old_file_of_torch(folder: Path) -> Path:
    return saved(folder, {"model": Call(os.system, SHELL)}, _use_new_zipfile_serialization=False)


@hostile(*DOORS, refused="not loaded")
def _a_bare_pickle(folder: Path) -> Path:
    path = folder / "model.pt"
    path.write_bytes(pickle.dumps(Call(os.system, SHELL)))
    return path


@hostile(*DOORS, refused="not loaded")
def _a_tar_of_torch(folder: Path) -> Path:
    path = folder / "model.pt"
    evil = pickle.dumps(Call(os.system, SHELL), 2)
    with tarfile.open(path, "w") as archive:
        for name in ("storages", "tensors", "pickle"):
            entry = tarfile.TarInfo(name)
            entry.size = len(evil)
            archive.addfile(entry, io.BytesIO(evil))
    return path


@hostile(*DOORS, refused="posix.system", trips=True)
def _the_instruction_inst(folder: Path) -> Path:
    return zipped(folder, b"(" + b"S'touch ran'\n".replace(b"S'touch ran'\n", text(SHELL)) + b"iposix\nsystem\n.")


@hostile(*DOORS, refused="posix.system", trips=True)
def _the_instruction_obj(folder: Path) -> Path:
    return zipped(folder, b"(cposix\nsystem\n" + text(SHELL) + b"o.")


@hostile(*DOORS, refused="EXT1")
def _the_instruction_ext(folder: Path) -> Path:
    return zipped(folder, b"\x80\x02\x82\x01)R.")


@hostile(*DOORS, refused="instruction|damaged")
def _text_instructions(folder: Path) -> Path:
    return zipped(folder, pickle.dumps(Call(os.system, SHELL), 0).replace(b"cposix", b"I1\n0cposix"))


@hostile(*DOORS, refused="hub.load")
def _a_name_with_dots(folder: Path) -> Path:
    names = text("ultralytics.nn.tasks") + text("torch.hub.load") + b"\x93"
    return zipped(folder, b"\x80\x04" + names + text("o/r") + text("m") + b"\x86R.")


@hostile(*DOORS, refused="named arguments")
def _named_arguments(folder: Path) -> Path:
    name = b"cultralytics.nn.tasks\nSegmentationModel\n)}" + text("cfg") + text("bait.yaml") + b"s\x92"
    return zipped(folder, b"\x80\x04" + name + b".")


@hostile(*DOORS, refused="outside of itself")
def _a_persistent_id_that_names_a_module(folder: Path) -> Path:
    pid = b"(" + text("module") + b"cultralytics.nn.tasks\nSegmentationModel\n" + text("bait.py") + text(CODE) + b"tQ"
    return zipped(folder, b"\x80\x02" + pid + b".")


@hostile(*DOORS, refused="PERSID")
def _a_persistent_id_as_text(folder: Path) -> Path:
    return zipped(folder, b"Pbait\n.")


def _storage(key: str = "0", count: int = 4, kind: bytes = b"FloatStorage") -> bytes:
    name = b"ctorch\n" + kind + b"\n"
    return b"(" + text("storage") + name + text(key) + text("cpu") + number(count) + b"tQ"


def _tensor(size: tuple[int, ...], stride: tuple[int, ...], offset: int = 0, **storage: Any) -> bytes:
    shape, steps = (b"(" + b"".join(number(v) for v in values) + b"t" for values in (size, stride))
    made = b"ctorch._utils\n_rebuild_tensor_v2\n(" + _storage(**storage) + number(offset) + shape + steps
    return made + b"\x89}tR"


def _with_tensor(folder: Path, tensor: bytes) -> Path:
    return zipped(folder, b"\x80\x02}" + text("model") + tensor + b"s.", **{"data/0": bytes(16)})


@hostile(*DOORS, refused="does not hold")
def _numbers_from_another_file(folder: Path) -> Path:
    return _with_tensor(folder, _tensor((4,), (1,), key="../../bait"))


@hostile(*DOORS, refused="claims")
def _a_tensor_that_claims_more_than_there_is(folder: Path) -> Path:
    return _with_tensor(folder, _tensor((10**10,), (1,)))


@hostile(*DOORS, refused="claims")
def _a_tensor_that_repeats_a_number_without_end(folder: Path) -> Path:
    return _with_tensor(folder, _tensor((10**6, 10**6), (0, 0)))


@hostile(*DOORS, refused="shape")
def _a_tensor_that_begins_before_its_numbers(folder: Path) -> Path:
    return _with_tensor(folder, _tensor((4,), (1,), offset=-(1 << 20)))


@hostile(*DOORS, refused="shape")
def _a_tensor_that_steps_backwards(folder: Path) -> Path:
    return _with_tensor(folder, _tensor((4,), (-1,)))


@hostile(*DOORS, refused="claims")
def _numbers_that_claim_ten_gigabytes(folder: Path) -> Path:
    return _with_tensor(folder, _tensor((4,), (1,), count=10 << 30))


# time and memory


@hostile(*DOORS, refused="unpacks to")
def _ten_gigabytes_of_zeros(folder: Path) -> Path:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = packer.compress(bytes(1 << 20)) + packer.flush(zlib.Z_FULL_FLUSH)
    packed = block * (10 << 10) + zlib.compressobj(9, zlib.DEFLATED, -15).flush()
    path = folder / "model.pt"
    name, unpacked = b"archive/data.pkl", 0xFFFFFFF0
    sizes = struct.pack("<III", 0, len(packed), unpacked)
    with path.open("wb") as file:
        central = b""
        for part in (name, b"archive/data/0", b"archive/data/1"):
            start = file.tell()
            file.write(b"PK\x03\x04" + struct.pack("<HHHHH", 20, 0, 8, 0, 33) + sizes)
            file.write(struct.pack("<HH", len(part), 0) + part + packed)
            central += b"PK\x01\x02" + struct.pack("<HHHHHH", 20, 20, 0, 8, 0, 33) + sizes
            central += struct.pack("<HHHHHII", len(part), 0, 0, 0, 0, 0, start) + part
        start = file.tell()
        file.write(central + b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, 3, 3, len(central), start, 0))
    return path


@hostile(*DOORS, refused="unpacks to|two entries")
def _entries_that_share_their_bytes(folder: Path) -> Path:
    path, content = folder / "model.pt", bytes(1 << 20)
    with path.open("wb") as file:
        name = b"archive/data.pkl"
        sizes = struct.pack("<III", zlib.crc32(content), len(content), len(content))
        file.write(b"PK\x03\x04" + struct.pack("<HHHHH", 20, 0, 0, 0, 33) + sizes)
        file.write(struct.pack("<HH", len(name), 0) + name + content)
        start, central = file.tell(), b""
        for i in range(10_000):
            name = f"archive/data/{i}".encode()
            central += b"PK\x01\x02" + struct.pack("<HHHHHH", 20, 20, 0, 0, 0, 33) + sizes
            central += struct.pack("<HHHHHII", len(name), 0, 0, 0, 0, 0, 0) + name
        file.write(central + b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, 10_000, 10_000, len(central), start, 0))
    return path


@hostile(*DOORS, refused="far more than a model")
def _a_list_of_a_million_entries(folder: Path) -> Path:
    path = folder / "model.pt"
    entry = b"PK\x01\x02" + bytes(42)
    central = entry * 400_000
    end = struct.pack("<HHHHIIH", 0, 0, 0xFFFF, 0xFFFF, len(central), 4, 0)
    path.write_bytes(b"PK\x03\x04" + central + b"PK\x05\x06" + end)
    return path


@hostile(*DOORS, refused="two entries")
def _an_entry_twice(folder: Path) -> Path:
    path = innocent(folder)
    with zipfile.ZipFile(path, "a") as archive:
        name = next(n for n in archive.namelist() if n.endswith("data.pkl"))
        evil = io.BytesIO()
        torch.save({"model": Call(os.system, SHELL)}, evil)
        with zipfile.ZipFile(evil) as other:
            content = other.read(next(n for n in other.namelist() if n.endswith("data.pkl")))
        archive.fp.seek(0, 2)
        archive.filelist, archive.NameToInfo = list(archive.filelist), {}
        archive.writestr(name, content)
    return path


@hostile(*DOORS, refused="leads out")
def _an_entry_outside_of_its_folder(folder: Path) -> Path:
    return zipped(folder, pickle.dumps({}, 2), **{"../../ran": b"x"})


@hostile(*DOORS, refused="encrypted")
def _an_encrypted_entry(folder: Path) -> Path:
    path = zipped(folder, pickle.dumps({}, 2))
    raw = bytearray(path.read_bytes())
    for mark, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        raw[raw.index(mark) + at] |= 1
    path.write_bytes(raw)
    return path


@hostile(*DOORS, name="an archive within an archive")
def _nested(folder: Path) -> Path:
    evil = io.BytesIO()
    torch.save({"model": Call(os.system, SHELL)}, evil)
    return zipped(folder, pickle.dumps({"model": None}, 2), **{"data/inner.pt": evil.getvalue()})


@hostile(*DOORS, refused="not an archive of torch")
def _two_pickles_to_choose_from(folder: Path) -> Path:
    path = zipped(folder, pickle.dumps({}, 2))
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("other/data.pkl", pickle.dumps(Call(os.system, SHELL), 2))
    return path


@hostile(*ONE, refused="far more than a checkpoint")
def _a_pickle_of_a_hundred_megabytes(folder: Path) -> Path:
    return zipped(folder, b"\x80\x02" + b"N0" * (50 << 20) + b"N.")


@hostile(*ONE, refused="instructions")
def _a_pickle_of_many_small_steps(folder: Path) -> Path:
    return zipped(folder, b"\x80\x02" + b"N0" * (10 << 20) + b"N.")


@hostile(*ONE, refused="instructions")
def _a_set_made_again_and_again(folder: Path) -> Path:
    values = b"](" + b"".join(b"M" + struct.pack("<H", i) for i in range(60_000)) + b"eq\x00"
    return zipped(folder, b"\x80\x02" + values + b"0" + b"cbuiltins\nset\nh\x00\x85R0" * 50_000 + b"N.")


@hostile(*DOORS, refused="not loaded")
def _a_key_that_takes_forever_to_hash(folder: Path) -> Path:
    return zipped(folder, b"\x80\x02}" + b"K\x01\x85" + b"2\x86" * 60 + b"Ns.")


@hostile(*ONE, refused="not loaded")
def _lists_a_million_deep(folder: Path) -> Path:
    return zipped(folder, b"\x80\x02}" + text("model") + b"]" * 10**6 + b"a" * (10**6 - 1) + b"s.")


@hostile(*DOORS, refused="LONG4|damaged|bytes")
def _an_integer_of_a_million_bytes(folder: Path) -> Path:
    return zipped(folder, b"\x80\x02\x8b" + struct.pack("<i", 10**6) + b"\x7f" * 10**6 + b".")


@hostile(*DOORS, refused="damaged")
def _text_longer_than_the_file(folder: Path) -> Path:
    return zipped(folder, b"\x80\x04\x8d" + struct.pack("<Q", 1 << 62) + b"x.")


# programs


@hostile(*DOORS, refused="not loaded|is a CLIP", name="a TorchScript archive that writes a file as it is opened")
def _torchscript(folder: Path) -> Path:
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        module = torch.jit.script(_Writes())
        path = folder / "model.pt"
        module.save(str(path))
    return path


class _Writes(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.numbers = torch.zeros(2)

    @torch.jit.export
    def __getstate__(self):
        return (self.numbers, self.training)

    @torch.jit.export
    def __setstate__(self, state: tuple[torch.Tensor, bool]):
        self.numbers = state[0]
        self.training = state[1]
        torch.ops.aten.save(self.numbers, "ran")

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x
