"""Old and odd kinds of checkpoints, rare instructions of pickle, archives that are not what they seem."""

from __future__ import annotations

import io
import os
import pickle
import tarfile
import zipfile
from pathlib import Path

import torch

from hostile.case import hostile
from hostile.making import CODE, DOORS, SHELL, Call, innocent, saved, text, zipped


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
