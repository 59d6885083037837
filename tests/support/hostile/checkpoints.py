"""Checkpoints, ``.pt``, that want something to run."""

from __future__ import annotations

import builtins
import functools
import importlib
import operator
import os
import pickle
import struct
import subprocess
from pathlib import Path

import torch

from hostile.case import hostile
from hostile.making import CODE, DOORS, SHELL, Call, innocent, saved, text, zipped


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
