"""Pickles read by an interpreter that calls nothing: plain values are what they were, and nothing else happens."""

from __future__ import annotations

import contextlib
import pickle
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_fastsam.model.files.pickle_values import Name, PickledObject, RefusedError, UnreadableError
from napari_fastsam.model.files.pickles import Interpreter
from napari_fastsam.model.files.tensors import CONSTRUCTORS, read_torch

_KEYS = st.text(max_size=5) | st.integers(-(1 << 70), 1 << 70)
_LEAVES = _KEYS | st.none() | st.booleans() | st.floats(allow_nan=False) | st.binary(max_size=5)
_VALUES = st.recursive(
    _LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_KEYS, inner, max_size=4) | st.tuples(inner, inner),
    max_leaves=12,
)


@given(value=_VALUES | st.sets(_KEYS) | st.frozensets(_KEYS), protocol=st.sampled_from([2, 3, 4, 5]))
def test_plain_values_are_what_they_were(value: Any, protocol: int) -> None:
    found = Interpreter(pickle.dumps(value, protocol), CONSTRUCTORS).run()
    assert found == value
    assert type(found) is type(value) or isinstance(value, frozenset)


def test_bytes_are_not_made_by_number() -> None:
    assert Interpreter(pickle.dumps(b"", 2), CONSTRUCTORS).run() == b""
    with pytest.raises(UnreadableError, match="makes bytes of something else"):
        Interpreter(b"\x80\x02c__builtin__\nbytes\nJ\x00\x00\x00\x7f\x85R.", CONSTRUCTORS).run()


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "before 1.6"])
@pytest.mark.parametrize(
    "dtype",
    [torch.float32, torch.float64, torch.float16, torch.bfloat16, torch.int64, torch.int32, torch.uint8, torch.bool],
    ids=str,
)
def test_tensors_of_every_kind(dtype: torch.dtype, zipped: bool, tmp_path: Path) -> None:
    numbers = torch.arange(24).reshape(4, 6).to(dtype)
    content = OrderedDict(
        whole=numbers, turned=numbers.t(), part=numbers[1:, ::2], one=numbers[2, 3], none=numbers[:0],
        again=numbers, parameter=torch.nn.Parameter(numbers, requires_grad=False),
    )  # fmt: skip
    torch.save(content, tmp_path / "a.pt", _use_new_zipfile_serialization=zipped)
    found = read_torch(tmp_path / "a.pt")
    assert list(found) == list(content)
    for name, tensor in content.items():
        assert found[name].dtype == tensor.dtype
        assert torch.equal(found[name], tensor.detach()), name
    assert found["whole"].data_ptr() == found["again"].data_ptr(), "what was shared still is"


def test_numbers_of_numpy_are_plain_ones(tmp_path: Path) -> None:
    torch.save({"a": np.float64(0.5), "b": np.int32(-3), "c": np.bool_(True)}, tmp_path / "a.pt")
    assert read_torch(tmp_path / "a.pt") == {"a": 0.5, "b": -3, "c": True}


def test_objects_are_records_of_their_names_and_states(tmp_path: Path) -> None:
    torch.save(torch.nn.Linear(2, 1), tmp_path / "a.pt")
    with pytest.raises(RefusedError, match=r"names 'torch\.nn\.modules\.linear\.Linear'") as caught:
        read_torch(tmp_path / "a.pt")
    assert caught.value.name == "torch.nn.modules.linear.Linear"
    found = read_torch(tmp_path / "a.pt", ("torch.nn.modules",))
    assert isinstance(found, PickledObject)
    assert found.name == Name("torch.nn.modules.linear", "Linear")
    assert found.state["in_features"] == 2
    assert found.state["_parameters"]["weight"].shape == (1, 2)


def test_a_prefix_is_of_whole_names(tmp_path: Path) -> None:
    torch.save(torch.nn.Linear(2, 1), tmp_path / "a.pt")
    with pytest.raises(RefusedError):
        read_torch(tmp_path / "a.pt", ("torch.nn.mod", "torch.nn.modules.linear.Lin"))


@pytest.fixture(scope="module")
def pickled(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, bytes]:
    """A small checkpoint's file and its pickle."""
    path = tmp_path_factory.mktemp("pickled") / "a.pt"
    layer = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.SiLU())
    torch.save({"model": layer, "names": {0: "a"}, "epochs": [1, 2.5, None], "numbers": (1, 2, 3, 4)}, path)
    with zipfile.ZipFile(path) as archive:
        return path, archive.read(next(n for n in archive.namelist() if n.endswith("data.pkl")))


@settings(max_examples=300)
@given(data=st.data())
def test_a_damaged_file_is_told_and_does_nothing_else(
    data: st.DataObject, pickled: tuple[Path, bytes], tmp_path_factory: pytest.TempPathFactory
) -> None:
    source, good = pickled
    bad = bytearray(good)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(bad) - 1))
        bad[at] = data.draw(st.integers(0, 255))
    path = source.with_name("bad.pt")
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(path, "w") as new:
        for name in old.namelist():
            new.writestr(name, bytes(bad) if name.endswith("data.pkl") else old.read(name))
    with contextlib.suppress(UnreadableError):
        read_torch(path, None)


def test_a_compressed_entry_that_is_damaged(tmp_path: Path) -> None:
    """Found by a campaign: zlib has an error of its own."""
    good, bad = tmp_path / "good.pt", tmp_path / "bad.pt"
    torch.save({"a": torch.arange(1000.0)}, good)
    with zipfile.ZipFile(good) as old, zipfile.ZipFile(bad, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, old.read(name))
        place = next(entry.header_offset for entry in new.infolist() if entry.filename.endswith("data.pkl"))
    content = bytearray(bad.read_bytes())
    start = place + 30 + int.from_bytes(content[place + 26 : place + 28], "little")
    content[start : start + 20] = b"\xff" * 20
    bad.write_bytes(content)
    with pytest.raises(UnreadableError, match="is damaged"):
        read_torch(bad)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.999])
def test_an_old_file_that_is_cut_off(share: float, tmp_path: Path) -> None:
    path = tmp_path / "a.pt"
    torch.save({"a": torch.arange(1000.0)}, path, _use_new_zipfile_serialization=False)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    with pytest.raises(UnreadableError):
        read_torch(path)


def test_a_folder_and_a_file_that_is_not_there(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none.pt"):
        with pytest.raises(UnreadableError, match="cannot be read"):
            read_torch(path)
